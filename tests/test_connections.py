import asyncio
from collections.abc import AsyncIterator
from weakref import WeakKeyDictionary

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import connections, sessions
from ghsync.database import create_engine, create_pooled_engine, transaction
from ghsync.errors import DatabaseUnavailable
from ghsync.settings import Settings
from tests.mirror.reports import query

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only connections of the test itself are known, so that no other test's are hung up."""
    monkeypatch.setattr(connections, "_opened", WeakKeyDictionary())


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """One that has no connections yet."""
    own = create_engine(database_url)
    yield own
    await own.dispose()


ASLEEP = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND query = 'SELECT pg_sleep(60)'"


async def until_asleep(connection: psycopg.Connection) -> None:
    """Return when somebody waits for an answer."""
    async with asyncio.timeout(10):
        while not connection.execute(ASLEEP).fetchall():  # noqa: ASYNC110 (PostgreSQL tells nobody)
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("pooled", [False, True])
async def test_who_waits_for_a_server_that_is_hung_up_gets_an_error_and_then_another_connection(
    engine: AsyncEngine, connection: psycopg.Connection, database_url: str, *, pooled: bool
) -> None:
    used = create_pooled_engine(database_url, sessions.limits(Settings())) if pooled else engine

    async def sleep() -> None:
        async with transaction(used) as conn:
            await conn.exec_driver_sql("SELECT pg_sleep(60)")

    sleeping = asyncio.create_task(sleep())
    await until_asleep(connection)
    assert connections.hang_up(older_than_seconds=3600) == 0
    assert connections.hang_up(older_than_seconds=0) > 0
    with pytest.raises(DatabaseUnavailable):
        await sleeping
    assert await query(used, "SELECT 1") == [(1,)]
    if pooled:
        await used.dispose()


async def test_who_waits_for_a_server_that_answers_others_waits_on(
    engine: AsyncEngine, connection: psycopg.Connection, database_url: str
) -> None:
    async with transaction(engine) as conn:
        await conn.exec_driver_sql("SELECT 1")
        alive = await connections.answering(database_url, 5)
        assert alive == (connection.info.host, connection.info.port)
        assert connections.hang_up(older_than_seconds=0, unless_to=alive) == 0
        assert await conn.scalar(sa.text("SELECT 1")) == 1
    assert await connections.answering("postgresql://127.0.0.1:1/nowhere", 5) is None


async def test_what_is_closed_is_not_hung_up(database_url: str) -> None:
    connections.hang_up(older_than_seconds=0)
    await (await connections.connect(database_url)).close()
    assert connections.hang_up(older_than_seconds=0) == 0
