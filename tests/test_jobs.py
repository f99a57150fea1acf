"""Jobs: a coalescing set of work due."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import jobs, migrate
from ghsync.database import transaction
from ghsync.jobs import Job
from tests.mirror.reports import query

pytestmark = pytest.mark.anyio

ISSUE = Job("refetch_issue", "r#1", reason="two payloads of one second differ")
PULL = Job("refetch_pull_request", "r#2")


async def schedule(engine: AsyncEngine, *wanted: Job, **how: Any) -> None:
    """Make jobs due, committed."""
    async with transaction(engine) as conn:
        await jobs.schedule(conn, wanted, **how)


async def take(engine: AsyncEngine, kind: str, limit: int = 10) -> list[str]:
    """Take what is due."""
    async with transaction(engine) as conn:
        due = await jobs.due(conn, kind, limit)
        await jobs.finish(conn, kind, due)
        return due.keys


async def waits(engine: AsyncEngine) -> list[tuple[Any, ...]]:
    """Key, priority and seconds until it is due, of every job."""
    return await query(
        engine, "SELECT key, priority, round(extract(epoch FROM due_at - created_at)) FROM sync_jobs ORDER BY kind, key"
    )


async def test_a_job_is_due_after_the_debounce(engine: AsyncEngine) -> None:
    await schedule(engine, ISSUE, PULL)
    assert await waits(engine) == [("r#1", 10, 2), ("r#2", 10, 2)]
    assert await query(engine, "SELECT reason FROM sync_jobs ORDER BY key") == [(ISSUE.reason,), (None,)]
    assert await take(engine, "refetch_issue") == []


async def test_a_burst_is_one_job_as_early_as_its_first_reason(engine: AsyncEngine) -> None:
    await schedule(engine, ISSUE, ISSUE)
    ((due_at,),) = await query(engine, "SELECT due_at FROM sync_jobs")
    await schedule(engine, ISSUE)
    await schedule(engine, Job("refetch_issue", "r#1", reason="another"), delay_seconds=60)
    assert await query(engine, "SELECT due_at, reason FROM sync_jobs") == [(due_at, ISSUE.reason)]


async def test_a_job_becomes_more_urgent_and_never_less(engine: AsyncEngine) -> None:
    await schedule(engine, ISSUE, priority="sweep", delay_seconds=60)
    await schedule(engine, ISSUE, priority="interactive", delay_seconds=0)
    await schedule(engine, ISSUE, priority="event", delay_seconds=30)
    assert await waits(engine) == [("r#1", 0, 0)]


async def test_a_job_that_is_as_early_already_is_not_written_again(engine: AsyncEngine) -> None:
    await schedule(engine, ISSUE)
    before = await query(engine, "SELECT xmin::text FROM sync_jobs")
    await schedule(engine, ISSUE)
    assert await query(engine, "SELECT xmin::text FROM sync_jobs") == before


async def test_what_is_due_is_taken_once_and_only_of_its_kind(engine: AsyncEngine) -> None:
    await schedule(engine, ISSUE, PULL, Job("refetch_issue", "r#0"), delay_seconds=0)
    assert await take(engine, "refetch_issue") == ["r#0", "r#1"]
    assert await take(engine, "refetch_issue") == []
    assert await waits(engine) == [("r#2", 10, 0)]


async def test_the_most_urgent_are_due_first(engine: AsyncEngine) -> None:
    await schedule(engine, Job("refetch_issue", "later"), delay_seconds=-1)
    await schedule(engine, Job("refetch_issue", "earlier"), delay_seconds=-2)
    await schedule(engine, Job("refetch_issue", "urgent"), delay_seconds=0, priority="interactive")
    async with engine.connect() as conn:
        assert (await jobs.due(conn, "refetch_issue", 2)).keys == ["urgent", "earlier"]


@pytest.mark.parametrize("delay_seconds", [0, jobs.DEBOUNCE_SECONDS])
async def test_a_job_that_became_due_once_more_while_it_was_done_stays(
    engine: AsyncEngine, delay_seconds: float
) -> None:
    await schedule(engine, ISSUE, delay_seconds=0)
    async with transaction(engine) as conn:
        due = await jobs.due(conn, "refetch_issue", 10)
    await schedule(engine, ISSUE, delay_seconds=delay_seconds)
    async with transaction(engine) as conn:
        await jobs.finish(conn, "refetch_issue", due)
    assert await take(engine, "refetch_issue") == ["r#1"]
    assert await take(engine, "refetch_issue") == []


async def test_a_job_that_failed_comes_back_later_each_time(engine: AsyncEngine) -> None:
    await schedule(engine, ISSUE, delay_seconds=0)
    for _ in range(3):
        async with transaction(engine) as conn:
            await jobs.postpone(conn, "refetch_issue", ["r#1"], "out of reach")
    assert await take(engine, "refetch_issue") == []
    told = "SELECT attempts, last_error, round(extract(epoch FROM due_at - now())) FROM sync_jobs"
    assert await query(engine, told) == [(3, "out of reach", 4)]


async def test_a_job_that_goes_on_to_fail_waits_no_longer_than_is_said(engine: AsyncEngine) -> None:
    await schedule(engine, ISSUE, delay_seconds=0)
    waits = []
    for _ in range(12):
        async with transaction(engine) as conn:
            await jobs.postpone(conn, "refetch_issue", ["r#1"], "out of reach", longest_seconds=600)
        ((seconds,),) = await query(engine, "SELECT round(extract(epoch FROM due_at - now()))::int FROM sync_jobs")
        waits.append(seconds)
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]


async def test_a_job_that_failed_too_often_is_parked_until_it_is_due_for_another_reason(engine: AsyncEngine) -> None:
    await schedule(engine, ISSUE, delay_seconds=0)
    for parked in (False, True):
        async with transaction(engine) as conn:
            await jobs.postpone(conn, "refetch_issue", ["r#1"], "out of reach", max_attempts=2)
        assert await query(engine, "SELECT parked_at IS NOT NULL FROM sync_jobs") == [(parked,)]
    await query(engine, "UPDATE sync_jobs SET due_at = now()")
    assert await take(engine, "refetch_issue") == []
    await schedule(engine, ISSUE, delay_seconds=0)
    assert await query(engine, "SELECT attempts, parked_at FROM sync_jobs") == [(0, None)]
    assert await take(engine, "refetch_issue") == ["r#1"]


async def test_what_failed_too_often_is_tried_again_when_somebody_asks_for_it(engine: AsyncEngine) -> None:
    await schedule(engine, ISSUE, PULL, delay_seconds=60)
    async with transaction(engine) as conn:
        await jobs.postpone(conn, ISSUE.kind, [ISSUE.key], "out of reach", max_attempts=1)
    for retried in (1, 0):
        async with transaction(engine) as conn:
            assert await jobs.retry(conn) == retried
    assert await query(engine, "SELECT attempts, parked_at FROM sync_jobs") == [(0, None), (0, None)]
    assert (await take(engine, ISSUE.kind), await take(engine, PULL.kind)) == ([ISSUE.key], [])


async def test_failures_do_not_wear_out_the_patience_for_what_github_is_still_at(engine: AsyncEngine) -> None:
    await schedule(engine, PULL, delay_seconds=0)
    for error in ("out of reach", "out of reach", jobs.UNDECIDED, jobs.UNDECIDED, "out of reach"):
        async with transaction(engine) as conn:
            await jobs.postpone(conn, PULL.kind, [PULL.key], error, max_attempts=3)
    assert await query(engine, "SELECT attempts, parked_at FROM sync_jobs") == [(1, None)]


async def test_no_jobs_are_no_statement(engine: AsyncEngine) -> None:
    await schedule(engine)
    assert await waits(engine) == []


async def test_an_unknown_kind_is_refused(engine: AsyncEngine) -> None:
    with pytest.raises(sa.exc.IntegrityError, match="kind"):
        await schedule(engine, Job("dance", "r#1"))


@pytest.mark.parametrize("view", ["sync_health", "system_health_dashboard"])
def test_views_know_by_its_words_what_is_not_failing(view: str) -> None:
    assert f"'{jobs.UNDECIDED}'" in (migrate.scripts_directory() / "sql" / f"{view}.sql").read_text()


async def test_what_waits_for_longer_than_anything_can_is_due_again(engine: AsyncEngine) -> None:
    await schedule(engine, ISSUE, delay_seconds=7200)
    await schedule(engine, PULL, delay_seconds=7200)
    await query(engine, "UPDATE sync_jobs SET attempts = 1 WHERE kind = 'refetch_pull_request'")
    async with transaction(engine) as conn:
        assert await jobs.hasten(conn) == 1
    assert await take(engine, ISSUE.kind) == [ISSUE.key]
    assert await take(engine, PULL.kind) == []
