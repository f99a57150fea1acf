"""Batches are read ahead of what is written, and written in the order in which they were claimed."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ghsync import database
from ghsync.inbox import queue
from ghsync.inbox.queue import ClaimedDelivery
from ghsync.projector import ahead, project
from ghsync.projector.batch import Batch
from tests.test_worker import arrive, delivery, worker

pytestmark = pytest.mark.anyio

UNLOCKED = "SELECT count(*) FROM (SELECT FROM webhook_deliveries FOR UPDATE SKIP LOCKED) free"
IDLE = """SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'
          AND pid NOT IN (SELECT pid FROM pg_locks WHERE relation = 'change_events'::regclass)"""
STATUSES = "SELECT DISTINCT status FROM webhook_deliveries"


async def ask(engine: AsyncEngine, statement: str) -> list[tuple[Any, ...]]:
    """The rows that a statement answers now."""
    async with engine.connect() as conn:
        return [tuple(row) for row in await conn.execute(sa.text(statement))]


async def unlocked(engine: AsyncEngine, count: int) -> None:
    """Wait until so many deliveries are nobody's."""
    async with asyncio.timeout(10):
        while await ask(engine, UNLOCKED) != [(count,)]:  # noqa: ASYNC110 (PostgreSQL tells of no lock)
            await asyncio.sleep(0.01)


class Seen:
    """When batches were claimed and written, in that order; a full one is written when the next has been claimed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, full: int = 2) -> None:
        self.order: list[tuple[str, int]] = []
        self.fails: set[str] = set()
        self.claimed = asyncio.Event()
        claim, write = queue.claim, project.store

        async def watched_claim(*arguments: Any, **bounds: Any) -> list[ClaimedDelivery]:
            found = await claim(*arguments, **bounds)
            if found:
                self.order.append(("claimed", found[0].id))
            self.claimed.set()
            return found

        async def watched_write(conn: AsyncConnection, batch: Batch) -> Sequence[Any]:
            titles = [row["title"] for rows in batch.rows.values() for row in rows.values()]
            self.order.append(("written", int(titles[0])))
            if self.fails & set(titles):
                raise ValueError("It cannot be written.")
            if len(titles) == full:
                self.claimed.clear()
                async with asyncio.timeout(10):
                    await self.claimed.wait()
            return await write(conn, batch)

        monkeypatch.setattr(queue, "claim", watched_claim)
        monkeypatch.setattr(project, "store", watched_write)


async def fill(engine: AsyncEngine, count: int) -> None:
    """Issues 1 to ``count``, each with its number as its title, which is the delivery's id too."""
    await arrive(engine, *(delivery(f"guid-{number}", str(number), number) for number in range(1, count + 1)))


async def test_the_next_batch_is_claimed_while_a_full_one_is_being_written(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(engine, 5)
    seen = Seen(monkeypatch)
    assert await worker(engine, batch_size=2).drain() == 5
    assert seen.order == [
        ("claimed", 1), ("written", 1), ("claimed", 3), ("written", 3), ("claimed", 5), ("written", 5),
    ]  # fmt: skip
    assert await ask(engine, STATUSES) == [("processed",)]


async def test_a_batch_does_not_wait_for_more_than_is_there(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(engine, 2)
    seen = Seen(monkeypatch, full=3)
    assert await worker(engine, batch_size=3).step() == 2
    assert seen.order == [("claimed", 1), ("written", 1)]


async def test_what_was_taken_ahead_comes_after_the_halves_of_a_batch_that_failed(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(engine, 4)
    seen = Seen(monkeypatch)
    seen.fails = {"2"}
    assert await worker(engine, batch_size=2, max_attempts=1).drain() == 4
    written = [number for what, number in seen.order if what == "written"]
    assert written == [1, 1, 2, 3]
    assert await ask(engine, "SELECT id, status FROM webhook_deliveries ORDER BY id") == [
        (1, "processed"), (2, "parked"), (3, "processed"), (4, "processed"),
    ]  # fmt: skip


async def test_what_was_taken_too_long_ago_is_left_to_others_and_taken_anew(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It keeps them from these deliveries, and PostgreSQL would end its session."""
    await fill(engine, 6)
    monkeypatch.setattr(ahead, "OLD_SECONDS", 0.1)
    seen = Seen(monkeypatch)
    write = project.store

    async def takes_long(conn: AsyncConnection, batch: Batch) -> Sequence[Any]:
        written = await write(conn, batch)
        await unlocked(engine, 4)  # all but its own
        return written

    monkeypatch.setattr(project, "store", takes_long)
    one = worker(engine, batch_size=2)
    async with one._reader.ahead():
        await one.step()
    assert seen.order == [("claimed", 1), ("written", 1), ("claimed", 3)]
    monkeypatch.setattr(project, "store", write)
    assert await one.drain() == 4
    assert await ask(engine, STATUSES) == [("processed",)]


async def test_where_writing_takes_long_nothing_is_taken_ahead(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be given up, and taken anew, each time."""
    await fill(engine, 6)
    monkeypatch.setattr(ahead, "OLD_SECONDS", 0.05)
    seen = Seen(monkeypatch, full=0)
    write = project.store

    async def takes_long(conn: AsyncConnection, batch: Batch) -> Sequence[Any]:
        await asyncio.sleep(0.2)
        return await write(conn, batch)

    monkeypatch.setattr(project, "store", takes_long)
    assert await worker(engine, batch_size=2).drain() == 6
    assert [number for what, number in seen.order if what == "claimed"] == [1, 3, 3, 5]


@pytest.mark.parametrize("cancellations", [1, 2, 3])
async def test_who_is_cancelled_holds_nothing_of_what_was_taken_ahead(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch, cancellations: int
) -> None:
    await fill(engine, 4)
    seen = Seen(monkeypatch)

    async def never(conn: AsyncConnection, batch: Batch) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(project, "store", never)
    draining = asyncio.create_task(worker(engine, batch_size=2).drain())
    async with asyncio.timeout(10):
        while seen.order != [("claimed", 1), ("claimed", 3)]:
            seen.claimed.clear()
            await seen.claimed.wait()
    for _ in range(cancellations):
        draining.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await draining
    await unlocked(engine, 4)
    assert await ask(engine, STATUSES) == [("pending",)]


async def test_plans_that_were_made_while_a_month_was_empty_are_made_anew_when_it_is_not(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "FIRST_PLANS", 2)
    planned_once = database.create_engine(database_url, pool_size=1, planned_once=True)

    async def plan() -> str:
        ((found,),) = await ask(planned_once, "EXPLAIN (FORMAT JSON) EXECUTE find (7)")
        scan = next(step for step in found[0]["Plan"]["Plans"] if step["Relation Name"] == this_month)
        scan, *_ = scan.get("Plans", [scan])  # that of the index, below that of the table
        return str(scan.get("Index Name", scan["Node Type"]))

    this_month = f"webhook_deliveries_y{datetime.now(UTC):%Ym%m}"
    async with planned_once.begin() as conn:  # the one connection that everything here uses
        await conn.execute(sa.text("TRUNCATE webhook_deliveries"))  # another test may have left pages in it
        await conn.execute(sa.text("ANALYZE webhook_deliveries"))  # so that it is known to be empty
        await conn.execute(sa.text(FIND))
    before = await plan()
    async with planned_once.begin() as conn:
        await conn.execute(sa.text(GROW))
    await fill(planned_once, 1)
    await worker(planned_once).step()
    assert await plan() == before
    await arrive(planned_once, delivery("another", "2", 2))
    await worker(planned_once).step()
    assert (before, await plan()) == (f"{this_month}_repository_id_idx", f"{this_month}_pkey")
    await planned_once.dispose()


FIND = "PREPARE find (bigint) AS SELECT FROM webhook_deliveries WHERE id = $1"
GROW = """INSERT INTO webhook_deliveries (hook_target, guid, event, repository, body, status, processed_at)
          SELECT 'integration:1', n::text, 'issues', 'acme/' || n % 100, '', 'ignored', now()
          FROM generate_series(1, 20000) n"""
