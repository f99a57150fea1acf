"""The queue over the inbox: who gets what, in which order, and how it ends."""

import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ghsync import worker
from ghsync.database import transaction
from ghsync.inbox import backoff, queue
from ghsync.inbox.queue import ClaimedDelivery, Verdict

pytestmark = pytest.mark.anyio

ARRIVE = sa.text("""
INSERT INTO webhook_deliveries (hook_target, guid, event, headers, body, next_attempt_at)
VALUES ('integration:1', :guid, 'issues', '{"content-type": "application/json"}', :body,
        now() + make_interval(secs => :later))
RETURNING id
""")


async def arrive(engine: AsyncEngine, *guids: str, body: bytes = b"{}", later: float = 0) -> list[int]:
    """Put deliveries into the inbox; answers their ids."""
    async with transaction(engine) as conn:
        return [
            (await conn.execute(ARRIVE, {"guid": guid, "body": body, "later": later})).scalar_one() for guid in guids
        ]


async def delivery(engine: AsyncEngine, columns: str, guid: str = "a") -> tuple[Any, ...]:
    """Columns of a delivery."""
    statement = sa.text(f"SELECT {columns} FROM webhook_deliveries WHERE guid = :guid")
    async with engine.connect() as conn:
        return tuple((await conn.execute(statement, {"guid": guid})).one())


async def claim(engine: AsyncEngine, limit: int = 10, **bounds: Any) -> list[str]:
    """The GUIDs that are claimed, let go at once."""
    async with transaction(engine) as conn:
        return guids(await queue.claim(conn, limit, **bounds))


async def end(engine: AsyncEngine, **verdicts: Verdict) -> None:
    """End deliveries, by their GUIDs."""
    async with transaction(engine) as conn:
        claimed = await queue.claim(conn, 10)
        await queue.finish(conn, [(each, verdicts[each.guid]) for each in claimed if each.guid in verdicts])


def guids(claimed: list[ClaimedDelivery]) -> list[str]:
    return [delivery.guid for delivery in claimed]


async def test_what_waits_for_longer_than_anything_can_is_due_in_the_order_of_arrival(
    engine: AsyncEngine,
) -> None:
    await arrive(engine, "late", later=7200)
    await arrive(engine, "later", later=7210)
    await arrive(engine, "soon", later=50)
    await arrive(engine, "failed", later=600)
    async with transaction(engine) as conn:
        await conn.execute(sa.text("UPDATE webhook_deliveries SET attempts = 3 WHERE guid = 'failed'"))
        assert await queue.hasten(conn, limit=1) == 1
        assert await queue.hasten(conn, limit=10) == 1
        assert await queue.hasten(conn, limit=10) == 0
    assert await claim(engine) == ["late", "later"]


async def test_a_delivery_is_timed_by_the_end_of_its_projection(engine: AsyncEngine) -> None:
    await arrive(engine, "a")
    async with transaction(engine) as conn:
        (claimed,) = await queue.claim(conn, 10)
        projected_at = await conn.scalar(sa.text("SELECT clock_timestamp()"))
        await queue.finish(conn, [(claimed, Verdict("processed"))])
    (processed_at,) = await delivery(engine, "processed_at")
    assert processed_at > projected_at


async def test_a_claim_tells_all_that_projection_needs(engine: AsyncEngine) -> None:
    (key,) = await arrive(engine, "a", body=b'\x00{"action": 1}\xff')
    async with transaction(engine) as conn:
        (claimed,) = await queue.claim(conn, 10)
    month, received_at = await delivery(engine, "month, received_at")
    assert claimed == ClaimedDelivery(
        key, month, "a", "issues", None, None, "application/json", b'\x00{"action": 1}\xff', 0, received_at
    )


@pytest.mark.parametrize("more", [0, 1, queue.PIECE_BYTES + 1])
async def test_a_large_body_is_claimed_to_the_last_byte(engine: AsyncEngine, more: int) -> None:
    body = bytes(range(256)) * (queue.PIECE_BYTES // 256) + b"x" * more
    await arrive(engine, "a", body=body)
    async with transaction(engine) as conn:
        (claimed,) = await queue.claim(conn, 10)
    assert claimed.body == body


async def test_the_oldest_that_are_due_are_claimed_first(engine: AsyncEngine) -> None:
    await arrive(engine, "retried", later=-10)
    await arrive(engine, "not due", later=60)
    await arrive(engine, "first", "second", later=-20)
    assert await claim(engine) == ["first", "second", "retried"]
    assert await claim(engine, 2) == ["first", "second"]


async def test_what_another_worker_holds_is_skipped(engine: AsyncEngine) -> None:
    await arrive(engine, *"abcd")
    async with transaction(engine) as one, transaction(engine) as other, transaction(engine) as third:
        assert guids(await queue.claim(one, 2)) == ["a", "b"]
        assert guids(await queue.claim(other, 10)) == ["c", "d"]
        assert guids(await queue.claim(third, 10)) == []
    assert await claim(engine) == [*"abcd"]


async def test_a_claim_that_is_rolled_back_leaves_nothing_behind(engine: AsyncEngine) -> None:
    await arrive(engine, "a")
    async with engine.connect() as conn:
        await queue.claim(conn, 10)
        await conn.rollback()
    assert await delivery(engine, "status, attempts") == ("pending", 0)
    assert await claim(engine) == ["a"]


async def test_a_batch_stays_within_its_bytes(engine: AsyncEngine) -> None:
    await arrive(engine, *"abc", body=b"." * 40)
    assert await claim(engine, max_bytes=1000) == [*"abc"]
    assert await claim(engine, max_bytes=120) == [*"abc"]
    assert await claim(engine, max_bytes=119) == [*"ab"]
    assert await claim(engine, max_bytes=79) == ["a"]


async def test_the_first_of_a_batch_is_claimed_whatever_its_size(engine: AsyncEngine) -> None:
    await arrive(engine, "large", body=b"." * 100)
    await arrive(engine, "small")
    assert await claim(engine, max_bytes=50) == ["large"]


async def test_named_deliveries_are_claimed_where_they_are_pending(engine: AsyncEngine) -> None:
    keys = await arrive(engine, *"abc")
    (waiting,) = await arrive(engine, "waiting", later=60)
    await end(engine, a=Verdict("processed"))
    assert await claim(engine, 1, ids=[keys[0], keys[2], waiting]) == ["c", "waiting"]


async def test_each_delivery_ends_by_its_own_verdict(engine: AsyncEngine) -> None:
    await arrive(engine, *"abc")
    await end(engine, a=Verdict("processed"), b=Verdict("ignored"), c=Verdict("parked", "no number"))
    columns = "status, attempts, last_error, processed_at IS NOT NULL"
    assert await delivery(engine, columns, "a") == ("processed", 0, None, True)
    assert await delivery(engine, columns, "b") == ("ignored", 0, None, True)
    assert await delivery(engine, columns, "c") == ("parked", 1, "no number", True)
    assert await claim(engine) == []


async def test_a_failure_waits_and_the_last_one_parks(engine: AsyncEngine) -> None:
    await arrive(engine, "a")
    now, statuses = datetime.now(UTC), []
    for attempt in range(5):
        async with transaction(engine) as conn:
            (key,) = (await conn.execute(sa.text("SELECT id FROM webhook_deliveries"))).scalars()
            claimed = ClaimedDelivery(key, now.date(), "a", "issues", None, None, "", b"", attempt, now)
            statuses.append(await queue.fail(conn, claimed, f"failure {attempt}\0", max_attempts=5))
    assert statuses == ["pending"] * 4 + ["parked"]
    columns = "status, attempts, last_error, processed_at IS NOT NULL"
    assert await delivery(engine, columns) == ("parked", 5, "failure 4", True)


async def test_a_failed_delivery_is_not_due_before_its_delay_is_over(engine: AsyncEngine) -> None:
    await arrive(engine, "a")
    async with transaction(engine) as conn:
        (claimed,) = await queue.claim(conn, 10)
        await queue.fail(conn, claimed, "failed", max_attempts=5)
    assert await claim(engine) == []
    (delay,) = await delivery(engine, "next_attempt_at - received_at")
    assert timedelta(seconds=3.7) < delay < timedelta(seconds=30)


async def test_a_failure_of_what_has_ended_meanwhile_changes_nothing(engine: AsyncEngine) -> None:
    await arrive(engine, "a")
    async with transaction(engine) as conn:
        (claimed,) = await queue.claim(conn, 10)
        await queue.finish(conn, [(claimed, Verdict("processed"))])
        assert await queue.fail(conn, claimed, "too late", max_attempts=1) == "pending"
    assert await delivery(engine, "status, last_error") == ("processed", None)


async def test_a_requeued_delivery_begins_anew(engine: AsyncEngine) -> None:
    parked, waiting = await arrive(engine, "a", "b")
    await end(engine, a=Verdict("parked", "no number"))
    async with transaction(engine) as conn:
        assert await queue.requeue(conn, [parked, waiting]) == 1
    assert await delivery(engine, "status, attempts, processed_at") == ("pending", 0, None)
    assert await delivery(engine, "sync_source") == ("replay",)
    assert await delivery(engine, "sync_source", "b") == ("webhook",)
    assert sorted(await claim(engine)) == ["a", "b"]


@pytest.mark.parametrize(("failures", "least", "most"), [(1, 3.75, 6.25), (2, 7.5, 12.5), (5, 60, 100), (99, 450, 750)])
def test_delays_double_up_to_ten_minutes_and_are_spread(failures: int, least: float, most: float) -> None:
    delays = [backoff.delay_seconds(failures) for _ in range(50)]
    assert all(least <= delay <= most for delay in delays)
    assert len(set(delays)) > 1


FILL = """
INSERT INTO webhook_deliveries (hook_target, guid, event, status, processed_at, headers, body)
SELECT 'integration:1', 'done-' || n, 'issues', 'processed', now(), '{}', '{}' FROM generate_series(1, 200000) n
"""


@pytest.fixture
async def crowded(database_url: str) -> AsyncIterator[AsyncConnection]:
    """A worker's connection to an inbox of 200,000 finished deliveries and twenty that wait."""
    engine = worker.create_engine(database_url)
    async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as conn:
        await conn.execute(sa.text(FILL))
        await conn.execute(sa.text("VACUUM ANALYZE webhook_deliveries"))  # so that months to come are known to be empty
        await arrive(engine, *(f"waiting-{number}" for number in range(20)))
        yield conn
    await engine.dispose()


async def test_what_was_ignored_is_found_by_its_index_however_much_of_other_events_was(
    crowded: AsyncConnection,
) -> None:
    """The plan that a worker makes once, whatever it asks for."""
    await crowded.execute(
        sa.text("""
INSERT INTO webhook_deliveries (hook_target, guid, event, status, processed_at, headers, body)
SELECT 'integration:1', 'ignored-' || n, 'star', 'ignored', now(), '{}', '{}' FROM generate_series(1, 30000) n
""")
    )
    await crowded.execute(sa.text("ANALYZE webhook_deliveries"))
    statement = queue._TAKE_UP.text
    for name, place in {":events": "$1", ":event": "$2", ":id": "$3", ":limit": "$4"}.items():
        statement = statement.replace(name, place)
    await crowded.exec_driver_sql(f"PREPARE take_up (text[], text, bigint, int) AS {statement}")
    (found,) = await crowded.execute(
        sa.text("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE take_up ('{issues,pull_request}', '', 0, 100)")
    )
    plan = found[0][0]["Plan"]
    assert re.search(r"webhook_deliveries_y\d{4}m\d\d_event_id_idx", json.dumps(plan))
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 100


@pytest.mark.slow
async def test_a_claim_reads_what_waits_and_nothing_of_what_is_done(crowded: AsyncConnection) -> None:
    explain = sa.text(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {queue._CLAIM.text}")
    plan = (await crowded.execute(explain, {"limit": 500, "bytes": queue.BATCH_BYTES})).scalar_one()
    text = json.dumps(plan)
    assert re.search(r"webhook_deliveries_y\d{4}m\d\d_next_attempt_at_id_idx", text)
    assert "Merge Append" in text  # none that waits is read that is not claimed, however many do
    assert "Seq Scan" not in text
    assert plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"] < 300


async def test_what_ends_is_looked_for_in_its_own_month_alone(crowded: AsyncConnection) -> None:
    """The plan that a worker makes once, whatever ends."""
    await crowded.exec_driver_sql("SELECT make_partitions(24)")
    statement = queue._FINISH.text
    for name, place in {":ids": "$1", ":months": "$2", ":statuses": "$3", ":errors": "$4"}.items():
        statement = statement.replace(name, place)
    await crowded.exec_driver_sql(f"PREPARE finish (bigint[], date[], text[], text[]) AS {statement}")
    waiting = """
SELECT array_agg(id)::text, array_agg(month)::text, array_agg(text 'processed')::text, array_agg(last_error)::text
FROM webhook_deliveries WHERE status = 'pending'
"""
    values = ", ".join(f"'{value}'" for value in (await crowded.exec_driver_sql(waiting)).one())
    explained = await crowded.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE finish ({values})")
    (found,) = explained.scalar_one()[0]["Plan"]["Plans"]
    assert found["Actual Rows"] == 20
    assert found["Shared Hit Blocks"] + found["Shared Read Blocks"] <= 20 * 5
