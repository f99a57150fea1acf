"""The change feed: numbers without gaps, in order of commit."""

import asyncio
import random
from collections.abc import AsyncIterator

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import database
from ghsync.changes import feed
from ghsync.changes.feed import ChangeEvent
from ghsync.database import transaction
from ghsync.errors import AheadOfFeed
from tests.mirror.reports import at, query, rows, until_blocked

pytestmark = pytest.mark.anyio

KEY = "11111111-1111-1111-1111-111111111111"


def event(number: int = 1, *, old: str | None = None, new: str | None = '{"title": "x"}') -> ChangeEvent:
    """An entry about an issue."""
    return ChangeEvent("github_issues", KEY, None, number, "update", old, new, "webhook", at(0))


@pytest.fixture
async def many(database_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine with a connection for each of several writers."""
    engine = database.create_engine(database_url, pool_size=8)
    yield engine
    await engine.dispose()


async def append(engine: AsyncEngine, *events: ChangeEvent) -> None:
    """One transaction of a writer."""
    async with transaction(engine) as conn:
        await feed.append(conn, events)


async def read(engine: AsyncEngine, after: int = 0, limit: int = 500) -> list[tuple[int, int]]:
    """Position and number of the entries after a position."""
    async with engine.connect() as conn:
        return [(entry["seq"], entry["number"]) for entry in await feed.read(conn, after, limit)]


async def test_an_empty_feed_stands_at_zero(engine: AsyncEngine) -> None:
    async with transaction(engine) as conn:
        await feed.append(conn, [])
        assert await feed.last(conn) == 0
        assert await feed.read(conn, 0) == []


async def test_an_entry_is_read_as_it_was_written(engine: AsyncEngine) -> None:
    await append(engine, event(7, old='{"title": "\\"odd\\" \N{SNOWMAN}"}', new='{"title": null}'))
    async with engine.connect() as conn:
        (entry,) = await feed.read(conn, 0)
        assert await feed.last(conn) == 1
    assert entry.pop("created_at") is not None
    assert entry == {
        "seq": 1, "entity_type": "github_issues", "entity_id": KEY, "repository_id": None, "number": 7,
        "operation": "update", "old_values": {"title": '"odd" \N{SNOWMAN}'}, "new_values": {"title": None},
        "sync_source": "webhook", "observed_at": at(0),
    }  # fmt: skip


async def test_times_rise_with_the_numbers_whoever_began_first(engine: AsyncEngine) -> None:
    async with transaction(engine) as slow:
        ((began_at,),) = await rows(slow, "SELECT now()")
        await append(engine, event(1))
        await feed.append(slow, [event(2), event(3)])
    async with engine.connect() as conn:
        times = [entry["created_at"] for entry in await feed.read(conn, 0)]
    assert began_at < times[0] < times[1] == times[2]


async def test_entries_are_numbered_in_the_order_given_and_read_in_pages(engine: AsyncEngine) -> None:
    await append(engine, *map(event, (30, 10, 20)))
    await append(engine, event(40))
    assert await read(engine) == [(1, 30), (2, 10), (3, 20), (4, 40)]
    assert await read(engine, 1, 2) == [(2, 10), (3, 20)]
    assert await read(engine, 4) == []


async def test_a_rolled_back_writer_leaves_no_gap(engine: AsyncEngine) -> None:
    await append(engine, event(1))
    async with engine.connect() as conn:
        await feed.append(conn, [event(404), event(405)])
        await conn.rollback()
    await append(engine, event(2))
    assert await read(engine) == [(1, 1), (2, 2)]


async def test_a_writer_waits_for_the_one_before_it(many: AsyncEngine) -> None:
    async with transaction(many) as conn:
        await feed.append(conn, [event(1)])
        second = asyncio.create_task(append(many, event(2)))
        await until_blocked(many)
        assert await read(many) == []
    await second
    assert await read(many) == [(1, 1), (2, 2)]


async def test_a_reader_misses_nothing_while_four_writers_commit_and_roll_back(many: AsyncEngine) -> None:
    chance = random.Random(7)
    writing = asyncio.Event()

    async def write(writer: int) -> int:
        committed = 0
        for place in range(40):
            keep = chance.random() < 0.8
            async with many.connect() as conn:
                await conn.execute(sa.text("SELECT pg_sleep(:seconds)"), {"seconds": chance.random() / 500})
                await feed.append(conn, [event(writer * 1000 + place)] * chance.randint(1, 3))
                await (conn.commit if keep else conn.rollback)()
            committed += keep
        return committed

    async def follow() -> list[tuple[int, int]]:
        seen: list[tuple[int, int]] = []
        while not writing.is_set():
            seen += await read(many, seen[-1][0] if seen else 0, 7)
        return seen

    following = asyncio.create_task(follow())
    committed = await asyncio.gather(*map(write, range(4)))
    writing.set()
    seen = await following
    seen += await read(many, seen[-1][0] if seen else 0)

    assert [position for position, _ in seen] == list(range(1, len(seen) + 1))
    assert len({number for _, number in seen}) == sum(committed)
    stored = await query(many, "SELECT seq, number FROM change_events ORDER BY seq")
    assert seen == stored
    assert await query(many, "SELECT last_seq FROM change_feed") == [(len(seen),)]


async def test_a_commit_is_announced(engine: AsyncEngine, database_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as listening:
        await listening.execute(f"LISTEN {feed.CHANNEL}".encode())
        await append(engine, event(1), event(2))
        heard = [notice.channel async for notice in listening.notifies(timeout=5, stop_after=1)]
    assert heard == [feed.CHANNEL]


async def test_a_consumer_ahead_of_a_feed_that_went_back_is_told_where_it_ends(engine: AsyncEngine) -> None:
    await append(engine, event(1), event(2))
    assert await read(engine, 2) == []
    with pytest.raises(AheadOfFeed, match="ends with event 2, and event 3 is not in it") as told:
        await read(engine, 3)
    assert told.value.last == 2


async def test_a_consumer_ahead_of_an_empty_feed_is_told_too(engine: AsyncEngine) -> None:
    assert await read(engine, 0) == []
    with pytest.raises(AheadOfFeed):
        await read(engine, 1)
