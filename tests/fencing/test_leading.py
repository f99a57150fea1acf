"""One process leads, and what another one still writes in its place is refused."""

import asyncio

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.database import beginning_with, transaction
from ghsync.errors import NotLeading
from ghsync.processes import Process
from tests.mirror.reports import query, until_blocked

pytestmark = pytest.mark.anyio


async def test_who_was_replaced_can_write_nothing_any_more(engine: AsyncEngine) -> None:
    first, second = Process("work"), Process("serve")
    await first.lead(engine)
    async with transaction(beginning_with(engine, first.check_lead)) as conn:
        await conn.exec_driver_sql("UPDATE change_feed SET last_seq = 1")
    await second.lead(engine)
    with pytest.raises(NotLeading):
        async with transaction(beginning_with(engine, first.check_lead)) as conn:
            await conn.exec_driver_sql("UPDATE change_feed SET last_seq = 2")
    assert await query(engine, "SELECT last_seq FROM change_feed") == [(1,)]


async def test_who_takes_the_lead_waits_for_what_is_being_written(engine: AsyncEngine) -> None:
    first, second = Process("work"), Process("work")
    await first.lead(engine)
    async with transaction(beginning_with(engine, first.check_lead)) as conn:
        await conn.exec_driver_sql("UPDATE change_feed SET last_seq = 1")
        taking = asyncio.create_task(second.lead(engine))
        await until_blocked(engine)
    await taking
    leading = "SELECT id::text FROM sync_processes WHERE leading_since IS NOT NULL"
    assert await query(engine, leading) == [(second.id,)]


async def test_a_process_that_lives_is_heard_of_while_it_leads_and_takes_its_row_along(
    engine: AsyncEngine, connection: psycopg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ghsync.processes.BEAT_SECONDS", 0.01)
    process = Process("serve")
    living = asyncio.create_task(process.live(engine, database_url))
    beaten = "SELECT FROM sync_processes WHERE seen_at > started_at"
    async with asyncio.timeout(10), transaction(engine) as conn:
        while not connection.execute(beaten).fetchall():  # noqa: ASYNC110 (PostgreSQL tells nobody)
            await asyncio.sleep(0.01)
        before = connection.execute("SELECT seen_at FROM sync_processes").fetchone()
        await conn.exec_driver_sql("SELECT FROM sync_processes FOR KEY SHARE")  # as the leader's transactions do
        while connection.execute("SELECT seen_at FROM sync_processes").fetchone() == before:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    living.cancel()
    await asyncio.gather(living, return_exceptions=True)
    assert connection.execute("SELECT FROM sync_processes").fetchall() == []
