"""Runs of the reconciler: what they cost, and where one that was stopped goes on.

Nobody can tell whether the process that was on a run is dead or only slow. So whoever goes on with it claims it anew,
and a process that finds another's claim stops: two never share what one listing has shown.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ghsync import metrics, telemetry
from ghsync.database import first_line, metadata, transaction
from ghsync.errors import GhsyncError, TakenOver, Transient
from ghsync.github.client import Meter
from ghsync.mirror.keys import RepositoryId
from ghsync.reconciler.progress import Progress

seen = sa.Table(
    "sync_seen",
    metadata,
    sa.Column(
        "run_id",
        sa.UUID(as_uuid=False),
        sa.ForeignKey("sync_runs.id", ondelete="CASCADE"),
        primary_key=True,
        comment="The run that read it",
    ),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False, comment="Issue or pull request"),
    comment="What a complete listing has shown so far; who is not among them when it ends is asked for by itself",
)


@dataclass(slots=True)
class Run:
    """One run, as ``sync_runs`` has it, for as long as ``claim`` is the one there.

    ``unread`` is the sentence about what it could not read, although it succeeded. One that is ``paused`` has read what
    is open, and goes on later with the rest.

    That of a rehearsal has no id: nothing of it is noted in the database, and it keeps what it has ``seen`` itself.
    """

    id: str | None
    claim: str | None
    progress: Progress
    rows_seen: int = 0
    rows_written: int = 0
    meter: Meter = field(default_factory=Meter)
    seen: set[int] = field(default_factory=set)
    unread: str | None = None
    paused: bool = False
    kind: str = ""


def rehearsed(progress: Progress) -> Run:
    """A run that writes nothing."""
    return Run(None, None, progress)


@dataclass(slots=True)
class Tally:
    """What a round of refetches read, changed and cost."""

    rows_seen: int = 0
    rows_written: int = 0
    meter: Meter = field(default_factory=Meter)


_RESUMABLE = """
status <> 'succeeded' AND cursor @> '{"complete": true}' AND started_at > now() - interval '1 day'
"""

_RESUME = sa.text(f"""
UPDATE sync_runs SET status = 'running', claim = gen_random_uuid(), finished_at = NULL,
  last_error = CASE WHEN status = 'running' THEN last_error END
WHERE id = (
  SELECT id FROM sync_runs
  WHERE kind = :kind AND repository_id = :repository AND {_RESUMABLE}
  ORDER BY started_at DESC LIMIT 1 FOR UPDATE)
RETURNING id::text, claim::text, cursor, rows_seen, rows_written, requests, points, last_error
""")

_START = sa.text("""
INSERT INTO sync_runs (kind, repository_id, claim, cursor)
VALUES (:kind, :repository, gen_random_uuid(), CAST(:cursor AS jsonb))
RETURNING id::text, claim::text
""")


async def resume(conn: AsyncConnection, kind: str, repository_id: str) -> Run | None:
    """Go on with the last complete listing of this kind over a repository, if it began less than a day ago.

    A process that is still on it loses it.
    """
    stopped = (await conn.execute(_RESUME, {"kind": kind, "repository": repository_id})).one_or_none()
    if stopped is None:
        return None
    progress = msgspec.convert(stopped.cursor, Progress, strict=False)
    meter = Meter(requests=stopped.requests, points=stopped.points)
    rows = stopped.rows_seen, stopped.rows_written
    return Run(stopped.id, stopped.claim, progress, *rows, meter, unread=stopped.last_error, kind=kind)


_PAUSED = sa.text(f"""
SELECT repository_id::text FROM sync_runs
WHERE kind = 'backfill' AND {_RESUMABLE} AND cursor @> '{{"has_paused": true}}'
""")


async def paused(conn: AsyncConnection) -> frozenset[RepositoryId]:
    """The repositories of which a first reading has read what is open, and is to go on with the rest."""
    return frozenset(map(RepositoryId, await conn.scalars(_PAUSED)))


async def start(conn: AsyncConnection, kind: str, progress: Progress, repository_id: str | None = None) -> Run:
    """A new run."""
    values = {"kind": kind, "repository": repository_id, "cursor": _text(progress)}
    started = (await conn.execute(_START, values)).one()
    return Run(started.id, started.claim, progress, kind=kind)


_ADVANCE = sa.text("""
UPDATE sync_runs SET cursor = CAST(:cursor AS jsonb), rows_seen = :rows_seen, rows_written = :rows_written,
  requests = :requests, points = :points
WHERE id = :id AND claim = :claim
RETURNING true
""")

_SEE = sa.text("""
INSERT INTO sync_seen (run_id, number) SELECT :id, unnest(CAST(:numbers AS int[])) ON CONFLICT DO NOTHING
""")


async def advance(conn: AsyncConnection, run: Run, numbers: Iterable[int] = ()) -> None:
    """Note how far a run is and what it has seen, in the transaction that wrote the page.

    Until that ends, nobody takes the run over. Raises `TakenOver` where somebody has.
    """
    if run.id is None:
        run.seen.update(numbers)
        return
    if not await conn.scalar(_ADVANCE, _state(run) | {"cursor": _text(run.progress)}):
        raise await _taken_over(conn, run)
    if listed := list(numbers):
        await conn.execute(_SEE, {"id": run.id, "numbers": listed})


_FINISH = sa.text("""
UPDATE sync_runs SET status = CAST(:status AS text), last_error = :error,
  rows_seen = :rows_seen, rows_written = :rows_written, requests = :requests, points = :points,
  finished_at = CASE WHEN CAST(:status AS text) <> 'running' THEN now() END
WHERE id = :id AND claim = :claim
RETURNING true
""")

_FORGET = sa.text("DELETE FROM sync_seen WHERE run_id = :id")


# Whoever has read everything has done what others were to go on with.
_LEAVE = sa.text("""
UPDATE sync_runs left_over SET status = 'interrupted', claim = NULL, finished_at = now()
FROM sync_runs done
WHERE done.id = :id AND done.cursor @> '{"complete": true}' AND left_over.repository_id = done.repository_id
  AND left_over.id <> done.id AND left_over.status = 'running' AND left_over.cursor @> '{"has_paused": true}'
""")


@asynccontextmanager
async def recorded(engine: AsyncEngine, run: Run) -> AsyncIterator[None]:
    """Note in the end how a run went (succeeded, failed or interrupted) and what it cost.

    One that another process has taken over is left to it, and ends here with `TakenOver`. One that is paused stays as
    it is, for `resume`.
    """
    if run.id is None:
        yield
        return
    told = {"ghsync.run.id": run.id, "ghsync.run.kind": run.kind}
    with telemetry.span(f"run {run.kind}", attributes=told) as span:
        try:
            async with _noted(engine, run):
                yield
        finally:
            if span:
                span.tell(_read(run))


@asynccontextmanager
async def _noted(engine: AsyncEngine, run: Run) -> AsyncIterator[None]:
    status, problem = "interrupted", None
    before = run.meter.requests, run.meter.points  # one that goes on has cost something already
    try:
        yield
        status, problem = "running" if run.paused else "succeeded", run.unread
    except GhsyncError as error:
        status, problem = "failed", first_line(error)
        raise
    finally:
        _count(run.kind, run.meter.requests - before[0], run.meter.points - before[1])
        # What ended it, a cancellation for one, must not be lost over a database or a run that is gone.
        with suppress(*(() if status in ("running", "succeeded") else (Transient, TakenOver))):
            async with transaction(engine) as conn:
                await _finish(conn, run, status, problem)


def _count(kind: str, requests: int, points: int) -> None:
    metrics.run_requests.labels(kind).inc(requests)
    metrics.run_points.labels(kind).inc(points)


async def _finish(conn: AsyncConnection, run: Run, status: str, error: str | None) -> None:
    if not await conn.scalar(_FINISH, _state(run) | {"status": status, "error": error}):
        raise await _taken_over(conn, run)
    if status == "succeeded":
        await conn.execute(_FORGET, {"id": run.id})
        await conn.execute(_LEAVE, {"id": run.id})


_ADD = sa.text("""
INSERT INTO sync_runs AS r (kind, status, requests, points, rows_seen, rows_written, started_at, finished_at)
VALUES ('refetch', 'succeeded', :requests, :points, :rows_seen, :rows_written, date_trunc('hour', now(), 'UTC'), now())
ON CONFLICT (started_at) WHERE kind = 'refetch' DO UPDATE SET
  requests = r.requests + excluded.requests, points = r.points + excluded.points,
  rows_seen = r.rows_seen + excluded.rows_seen, rows_written = r.rows_written + excluded.rows_written,
  finished_at = greatest(r.finished_at, excluded.finished_at)
""")


@asynccontextmanager
async def added_up(engine: AsyncEngine) -> AsyncIterator[Tally]:
    """Add what a round of refetches costs to the one run of its hour, however it ends; nothing where nothing was asked.

    A round is too short, and there are too many, for a run of its own.
    """
    tally = Tally()
    with telemetry.span("run refetch") as span:
        try:
            async with _added(engine, tally):
                yield tally
        finally:
            if span and tally.meter.requests:
                span.tell({"ghsync.run.kind": "refetch", **_read(tally)})


@asynccontextmanager
async def _added(engine: AsyncEngine, tally: Tally) -> AsyncIterator[None]:
    done = False
    try:
        yield
        done = True
    finally:
        _count("refetch", tally.meter.requests, tally.meter.points)
        if tally.meter.requests:
            with suppress(*(() if done else (Transient,))):
                async with transaction(engine) as conn:
                    await conn.execute(_ADD, _cost(tally))


_NAME = sa.text("""
SELECT r.full_name FROM sync_runs s JOIN github_repositories r ON r.id = s.repository_id WHERE s.id = :id
""")


async def _taken_over(conn: AsyncConnection, run: Run) -> TakenOver:
    name = await conn.scalar(_NAME, {"id": run.id})
    return TakenOver(f"Another process has taken over this run{f' of {name}' if name else ''}; it goes on there.")


def _state(run: Run) -> dict[str, Any]:
    return {"id": run.id, "claim": run.claim} | _cost(run)


def _cost(of: Run | Tally) -> dict[str, int]:
    return {
        "rows_seen": of.rows_seen,
        "rows_written": of.rows_written,
        "requests": of.meter.requests,
        "points": of.meter.points,
    }


def _read(of: Run | Tally) -> dict[str, int]:
    """What a span tells of a run."""
    return {f"ghsync.run.{name}": value for name, value in _cost(of).items()}


def _text(progress: Progress) -> str:
    return msgspec.json.encode(progress).decode()
