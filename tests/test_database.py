"""Statements that psycopg sends by itself, within SQLAlchemy's transactions."""

import asyncio
import gc
from collections.abc import Callable

import psycopg
import pytest
import sqlalchemy as sa
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import database, sessions
from ghsync.database import autocommitting, fetch, fetch_column, transaction
from ghsync.errors import DatabaseUnavailable, Locked
from ghsync.settings import Settings
from tests import postgres

pytestmark = pytest.mark.anyio

ADD = sa.text(
    "INSERT INTO organizations (name, slug) SELECT n, n FROM unnest(CAST(:names AS text[])) AS n RETURNING slug"
)
TWICE = sa.text(
    "SELECT CAST(:a AS text) AS first, CAST(:b AS int) AS second, CAST(:a AS text) || '%\\:a' AS third, NULL::int"
)
NAMES = sa.text("SELECT name FROM organizations ORDER BY name")
DROP = sa.text("SELECT pg_terminate_backend(pg_backend_pid())")


async def test_values_are_found_by_their_names_however_often_they_are_used(engine: AsyncEngine) -> None:
    async with transaction(engine) as conn:
        (row,) = await fetch(conn, TWICE, {"b": 2, "a": "one", "spare": 0})
    assert (row.first, row.second, row.third, row.int4) == ("one", 2, "one%:a", None)


async def test_what_is_fetched_is_committed_with_all_else(engine: AsyncEngine) -> None:
    async with engine.connect() as conn:
        assert await fetch_column(conn, ADD, {"names": ["acme", "hub"]}) == ["acme", "hub"]
        await conn.commit()
    async with engine.connect() as conn:
        await fetch(conn, ADD, {"names": ["lost"]})
    async with transaction(engine) as conn:
        assert await fetch_column(conn, NAMES) == ["acme", "hub"]


async def test_errors_are_sqlalchemys_and_name_no_value(engine: AsyncEngine) -> None:
    with pytest.raises(sa.exc.IntegrityError, match="duplicate key") as caught:
        async with transaction(engine) as conn:
            await fetch(conn, ADD, {"names": ["acme", "acme"]})
    assert isinstance(caught.value.orig, psycopg.errors.UniqueViolation)
    assert caught.value.params is None


async def test_a_lost_connection_is_unavailable_once_and_then_replaced(engine: AsyncEngine) -> None:
    async with engine.connect() as idle, engine.connect() as another:  # two that lie in the pool
        await fetch(idle, NAMES)
        await fetch(another, NAMES)
    with pytest.raises(DatabaseUnavailable):
        async with transaction(engine) as conn:
            await fetch(conn, DROP)
    for _ in range(2):
        async with transaction(engine) as conn:
            assert await fetch_column(conn, NAMES) == []


async def test_the_options_of_the_url_stay_but_for_the_time_zone(database_url: str) -> None:
    url = postgres.with_options(database_url, search_path="elsewhere", timezone="Asia/Tokyo")
    engine = database.create_engine(url, lock_timeout="7s")
    async with transaction(engine) as conn:
        shown = [await conn.scalar(sa.text(f"SHOW {name}")) for name in ("search_path", "timezone", "lock_timeout")]
    await engine.dispose()
    assert shown == ["elsewhere", "UTC", "7s"]


async def test_who_is_cancelled_is_cancelled_however_often(engine: AsyncEngine) -> None:
    async def wait() -> None:
        async with transaction(engine) as conn:
            await fetch(conn, sa.text("SELECT pg_sleep(30)"))

    task = asyncio.create_task(wait())
    await asyncio.sleep(0.2)
    for _ in range(2):
        task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task
    async with transaction(engine) as conn:
        assert await fetch_column(conn, NAMES) == []


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("prepared", [lambda engine: engine, autocommitting], ids=["begun", "autocommitting"])
async def test_who_is_cancelled_gives_the_connection_back_wherever_that_is(
    engine: AsyncEngine, prepared: Callable[[AsyncEngine], AsyncEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """psycopg lets others run in between after some busy milliseconds; here it does each time."""
    monkeypatch.setattr(psycopg.waiting, "MAX_BUSY_TIME", 0)

    async def look() -> None:
        async with transaction(prepared(engine)) as conn:
            await fetch(conn, NAMES)

    await look()
    for step in range(1, 1000):
        task = asyncio.create_task(look())
        for _ in range(step):
            await asyncio.sleep(0)
        if not task.cancel():
            break
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(5):
            while engine.pool.checkedout():  # noqa: ASYNC110 (the pool sets no event)
                await asyncio.sleep(0)
    assert step > 5
    gc.collect()


async def test_a_lost_connection_takes_none_from_who_uses_another(engine: AsyncEngine) -> None:
    async with transaction(engine) as used:
        await fetch(used, ADD, {"names": ["kept"]})
        with pytest.raises(DatabaseUnavailable):
            async with transaction(engine) as conn:
                await fetch(conn, DROP)
        assert "Checked out connections: 1" in engine.pool.status()
    async with transaction(engine) as conn:
        assert await fetch_column(conn, NAMES) == ["kept"]


async def test_a_single_statement_of_an_autocommitting_engine_is_committed(engine: AsyncEngine) -> None:
    async with database.connected(autocommitting(engine)) as conn:
        assert await fetch_column(
            conn,
            ADD,
            {"names": ["acme"]},
        ) == ["acme"]
    async with transaction(engine) as conn:
        (row,) = await fetch(conn, sa.text("SELECT CAST('ab' AS bytea) AS body, 7::bigint AS id"), binary=True)
        assert (row.body, row.id) == (b"ab", 7)
        assert await fetch_column(conn, NAMES) == ["acme"]


@pytest.mark.parametrize(
    "held", ["SELECT FROM change_feed FOR UPDATE", "LOCK TABLE change_feed", "SELECT pg_advisory_xact_lock(7)"]
)
async def test_what_others_hold_for_too_long_is_told_as_such(engine: AsyncEngine, database_url: str, held: str) -> None:
    impatient = database.create_engine(sessions.bounded(database_url, Settings(lock_seconds=0.01)))

    async def write() -> None:
        async with transaction(impatient) as conn:
            await conn.exec_driver_sql("SELECT pg_advisory_xact_lock(7)")
            await conn.exec_driver_sql("UPDATE change_feed SET last_seq = 1")

    async with engine.connect() as conn:
        await conn.exec_driver_sql(held)
        with pytest.raises(Locked, match="ghsync doctor"):
            await write()
    await impatient.dispose()


async def test_the_urls_own_settings_come_before_the_limits(database_url: str) -> None:
    asked = f"{postgres.with_options(database_url, lock_timeout='77ms')}&keepalives_idle=9"
    url = sessions.bounded(asked, Settings(idle_seconds=6))
    limited = database.create_engine(url)
    async with limited.connect() as conn:
        shown = {
            name: (await conn.exec_driver_sql(f"SHOW {name}")).scalar()
            for name in ("lock_timeout", "idle_in_transaction_session_timeout", "statement_timeout", "timezone")
        }
        assert shown == {
            "lock_timeout": "77ms", "idle_in_transaction_session_timeout": "6s", "statement_timeout": "5min",
            "timezone": "UTC",
        }  # fmt: skip
    await limited.dispose()
    said = conninfo_to_dict(url)
    assert (said["keepalives_idle"], said["tcp_user_timeout"]) == ("9", "10000")
