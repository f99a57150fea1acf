"""Every story gives the rows it says, in whatever order and however often its deliveries come (I3, I5)."""

import asyncio
import random

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.stories import snapshot, story
from tests.stories.snapshot import Rows
from tests.stories.story import Story

pytestmark = pytest.mark.anyio


async def tell(engine: AsyncEngine, told: Story, order: list[int], batch_size: int = 500) -> dict[str, Rows]:
    """Let the deliveries come in this order, project them, and look."""
    async with engine.begin() as conn:
        await story.set_up(conn, told)
    await story.receive(engine, told, [told.deliveries[index] for index in order])
    await story.worker(engine, batch_size).drain()
    async with engine.connect() as conn:
        assert await snapshot.undone(conn) == []
        return await snapshot.take(conn)


def missing(expected: dict[str, Rows], found: dict[str, Rows]) -> list[str]:
    """What a story expects and the mirror does not show, and rows that nobody expects."""
    complaints = []
    for table, rows in expected.items():
        if len(rows) != len(found[table]):
            complaints.append(f"{table} has {len(found[table])} rows, not {len(rows)}: {found[table]}")
        for row in rows:
            near = [{name: other.get(name) for name in row} for other in found[table]]
            if snapshot.normal(row) not in [snapshot.normal(other) for other in near]:
                complaints.append(f"{table} lacks {row}\n  among {near}")
    return complaints


@pytest.mark.parametrize("name", story.NAMES)
async def test_a_story_in_order_gives_its_rows(engine: AsyncEngine, name: str) -> None:
    told = story.load(name)
    found = await tell(engine, told, list(range(len(told.deliveries))))
    assert missing(told.expected, found) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", story.NAMES)
async def test_a_story_one_delivery_at_a_time_gives_its_rows(engine: AsyncEngine, name: str) -> None:
    told = story.load(name)
    found = await tell(engine, told, list(range(len(told.deliveries))), batch_size=1)
    assert missing(told.expected, found) == []


@pytest.mark.parametrize("name", story.NAMES)
@pytest.mark.parametrize("seed", range(3))
async def test_a_shuffled_story_gives_its_rows(engine: AsyncEngine, name: str, seed: int) -> None:
    told = story.load(name)
    order = list(range(len(told.deliveries)))
    random.Random(seed).shuffle(order)
    found = await tell(engine, told, order, batch_size=1 + seed)
    assert missing(told.expected, found) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", story.NAMES)
async def test_a_story_told_backwards_gives_its_rows(engine: AsyncEngine, name: str) -> None:
    told = story.load(name)
    found = await tell(engine, told, list(reversed(range(len(told.deliveries)))), batch_size=1)
    assert missing(told.expected, found) == []


@pytest.mark.parametrize("name", story.NAMES)
async def test_a_story_with_every_delivery_twice_gives_its_rows(engine: AsyncEngine, name: str) -> None:
    told = story.load(name)
    once = list(range(len(told.deliveries)))
    found = await tell(engine, told, once + once)
    assert missing(told.expected, found) == []


@pytest.mark.parametrize("name", story.NAMES)
async def test_a_replayed_story_changes_nothing(engine: AsyncEngine, name: str) -> None:
    told = story.load(name)
    before = await tell(engine, told, list(range(len(told.deliveries))))
    async with engine.begin() as conn:
        changes = await snapshot.changes(conn)
        await snapshot.requeue_everything(conn)
    await asyncio.gather(story.worker(engine, 3).drain(), story.worker(engine, 2).drain())
    async with engine.connect() as conn:
        assert await snapshot.take(conn) == before
        assert await snapshot.changes(conn) == changes
