"""The history of runs, kept as long as its policy says: what was done every few seconds is of no use for years.

The newest run of each kind that succeeded, and the newest that failed, stay for each repository: they are what tells
how the mirror is, and where the next look into the delivery log begins.
"""

from datetime import timedelta

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.database import transaction

log = structlog.get_logger()

IDLE_KEPT = timedelta(days=1)
"""How long runs are kept that found nothing to do."""

SEEN_KEPT = timedelta(days=1)
"""How long a run that was stopped can be gone on with (`runs.resume`)."""

REFETCHES_KEPT = timedelta(days=1)
"""How long a refetch is kept where nothing may read the API."""

FORGET_SECONDS = 3600.0

AT_ONCE = 5000

_FINDINGS = sa.text("""
DELETE FROM sync_findings WHERE id IN (
  SELECT id FROM sync_findings WHERE found_at < retained_since('sync_findings') ORDER BY found_at LIMIT :at_once)
""")

# A run that was killed never ends, and after a day nobody goes on with it: its age is that of its beginning.
_RUNS = sa.text("""
WITH old AS (
  SELECT * FROM sync_runs WHERE started_at < retained_since('sync_runs')
  UNION ALL
  SELECT * FROM sync_runs
  WHERE started_at < now() - CAST(:idle_kept AS interval) AND started_at >= retained_since('sync_runs')
    AND kind IN ('sweep', 'heal') AND status = 'succeeded' AND rows_written = 0
)
DELETE FROM sync_runs WHERE id IN (
  SELECT old.id FROM old
  WHERE NOT EXISTS (SELECT FROM sync_findings f WHERE f.run_id = old.id)
    AND (old.status NOT IN ('succeeded', 'failed') OR old.id <> CASE WHEN old.repository_id IS NULL THEN (
           SELECT id FROM sync_runs WHERE repository_id IS NULL AND kind = old.kind AND status = old.status
           ORDER BY finished_at DESC LIMIT 1) ELSE (
           SELECT id FROM sync_runs WHERE repository_id = old.repository_id AND kind = old.kind AND status = old.status
           ORDER BY finished_at DESC LIMIT 1) END)
  LIMIT :at_once)
""")

_SEEN = sa.text("""
DELETE FROM sync_seen WHERE (run_id, number) IN (
  SELECT s.run_id, s.number FROM sync_runs r JOIN sync_seen s ON s.run_id = r.id
  WHERE r.status IN ('failed', 'interrupted') AND r.started_at < now() - CAST(:kept AS interval) LIMIT :at_once)
""")


# Where nothing has ever swept, nothing may read the API; once something may, it begins with all that there is.
_REFETCHES = sa.text("""
DELETE FROM sync_jobs WHERE id IN (
  SELECT id FROM sync_jobs
  WHERE starts_with(kind, 'refetch_') AND created_at < now() - CAST(:kept AS interval)
    AND NOT EXISTS (SELECT FROM sync_runs WHERE kind = 'sweep' AND repository_id IS NULL)
  LIMIT :at_once)
""")


async def forget_refetches(engine: AsyncEngine) -> int:
    """Remove refetches that wait for an API that nothing may read; answers how many."""
    return await _delete(engine, _REFETCHES, kept=REFETCHES_KEPT)


async def forget(engine: AsyncEngine) -> int:
    """Remove what is too old, in batches that are committed one by one; answers how many rows that were."""
    rows = await _delete(engine, _FINDINGS)
    rows += await _delete(engine, _SEEN, kept=SEEN_KEPT)
    rows += await _delete(engine, _RUNS, idle_kept=IDLE_KEPT)
    if rows:
        log.info("history_forgotten", rows=rows)
    return rows


async def _delete(engine: AsyncEngine, statement: sa.TextClause, **ages: timedelta) -> int:
    deleted = 0
    while True:
        async with transaction(engine) as conn:
            rows = (await conn.execute(statement, ages | {"at_once": AT_ONCE})).rowcount
        deleted += rows
        if rows < AT_ONCE:
            return deleted
