"""How fresh the mirror is, and what is in its way.

Fast however many deliveries are done: large tables are estimated, not counted.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync import jobs, locks, lookup, processes, replication, schema, staleness
from ghsync.github import omissions
from ghsync.reports import readings, storage
from ghsync.settings import Settings
from ghsync.staleness import Backlog

Report = dict[str, Any]

COUNTED = (*schema.MIRRORED, "pr_tracking", "task_github_links", "change_events")
INBOX = "webhook_deliveries"
COUNTED_PAGES = 4096  # 32 MiB; what is larger is estimated
ERRORS_SHOWN = 5
RUNS_SHOWN = 5
UNREAD_SHOWN = 10

CUT_OFF = "This is a standby that receives nothing: its primary is away, or it does not reach it."

# Both counts are read from partial indexes. Ids follow arrival, so the smallest id waits longest.
_BACKLOG = sa.text("""
WITH pending AS (SELECT count(*) AS count, min(id) AS first FROM webhook_deliveries WHERE status = 'pending')
SELECT p.count AS pending, p.first AS first_pending, oldest.received_at AS oldest_received_at,
       oldest.seconds AS oldest_pending_seconds,
       (SELECT count(*) FROM webhook_deliveries WHERE status = 'parked') AS parked
FROM pending p
LEFT JOIN LATERAL (
  SELECT received_at, extract(epoch FROM greatest(now() - received_at, '0'))::float8 AS seconds
  FROM webhook_deliveries WHERE id = p.first) oldest ON true
""")

# The newest processed one is among the newest of all, or else just before those that wait.
_NEWEST = sa.text("""
WITH recent AS (
  (SELECT status, received_at, processed_at FROM webhook_deliveries ORDER BY id DESC LIMIT 1000)
  UNION ALL
  (SELECT status, received_at, processed_at FROM webhook_deliveries WHERE id < :first_pending
   ORDER BY id DESC LIMIT 1000)
)
SELECT received_at, processed_at, extract(epoch FROM greatest(now() - processed_at, '0'))::float8 AS age_seconds,
       extract(epoch FROM greatest(processed_at - received_at, '0'))::float8 AS lag_seconds
FROM recent WHERE status = 'processed' ORDER BY processed_at DESC LIMIT 1
""")

# As the planner does it: rows per page when last analyzed, times pages now. Of a table in partitions, that of each.
_PARTS = """
SELECT n.name, c.relname, s.pages,
       CASE WHEN s.pages = 0 THEN 0 WHEN c.reltuples >= 0 AND c.relpages > 0
            THEN c.reltuples / c.relpages * s.pages END AS rows
FROM unnest(CAST(:names AS text[])) AS n(name)
CROSS JOIN LATERAL (
  SELECT relid FROM pg_partition_tree(to_regclass(n.name)) WHERE isleaf
  UNION SELECT to_regclass(n.name) WHERE NOT EXISTS (SELECT FROM pg_partition_tree(to_regclass(n.name)))
) AS part
JOIN pg_class c ON c.oid = part.relid
CROSS JOIN LATERAL (
  SELECT pg_relation_size(c.oid) / current_setting('block_size')::int AS pages) AS s
"""

_SIZES = sa.text(f"""
SELECT name, sum(pages)::bigint AS pages, CASE WHEN bool_and(rows IS NOT NULL) THEN sum(rows) END AS rows
FROM ({_PARTS}) AS part GROUP BY name
""")

_IGNORED = sa.text(f"""
SELECT CASE WHEN bool_and(coalesce(part.rows = 0 OR stats.attname IS NOT NULL, false)) THEN sum(part.rows * coalesce(
         (stats.most_common_freqs)[array_position(stats.most_common_vals::text::text[], 'ignored')], 0)) END
FROM ({_PARTS}) AS part
LEFT JOIN pg_stats stats ON stats.schemaname = current_schema() AND stats.tablename = part.relname
  AND stats.attname = 'status'
""")

_JOBS = sa.text("""
SELECT kind, count(*) AS waiting, count(*) FILTER (WHERE due_at <= now()) AS due,
       count(*) FILTER (WHERE attempts > 0 AND last_error IS DISTINCT FROM :undecided) AS failing,
       min(due_at) AS first_due_at
FROM sync_jobs
WHERE parked_at IS NULL AND (CAST(:repository_id AS uuid) IS NULL OR repository_id = :repository_id)
GROUP BY kind ORDER BY kind
""")

_PARKED_JOBS = sa.text("""
SELECT kind, key, attempts, parked_at, last_error AS error, count(*) OVER () AS of
FROM sync_jobs
WHERE parked_at IS NOT NULL AND (CAST(:repository_id AS uuid) IS NULL OR repository_id = :repository_id)
ORDER BY parked_at DESC, kind, key LIMIT :limit
""")

# A failed delivery that waits for its next attempt is due last.
_ERRORS = sa.text("""
(SELECT id, event, action, status, repository, received_at, split_part(last_error, E'\\n', 1) AS error
 FROM webhook_deliveries WHERE status = 'parked' AND (CAST(:name AS text) IS NULL OR repository = :name)
 ORDER BY id DESC LIMIT :limit)
UNION ALL
(SELECT id, event, action, status, repository, received_at, split_part(last_error, E'\\n', 1)
 FROM (SELECT * FROM webhook_deliveries WHERE status = 'pending' ORDER BY next_attempt_at DESC, id DESC LIMIT 100) p
 WHERE last_error IS NOT NULL AND (CAST(:name AS text) IS NULL OR repository = :name)
 ORDER BY id DESC LIMIT :limit)
ORDER BY id DESC LIMIT :limit
""")

_RUN = """
SELECT s.kind, r.full_name AS repository, s.status, s.started_at, s.finished_at,
       extract(epoch FROM coalesce(s.finished_at, now()) - s.started_at)::float8 AS seconds,
       s.rows_seen AS read, s.rows_written AS changed, s.requests, s.points, s.last_error AS error
FROM sync_runs s LEFT JOIN github_repositories r ON r.id = s.repository_id
"""

# The last of each kind over everything, and the last over single repositories.
_RUNS = sa.text(f"""
(SELECT run.* FROM unnest(ARRAY['sweep', 'heal', 'audit', 'refetch']) AS k(kind)
 JOIN LATERAL ({_RUN} WHERE s.kind = k.kind AND s.repository_id IS NULL ORDER BY s.started_at DESC LIMIT 1) run ON true)
UNION ALL
({_RUN} WHERE s.repository_id IS NOT NULL ORDER BY s.started_at DESC LIMIT :limit)
ORDER BY started_at DESC
""")

_RUNS_OF_REPOSITORY = sa.text(f"{_RUN} WHERE s.repository_id = :repository_id ORDER BY s.started_at DESC LIMIT :limit")

# A window that has ended gives back all of it; what applies to all resources is told while it does. Of installations,
# those that are there: one that was removed asks nothing any more.
_BUDGETS = sa.text("""
SELECT b.credential, i.account_login AS account, b.resource, b.request_limit AS limit,
       CASE WHEN b.resets_at > now() THEN b.remaining ELSE b.request_limit END AS remaining,
       CASE WHEN b.resets_at > now() THEN b.resets_at END AS resets_at,
       CASE WHEN b.blocked_until > now() THEN b.blocked_until END AS blocked_until
FROM sync_budgets b LEFT JOIN github_installations i ON b.credential = 'installation:' || i.github_id
WHERE ((b.request_limit IS NOT NULL AND b.updated_at > now() - interval '1 day') OR b.blocked_until > now())
  AND i.deleted_at IS NULL
ORDER BY b.credential, b.resource
""")

_REPOSITORY = sa.text("""
SELECT
  (SELECT count(*) FROM github_issues WHERE repository_id = :id AND deleted_at IS NULL) AS issues,
  (SELECT count(*) FROM github_issues WHERE repository_id = :id AND deleted_at IS NULL AND state = 'open')
    AS open_issues,
  (SELECT count(*) FROM github_pull_requests WHERE repository_id = :id AND deleted_at IS NULL) AS pull_requests,
  (SELECT count(*) FROM github_pull_requests WHERE repository_id = :id AND deleted_at IS NULL AND state = 'open')
    AS open_pull_requests,
  (SELECT count(*) FROM github_comments WHERE repository_id = :id AND deleted_at IS NULL) AS comments,
  (SELECT count(*) FROM webhook_deliveries WHERE status = 'pending' AND repository = :name) AS pending,
  oldest.received_at AS oldest_received_at,
  extract(epoch FROM greatest(now() - oldest.received_at, '0'))::float8 AS oldest_pending_seconds,
  (SELECT count(*) FROM webhook_deliveries WHERE status = 'parked' AND repository = :name) AS parked,
  (SELECT max(received_at) FROM (SELECT received_at FROM webhook_deliveries WHERE repository = :name
    ORDER BY id DESC LIMIT 1) d) AS last_received_at
FROM (SELECT min(received_at) AS received_at FROM webhook_deliveries
      WHERE status = 'pending' AND repository = :name) oldest
""")


async def held(conn: AsyncConnection) -> list[Report]:
    """Who holds advisory locks, and whatever else others wait for; no table is read for it."""
    return await _all(conn, locks.HELD, kinds=list(jobs.KINDS))


async def everything(conn: AsyncConnection, settings: Settings) -> Report:
    """The whole mirror."""
    backlog = (await conn.execute(_BACKLOG)).one()
    newest = (await conn.execute(_NEWEST, {"first_pending": backlog.first_pending})).one_or_none()
    rows = await _counts(conn, (*COUNTED, INBOX))
    received = rows.pop(INBOX)
    return {
        **await _staleness(conn, settings, backlog),
        "newest_processed": dict(newest._mapping) if newest else None,
        "deliveries": {
            "pending": backlog.pending,
            "oldest_pending_seconds": backlog.oldest_pending_seconds,
            "parked": backlog.parked,
            "done": _less(received, backlog.pending + backlog.parked),
            "ignored": await _ignored(conn, received),
        },
        "processes": [one | {"silent": processes.is_silent(one)} for one in await processes.all_of_them(conn)],
        "jobs": await _all(conn, _JOBS, repository_id=None, undecided=jobs.UNDECIDED),
        "parked_jobs": await _all(conn, _PARKED_JOBS, repository_id=None, limit=ERRORS_SHOWN),
        "unread": await jobs.failing(conn, UNREAD_SHOWN),
        "first_reading": await readings.first(conn),
        "runs": await _all(conn, _RUNS, limit=RUNS_SHOWN),
        "budgets": await _all(conn, _BUDGETS),
        "left_out": [
            {"asker": one.asker, "who": one.who, "part": one.part, "said": one.sentence}
            for one in await omissions.everything(conn)
        ],
        "rows": rows,
        "room": await storage.room(conn),
        "errors": await _all(conn, _ERRORS, name=None, limit=ERRORS_SHOWN),
    }


async def repository(conn: AsyncConnection, settings: Settings, name: str) -> Report:
    """One repository, by any name that it ever had."""
    found = await lookup.repository(conn, name)
    counts = (await conn.execute(_REPOSITORY, {"id": found.id, "name": found.full_name})).one()
    shown = dict(counts._mapping)
    del shown["oldest_received_at"]
    return {
        **await _staleness(conn, settings, counts, found.id),
        "repository": found.full_name,
        "github_id": found.github_id,
        "project": found.project,
        "state": lookup.state(found),
        "observed_at": found.observed_at,
        "synced_at": found.synced_at,
        "verified_at": found.verified_at,
        **shown,
        "jobs": await _all(conn, _JOBS, repository_id=found.id, undecided=jobs.UNDECIDED),
        "parked_jobs": await _all(conn, _PARKED_JOBS, repository_id=found.id, limit=ERRORS_SHOWN),
        "unread": await jobs.failing(conn, UNREAD_SHOWN, repository_id=found.id),
        "runs": await _all(conn, _RUNS_OF_REPOSITORY, repository_id=found.id, limit=RUNS_SHOWN),
        "errors": await _all(conn, _ERRORS, name=found.full_name, limit=ERRORS_SHOWN),
    }


async def _staleness(
    conn: AsyncConnection, settings: Settings, counts: sa.Row[Any], repository_id: str | None = None
) -> Report:
    backlog = Backlog(counts.pending, counts.oldest_received_at, counts.parked)
    found = await staleness.read(conn, settings, backlog, repository_id=repository_id)
    standby = await replication.standby(conn)
    reasons = [*found.reasons, *([CUT_OFF] if standby and not standby.receives else [])]
    return {
        "stale": bool(reasons),
        "reasons": reasons,
        "hooks_only": found.hooks_only,
        "standby": asdict(standby) if standby else None,
    }


async def _all(conn: AsyncConnection, statement: sa.TextClause, **parameters: Any) -> list[Report]:
    return [dict(row._mapping) for row in await conn.execute(statement, parameters)]


async def _counts(conn: AsyncConnection, names: Sequence[str]) -> Report:
    """How many rows each table has: counted where it is small, else estimated, null where even that cannot be."""
    sizes = {row.name: row for row in await conn.execute(_SIZES, {"names": list(names)})}
    small = [name for name in names if name in sizes and sizes[name].pages < COUNTED_PAGES]
    columns = ", ".join(f"(SELECT count(*) FROM {name}) AS {name}" for name in small)
    counted = (await conn.execute(sa.text(f"SELECT {columns}"))).one()._mapping if small else {}
    return {
        name: {"count": counted[name], "about": False}
        if name in counted
        else {"count": None if sizes[name].rows is None else round(sizes[name].rows), "about": True}
        for name in names
        if name in sizes
    }


async def _ignored(conn: AsyncConnection, received: Report) -> Report:
    if not received["about"]:
        statement = sa.text("SELECT count(*) FROM webhook_deliveries WHERE status = 'ignored'")
        return {"count": await conn.scalar(statement), "about": False}
    estimated = await conn.scalar(_IGNORED, {"names": [INBOX]})
    return {"count": None if estimated is None else round(estimated), "about": True}


def _less(total: Report, waiting: int) -> Report:
    return {**total, "count": None if total["count"] is None else max(total["count"] - waiting, 0)}
