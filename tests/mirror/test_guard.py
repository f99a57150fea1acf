"""The order guard's expressions, by what they answer for single rows."""

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.mirror import guard, milestone
from ghsync.mirror.noun import Group

pytestmark = pytest.mark.anyio

CORE = Group("core", ())
STATS = Group("stats", ())

Version = tuple[str | None, str | None]


async def answer(
    engine: AsyncEngine, expression: str, incoming: dict[str, object], stored: dict[str, object]
) -> object:
    """What the expression is for two rows that are named as an upsert names them."""
    kinds = {"title": "text", "observed_by": "text"}

    def row(values: dict[str, object], prefix: str) -> str:
        return ", ".join(f"CAST(:{prefix}_{name} AS {kinds.get(name, 'timestamptz')}) AS {name}" for name in values)

    statement = f"SELECT {expression} FROM (SELECT {row(incoming, 'i')}) excluded, (SELECT {row(stored, 't')}) t"
    values = {f"i_{name}": value for name, value in incoming.items()}
    values |= {f"t_{name}": value for name, value in stored.items()}
    async with engine.connect() as conn:
        return (await conn.execute(sa.text(statement), values)).scalar_one()


@pytest.mark.parametrize(
    ("incoming", "stored", "newer"),
    [
        (("12:00:01", "12:00:05"), ("12:00:00", "12:00:09"), True),
        (("12:00:00", "12:00:09"), ("12:00:01", "12:00:05"), False),
        (("12:00:00", "12:00:06"), ("12:00:00", "12:00:05"), True),
        (("12:00:00", "12:00:05"), ("12:00:00", "12:00:06"), False),
        (("12:00:00", "12:00:05"), ("12:00:00", "12:00:05"), True),
        ((None, "12:00:09"), ("12:00:00", "12:00:05"), False),
        (("12:00:00", "12:00:05"), (None, "12:00:09"), True),
        ((None, "12:00:06"), (None, "12:00:05"), True),
        ((None, "12:00:05"), (None, "12:00:06"), False),
        ((None, "12:00:05"), (None, None), True),
    ],
)
async def test_the_pair_of_times_decides_which_report_is_newer(
    engine: AsyncEngine, incoming: Version, stored: Version, newer: bool
) -> None:
    names = ("updated_at", "observed_at")
    rows = [dict(zip(names, map(moment, version), strict=True)) for version in (incoming, stored)]
    assert await answer(engine, guard.newer(CORE), *rows) is newer


@pytest.mark.parametrize(
    ("incoming", "stored", "newer"),
    [
        ((None, None), (None, None), False),
        ((None, None), ("12:00:00", "12:00:05"), False),
        (("12:00:00", "12:00:05"), (None, None), True),
        ((None, "12:00:05"), (None, None), True),
        (("12:00:00", "12:00:05"), ("12:00:00", "12:00:06"), False),
    ],
)
async def test_a_group_that_is_not_reported_is_not_newer(
    engine: AsyncEngine, incoming: Version, stored: Version, newer: bool
) -> None:
    names = ("stats_updated_at", "stats_observed_at")
    rows = [dict(zip(names, map(moment, version), strict=True)) for version in (incoming, stored)]
    assert await answer(engine, guard.newer(STATS), *rows) is newer


@pytest.mark.parametrize(
    ("stored", "incoming", "tombstone"),
    [
        ((None, None), (None, None), None),
        ((None, None), ("12:00:01", None), "12:00:01"),
        (("12:00:01", None), (None, None), "12:00:01"),
        (("12:00:01", None), ("12:00:02", None), "12:00:02"),
        (("12:00:02", None), ("12:00:01", None), "12:00:02"),
        (("12:00:01", None), (None, "12:00:02"), None),
        (("12:00:02", None), (None, "12:00:01"), "12:00:02"),
        (("12:00:02", None), (None, "12:00:02"), "12:00:02"),
        ((None, "12:00:02"), ("12:00:01", None), None),
        ((None, "12:00:01"), ("12:00:02", None), "12:00:02"),
        ((None, None), ("12:00:02", "12:00:02"), "12:00:02"),
        ((None, None), ("12:00:01", "12:00:02"), None),
    ],
)
async def test_a_tombstone_stands_until_the_api_sees_the_thing_after_it(
    engine: AsyncEngine, stored: Version, incoming: Version, tombstone: str | None
) -> None:
    names = ("deleted_at", "verified_at")
    rows = [dict(zip(names, map(moment, times), strict=True)) for times in (incoming, stored)]
    found = await answer(engine, f"({guard.tombstone('t', 'excluded')})::text", *rows)
    assert found == (moment(tombstone) and f"{moment(tombstone)}+00")


@pytest.mark.parametrize(
    ("one", "other", "apart", "unordered"),
    [
        (("12:00:00", "arrival", "a"), ("12:00:00", "arrival", "b"), "12:00:02", True),
        (("12:00:00", "guid", "a"), ("12:00:00", "arrival", "b"), "12:00:02", True),
        (("12:00:00", "guid", "a"), ("12:00:00", "guid", "b"), "12:01:01", False),
        (("12:00:00", "guid", "a"), ("12:00:00", "guid", "b"), "12:01:02", True),
        (("12:00:00", "guid", "a"), ("12:00:00", "guid", "a"), "12:01:02", False),
        (("12:00:00", "guid", "a"), ("12:00:01", "guid", "b"), "12:01:02", False),
        (("12:00:00", "api", "a"), ("12:00:00", "guid", "b"), "12:01:02", False),
        (("12:00:00", "api", "a"), ("12:00:00", "arrival", "b"), "12:00:02", False),
        (("12:00:00", "arrival", "a"), ("12:00:00", "arrival", "a"), "12:00:02", False),
        (("12:00:00", "arrival", "a"), ("12:00:01", "arrival", "b"), "12:00:02", False),
        ((None, "arrival", "a"), (None, "arrival", "b"), "12:00:02", True),
        ((None, "guid", "a"), (None, "guid", "b"), "12:00:02", False),
    ],
)
async def test_only_different_hooks_of_one_second_that_no_guid_orders_are_unordered(
    engine: AsyncEngine, one: tuple[str, ...], other: tuple[str, ...], apart: str, unordered: bool
) -> None:
    core = dict.fromkeys(milestone.noun.core)
    rows = [
        core | {"updated_at": moment(updated_at), "observed_at": moment(seen), "observed_by": by, "title": title}
        for (updated_at, by, title), seen in ((one, "12:00:01"), (other, apart))
    ]
    expression = guard.unordered(milestone.noun, "excluded", "t")
    assert await answer(engine, expression, *rows) is unordered
    assert await answer(engine, expression, *reversed(rows)) is unordered


def moment(time: str | None) -> str | None:
    """A time of one day."""
    return time and f"2026-03-02 {time}"
