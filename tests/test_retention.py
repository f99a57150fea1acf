"""What grows with time goes when its policy says so, a month at a time, and nothing goes that has yet to be done."""

import asyncio
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.rows import scalar_row
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import migrate, retention, upkeep
from ghsync.changes import feed
from ghsync.database import create_engine, transaction
from ghsync.errors import PastRetention, Permanent
from ghsync.inbox import queue
from ghsync.reconciler import history
from ghsync.reports.feed import Feed
from ghsync.retention import Retired
from tests import postgres, roles
from tests.documents import README
from tests.months import at, months, name

pytestmark = pytest.mark.anyio

Connection = psycopg.Connection[Any]

DELIVERY = """
INSERT INTO webhook_deliveries (month, hook_target, guid, event, status, received_at, processed_at, last_error, headers,
                                body)
VALUES (%(month)s, 'integration:1', %(guid)s, 'issues', %(status)s::text, %(received)s,
        CASE WHEN %(status)s::text <> 'pending' THEN %(received)s::timestamptz END,
        CASE WHEN %(status)s::text = 'parked' THEN 'It is poison.' END, '{}', %(body)s)
"""
EVENTS = """
INSERT INTO change_events (seq, entity_type, entity_id, operation, sync_source, created_at)
SELECT n, 'github_issues', gen_random_uuid(), 'insert', 'backfill', %(at)s::timestamptz + n * interval '1 minute'
FROM generate_series(%(first)s::int, %(last)s) n
"""
ACT = "INSERT INTO audit_logs (action, resource_type, created_at, user_id) VALUES ('task.linked', 'task', %s, %s)"
USER = "INSERT INTO users (email, name) VALUES ('mona@acme.example', 'Mona') RETURNING id"
NONE = date(1970, 1, 1)
NOW = datetime.now(UTC)
BODY = b'{"action": "opened"}'


def ask(connection: Connection, statement: str, *values: object) -> list[Any]:
    with connection.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(statement.encode(), values).fetchall()


def policy(connection: Connection, table: str, **values: Any) -> None:
    """Change a policy as an operator does."""
    for column, value in values.items():
        connection.execute(
            f"UPDATE data_retention_policies SET {column} = %s WHERE table_name = %s".encode(), (value, table)
        )


def make(connection: Connection, table: str, month: date) -> str:
    """A partition of the past; answers its name."""
    (made,) = ask(connection, "SELECT make_partition(%s, %s)", table, month)
    return str(made)


def deliver(connection: Connection, guid: str, month: date, received: datetime, status: str = "processed") -> None:
    values = {"guid": guid, "month": month, "received": received, "status": status, "body": BODY}
    connection.execute(DELIVERY, values)


def bodies(connection: Connection) -> dict[str, bool]:
    """Which deliveries there are, and whether each has its payload."""
    return dict(connection.execute("SELECT guid, body IS NOT NULL FROM webhook_deliveries").fetchall())


def acts(connection: Connection) -> list[tuple[str, str, str]]:
    """What was written down of what went."""
    return connection.execute(
        "SELECT action, entity_name, actor_type FROM audit_logs WHERE resource_type = 'data_retention_policy'"
        " ORDER BY action, entity_name"
    ).fetchall()


async def due(engine: AsyncEngine) -> Retired:
    async with transaction(engine) as conn:
        return await retention.due(conn)


def names(retired: Retired) -> list[tuple[str, str]]:
    return [(each.name, how) for each, how in retired.partitions]


def test_a_new_database_keeps_what_the_documents_say(connection: Connection) -> None:
    said = {}
    for what, days, then in re.findall(r"^\| (.*) \| ([\d and]+) days \| (\w+)", README.read_text(), re.MULTILINE):
        names = re.findall(r"`([\w.]+)`", what)
        said |= {name: (int(each), then == "archived") for name, each in zip(names, days.split(" and "), strict=True)}
    rows = connection.execute(
        "SELECT table_name, retention_days, archive_enabled, delete_enabled FROM data_retention_policies"
    ).fetchall()
    assert {name: (days, archived) for name, days, archived, _ in rows} == said
    assert all(archived != deleted for _, _, archived, deleted in rows)


async def test_a_month_goes_when_its_end_is_past_retention_and_not_a_day_before(
    engine: AsyncEngine, connection: Connection
) -> None:
    old, young = months(-5, -4)
    going, staying = make(connection, "change_events", old), make(connection, "change_events", young)
    days = (datetime.now(UTC) - at(young)).days  # since the end of the old one
    policy(connection, "change_events", retention_days=days + 1)
    assert names(await due(engine)) == []
    policy(connection, "change_events", retention_days=days)
    assert names(await due(engine)) == [(going, "dropped")]
    assert names(await retention.enforce(engine)) == [(going, "dropped")]
    assert ask(connection, "SELECT to_regclass(%s)", going) == [None]
    assert ask(connection, "SELECT to_regclass(%s)::text", staying) == [staying]
    assert acts(connection) == [("partition.dropped", f"public.{going}", "system")]
    assert names(await retention.enforce(engine)) == []


async def test_last_month_never_goes(engine: AsyncEngine, connection: Connection) -> None:
    for table in retention.PARTITIONED:
        policy(connection, table, retention_days=1, archive_enabled=False, delete_enabled=True)
    before, last = months(-2, -1)
    made = make(connection, "webhook_deliveries", before)
    assert names(await retention.enforce(engine)) == [(made, "dropped")]
    assert ask(connection, "SELECT to_regclass(%s)::text", name("webhook_deliveries", last)) != [None]


async def test_without_a_policy_or_with_one_that_lets_nothing_go_all_is_kept(
    engine: AsyncEngine, connection: Connection
) -> None:
    for table in ("change_events", "webhook_deliveries"):
        make(connection, table, months(-30)[0])
    deliver(connection, "old", months(-30)[0], NOW - timedelta(days=900))
    connection.execute("DELETE FROM data_retention_policies WHERE table_name = 'change_events'")
    policy(connection, "webhook_deliveries", delete_enabled=False)
    policy(connection, "webhook_deliveries.body", delete_enabled=False)
    assert await retention.enforce(engine) == Retired()
    assert bodies(connection) == {"old": True}


async def test_what_waits_or_is_parked_stays_and_can_be_projected(engine: AsyncEngine, connection: Connection) -> None:
    month = months(-6)[0]
    made = make(connection, "webhook_deliveries", month)
    for status in ("pending", "parked", "processed", "ignored"):
        deliver(connection, status, month, at(month), status)
    deliver(connection, "late", month, NOW)
    retired = await retention.enforce(engine)
    assert names(retired) == [(made, "dropped")]
    assert bodies(connection) == {"pending": True, "parked": True}
    where = "SELECT DISTINCT tableoid::regclass::text FROM webhook_deliveries"
    assert ask(connection, where) == ["webhook_deliveries_default"]
    async with transaction(engine) as conn:
        assert await queue.requeue(conn, ask(connection, "SELECT id FROM webhook_deliveries")) == 1
        assert len(await queue.claim(conn, 10)) == 2


async def test_payloads_go_by_the_day_and_their_deliveries_stay(engine: AsyncEngine, connection: Connection) -> None:
    last = months(-1)[0]
    for status in ("processed", "ignored", "pending", "parked"):
        deliver(connection, f"old and {status}", last, NOW - timedelta(days=31), status)
    deliver(connection, "younger", last, NOW - timedelta(days=29))
    assert (await due(engine)).payloads == (2, 2 * len(BODY))
    assert (await retention.enforce(engine)).payloads == (2, 2 * len(BODY))
    kept = {"old and pending", "old and parked", "younger"}
    assert bodies(connection) == {"old and processed": False, "old and ignored": False} | dict.fromkeys(kept, True)
    assert acts(connection) == [("payloads.deleted", "webhook_deliveries.body", "system")]
    assert (await retention.enforce(engine)).payloads == (0, 0)
    policy(connection, "webhook_deliveries.body", retention_days=28)
    assert (await retention.enforce(engine)).payloads == (1, len(BODY))


async def test_several_processes_leave_no_payload_between_their_batches(
    engine: AsyncEngine, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 3)
    for number in range(20):
        received = NOW - timedelta(days=40, minutes=number // 5)  # some at the same moment
        deliver(connection, str(number), months(-1)[0], received)
    done = await asyncio.gather(*(retention.enforce(engine) for _ in range(3)))
    assert sum(each.payloads.number for each in done) == 20
    assert set(bodies(connection).values()) == {False}


async def test_a_delivery_without_payload_is_not_queued_again(engine: AsyncEngine, connection: Connection) -> None:
    deliver(connection, "old", months(-1)[0], NOW - timedelta(days=31), "ignored")
    await retention.enforce(engine)
    async with transaction(engine) as conn:
        assert await queue.requeue(conn, ask(connection, "SELECT id FROM webhook_deliveries")) == 0
        assert await queue.take_up(conn, ["issues"], queue.Ignored(), limit=10) == []
    with pytest.raises(psycopg.errors.CheckViolation, match="body_until_done"):
        connection.execute("UPDATE webhook_deliveries SET status = 'pending', processed_at = NULL")


async def test_deliveries_of_no_month_go_one_by_one(
    engine: AsyncEngine, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    for number in range(5):
        deliver(connection, str(number), NONE, NOW - timedelta(days=91))
    deliver(connection, "young", NONE, NOW - timedelta(days=89))
    deliver(connection, "parked", NONE, NOW - timedelta(days=200), "parked")
    deliver(connection, "of a month that is there", months(-1)[0], NOW - timedelta(days=91))
    assert (await due(engine)).deliveries == 5
    assert (await retention.enforce(engine)).deliveries == 5
    assert bodies(connection).keys() == {"young", "parked", "of a month that is there"}


async def test_audit_logs_are_archived_and_refer_to_nobody_there(engine: AsyncEngine, connection: Connection) -> None:
    month = months(-20)[0]
    made = make(connection, "audit_logs", month)
    (user,) = ask(connection, USER)
    connection.execute(ACT, (at(month), user))
    assert names(await due(engine)) == [(made, "archived")]
    assert names(await retention.enforce(engine)) == [(made, "archived")]
    connection.execute("DELETE FROM users")
    assert ask(connection, f"SELECT user_id FROM archive.{made}") == [user]
    assert ask(connection, "SELECT count(*) FROM audit_logs WHERE action = 'task.linked'") == [0]
    assert acts(connection) == [("partition.archived", f"public.{made}", "system")]
    assert names(await retention.enforce(engine)) == []
    policy(connection, "audit_logs", delete_enabled=True)
    assert names(await retention.enforce(engine)) == []
    policy(connection, "audit_logs", retention_days=250)  # twice that is less than nineteen months
    assert names(await retention.enforce(engine)) == [(made, "dropped")]
    assert ask(connection, "SELECT to_regclass(%s)", f"archive.{made}") == [None]


async def test_what_another_holds_is_told_and_goes_when_it_is_free(
    engine: AsyncEngine, connection: Connection, database_url: str
) -> None:
    made = make(connection, "change_events", months(-20)[0])
    with psycopg.connect(database_url) as reading:
        reading.execute("SELECT count(*) FROM change_events")
        retired = await retention.enforce(engine)
        assert retired.partitions == []
        (said,) = retired.locked
        assert said.startswith(f"{made} has yet to go. Another transaction holds what this needs")
    assert names(await retention.enforce(engine)) == [(made, "dropped")]


async def test_what_is_in_the_way_is_told_and_the_rest_goes(engine: AsyncEngine, connection: Connection) -> None:
    first, second = make(connection, "audit_logs", months(-20)[0]), make(connection, "change_events", months(-20)[0])
    connection.execute("CREATE SCHEMA archive")
    connection.execute(f"CREATE TABLE archive.{first} (mine int)".encode())
    retired = await retention.enforce(engine)
    assert names(retired) == [(second, "dropped")]
    assert retired.refused == [f'{first} cannot go: relation "{first}" already exists in schema "archive"']


async def test_the_service_lets_go_what_is_due_and_drops_nothing_else(
    connection: Connection, database_url: str
) -> None:
    old, new = make(connection, "change_events", months(-20)[0]), name("change_events", months(0)[0])
    with roles.service(database_url) as service_url:
        engine = create_engine(service_url)
        try:
            assert names(await retention.enforce(engine)) == [(old, "dropped")]
        finally:
            await engine.dispose()
        with psycopg.connect(service_url, autocommit=True) as service:
            assert ask(service, "SELECT retire_partition('change_events', %s)", months(0)[0]) == [None]
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                service.execute(f"DROP TABLE {new}".encode())


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("retention_days = 0", "retention_days"),
        ("table_name = 'githib_issues'", "table_name"),
        ("archive_enabled = true", "only_partitions_are_archived"),
    ],
)
def test_a_policy_that_cannot_be_followed_is_refused(connection: Connection, change: str, constraint: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match=constraint):
        connection.execute(f"UPDATE data_retention_policies SET {change} WHERE table_name = 'sync_runs'".encode())


async def test_runs_go_by_their_policy(engine: AsyncEngine, connection: Connection) -> None:
    run = "INSERT INTO sync_runs (kind, status, started_at, rows_written) VALUES ('audit', 'running', %s, 1)"
    for days in (31, 61):
        connection.execute(run, (NOW - timedelta(days=days),))
    policy(connection, "sync_runs", retention_days=60)
    assert await history.forget(engine) == 1
    policy(connection, "sync_runs", delete_enabled=False)
    assert await history.forget(engine) == 0


def fed(connection: Connection) -> str:
    """A feed of ten events, of which the first five are of a month whose partition it answers."""
    month = months(-20)[0]
    made = make(connection, "change_events", month)
    for first, last, moment in ((1, 5, at(month)), (6, 10, NOW - timedelta(hours=1))):
        connection.execute(EVENTS, {"first": first, "last": last, "at": moment})
    connection.execute("UPDATE change_feed SET last_seq = 10")
    return made


async def test_a_consumer_behind_retention_is_told_where_the_feed_begins(
    engine: AsyncEngine, connection: Connection
) -> None:
    fed(connection)
    follower = Feed(engine)
    await follower.seek(3)
    async with transaction(engine) as conn:
        assert [event["seq"] for event in await feed.read(conn, 2)] == list(range(3, 11))
        assert await feed.first(conn) == 1
    await retention.enforce(engine)
    for behind in (follower.read(), Feed(engine).seek(5), Feed(engine).seek_time(NOW - timedelta(days=100))):
        with pytest.raises(PastRetention, match="begins with event 6 by now") as told:
            await behind
        assert told.value.first == 6
        assert isinstance(told.value, Permanent)
    for start in (0, 6):
        begun = Feed(engine)
        await begun.seek(start)
        assert [event["seq"] for event in await begun.read() or []] == [6, 7, 8, 9, 10]
    since = Feed(engine)
    await since.seek_time(NOW - timedelta(minutes=50, seconds=1))
    assert [event["seq"] for event in await since.read() or []] == [10]


async def test_a_feed_of_which_nothing_is_left_begins_with_what_comes(
    engine: AsyncEngine, connection: Connection
) -> None:
    made = fed(connection)
    connection.execute("DELETE FROM change_events WHERE seq > 5")
    connection.execute("UPDATE change_feed SET last_seq = 5")
    assert names(await retention.enforce(engine)) == [(made, "dropped")]
    with pytest.raises(PastRetention, match="begins with event 6"):
        await Feed(engine).seek(5)
    follower = Feed(engine)
    await follower.seek(6)
    assert await follower.read() is None


def test_a_moment_before_all_that_is_kept_is_refused_as_such(connection: Connection) -> None:
    made = fed(connection)
    connection.execute(f"DROP TABLE {made}".encode())
    with pytest.raises(psycopg.errors.NoDataFound, match="the change feed reaches back to"):
        connection.execute("SELECT * FROM github_issues_as_of(%s)", (NOW - timedelta(days=100),))


async def test_a_process_lets_go_what_is_due(
    engine: AsyncEngine, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()
    monkeypatch.setattr(upkeep.log, "info", lambda event, **values: told.put_nowait(f"{event} {values.get('name')}"))
    made = make(connection, "change_events", months(-20)[0])
    keeping = asyncio.create_task(upkeep.keep_up(engine))
    async with asyncio.timeout(10):
        while (said := await told.get()) != f"partition_retired {made}":
            assert not said.startswith("upkeep_not_done")
    keeping.cancel()
    assert ask(connection, "SELECT count(*) FROM data_retention_policies WHERE last_run_at IS NOT NULL") == [8]


def test_a_mirror_in_another_schema_has_an_archive_of_its_own(empty_database_url: str) -> None:
    postgres.execute(empty_database_url, "CREATE SCHEMA mirror")
    url = postgres.with_options(empty_database_url, search_path="mirror")
    migrate.upgrade(url)
    with psycopg.connect(url, autocommit=True) as connection:
        made = make(connection, "audit_logs", months(-20)[0])
        assert ask(connection, "SELECT retire_partition('audit_logs', %s)", months(-20)[0]) == ["archived"]
        assert ask(connection, "SELECT to_regclass(%s)::text", f"mirror_archive.{made}") == [f"mirror_archive.{made}"]
