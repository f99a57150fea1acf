"""Work due later: refetches that settle what a payload could not, links that wait for a task, and their tracking.

A job is keyed by what it is about, so a burst of reasons is one job, at most one debounce late.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync import locks
from ghsync.database import document, fetch, fetch_column, metadata, moment, one_of, reference, uuid_key

KINDS = (
    "refetch_installation", "refetch_repository", "refetch_issue", "refetch_pull_request", "refetch_comment",
    "refetch_checks",
    "apply_task_settings", "link_task", "track_pull_request", "resync", "heal",
)  # fmt: skip
LONGEST_SECONDS = 600.0
"""After which a job that failed is tried again at the latest, unless it says otherwise."""

DEBOUNCE_SECONDS = 2
CHANNEL = "ghsync_jobs"
PRIORITIES = {"interactive": 0, "event": 10, "sweep": 20}

jobs = sa.Table(
    "sync_jobs",
    metadata,
    uuid_key(),
    sa.Column("kind", sa.String(50), nullable=False, comment="What is to be done"),
    sa.Column("key", sa.Text, nullable=False, comment="What it is about; with kind unique"),
    reference("repository_id", "github_repositories.id", "Repository it is about", ondelete="CASCADE"),
    sa.Column("priority", sa.Integer, nullable=False, server_default="10", comment="Smaller is sooner"),
    moment("due_at", "When it is due", default=True, nullable=False),
    sa.Column(
        "attempts",
        sa.Integer,
        nullable=False,
        server_default="0",
        comment="Attempts so far that failed, or that decided nothing",
    ),
    sa.Column("reason", sa.Text, comment="Why it became due first"),
    sa.Column("last_error", sa.Text, comment="What the last failure said"),
    moment("parked_at", "Since when it has failed too often to be tried; null until then"),
    document("payload", "What the job needs besides its key"),
    moment("created_at", "When it became known", default=True, nullable=False),
    sa.UniqueConstraint("kind", "key"),
    one_of("kind", KINDS),
    sa.CheckConstraint("attempts >= 0", name="attempts"),
    comment="Coalescing set of work due",
)
sa.Index("idx_sync_jobs_due", jobs.c.priority, jobs.c.due_at)
# What is due of one kind, however many there are of another.
sa.Index("idx_sync_jobs_kind", jobs.c.kind, jobs.c.priority, jobs.c.due_at,
         postgresql_where=jobs.c.parked_at.is_(None))  # fmt: skip

runs = sa.Table(
    "sync_runs",
    metadata,
    uuid_key(),
    sa.Column(
        "kind",
        sa.String(50),
        nullable=False,
        comment="backfill, resync, sweep, heal, audit, refetch (an hour of them is one run)",
    ),
    reference("installation_id", "github_installations.id", "Installation it ran for", ondelete="SET NULL"),
    reference("repository_id", "github_repositories.id", "Repository it ran for", ondelete="CASCADE", index=False),
    sa.Column("status", sa.String(20), nullable=False, server_default="running", comment="State"),
    sa.Column("claim", sa.UUID(as_uuid=False), comment="Whoever is on it; another one when another process goes on"),
    document("cursor", "Where it goes on after a stop"),
    sa.Column("requests", sa.Integer, nullable=False, server_default="0", comment="API requests it cost"),
    sa.Column("points", sa.Integer, nullable=False, server_default="0", comment="GraphQL points it cost"),
    sa.Column("rows_seen", sa.Integer, nullable=False, server_default="0", comment="Rows it read"),
    sa.Column("rows_written", sa.Integer, nullable=False, server_default="0", comment="Rows it changed"),
    sa.Column("last_error", sa.Text, comment="What stopped it, or what it could not read"),
    moment("started_at", "When it started", default=True, nullable=False),
    moment("finished_at", "When it ended"),
    one_of("status", ("running", "succeeded", "failed", "interrupted")),
    comment="History of reconciliation, with what it cost",
)
sa.Index("idx_sync_runs_started_at", runs.c.started_at)
sa.Index("idx_sync_runs_newest", runs.c.repository_id, runs.c.started_at)
sa.Index("idx_sync_runs_kind", runs.c.kind, runs.c.status, runs.c.finished_at)
sa.Index("idx_sync_runs_repository_id", runs.c.repository_id, runs.c.kind, runs.c.status, runs.c.finished_at)
sa.Index("idx_sync_runs_refetch", runs.c.started_at, unique=True, postgresql_where=sa.text("kind = 'refetch'"))
sa.Index(
    "idx_sync_runs_idle",
    runs.c.started_at,
    postgresql_where=sa.text("kind IN ('sweep', 'heal') AND status = 'succeeded' AND rows_written = 0"),
)


@dataclass(frozen=True, slots=True)
class Job:
    """Something due: ``key`` names it within its ``kind``; the ``payload`` is kept of what has failed, see `fail`."""

    kind: str
    key: str
    repository_id: str | None = field(default=None, compare=False)
    reason: str | None = field(default=None, compare=False)
    payload: Mapping[str, Any] = field(default_factory=dict, compare=False)


# One that is due may be being done: it is written again all the same, and so is another version than the one in hand.
_SCHEDULE = sa.text("""
INSERT INTO sync_jobs AS j (kind, key, repository_id, reason, priority, due_at)
SELECT r.kind, r.key, r.repository_id, r.reason, :priority, now() + make_interval(secs => :delay)
FROM json_to_recordset(:jobs) AS r(kind text, key text, repository_id uuid, reason text)
ORDER BY r.kind, r.key
ON CONFLICT (kind, key) DO UPDATE SET
  due_at = CASE WHEN j.parked_at IS NULL THEN least(j.due_at, excluded.due_at) ELSE excluded.due_at END,
  priority = least(j.priority, excluded.priority),
  attempts = CASE WHEN j.parked_at IS NULL THEN j.attempts ELSE 0 END, parked_at = NULL
WHERE j.parked_at IS NOT NULL OR j.due_at <= clock_timestamp() OR
      (j.due_at, j.priority) IS DISTINCT FROM
      (least(j.due_at, excluded.due_at), least(j.priority, excluded.priority))
""")


async def schedule(
    conn: AsyncConnection, wanted: Iterable[Job], *, delay_seconds: float = DEBOUNCE_SECONDS, priority: str = "event"
) -> None:
    """Make jobs due; one that is due already stays as early as it was, and one that is parked begins anew."""
    unique = {(job.kind, job.key): job for job in wanted}
    if unique:
        rows = [
            {"kind": job.kind, "key": job.key, "repository_id": job.repository_id, "reason": job.reason}
            for job in unique.values()
        ]
        await fetch(
            conn,
            _SCHEDULE,
            {"jobs": msgspec.json.encode(rows).decode(), "delay": delay_seconds, "priority": PRIORITIES[priority]},
        )


@dataclass(frozen=True, slots=True)
class DueJobs:
    """Jobs of one kind that are due, the most urgent first, by their keys: the version of each that was seen."""

    versions: Mapping[str, int]

    @property
    def keys(self) -> list[str]:
        """What they are about."""
        return list(self.versions)

    def of(self, keys: Iterable[str]) -> "DueJobs":
        """Those of these keys alone."""
        return DueJobs({key: self.versions[key] for key in keys})


# The transaction that wrote a row last tells its versions apart:
# https://www.postgresql.org/docs/current/ddl-system-columns.html
_VERSION = "j.xmin::text::bigint"

_CALL = sa.text(f"""
SELECT key, {_VERSION} AS version, pg_notify(:channel, '')
FROM sync_jobs j JOIN unnest(CAST(:kinds AS text[]), CAST(:keys AS text[])) AS w(kind, key) USING (kind, key)
""")


async def call(conn: AsyncConnection, wanted: list[Job]) -> DueJobs:
    """Make jobs due at once, and wake who does them as soon as this is committed; answers the jobs as due."""
    await schedule(conn, wanted, delay_seconds=0)
    named = {"kinds": [job.kind for job in wanted], "keys": [job.key for job in wanted]}
    rows = await fetch(conn, _CALL, named | {"channel": CHANNEL})
    return DueJobs({row.key: row.version for row in rows})


_DUE = sa.text(f"""
SELECT key, {_VERSION} AS version FROM sync_jobs j
WHERE kind = :kind AND due_at <= now() AND parked_at IS NULL AND (CAST(:keys AS text[]) IS NULL OR key = ANY(:keys))
ORDER BY priority, due_at LIMIT :limit
""")

_FINISH = sa.text(f"""
DELETE FROM sync_jobs WHERE id IN (
  SELECT j.id FROM sync_jobs j JOIN unnest(CAST(:keys AS text[]), CAST(:versions AS bigint[])) AS done(key, version)
    ON j.kind = :kind AND j.key = done.key AND {_VERSION} = done.version
  ORDER BY j.key FOR UPDATE OF j)
""")


async def due(conn: AsyncConnection, kind: str, limit: int, keys: Iterable[str] | None = None) -> DueJobs:
    """The jobs that are due, all or those of ``keys``, the most urgent first.

    Nothing is locked, for doing one twice does no harm.
    """
    asked = {"kind": kind, "limit": limit, "keys": None if keys is None else list(keys)}
    return DueJobs({row.key: row.version for row in await fetch(conn, _DUE, asked)})


# In the order of the index, so that it is used however rare a kind is.
_ANY = sa.text("""
SELECT count(due.at) > 0 FROM unnest(CAST(:kinds AS text[])) AS k(kind)
CROSS JOIN LATERAL (SELECT j.due_at AS at FROM sync_jobs j WHERE j.kind = k.kind AND j.due_at <= now()
                    AND j.parked_at IS NULL ORDER BY j.priority, j.due_at LIMIT 1) due
""")

# What others hold is done later: to wait for it would keep deliveries waiting.
_TAKE_TURN = sa.text(f"SELECT pg_try_advisory_xact_lock({locks.JOBS}) FROM set_config('lock_timeout', '1s', true)")


async def any_due(conn: AsyncConnection, kinds: Iterable[str]) -> bool:
    """Whether a job of these kinds is due."""
    return (await fetch_column(conn, _ANY, {"kinds": list(kinds)})) == [True]


async def take_turn(conn: AsyncConnection, kind: str) -> bool:
    """Whether this transaction may do jobs of a kind: another one that does so now will not leave them undone.

    To lock the jobs themselves, which batches lock last, would let two wait for each other in a circle.
    """
    return (await fetch_column(conn, _TAKE_TURN, {"kind": kind})) == [True]


async def finish(conn: AsyncConnection, kind: str, done: DueJobs) -> None:
    """Remove jobs that are done, but for those that something made due once more since they were seen."""
    await fetch(conn, _FINISH, {"kind": kind, "keys": done.keys, "versions": list(done.versions.values())})


_REMOVE = sa.text("""
DELETE FROM sync_jobs WHERE id IN (
  SELECT id FROM sync_jobs WHERE kind = :kind AND key = ANY(:keys) ORDER BY key FOR UPDATE)
""")


async def remove(conn: AsyncConnection, kind: str, due: DueJobs) -> None:
    """Remove jobs before they are done: whoever makes one due meanwhile is waited for, and what they wrote is seen."""
    await fetch(conn, _REMOVE, {"kind": kind, "keys": due.keys})


UNDECIDED = "GitHub has not computed mergeable yet"
"""The last error of a job that did not fail: it asks again for what GitHub is still at."""

_FAIL = sa.text("""
INSERT INTO sync_jobs AS j (kind, key, repository_id, reason, payload, priority, attempts, last_error, due_at)
SELECT f.kind, f.key, f.repository_id, f.reason, coalesce(f.payload, '{}'), :priority, 1, f.error,
       now() + interval '1 minute'
FROM json_to_recordset(:failed)
  AS f(kind text, key text, repository_id uuid, reason text, payload jsonb, error text)
ORDER BY f.kind, f.key
ON CONFLICT (kind, key) DO UPDATE SET
  last_error = excluded.last_error, attempts = CASE WHEN j.parked_at IS NULL THEN greatest(j.attempts, 1) ELSE 1 END,
  due_at = CASE WHEN j.parked_at IS NULL THEN j.due_at ELSE excluded.due_at END, parked_at = NULL,
  payload = CASE WHEN excluded.payload = '{}' THEN j.payload ELSE excluded.payload END
""")


async def fail(conn: AsyncConnection, failed: Mapping[Job, str], *, priority: str = "sweep") -> None:
    """Have again what could not be read, each with its sentence; one that is waited for keeps its pause."""
    if failed:
        rows = [
            {
                "kind": job.kind,
                "key": job.key,
                "repository_id": job.repository_id,
                "reason": job.reason,
                "payload": job.payload,
                "error": error,
            }
            for job, error in failed.items()
        ]
        await fetch(conn, _FAIL, {"failed": msgspec.json.encode(rows).decode(), "priority": PRIORITIES[priority]})


_FORGIVE = sa.text("""
UPDATE sync_jobs SET due_at = now() WHERE id IN (
  SELECT j.id FROM sync_jobs j JOIN json_to_recordset(:jobs) AS f(kind text, key text) USING (kind, key)
  WHERE j.due_at > now() ORDER BY j.kind, j.key FOR UPDATE OF j SKIP LOCKED)
""")


async def forgive(conn: AsyncConnection, read: Iterable[Job]) -> None:
    """What had failed can be read again: let its job find out at once, however long its pause was."""
    if rows := [{"kind": job.kind, "key": job.key} for job in read]:
        await fetch(conn, _FORGIVE, {"jobs": msgspec.json.encode(rows).decode()})


_PAUSED = sa.text("""
SELECT kind, key, repository_id::text AS repository_id, last_error FROM sync_jobs
WHERE repository_id = :repository_id AND last_error <> :undecided AND due_at > now() AND parked_at IS NULL
  AND kind LIKE 'refetch%'
""")


async def paused(conn: AsyncConnection, repository_id: str) -> dict[Job, str]:
    """What of a repository could not be read lately and is not due to be asked for again, with what was said then."""
    rows = await fetch(conn, _PAUSED, {"repository_id": repository_id, "undecided": UNDECIDED})
    return {Job(row.kind, row.key, row.repository_id): row.last_error for row in rows}


_FAILING = sa.text("""
SELECT j.kind, j.key, r.full_name AS repository, j.last_error AS error, j.attempts, j.created_at AS since,
       j.due_at AS next_at, j.due_at < now() - interval '1 minute' AS overdue, count(*) OVER () AS of
FROM sync_jobs j LEFT JOIN github_repositories r ON r.id = j.repository_id
WHERE j.last_error <> :undecided AND j.parked_at IS NULL AND (j.kind LIKE 'refetch%' OR j.kind IN ('heal', 'resync'))
  AND (CAST(:repository_id AS uuid) IS NULL OR j.repository_id = :repository_id)
ORDER BY j.created_at, j.kind, j.key LIMIT :limit
""")


async def failing(conn: AsyncConnection, limit: int, *, repository_id: str | None = None) -> list[dict[str, Any]]:
    """What cannot be read from GitHub's API at present, the oldest first, each with how many there are in all."""
    asked = {"limit": limit, "repository_id": repository_id, "undecided": UNDECIDED}
    return [row._asdict() for row in await fetch(conn, _FAILING, asked)]


_RETRY = sa.text("""
UPDATE sync_jobs SET due_at = now(), attempts = 0, parked_at = NULL WHERE id IN (
  SELECT id FROM sync_jobs WHERE parked_at IS NOT NULL ORDER BY kind, key FOR UPDATE)
RETURNING kind, pg_notify(:channel, '')
""")


async def retry(conn: AsyncConnection) -> int:
    """Make due at once all that failed too often; answers how many. Whoever does jobs is woken by the commit."""
    return len(await fetch(conn, _RETRY, {"channel": CHANNEL}))


_KEYS = sa.text("SELECT key FROM sync_jobs WHERE kind = :kind")


async def keys(conn: AsyncConnection, kind: str) -> set[str]:
    """The keys of all jobs of a kind, due or not."""
    return set(await fetch_column(conn, _KEYS, {"kind": kind}))


# What has not failed waits for a moment, and what has for some hours at most.
_HASTEN = sa.text("""
UPDATE sync_jobs j SET due_at = now()
FROM (
  SELECT id FROM sync_jobs
  WHERE due_at > now() + CASE WHEN attempts = 0 THEN interval '1 minute' ELSE interval '1 day' END
    AND parked_at IS NULL
  ORDER BY kind, key FOR UPDATE SKIP LOCKED
) late
WHERE j.id = late.id
RETURNING j.id
""")


async def hasten(conn: AsyncConnection) -> int:
    """Make due what waits for longer than anything can: PostgreSQL's clock was set back. Answers how many."""
    return len(await fetch(conn, _HASTEN))


_FAILED = sa.text("SELECT key FROM sync_jobs WHERE kind = :kind AND key = ANY(:keys) AND attempts > 0")


async def failed(conn: AsyncConnection, kind: str, keys: Iterable[str]) -> set[str]:
    """Those of these jobs that have failed before."""
    return set(await fetch_column(conn, _FAILED, {"kind": kind, "keys": list(keys)}))


# Failures and answers that decide nothing are counted apart: the one does not wear out the patience for the other.
_POSTPONE = sa.text("""
UPDATE sync_jobs j SET attempts = so_far + 1, last_error = :error,
  due_at = now() + least(make_interval(secs => :longest), interval '1 second' * 2 ^ least(so_far, 20)),
  parked_at = CASE WHEN so_far + 1 >= :most THEN now() END
FROM (
  SELECT id, CASE WHEN (last_error = :undecided) = (:error = :undecided) THEN attempts ELSE 0 END AS so_far
  FROM sync_jobs WHERE kind = :kind AND key = ANY(:keys) ORDER BY key FOR UPDATE SKIP LOCKED
) again
WHERE j.id = again.id
""")


async def postpone(
    conn: AsyncConnection,
    kind: str,
    keys: Iterable[str],
    error: str,
    *,
    max_attempts: int | None = None,
    longest_seconds: float = LONGEST_SECONDS,
) -> None:
    """Count a failure of these jobs and try them again later, each time after twice as long.

    Whatever has failed ``max_attempts`` times is parked until something makes it due again.
    """
    asked = {"kind": kind, "keys": list(keys), "error": error, "undecided": UNDECIDED}
    await fetch(conn, _POSTPONE, asked | {"most": max_attempts, "longest": longest_seconds})
