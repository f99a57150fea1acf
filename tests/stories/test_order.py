"""Any order, any repetition, any batches, two workers at once: the same rows (I5)."""

import asyncio
from dataclasses import dataclass
from functools import cache

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.inbox import queue
from tests.engines import Examples
from tests.stories import snapshot, story
from tests.stories.snapshot import Rows

told = cache(story.load)


@dataclass(frozen=True)
class Telling:
    """One way to tell a story: the order, where it pauses, what is projected again, and how the workers batch."""

    name: str
    order: tuple[int, ...]
    pauses: frozenset[int]
    again: frozenset[int]
    batch_sizes: tuple[int, int]


@st.composite
def tellings(draw: st.DrawFn) -> Telling:
    """All deliveries of a story in some order, some of them several times."""
    name = draw(st.sampled_from(story.NAMES))
    places = range(len(told(name).deliveries))
    repeated = draw(st.lists(st.sampled_from(places), max_size=6))
    order = tuple(draw(st.permutations([*places, *repeated])))
    some = st.frozensets(st.sampled_from(range(len(order))), max_size=4)
    return Telling(name, order, draw(some), draw(some), draw(st.tuples(st.integers(1, 9), st.integers(1, 9))))


async def tell(engine: AsyncEngine, telling: Telling) -> dict[str, Rows]:
    async with engine.begin() as conn:
        await story.set_up(conn, told(telling.name))
    for place, index in enumerate(telling.order):
        await story.receive(engine, told(telling.name), [told(telling.name).deliveries[index]])
        if place in telling.again:
            await requeue_newest(engine)
        if place in telling.pauses:
            await project(engine, telling)
    await project(engine, telling)
    async with engine.connect() as conn:
        assert await snapshot.undone(conn) == []
        return await snapshot.take(conn)


async def project(engine: AsyncEngine, telling: Telling) -> None:
    one, other = telling.batch_sizes
    await asyncio.gather(story.worker(engine, one).drain(), story.worker(engine, other).drain())


async def requeue_newest(engine: AsyncEngine) -> None:
    async with engine.begin() as conn:
        ids = (await conn.execute(sa.text("SELECT id FROM webhook_deliveries ORDER BY id DESC LIMIT 3"))).scalars()
        await queue.requeue(conn, list(ids))


def in_order(name: str) -> Telling:
    return Telling(name, tuple(range(len(told(name).deliveries))), frozenset(), frozenset(), (1, 1))


@pytest.mark.slow
@given(telling=tellings())
@settings(max_examples=40, deadline=None)
def test_a_story_told_in_any_way_ends_the_same(examples: Examples, telling: Telling) -> None:
    assert examples.run(lambda engine: tell(engine, telling)) == ended(examples, telling.name)


@cache
def ended(examples: Examples, name: str) -> dict[str, Rows]:
    """How a story ends when it is told in order, one delivery at a time."""
    return examples.run(lambda engine: tell(engine, in_order(name)))
