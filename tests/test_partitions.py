"""What grows with time is in partitions by month: each delivery is one row for as long as its month is kept."""

import asyncio
import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.rows import scalar_row
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import migrate, partitions, upkeep, worker
from ghsync.database import transaction
from ghsync.errors import Locked, PartitionsUnderWay, Permanent
from ghsync.inbox import queue
from ghsync.inbox.delivery import Delivery
from ghsync.inbox.queue import Verdict
from ghsync.inbox.recorder import Recorder
from ghsync.partitions import Made
from ghsync.worker import Worker
from tests import postgres, roles
from tests.mirror.reports import until_blocked
from tests.months import GREGORIAN, at, guid, months, name

Connection = psycopg.Connection[Any]

DELIVERY = Delivery("integration:1", "", "issues", "opened", "acme/app", "1", headers={}, body=b"{}")
TABLES = ("audit_logs", "change_events", "webhook_deliveries")
NONE = date(1970, 1, 1)
LONG_AGO = datetime(2014, 4, 25, tzinfo=UTC)
PROJECTED = "SELECT true FROM webhook_deliveries WHERE status = 'processed' LIMIT 1"
WHERE = "SELECT tableoid::regclass::text FROM webhook_deliveries WHERE guid = %s"


def ask(connection: Connection, statement: str, *values: object) -> list[Any]:
    with connection.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(statement.encode(), values).fetchall()


def parts(connection: Connection, table: str) -> list[str]:
    return ask(connection, "SELECT relid::text FROM pg_partition_tree(%s) WHERE isleaf ORDER BY 1", table)


async def record(engine: AsyncEngine, *guids: str) -> list[str]:
    recorder = Recorder(engine, timeout_seconds=5)
    outcomes = await asyncio.gather(*(recorder.record(replace(DELIVERY, guid=each)) for each in guids))
    await recorder.close()
    return list(outcomes)


@pytest.fixture
def database_url(database_url: str) -> str:
    """One that is up to date where the month has turned since the template was made, and where it is about to turn."""
    postgres.execute(database_url, "SELECT make_partitions(3)")
    return database_url


def dropped(connection: Connection, *tables: str) -> list[str]:
    """Drop the partitions of next month, which are due even if the month turns meanwhile; answers their names."""
    names = [name(table, *months(1)) for table in tables]
    for each in names:
        connection.execute(f"DROP TABLE {each}".encode())
    return names


def test_a_migrated_database_has_last_month_this_one_and_the_next_two_of_each(connection: Connection) -> None:
    expected = (
        "SELECT p.parent FROM partitions_by_month() p JOIN generate_series(-1, 2) n"
        " ON p.month = date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => n)"
        " WHERE p.state = 'made' ORDER BY p.parent"
    )
    assert ask(connection, expected) == [table for table in TABLES for _ in range(4)]
    assert ask(connection, "SELECT count(*) FROM partitions_by_month()") == [4 * len(TABLES)]
    for table in TABLES:
        made = [name(table, month) for month in months(-1, 0, 1, 2)]
        assert {f"{table}_default", *made} <= set(parts(connection, table))
    assert ask(connection, "SELECT make_partitions()") == []


@settings(max_examples=20)
@given(
    moments=st.lists(
        st.datetimes(
            GREGORIAN.replace(tzinfo=None),
            (GREGORIAN + timedelta(days=365 * 3600)).replace(tzinfo=None),
            timezones=st.just(UTC),
        ),
        min_size=1,
    ),
    upper=st.booleans(),
)
def test_a_guid_tells_its_month(server_url: str, template: str, moments: list[datetime], upper: bool) -> None:
    told = [guid(moment).upper() if upper else guid(moment) for moment in moments]
    with psycopg.connect(postgres.named(server_url, template)) as connection:
        found = ask(
            connection,
            "SELECT delivery_month(guid) FROM unnest(%s::text[]) WITH ORDINALITY AS g(guid, n) ORDER BY n",
            told,
        )
    assert found == [moment.date().replace(day=1) for moment in moments]


@pytest.mark.parametrize("odd", [
    "", "a", "72d3162e-cc78-41e3-81ab-4c9367dc0958", "72d3162ecc7811e381ab4c9367dc0958",
    "72d3162e-cc78-11e3-81ab-4c9367dc0958\n", "72d3162e-cc78-11e3-81ab-4c9367dc095g", "x" * 1000,
])  # fmt: skip
def test_a_guid_of_another_kind_tells_none(connection: Connection, odd: str) -> None:
    assert ask(connection, "SELECT delivery_month(%s)", odd) == [NONE]


@pytest.mark.anyio
async def test_a_delivery_is_where_its_guid_was_made(engine: AsyncEngine, connection: Connection) -> None:
    last, this, following = months(-1, 0, 1)
    earlier, now, later = guid(at(last)), guid(at(this)), guid(at(following) + timedelta(days=27.999))
    assert await record(engine, earlier, now, later, "told by a proxy", guid(LONG_AGO)) == ["queued"] * 5
    assert ask(connection, WHERE, earlier) == [name("webhook_deliveries", last)]
    assert ask(connection, WHERE, now) == [name("webhook_deliveries", this)]
    assert ask(connection, WHERE, later) == [name("webhook_deliveries", following)]
    assert ask(connection, WHERE, "told by a proxy") == ["webhook_deliveries_default"]
    assert ask(connection, WHERE, guid(LONG_AGO)) == ["webhook_deliveries_default"]


@pytest.mark.anyio
async def test_one_that_comes_again_months_later_is_the_same_row(engine: AsyncEngine, connection: Connection) -> None:
    long_ago = guid(datetime.now(UTC) - timedelta(days=100))
    assert await record(engine, long_ago) == ["queued"]
    async with transaction(engine) as conn:
        (claimed,) = await queue.claim(conn, 10)
        await queue.finish(conn, [(claimed, Verdict("processed"))])
    ask(connection, "SELECT make_partitions(5)")
    assert await record(engine, long_ago, "no time", "no time") == ["duplicate", "queued", "duplicate"]
    assert ask(connection, "SELECT status FROM webhook_deliveries WHERE guid = %s", long_ago) == ["processed"]


@pytest.mark.anyio
async def test_what_is_due_is_claimed_oldest_first_whatever_month_it_is_of(engine: AsyncEngine) -> None:
    this, following = months(0, 1)
    sent = [
        "no time",
        guid(at(following)),
        guid(at(this)),
        "a",
    ]
    for each in sent:
        await record(engine, each)
    async with transaction(engine) as conn:
        assert [delivery.guid for delivery in await queue.claim(conn, 3)] == sent[:3]
    async with transaction(engine) as conn:
        claimed = await queue.claim(conn, 10)
        await queue.finish(conn, [(delivery, Verdict("processed")) for delivery in claimed])
    async with transaction(engine) as conn:
        assert len(claimed) == len(sent)
        assert await queue.claim(conn, 10) == []


@pytest.mark.anyio
async def test_what_came_while_there_was_no_partition_moves_when_it_is_made(
    engine: AsyncEngine, connection: Connection
) -> None:
    (following,) = months(1)
    names = dropped(connection, *TABLES)
    early = guid(at(following))
    await record(engine, early, "no time")
    connection.execute(
        "INSERT INTO change_events (seq, entity_type, entity_id, operation, sync_source, created_at)"
        " VALUES (1, 'github_issues', gen_random_uuid(), 'update', 'webhook', %s)",
        [at(following)],
    )
    connection.execute(
        "INSERT INTO audit_logs (action, resource_type, created_at) VALUES ('a', 'b', %s)", [at(following)]
    )
    assert ask(connection, WHERE, early) == ["webhook_deliveries_default"]
    before = ask(connection, "SELECT (d.*)::text FROM webhook_deliveries d ORDER BY id")

    assert await partitions.make(engine) == Made(names, [], [])

    assert ask(connection, WHERE, early) == [name("webhook_deliveries", following)]
    assert ask(connection, WHERE, "no time") == ["webhook_deliveries_default"]
    assert ask(connection, "SELECT (d.*)::text FROM webhook_deliveries d ORDER BY id") == before
    for table in TABLES[:2]:
        assert ask(connection, f"SELECT tableoid::regclass::text FROM {table}") == [name(table, following)]
    assert await record(engine, early) == ["duplicate"]


def test_a_partition_is_as_what_it_is_part_of(connection: Connection) -> None:
    """Where bodies are kept, and what refers to what, goes with it."""
    (this,) = months(0)
    stored = "SELECT attstorage::text FROM pg_attribute WHERE attrelid = %s::regclass AND attname = 'body'"
    assert ask(connection, stored, name("webhook_deliveries", this)) == ["e"]
    keys = "SELECT count(*) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'f'"
    assert ask(connection, keys, name("audit_logs", this)) == ask(connection, keys, "audit_logs") == [5]


def test_two_at_once_make_each_once(connection: Connection, database_url: str) -> None:
    names = dropped(connection, *TABLES)
    with ThreadPoolExecutor() as threads, psycopg.connect(database_url) as one, psycopg.connect(database_url) as other:
        first = ask(one, "SELECT make_partitions()")
        second = threads.submit(ask, other, "SELECT make_partitions()")
        one.commit()
        assert (first, second.result(timeout=10)) == (names, [])


def test_the_service_makes_them_without_owning_a_table_and_nobody_else_does(
    database_url: str, connection: Connection
) -> None:
    with roles.service(database_url) as service_url, psycopg.connect(service_url, autocommit=True) as service:
        names = dropped(connection, *TABLES)
        assert ask(service, "SELECT make_partitions()") == names
        service.execute("CREATE TEMP TABLE webhook_deliveries (month date) PARTITION BY RANGE (month)")
        dropped(connection, *TABLES)
        assert ask(service, "SELECT make_partitions()") == names
        assert names[-1] in parts(connection, "public.webhook_deliveries")
    stranger = roles.named("stranger")
    connection.execute(f'CREATE ROLE "{stranger}" LOGIN'.encode())
    try:
        with (
            psycopg.connect(postgres.as_role(database_url, stranger)) as other,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            other.execute("SELECT make_partitions(100)")
    finally:
        roles.forget(database_url, stranger)


@pytest.mark.anyio
async def test_a_process_makes_what_is_due_and_goes_on_after_trouble(
    engine: AsyncEngine, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
    monkeypatch.setattr(upkeep, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(upkeep.log, "warning", lambda event, **values: told.put_nowait((event, values["error"])))
    monkeypatch.setattr(upkeep.log, "info", lambda event, **values: told.put_nowait((event, values["names"])))
    names = dropped(connection, "audit_logs")
    connection.execute("ALTER FUNCTION partitions_by_month RENAME TO elsewhere")
    keeping = asyncio.create_task(upkeep.keep_up(engine))
    async with asyncio.timeout(10):
        assert await told.get() == ("upkeep_not_done", "function partitions_by_month() does not exist")
        connection.execute("ALTER FUNCTION elsewhere RENAME TO partitions_by_month")
        while (last := await told.get())[0] == "upkeep_not_done":
            pass
    assert last == ("partitions_made", names)
    keeping.cancel()


@pytest.mark.anyio
async def test_a_process_tries_until_others_let_it_and_tells_of_it_after_a_while(
    engine: AsyncEngine, connection: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()
    monkeypatch.setattr(partitions, "PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(upkeep, "TOLD_FIRST", 2)
    monkeypatch.setattr(upkeep.log, "warning", lambda event, **values: told.put_nowait(values["error"]))
    monkeypatch.setattr(upkeep.log, "info", lambda event, **values: told.put_nowait(values["names"]))
    names = dropped(connection, "audit_logs")
    with psycopg.connect(database_url) as reading:
        reading.execute("SELECT count(*) FROM audit_logs")
        keeping = asyncio.create_task(upkeep.keep_up(engine))
        async with asyncio.timeout(10):
            said = await told.get()
    assert said.startswith(f"{names[0]} is not made yet. Another transaction holds what this needs")
    async with asyncio.timeout(10):
        assert await told.get() == names
    keeping.cancel()


@pytest.mark.anyio
async def test_where_others_read_for_long_the_rest_is_made_and_nobody_waits(
    engine: AsyncEngine, connection: Connection, database_url: str
) -> None:
    acts, changes, deliveries = dropped(connection, *TABLES)
    with psycopg.connect(database_url) as reading:
        reading.execute("SELECT count(*) FROM change_events")
        made = await partitions.make(engine, attempts=2)
        assert made.names == [acts, deliveries]
        assert [sentence.split()[0] for sentence in made.locked] == [changes]
        assert await record(engine, "meanwhile") == ["queued"]
    assert await partitions.make(engine) == Made([changes], [], [])


def opened(number: int) -> Delivery:
    """An issue is opened in one of some repositories."""
    repository = {
        "id": number % 7 + 1,
        "full_name": f"acme/r{number % 7 + 1}",
        "owner": {"id": 10, "login": "acme", "type": "Organization"},
    }
    issue = {"id": number, "number": number, "title": f"issue {number}", "updated_at": "2026-03-02T12:00:00Z"}
    body = json.dumps({"action": "opened", "repository": repository, "issue": issue}).encode()
    told = {"repository": repository["full_name"], "headers": {"content-type": "application/json"}, "body": body}
    return replace(DELIVERY, guid=f"no time {number}", **told)


@pytest.mark.anyio
async def test_partitions_are_made_beside_workers_that_read_ahead(
    engine: AsyncEngine, connection: Connection, database_url: str
) -> None:
    """Batches follow one another without a gap, so that some transaction always holds each partition."""
    recorder = Recorder(engine, timeout_seconds=30)
    await asyncio.gather(*(recorder.record(opened(number)) for number in range(1, 1201)))
    await recorder.close()
    names = dropped(connection, *TABLES)
    engines = [worker.create_engine(database_url) for _ in range(2)]
    workers = [Worker(each, batch_size=20, poll_seconds=60, max_attempts=5) for each in engines]
    draining = [asyncio.create_task(each.drain()) for each in workers]
    async with asyncio.timeout(30):
        while not ask(connection, PROJECTED):  # noqa: ASYNC110 (PostgreSQL tells nobody)
            await asyncio.sleep(0.01)
        made = await partitions.make(engine, attempts=5)
    waiting = ask(connection, "SELECT count(*) FROM webhook_deliveries WHERE status = 'pending'")
    assert (made.names, made.locked) == (names, [])
    assert waiting > [0]
    assert sum(await asyncio.gather(*draining)) == 1200
    assert ask(connection, "SELECT DISTINCT status FROM webhook_deliveries") == ["processed"]
    for each in engines:
        await each.dispose()


@pytest.mark.anyio
async def test_nothing_is_claimed_while_somebody_waits_to_make_a_partition(
    engine: AsyncEngine, connection: Connection, database_url: str
) -> None:
    """Who makes one waits for what was claimed before."""
    await record(engine, "a")
    names = dropped(connection, "audit_logs")
    with ThreadPoolExecutor() as threads, psycopg.connect(database_url) as making:
        async with transaction(engine) as conn:
            (claimed,) = await queue.claim(conn, 10)
            made = threads.submit(ask, making, "SELECT make_partitions()")
            await until_blocked(engine)
            with pytest.raises(PartitionsUnderWay):
                async with transaction(engine) as other:
                    await queue.claim(other, 10)
            await queue.finish(conn, [(claimed, Verdict("processed"))])
        assert made.result(timeout=10) == names
        making.commit()
    async with transaction(engine) as conn:
        assert await queue.claim(conn, 10) == []


@pytest.mark.anyio
async def test_no_delivery_is_lost_that_comes_while_a_partition_is_made(
    engine: AsyncEngine, connection: Connection, database_url: str
) -> None:
    """Each by itself, as they come where little happens: a group would be tried again in parts."""
    (following,) = months(1)
    names = dropped(connection, "webhook_deliveries")
    guids = [guid(at(following) + timedelta(seconds=each)) for each in range(3)]
    with psycopg.connect(database_url) as making:
        made = ask(making, "SELECT make_partitions()")
        recording = [asyncio.create_task(record(engine, each)) for each in guids]
        await asyncio.sleep(0.3)
        making.commit()
    assert made == names
    assert await asyncio.gather(*recording) == [["queued"]] * 3
    places = ask(connection, "SELECT DISTINCT tableoid::regclass::text FROM webhook_deliveries")
    assert places == made


def test_a_table_in_the_place_of_a_partition_is_told(connection: Connection) -> None:
    taken = name("audit_logs", *months(1))
    connection.execute(f"ALTER TABLE audit_logs DETACH PARTITION {taken}".encode())
    with pytest.raises(psycopg.errors.RaiseException, match=f"{taken} is in the place of a partition of audit_logs"):
        ask(connection, "SELECT make_partitions()")


@pytest.mark.anyio
async def test_a_table_in_the_place_of_a_partition_is_in_the_way_of_no_other(
    engine: AsyncEngine, connection: Connection, database_url: str
) -> None:
    taken = name("audit_logs", *months(1))
    connection.execute(f"ALTER TABLE audit_logs DETACH PARTITION {taken}".encode())
    (missing,) = dropped(connection, "webhook_deliveries")
    said = f"{taken} is in the place of a partition of audit_logs, and is none: rename it or attach it."
    assert await partitions.make(engine) == Made([missing], [said], [])
    dropped(connection, "webhook_deliveries")
    connection.execute("COMMENT ON TABLE alembic_version IS 'defined anew'")
    migrate.upgrade(database_url)
    assert missing in parts(connection, "webhook_deliveries")


def test_only_tables_in_partitions_get_one(connection: Connection) -> None:
    with pytest.raises(psycopg.errors.RaiseException, match=r"github_issues is not in partitions by month\."):
        ask(connection, "SELECT make_partition('github_issues', '2026-01-01')")


def test_any_month_can_be_made(connection: Connection) -> None:
    made = "audit_logs_y2014m04"
    assert ask(connection, "SELECT make_partition('audit_logs', '2014-04-25')") == [made]
    assert ask(connection, "SELECT make_partition('audit_logs', '2014-04-01')") == [None]
    assert made in parts(connection, "audit_logs")


def test_a_default_partition_that_is_gone_is_made_again(connection: Connection) -> None:
    connection.execute("DROP TABLE audit_logs_default")
    names = dropped(connection, "audit_logs")
    assert ask(connection, "SELECT make_partitions()") == names
    assert "audit_logs_default" in parts(connection, "audit_logs")


THEIRS = {
    "trigger": ("CREATE TRIGGER mine BEFORE INSERT ON audit_logs EXECUTE FUNCTION suppress_redundant_updates_trigger()",
                "audit_logs is about to be made anew, and the trigger mine would be lost"),
    "policy": ("CREATE POLICY mine ON change_events USING (false)", "the policy mine would be lost"),
    "row security": ("ALTER TABLE change_events ENABLE ROW LEVEL SECURITY", "row security would be lost"),
    "publication": ("CREATE PUBLICATION mine FOR TABLE change_events", "the publication mine would be lost"),
    "statistics": ("CREATE STATISTICS mine ON event, action FROM webhook_deliveries", "the statistics mine"),
    "column": ("GRANT SELECT (guid) ON webhook_deliveries TO PUBLIC", "rights on the column guid"),
    "constraint": ("ALTER TABLE audit_logs ADD CONSTRAINT mine UNIQUE (id, action)", "the constraint mine"),
    "index": ("CREATE UNIQUE INDEX mine ON audit_logs (id, action)", "the unique index mine"),
    "foreign key": ("CREATE TABLE notes (delivery bigint CONSTRAINT mine REFERENCES webhook_deliveries)",
                    "the foreign key mine of notes"),
    "materialized view": ("CREATE MATERIALIZED VIEW mine AS SELECT guid FROM webhook_deliveries",
                          "the materialized view mine of "),
    "function": ("CREATE FUNCTION mine() RETURNS SETOF webhook_deliveries LANGUAGE sql AS 'TABLE webhook_deliveries'",
                 "the function mine()"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("which", THEIRS)
def test_what_a_migration_would_lose_of_others_is_named_and_nothing_is_done(
    empty_database_url: str, which: str
) -> None:
    made, said = THEIRS[which]
    migrate.upgrade(empty_database_url, "0028")
    postgres.execute(empty_database_url, made)
    with pytest.raises(Permanent, match=re.escape(said)):
        migrate.upgrade(empty_database_url)
    assert migrate.current(empty_database_url) == "0028"


@pytest.mark.slow
def test_who_migrates_for_the_owner_does_not_become_it(empty_database_url: str) -> None:
    """A superuser does; the owner's own rights on the tables are no grants, and stay."""
    url, owner, reader = empty_database_url, roles.named("owner"), roles.named("reader")
    postgres.execute(
        url, f'CREATE ROLE "{owner}" LOGIN', f'GRANT CREATE ON SCHEMA public TO "{owner}"', f'CREATE ROLE "{reader}"'
    )
    try:
        migrate.upgrade(postgres.as_role(url, owner), "0028")
        postgres.execute(
            url,
            f'GRANT SELECT ON audit_logs TO "{reader}" WITH GRANT OPTION',
            f'ALTER DEFAULT PRIVILEGES FOR ROLE "{owner}" GRANT ALL ON TABLES TO "{reader}"',
        )
        migrate.upgrade(url)
        with psycopg.connect(url) as connection:
            owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE tablename ~ '^(webhook_d|change_e|audit_l)'"
            assert ask(connection, owners) == [owner]
            right = "SELECT has_table_privilege(%s, %s, %s)"
            assert ask(connection, right, reader, "audit_logs", "SELECT WITH GRANT OPTION") == [True]
            assert ask(connection, right, reader, "audit_logs", "UPDATE") == [False]
            assert ask(connection, right, reader, "change_events", "SELECT") == [False]
    finally:
        roles.forget(url, reader, owner)


@pytest.mark.slow
def test_a_migration_that_has_to_wait_says_so(empty_database_url: str) -> None:
    migrate.upgrade(empty_database_url, "0028")
    with psycopg.connect(empty_database_url) as reading:
        reading.execute("SELECT count(*) FROM audit_logs")
        with pytest.raises(Locked, match="Another transaction holds what this needs"):
            migrate.upgrade(empty_database_url)


@pytest.mark.slow
def test_a_database_of_before_keeps_all_that_it_had(empty_database_url: str) -> None:
    """Rows, rights, other people's views, and the order of what is yet to come."""
    url, reader = empty_database_url, roles.named("reader")
    migrate.upgrade(url, "0028")
    now = datetime.now(UTC)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE ROLE "{reader}"'.encode())
        try:
            for moment in (now, now - timedelta(days=70), LONG_AGO):
                connection.execute(
                    "INSERT INTO webhook_deliveries (hook_target, guid, event, body, received_at)"
                    " VALUES ('integration:1', %s, 'issues', %s, now())",
                    [guid(moment), b"\0body of " + str(moment).encode()],
                )
            connection.execute("INSERT INTO audit_logs (action, resource_type) VALUES ('a', 'b'), ('c', 'd')")
            connection.execute("UPDATE audit_logs SET created_at = NULL WHERE action = 'c'")
            connection.execute(
                "CREATE VIEW theirs WITH (security_invoker = true) AS"
                " SELECT d.*, a.action AS act FROM webhook_deliveries d LEFT JOIN audit_logs a ON a.action = 'a'"
            )
            connection.execute(f'GRANT SELECT ON webhook_deliveries, theirs TO "{reader}"'.encode())
            kept = "SELECT id, guid, body, received_at, act FROM theirs ORDER BY id"
            before = connection.execute(kept).fetchall()

            migrate.upgrade(url)

            assert connection.execute(kept).fetchall() == before
            assert ask(connection, "SELECT reloptions FROM pg_class WHERE relname = 'theirs'") == [
                ["security_invoker=true"]
            ]
            for table in ("webhook_deliveries", "theirs"):
                assert ask(connection, "SELECT has_table_privilege(%s, %s, 'SELECT')", reader, table) == [True]
            assert [ask(connection, WHERE, row[1]) for row in before] == [
                [name("webhook_deliveries", now.date())],
                [name("webhook_deliveries", (now - timedelta(days=70)).date())],
                ["webhook_deliveries_default"],
            ]
            assert len(ask(connection, "SELECT created_at FROM audit_logs WHERE created_at IS NOT NULL")) == 2
            (newest,) = ask(
                connection,
                "INSERT INTO webhook_deliveries (hook_target, guid, event, body) VALUES ('a', 'b', 'c', '')"
                " RETURNING id",
            )
            assert newest > max(row[0] for row in before)
            migrate.downgrade(url, "0028")
            assert connection.execute(kept).fetchall()[:3] == before
        finally:
            roles.forget(url, reader)
