"""`github_issues_as_of` and `github_pull_requests_as_of` answer what the mirror had at a moment."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from psycopg.errors import NoDataFound
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ghsync.inbox.recording import RecordedDelivery
from ghsync.mirror import issue, pull_request
from ghsync.mirror.noun import Noun
from tests.mirror.reports import ISSUE, NOON, PULL_REQUEST, Report, Subject, api, at, hook, query, rows, write
from tests.mirror.test_plans import plan
from tests.stories import story

pytestmark = pytest.mark.anyio

NOUNS = (issue.noun, pull_request.noun)
SUBJECTS = pytest.mark.parametrize("subject", [ISSUE, PULL_REQUEST], ids=str)

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Moment:
    """What the mirror had at some time."""

    at: datetime
    rows: dict[str, Rows]


async def snapshot(engine: AsyncEngine) -> Moment:
    """The present issues and pull requests, and the time by the database's clock."""
    async with engine.connect() as conn:
        found = {noun.name: await told(conn, noun, noun.name) for noun in NOUNS}
        ((now,),) = await rows(conn, "SELECT clock_timestamp()")
        return Moment(now, found)


async def as_of(conn: AsyncConnection, moment: datetime) -> dict[str, Rows]:
    """The same, as the functions answer it."""
    return {noun.name: await told(conn, noun, f"{noun.name}_as_of(:t)", t=moment) for noun in NOUNS}


async def told(conn: AsyncConnection, noun: Noun, source: str, **values: Any) -> Rows:
    """Everything of the rows that the change feed tells, in the order of their keys."""
    columns = ", ".join(("id", *noun.key, *sorted({*noun.reported} - {*noun.key})))
    statement = sa.text(f"SELECT {columns} FROM {source} ORDER BY {', '.join(noun.key)}")
    return [dict(row._mapping) for row in await conn.execute(statement, values)]


async def history(engine: AsyncEngine, subject: Subject, *reports: Report) -> list[Moment]:
    """What there was before the first report, and after each."""
    moments = [await snapshot(engine)]
    for report in reports:
        await write(engine, subject.batch(report))
        moments.append(await snapshot(engine))
    return moments


async def assert_told(engine: AsyncEngine, moments: list[Moment]) -> None:
    """Every moment is answered as it was, field by field."""
    async with engine.connect() as conn:
        for moment in moments:
            found = await as_of(conn, moment.at)
            assert [without_updated_at(found[name]) for name in found] == [
                without_updated_at(moment.rows[name]) for name in found
            ]
            # The feed is silent about an updated_at that moves alone, so it may be that of the next such event.
            assert all(newer >= older for newer, older in zip(times(found), times(moment.rows), strict=True))


def without_updated_at(found: Rows) -> Rows:
    """Rows without the field that may move unseen."""
    return [{name: value for name, value in row.items() if name != "updated_at"} for row in found]


def times(found: dict[str, Rows]) -> list[datetime]:
    """That field of all rows."""
    return [row["updated_at"] for name in sorted(found) for row in found[name]]


@pytest.mark.parametrize("name", story.NAMES)
async def test_every_moment_of_a_story_is_answered_as_it_was(engine: AsyncEngine, name: str) -> None:
    told_story = story.load(name)
    async with engine.begin() as conn:
        await story.set_up(conn, told_story)
    await assert_told(engine, await tell(engine, told_story, told_story.deliveries))


@pytest.mark.parametrize("name", story.NAMES)
async def test_a_story_told_backwards_is_answered_as_the_mirror_had_it(engine: AsyncEngine, name: str) -> None:
    told_story = story.load(name)
    async with engine.begin() as conn:
        await story.set_up(conn, told_story)
    await assert_told(engine, await tell(engine, told_story, told_story.deliveries[::-1]))


async def tell(engine: AsyncEngine, told_story: story.Story, deliveries: Sequence[RecordedDelivery]) -> list[Moment]:
    """Project deliveries one by one; answers what there was before the first, and after each."""
    moments = [await snapshot(engine)]
    for delivery in deliveries:
        await story.receive(engine, told_story, [delivery])
        await story.worker(engine).drain()
        moments.append(await snapshot(engine))
    return moments


@SUBJECTS
async def test_two_deliveries_out_of_order_are_one_change(engine: AsyncEngine, subject: Subject) -> None:
    moments = await history(
        engine,
        subject,
        Report("first", at(0), hook(0)),
        Report("third", at(20), hook(20)),
        Report("second", at(10), hook(10)),
        Report("fourth", at(30), hook(30)),
    )
    await assert_told(engine, moments)
    shown = [[row[subject.shown] for row in moment.rows[subject.noun.name]] for moment in moments]
    assert shown == [[], ["first"], ["third"], ["third"], ["fourth"]]


@SUBJECTS
async def test_what_was_deleted_and_restored_is_answered_as_it_was(engine: AsyncEngine, subject: Subject) -> None:
    moments = await history(
        engine,
        subject,
        Report("there", at(0), hook(0)),
        Report("there", at(10), hook(10), deleted=True),
        Report("there", at(10), api(20)),
        Report("there again", at(30), hook(30)),
    )
    await assert_told(engine, moments)
    async with engine.connect() as conn:
        found = [(await as_of(conn, moment.at))[subject.noun.name] for moment in moments]
    gone = [[row["deleted_at"] for row in rows] for rows in found]
    assert gone == [[], [None], [at(10)], [None], [None]]


@SUBJECTS
async def test_the_future_is_as_the_present(engine: AsyncEngine, subject: Subject) -> None:
    *_, now = await history(engine, subject, Report("one", at(0), hook(0)), Report("other", at(10), hook(10)))
    async with engine.connect() as conn:
        assert await as_of(conn, now.at + timedelta(days=365)) == now.rows


@SUBJECTS
async def test_before_the_first_event_there_was_nothing(engine: AsyncEngine, subject: Subject) -> None:
    await history(engine, subject, Report("one", at(0), hook(0)))
    async with engine.connect() as conn:
        assert await as_of(conn, NOON) == {noun.name: [] for noun in NOUNS}


async def test_an_empty_feed_knows_that_there_was_nothing(engine: AsyncEngine) -> None:
    assert await query(engine, "SELECT change_feed_at('2026-01-01'), change_feed_at(now())") == [(0, 0)]


@SUBJECTS
async def test_a_time_that_moves_alone_is_that_of_the_next_change(engine: AsyncEngine, subject: Subject) -> None:
    moments = await history(
        engine,
        subject,
        Report("one", at(0), hook(0)),
        Report("one", at(10), hook(10)),
        Report("two", at(20), hook(20)),
    )
    async with engine.connect() as conn:
        found = [times(await as_of(conn, moment.at)) for moment in moments]
    assert found == [[], [at(10)], [at(10)], [at(20)]]


@SUBJECTS
async def test_bookkeeping_is_not_known_any_more(engine: AsyncEngine, subject: Subject) -> None:
    *_, now = await history(engine, subject, Report("one", at(0), api(0)))
    async with engine.connect() as conn:
        function = sa.text(f"SELECT * FROM {subject.noun.name}_as_of(:t)")
        (row,) = (await conn.execute(function, {"t": now.at})).mappings()
    silent = {*row} - {"id", *subject.noun.key, *subject.noun.reported}
    assert {name: value for name, value in row.items() if name in silent and value is not None} == {}
    assert silent >= {"observed_at", "observed_by", "synced_at", "sync_source", "verified_at"}


@SUBJECTS
async def test_a_moment_that_the_feed_does_not_reach_is_an_error(engine: AsyncEngine, subject: Subject) -> None:
    moments = await history(
        engine, subject, *(Report(str(second), at(second), hook(second)) for second in range(0, 40, 10))
    )
    await query(engine, "DELETE FROM change_events WHERE created_at < :t", t=moments[2].at)
    ((held_since,),) = await query(engine, "SELECT min(created_at)::text FROM change_events")
    await assert_told(engine, moments[3:])
    sentence = (
        f"the change feed reaches back to {re.escape(held_since)} only, so what was there at .* is not known any more"
    )
    async with engine.connect() as conn:
        with pytest.raises(sa.exc.DatabaseError, match=sentence) as refused:
            await as_of(conn, moments[2].at)
    assert isinstance(refused.value.orig, NoDataFound)


async def test_a_feed_that_was_emptied_knows_the_present_only(engine: AsyncEngine) -> None:
    *_, now = await history(engine, ISSUE, Report("one", at(0), hook(0)))
    await query(engine, "DELETE FROM change_events")
    async with engine.connect() as conn:
        assert await as_of(conn, now.at + timedelta(days=1)) == now.rows
        with pytest.raises(sa.exc.DatabaseError, match="not known any more"):
            await as_of(conn, NOON)


MANY = """
WITH added AS (
  INSERT INTO {name} (repository_id, github_id, number, title, state, observed_at, observed_by, sync_source)
  SELECT repository_id, n::text, n, 'Many', 'open', now(), 'guid', 'webhook' FROM {name}, generate_series(100, 5000) n
  RETURNING id
)
INSERT INTO change_events (seq, entity_type, entity_id, operation, old_values, new_values, sync_source)
SELECT 100 + row_number() OVER (), '{name}', id, 'update', '{{"title": "Few"}}', '{{"title": "Many"}}', 'webhook'
FROM added
"""

EMPTY = "SELECT relid::text FROM pg_partition_tree('change_events') WHERE isleaf AND pg_relation_size(relid) = 0"


@SUBJECTS
async def test_a_condition_reads_the_rows_asked_for_and_their_changes(engine: AsyncEngine, subject: Subject) -> None:
    name = subject.noun.name
    await write(engine, subject.batch(Report("one", at(0), hook(0))))
    await query(engine, MANY.format(name=name))
    await query(engine, "ANALYZE")
    asked = sa.text(f"SELECT a.title FROM {name}_as_of(:t) a JOIN github_repositories r ON r.id = a.repository_id "
                    "WHERE r.full_name = 'acme/app' AND a.number = 7")  # fmt: skip
    async with engine.connect() as conn:
        steps = await plan(conn, asked, {"t": NOON})
    empty = {name for (name,) in await query(engine, EMPTY)}
    read_of = [(step["Relation Name"], step) for step in steps if step.get("Relation Name", "") not in {"", *empty}]
    assert {name for name, step in read_of if step["Node Type"] == "Seq Scan"} <= {"github_repositories"}
    read = {step["Index Name"] for name, step in read_of if name.startswith("change_events_")}
    assert read
    assert {name.partition("_entity_")[2] for name in read} == {"type_entity_id_seq_idx"}
