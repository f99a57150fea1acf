"""What grows with time is in partitions by month: each delivery is one row for as long as its month is kept."""

import asyncio
import re
import uuid
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

from ghsync import migrate, partitions
from ghsync.database import transaction
from ghsync.errors import Locked, Permanent
from ghsync.inbox import queue
from ghsync.inbox.delivery import Delivery
from ghsync.inbox.queue import Verdict
from ghsync.inbox.recorder import Recorder
from tests import postgres, roles

Connection = psycopg.Connection[Any]

DELIVERY = Delivery("integration:1", "", "issues", "opened", "acme/app", "1", headers={}, body=b"{}")
TABLES = ("audit_logs", "change_events", "webhook_deliveries")
NONE = date(1970, 1, 1)
LONG_AGO = datetime(2014, 4, 25, tzinfo=UTC)
GREGORIAN = datetime(1582, 10, 15, tzinfo=UTC)
WHERE = "SELECT tableoid::regclass::text FROM webhook_deliveries WHERE guid = %s"


def guid(moment: datetime) -> str:
    """A version-1 UUID that was made then; RFC 9562, section 5.1."""
    ticks = (moment - GREGORIAN) // timedelta(microseconds=1) * 10
    low, middle, high = ticks & 0xFFFF_FFFF, ticks >> 32 & 0xFFFF, ticks >> 48 & 0x0FFF | 0x1000
    return str(uuid.UUID(fields=(low, middle, high, 0x81, 0xAB, 0x4C9367DC0958)))


def months(*ahead: int) -> list[date]:
    """Months from this one on, by their first days in UTC."""
    now = datetime.now(UTC)
    counted = [now.year * 12 + now.month - 1 + each for each in ahead]
    return [date(count // 12, count % 12 + 1, 1) for count in counted]


def at(month: date) -> datetime:
    """Its first moment."""
    return datetime(month.year, month.month, 1, tzinfo=UTC)


def name(table: str, month: date) -> str:
    return f"{table}_y{month:%Y}m{month:%m}"


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
    """One that is up to date where the month has turned since the template was made."""
    postgres.execute(database_url, "SELECT make_partitions()")
    return database_url


def test_a_migrated_database_has_this_month_and_the_next_two_of_each(connection: Connection) -> None:
    for table in TABLES:
        made = [name(table, month) for month in months(0, 1, 2)]
        assert parts(connection, table) == sorted([f"{table}_default", *made])
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
    this, following = months(0, 1)
    now, later = guid(at(this)), guid(at(following) + timedelta(days=27.999))
    assert await record(engine, now, later, "told by a proxy", guid(LONG_AGO)) == ["queued"] * 4
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
    (this,) = months(0)
    for table in TABLES:
        connection.execute(f"DROP TABLE {name(table, this)}".encode())
    now = guid(at(this))
    await record(engine, now, "no time")
    connection.execute(
        "INSERT INTO change_events (seq, entity_type, entity_id, operation, sync_source)"
        " VALUES (1, 'github_issues', gen_random_uuid(), 'update', 'webhook')"
    )
    connection.execute("INSERT INTO audit_logs (action, resource_type) VALUES ('a', 'b')")
    assert ask(connection, WHERE, now) == ["webhook_deliveries_default"]
    before = ask(connection, "SELECT (d.*)::text FROM webhook_deliveries d ORDER BY id")

    assert await partitions.make(engine) == [name(table, this) for table in TABLES]

    assert ask(connection, WHERE, now) == [name("webhook_deliveries", this)]
    assert ask(connection, WHERE, "no time") == ["webhook_deliveries_default"]
    assert ask(connection, "SELECT (d.*)::text FROM webhook_deliveries d ORDER BY id") == before
    for table in TABLES[:2]:
        assert ask(connection, f"SELECT tableoid::regclass::text FROM {table}") == [name(table, this)]
    assert await record(engine, now) == ["duplicate"]


def test_a_partition_is_as_what_it_is_part_of(connection: Connection) -> None:
    """Where bodies are kept, and what refers to what, goes with it."""
    (this,) = months(0)
    stored = "SELECT attstorage::text FROM pg_attribute WHERE attrelid = %s::regclass AND attname = 'body'"
    assert ask(connection, stored, name("webhook_deliveries", this)) == ["e"]
    keys = "SELECT count(*) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'f'"
    assert ask(connection, keys, name("audit_logs", this)) == ask(connection, keys, "audit_logs") == [5]


def test_two_at_once_make_each_once(database_url: str) -> None:
    with ThreadPoolExecutor() as threads, psycopg.connect(database_url) as one, psycopg.connect(database_url) as other:
        first = ask(one, "SELECT make_partitions(4)")
        second = threads.submit(ask, other, "SELECT make_partitions(4)")
        one.commit()
        assert (len(first), second.result(timeout=10)) == (6, [])


def test_the_service_makes_them_without_owning_a_table_and_nobody_else_does(
    database_url: str, connection: Connection
) -> None:
    with roles.service(database_url) as service_url, psycopg.connect(service_url, autocommit=True) as service:
        assert len(ask(service, "SELECT make_partitions(3)")) == 3
        service.execute("CREATE TEMP TABLE webhook_deliveries (month date) PARTITION BY RANGE (month)")
        assert len(ask(service, "SELECT make_partitions(4)")) == 3
        assert len(parts(connection, "public.webhook_deliveries")) == 6
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
    (this,) = months(0)
    told: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
    monkeypatch.setattr(partitions, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(partitions.log, "warning", lambda event, **values: told.put_nowait((event, values["error"])))
    monkeypatch.setattr(partitions.log, "info", lambda event, **values: told.put_nowait((event, values["names"])))
    connection.execute(f"DROP TABLE {name('audit_logs', this)}".encode())
    connection.execute("ALTER FUNCTION make_partitions RENAME TO elsewhere")
    keeping = asyncio.create_task(partitions.keep_made(engine))
    async with asyncio.timeout(10):
        assert await told.get() == ("partitions_not_made", "function make_partitions() does not exist")
        connection.execute("ALTER FUNCTION elsewhere RENAME TO make_partitions")
        while (last := await told.get())[0] == "partitions_not_made":
            pass
    assert last == ("partitions_made", [name("audit_logs", this)])
    keeping.cancel()


@pytest.mark.slow
@pytest.mark.anyio
async def test_where_others_read_for_long_it_gives_up_and_nobody_waits(
    engine: AsyncEngine, connection: Connection, database_url: str
) -> None:
    (this,) = months(0)
    connection.execute(f"DROP TABLE {name('webhook_deliveries', this)}".encode())
    with psycopg.connect(database_url) as reading:
        reading.execute("SELECT count(*) FROM webhook_deliveries")
        making = asyncio.create_task(partitions.make(engine))
        await asyncio.sleep(0.5)
        with pytest.raises(Locked):
            await making
        assert await record(engine, "meanwhile") == ["queued"]
    assert await partitions.make(engine) == [name("webhook_deliveries", this)]


@pytest.mark.anyio
async def test_no_delivery_is_lost_that_comes_while_a_partition_is_made(
    engine: AsyncEngine, connection: Connection, database_url: str
) -> None:
    """Each by itself, as they come where little happens: a group would be tried again in parts."""
    (this,) = months(0)
    connection.execute(f"DROP TABLE {name('webhook_deliveries', this)}".encode())
    with psycopg.connect(database_url) as making:
        made = ask(making, "SELECT make_partitions()")
        recording = [asyncio.create_task(record(engine, guid(at(this) + timedelta(seconds=each)))) for each in range(3)]
        await asyncio.sleep(0.3)
        making.commit()
    assert made == [name("webhook_deliveries", this)]
    assert await asyncio.gather(*recording) == [["queued"]] * 3
    places = ask(connection, "SELECT DISTINCT tableoid::regclass::text FROM webhook_deliveries")
    assert places == made


def test_a_table_in_the_place_of_a_partition_is_told(connection: Connection) -> None:
    (this,) = months(0)
    taken = name("audit_logs", this)
    connection.execute(f"ALTER TABLE audit_logs DETACH PARTITION {taken}".encode())
    with pytest.raises(psycopg.errors.RaiseException, match=f"{taken} is in the place of a partition of audit_logs"):
        ask(connection, "SELECT make_partitions()")


def test_a_default_partition_that_is_gone_is_made_again(connection: Connection) -> None:
    connection.execute("DROP TABLE audit_logs_default")
    assert ask(connection, "SELECT make_partitions(3)") != []
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
