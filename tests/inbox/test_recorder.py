"""The recorder: every delivery is one row, committed before it is answered, whatever the database does."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import database
from ghsync.database import transaction
from ghsync.errors import DatabaseUnavailable
from ghsync.inbox import queue
from ghsync.inbox.delivery import Delivery
from ghsync.inbox.recorder import GROUP_BYTES, GROUP_COUNT, Recorder
from tests.relay import Relay

pytestmark = pytest.mark.anyio

Connection = psycopg.Connection[Any]

DELIVERY = Delivery(
    hook_target="integration:1",
    guid="72d3162e-cc78-11e3-81ab-4c9367dc0958",
    event="issues",
    action="opened",
    repository="octocat/Hello-World",
    installation_id="234",
    headers={"x-github-event": "issues", "x-odd": 'caf\u00e9 "\\'},
    body=b'{"action": "opened"} \x00\xff',
)


def numbered(count: int, *, body: bytes = b"{}") -> list[Delivery]:
    return [replace(DELIVERY, guid=f"guid-{number}", body=body) for number in range(count)]


def rows(connection: Connection) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute("SELECT * FROM webhook_deliveries ORDER BY id").fetchall()


def commits(connection: Connection) -> list[int]:
    """How many deliveries each commit wrote, the first one first."""
    return [
        count
        for (count,) in connection.execute(
            "SELECT count(*) FROM webhook_deliveries GROUP BY xmin::text ORDER BY min(id)"
        )
    ]


async def until_blocked(connection: Connection) -> None:
    """Return when a statement waits for a lock."""
    waiting = "SELECT FROM pg_locks WHERE NOT granted AND relation = 'webhook_deliveries'::regclass"
    while not connection.execute(waiting).fetchall():  # noqa: ASYNC110 (PostgreSQL tells nobody)
        await asyncio.sleep(0.005)


@pytest.fixture
def recorder(engine: AsyncEngine) -> Recorder:
    return Recorder(engine, timeout_seconds=5)


async def test_a_delivery_is_committed_before_it_is_answered(recorder: Recorder, connection: Connection) -> None:
    assert await recorder.record(DELIVERY) == "queued"
    (row,) = rows(connection)
    assert row["processed_at"] is None
    assert row | vars_of(DELIVERY) == row
    assert (row["status"], row["attempts"]) == ("pending", 0)
    assert row["received_at"] == row["next_attempt_at"]


def vars_of(delivery: Delivery) -> dict[str, Any]:
    columns = ("hook_target", "guid", "event", "action", "repository", "installation_id", "headers", "body")
    return {column: getattr(delivery, column) for column in columns}


async def test_what_a_delivery_does_not_say_is_null(recorder: Recorder, connection: Connection) -> None:
    await recorder.record(replace(DELIVERY, action=None, repository=None, installation_id=None))
    (row,) = rows(connection)
    assert (row["action"], row["repository"], row["installation_id"]) == (None, None, None)


async def test_a_time_of_arrival_that_is_known_is_kept(recorder: Recorder, connection: Connection) -> None:
    arrived = datetime(2024, 2, 29, 12, 0, 0, 123456, UTC)
    await recorder.record(replace(DELIVERY, received_at=arrived))
    assert rows(connection)[0]["received_at"] == arrived


@pytest.mark.parametrize("door", ["webhook", "replay"])
async def test_the_door_it_came_through_is_kept(recorder: Recorder, connection: Connection, door: str) -> None:
    await recorder.record(replace(DELIVERY, sync_source=door))
    assert rows(connection)[0]["sync_source"] == door


async def test_an_ignored_delivery_is_kept_and_done(recorder: Recorder, connection: Connection) -> None:
    assert await recorder.record(replace(DELIVERY, ignored=True)) == "ignored"
    (row,) = rows(connection)
    assert row["status"] == "ignored"
    assert row["processed_at"] == row["received_at"]


async def test_a_repeat_is_a_duplicate_and_changes_nothing(recorder: Recorder, connection: Connection) -> None:
    await recorder.record(DELIVERY)
    before = rows(connection)
    assert await recorder.record(replace(DELIVERY, body=b"another", ignored=True)) == "duplicate"
    assert rows(connection) == before


async def test_a_repeat_of_what_a_worker_has_in_hand_is_told_at_once_and_holds_up_nobody(
    recorder: Recorder, engine: AsyncEngine
) -> None:
    await recorder.record(DELIVERY)
    async with transaction(engine) as conn:
        assert len(await queue.claim(conn, 10)) == 1
        outcomes = asyncio.gather(*map(recorder.record, [DELIVERY, *numbered(3)]))
        assert await asyncio.wait_for(outcomes, 2) == ["duplicate", *["queued"] * 3]


async def test_a_hundred_repeats_at_once_are_one_row(engine: AsyncEngine, connection: Connection) -> None:
    processes = [Recorder(engine, timeout_seconds=5) for _ in range(4)]
    outcomes = await asyncio.gather(*(processes[number % 4].record(DELIVERY) for number in range(100)))
    assert sorted(outcomes) == ["duplicate"] * 99 + ["queued"]
    assert len(rows(connection)) == 1


async def test_two_hooks_that_hear_of_one_event_are_two_rows(recorder: Recorder, connection: Connection) -> None:
    other = replace(DELIVERY, hook_target="repository:1296269")
    assert await asyncio.gather(recorder.record(DELIVERY), recorder.record(other)) == ["queued", "queued"]
    assert len(rows(connection)) == 2


async def test_a_parked_delivery_that_comes_again_is_queued_again(recorder: Recorder, connection: Connection) -> None:
    await recorder.record(DELIVERY)
    connection.execute(
        "UPDATE webhook_deliveries SET status = 'parked', attempts = 5, last_error = 'it was odd',"
        " sync_source = 'replay',"
        " processed_at = now(), next_attempt_at = now() + interval '1 day'"
    )
    assert await asyncio.gather(recorder.record(DELIVERY), recorder.record(DELIVERY)) == ["queued", "duplicate"]
    (row,) = rows(connection)
    assert (row["status"], row["attempts"], row["last_error"]) == ("pending", 0, "it was odd")
    assert row["sync_source"] == "webhook"
    assert row["processed_at"] is None
    assert row["next_attempt_at"] < datetime.now(UTC)


@pytest.mark.parametrize("status", ["processed", "ignored"])
async def test_a_delivery_that_is_done_stays_done(recorder: Recorder, connection: Connection, status: str) -> None:
    await recorder.record(DELIVERY)
    connection.execute("UPDATE webhook_deliveries SET status = %s, processed_at = now()", [status])
    assert await recorder.record(DELIVERY) == "duplicate"
    assert rows(connection)[0]["status"] == status


async def test_a_few_that_wait_together_are_one_commit(recorder: Recorder, connection: Connection) -> None:
    outcomes = await asyncio.gather(*map(recorder.record, numbered(8)))
    assert outcomes == ["queued"] * 8
    assert commits(connection) == [8]


async def test_of_many_half_are_one_commit(recorder: Recorder, connection: Connection) -> None:
    await asyncio.gather(*map(recorder.record, numbered(50)))
    assert commits(connection) == [25, 13, 8, 4]


async def test_a_group_is_bounded_in_count(recorder: Recorder, connection: Connection) -> None:
    await asyncio.gather(*map(recorder.record, numbered(3 * GROUP_COUNT)))
    assert max(commits(connection)) == GROUP_COUNT


async def test_a_group_is_bounded_in_bytes_but_takes_one_of_any_size(
    recorder: Recorder, connection: Connection
) -> None:
    large, *small = numbered(4)
    await asyncio.gather(*map(recorder.record, [replace(large, body=bytes(GROUP_BYTES + 1)), *small]))
    assert commits(connection) == [1, 3]


async def test_ids_follow_the_order_of_arrival(recorder: Recorder, connection: Connection) -> None:
    arriving = numbered(20)[::-1]
    await asyncio.gather(*map(recorder.record, arriving))
    assert [row["guid"] for row in rows(connection)] == [delivery.guid for delivery in arriving]


async def test_processes_given_the_same_deliveries_in_other_orders_do_not_block_each_other(
    engine: AsyncEngine, connection: Connection
) -> None:
    forth, back = Recorder(engine, timeout_seconds=5), Recorder(engine, timeout_seconds=5)
    deliveries = numbered(GROUP_COUNT)
    outcomes = await asyncio.gather(*map(forth.record, deliveries), *map(back.record, deliveries[::-1]))
    assert sorted(outcomes) == ["duplicate"] * GROUP_COUNT + ["queued"] * GROUP_COUNT
    deadlocks = connection.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    assert deadlocks.fetchone() == (0,)


async def test_the_next_group_gathers_while_one_is_committed(recorder: Recorder, connection: Connection) -> None:
    first, *others = numbered(9)
    with connection.transaction():
        connection.execute("LOCK TABLE webhook_deliveries")
        waiting = [asyncio.create_task(recorder.record(first))]
        await until_blocked(connection)
        waiting += [asyncio.create_task(recorder.record(delivery)) for delivery in others]
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)
    assert commits(connection) == [1, 8]


async def test_who_comes_just_as_the_last_one_is_answered_is_not_left_waiting(recorder: Recorder) -> None:
    async def keep_sending(deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            assert await recorder.record(delivery) == "queued"

    deliveries = numbered(300)
    async with asyncio.timeout(4):
        await asyncio.gather(*(keep_sending(deliveries[start::3]) for start in range(3)))


async def test_a_notification_is_sent_when_there_is_something_to_do(recorder: Recorder, connection: Connection) -> None:
    connection.execute(f"LISTEN {queue.CHANNEL}")
    await recorder.record(replace(DELIVERY, guid="ignored", ignored=True))
    connection.execute("SELECT")
    assert list(connection.notifies(timeout=0)) == []
    await asyncio.gather(*map(recorder.record, numbered(3)))
    connection.execute("SELECT")
    assert [notify.channel for notify in connection.notifies(timeout=0)] == [queue.CHANNEL]


async def test_a_client_that_goes_away_does_not_stop_the_group(recorder: Recorder, connection: Connection) -> None:
    with connection.transaction():
        connection.execute("LOCK TABLE webhook_deliveries")
        gone, *staying = [asyncio.create_task(recorder.record(delivery)) for delivery in numbered(3)]
        await until_blocked(connection)
        gone.cancel()
        await asyncio.sleep(0)
    assert await asyncio.gather(*staying) == ["queued", "queued"]
    assert gone.cancelled()
    assert commits(connection) == [3]


@pytest.mark.parametrize("poison", [
    {"event": "nul \0"}, {"event": "half \ud83d"}, {"repository": "octocat/" + "".join(map(chr, range(256, 9000)))},
], ids=["NUL", "surrogate", "too long for an index"])  # fmt: skip
async def test_a_delivery_that_cannot_be_written_does_not_stop_the_others(
    recorder: Recorder, connection: Connection, poison: dict[str, str]
) -> None:
    deliveries = numbered(9)
    deliveries[4] = replace(deliveries[4], **poison)
    outcomes = await asyncio.gather(*map(recorder.record, deliveries), return_exceptions=True)
    assert isinstance(outcomes.pop(4), (psycopg.Error, ValueError))
    assert outcomes == ["queued"] * 8
    assert len(rows(connection)) == 8


async def test_a_closed_recorder_has_answered_all_and_given_its_connection_back(
    recorder: Recorder, engine: AsyncEngine
) -> None:
    waiting = [asyncio.create_task(recorder.record(delivery)) for delivery in numbered(50)]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    await recorder.close()
    assert [task.result() for task in waiting] == ["queued"] * 50
    assert "Checked out connections: 0" in engine.pool.status()


async def test_a_recorder_that_was_never_used_can_be_closed(recorder: Recorder) -> None:
    async with asyncio.timeout(1):
        await recorder.close()


async def test_lost_connections_are_replaced_at_once(
    recorder: Recorder, engine: AsyncEngine, connection: Connection
) -> None:
    async with engine.connect() as first, engine.connect() as second, engine.connect() as third:
        for pooled in (first, second, third):
            await pooled.exec_driver_sql("SELECT")
    connection.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    assert await recorder.record(DELIVERY) == "queued"
    assert len(rows(connection)) == 1


async def test_a_database_that_is_down_is_told_at_once_and_works_again_by_itself(
    door: Relay, engine_behind_door: AsyncEngine, connection: Connection
) -> None:
    recorder = Recorder(engine_behind_door, timeout_seconds=5)
    assert await recorder.record(DELIVERY) == "queued"
    await door.shut()
    async with asyncio.timeout(2):
        outcomes = await asyncio.gather(*map(recorder.record, numbered(50)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {DatabaseUnavailable}
    await door.open()
    assert await recorder.record(numbered(1)[0]) == "queued"
    assert len(rows(connection)) == 2


async def test_a_database_that_hangs_is_given_up_in_time_and_works_again_by_itself(
    door: Relay, engine_behind_door: AsyncEngine, connection: Connection
) -> None:
    recorder = Recorder(engine_behind_door, timeout_seconds=0.2)
    assert await recorder.record(DELIVERY) == "queued"
    door.freeze()
    async with asyncio.timeout(2):
        outcomes = await asyncio.gather(*map(recorder.record, numbered(3)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {DatabaseUnavailable}
    door.thaw()
    assert await recorder.record(replace(DELIVERY, guid="later")) == "queued"
    assert {row["guid"] for row in rows(connection)} >= {DELIVERY.guid, "later"}


async def test_those_behind_a_commit_that_takes_too_long_do_not_wait_longer_either(
    engine: AsyncEngine, connection: Connection
) -> None:
    recorder = Recorder(engine, timeout_seconds=0.2)
    first, second, third = numbered(3)
    with connection.transaction():
        connection.execute("LOCK TABLE webhook_deliveries")
        waiting = [asyncio.create_task(recorder.record(first))]
        await until_blocked(connection)
        waiting += [asyncio.create_task(recorder.record(second))]
        async with asyncio.timeout(2):
            outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {DatabaseUnavailable}
    assert await recorder.record(third) == "queued"


async def test_a_commit_that_failed_is_told_until_one_succeeds_or_for_some_seconds(
    door: Relay, engine_behind_door: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(engine_behind_door, timeout_seconds=5)
    assert recorder.trouble() is None
    await door.shut()
    with pytest.raises(DatabaseUnavailable):
        await recorder.record(DELIVERY)
    assert recorder.trouble()
    with monkeypatch.context() as later:
        later.setattr("ghsync.inbox.recorder.TROUBLE_SECONDS", 0.0)
        assert recorder.trouble() is None
    assert recorder.trouble()
    await door.open()
    await recorder.record(DELIVERY)
    assert recorder.trouble() is None


async def test_a_database_without_the_table_is_unavailable(empty_database_url: str) -> None:
    engine = database.create_engine(empty_database_url)
    with pytest.raises(DatabaseUnavailable, match="webhook_deliveries"):
        await Recorder(engine, timeout_seconds=5).record(DELIVERY)
    await engine.dispose()
