"""The third check: deriving `pr_tracking` from the mirror once more changes nothing; and doing so for good.

Pages are small, and each is a transaction of its own: who works in its repositories waits for one page at most.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ghsync.database import transaction
from ghsync.mirror.keys import PullRequestKey, RepositoryId
from ghsync.projector import linking, project
from ghsync.tracking.project import TrackingChange
from ghsync.verification.finding import Discrepancy

PAGE = 100

_FIRST = PullRequestKey(RepositoryId("00000000-0000-0000-0000-000000000000"), 0)

_COUNT = sa.text("SELECT count(*) FROM github_pull_requests")

_PAGE = sa.text("""
SELECT repository_id::text AS repository_id, number FROM github_pull_requests
WHERE (repository_id, number) > (CAST(:repository_id AS uuid), :number)
ORDER BY repository_id, number LIMIT :limit
""")

# Somebody changed what these follow from, and their tracking is due.
_DUE = sa.text(f"""
SELECT asked.repository_id::text, asked.number
FROM unnest(CAST(:repositories AS uuid[]), CAST(:numbers AS int[])) AS asked(repository_id, number)
WHERE EXISTS (
  SELECT FROM sync_jobs j
  WHERE j.kind = '{linking.TRACK}' AND j.key = asked.repository_id || '#' || asked.number AND j.parked_at IS NULL)
OR EXISTS (
  SELECT FROM task_github_links l JOIN sync_jobs j ON j.kind = '{linking.LINK}' AND j.key = l.task_id::text
  WHERE l.repository_id = asked.repository_id AND l.kind = 'pull_request' AND l.number = asked.number
    AND j.parked_at IS NULL)
""")

_NAMES = sa.text("SELECT id::text, tracked_name FROM github_repositories WHERE id = ANY(CAST(:ids AS uuid[]))")


@dataclass(slots=True)
class Recomputation:
    """How many pull requests were derived anew, how many of them became others, and what of them differed."""

    pull_requests: int = 0
    changed: int = 0
    findings: list[Discrepancy] = field(default_factory=list)


async def recompute(engine: AsyncEngine, watch: Callable[[int, int], None]) -> Recomputation:
    """Derive all pull requests anew and write what differs; a stop between two pages loses nothing."""
    return await _all_pages(engine, watch, keep=True)


async def rehearse(engine: AsyncEngine, watch: Callable[[int, int], None]) -> Recomputation:
    """As `recompute`, but write nothing: what differs and is not due anyway is found."""
    return await _all_pages(engine, watch, keep=False)


async def _all_pages(engine: AsyncEngine, watch: Callable[[int, int], None], *, keep: bool) -> Recomputation:
    done, last = Recomputation(), _FIRST
    async with transaction(engine) as conn:
        total = (await conn.execute(_COUNT)).scalar_one()
    watch(0, total)
    while True:
        async with (transaction if keep else _rehearsal)(engine) as conn:
            rows = await conn.execute(_PAGE, {**last._asdict(), "limit": PAGE})
            page = [PullRequestKey(row.repository_id, row.number) for row in rows]
            if not page:
                return done
            changed = await project.track(conn, page)
            done.changed += len(changed)
            if changed and not keep:
                done.findings += await _findings(conn, changed)
        last = page[-1]
        done.pull_requests += len(page)
        watch(done.pull_requests, max(total, done.pull_requests))


@asynccontextmanager
async def _rehearsal(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    async with engine.connect() as conn:
        yield conn
        await conn.rollback()


async def _findings(conn: AsyncConnection, changed: Sequence[TrackingChange]) -> list[Discrepancy]:
    repositories, numbers = [row.repository_id for row in changed], [row.number for row in changed]
    due = {tuple(row) for row in await conn.execute(_DUE, {"repositories": repositories, "numbers": numbers})}
    names = {row.id: row.tracked_name for row in await conn.execute(_NAMES, {"ids": repositories})}
    return [
        finding
        for row in changed
        if (row.repository_id, row.number) not in due
        for finding in _of_one(row, {"repository": names[row.repository_id], "pr_number": row.number})
    ]


def _of_one(row: TrackingChange, key: dict[str, object]) -> list[Discrepancy]:
    if row.created:
        return [Discrepancy("tracking", "pr_tracking", key, "missing")]
    old, new = msgspec.json.decode(row.old or "{}"), msgspec.json.decode(row.new or "{}")
    return [
        Discrepancy("tracking", "pr_tracking", key, "differs", name, old.get(name), new.get(name))
        for name in sorted(new)
    ]
