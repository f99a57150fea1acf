"""Runs of the reconciler: what they cost, and where one that was stopped goes on.

Nobody can tell whether the process that was on a run is dead or only slow. So whoever goes on with it claims it anew,
and a process that finds another's claim stops: two never share what one listing has shown.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Self

import msgspec
import sqlalchemy as sa
from msgspec import structs
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ghsync.database import first_line, metadata, transaction
from ghsync.errors import GhsyncError, TakenOver, Transient
from ghsync.github.client import Meter
from ghsync.mirror.keys import RepositoryId

What = Literal["issues", "pull_requests"]
State = Literal["open", "closed"]

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

KINDS: tuple[What, ...] = ("issues", "pull_requests")


class Position(msgspec.Struct, frozen=True):
    """How far one listing is: GraphQL's cursor, the newest change and how many it has shown, and how many there are.

    ``last`` is the number that was shown last. One that is ``partial`` has left something out that nobody can name.
    Where a ``state`` is given, only what is in it is listed: what is open, and then the rest; ``of`` is how many there
    are of both.
    """

    state: State | None = None
    of: int | None = None
    after: str | None = None
    ended: bool = False
    through: datetime | None = None
    total: int | None = None
    shown: int = 0
    last: int | None = None
    partial: bool = False

    @property
    def left(self) -> int | None:
        """How many are still to be shown, as far as GitHub has told; one may always have come since."""
        return None if self.total is None else self.total - self.shown

    @property
    def open(self) -> int | None:
        """How many are open, at the most, as far as GitHub has told."""
        if self.state != "closed":
            return self.total
        return None if self.of is None or self.total is None else self.of - self.total

    def over(self) -> "Position":
        """The same, when its listing has come to its end: what is open is followed by the rest."""
        if self.state != "open":
            return structs.replace(self, ended=True)
        rest = None if self.of is None or self.total is None else self.of - self.total
        return Position("closed", self.of, through=self.through, total=rest, partial=self.partial)

    def reaching(self, newest: datetime | None) -> Self:
        """The same, when a page has shown this newest change."""
        return structs.replace(self, through=max(filter(None, (self.through, newest)), default=None))


class Progress(msgspec.Struct, frozen=True):
    """How far a run is in a repository's listings; that of ``heads`` is for what is checked of open pull requests."""

    began_at: datetime
    complete: bool = False  # from the first to the last, so that it can go on where it was stopped
    past_open: bool = False  # it has paused, when all that is open was read, and all but conversations
    issues: Position = msgspec.field(default_factory=Position)
    pull_requests: Position = msgspec.field(default_factory=Position)
    heads: Position = msgspec.field(default_factory=Position)
    read_with: frozenset[str] | None = None  # permissions with which all of it was read, where known

    def position(self, what: What) -> Position:
        """The listing of one kind."""
        return self.issues if what == "issues" else self.pull_requests

    def at(self, what: What | Literal["heads"], position: Position) -> Self:
        """The same, when one listing is there."""
        return structs.replace(self, **{what: position})

    def ended(self, kinds: Iterable[What]) -> Self:
        """The same, when the complete listings of these kinds, and of heads, have come to their end.

        What changed meanwhile they may have shown as it was before, or not at all: they reach as far as they began.
        """
        over = {what: self._ended(getattr(self, what)) for what in (*kinds, "heads")}
        return structs.replace(self, **over)

    def _ended(self, position: Position) -> Position:
        through = position.through and min(position.through, self.began_at)
        return structs.replace(position, ended=True, through=through)

    def going_on_with(self, permissions: frozenset[str] | None) -> Self:
        """The same, when what follows is read with these permissions; what was read, may have been with fewer."""
        before = self.read_with
        read_with = permissions if before is None or permissions is None else before & permissions
        return structs.replace(self, read_with=read_with)

    def begins(self, state: State | None) -> bool:
        """Whether nothing has been listed yet, and what is in this state is about to be."""
        listings = (self.issues, self.pull_requests)
        is_at_start = not any(each.after or each.ended for each in (*listings, self.heads))
        return is_at_start and all(each.state == state for each in listings)

    @property
    def total(self) -> int | None:
        """How many issues and pull requests there are, where GitHub has said so."""
        return sum(each.of or each.total or 0 for each in (self.issues, self.pull_requests)) or None


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
    return Run(stopped.id, stopped.claim, progress, *rows, meter, unread=stopped.last_error)


_PAUSED = sa.text(f"""
SELECT repository_id::text FROM sync_runs
WHERE kind = 'backfill' AND {_RESUMABLE} AND cursor @> '{{"past_open": true}}'
""")


async def paused(conn: AsyncConnection) -> frozenset[RepositoryId]:
    """The repositories of which a first reading has read what is open, and is to go on with the rest."""
    return frozenset(map(RepositoryId, await conn.scalars(_PAUSED)))


async def start(conn: AsyncConnection, kind: str, progress: Progress, repository_id: str | None = None) -> Run:
    """A new run."""
    values = {"kind": kind, "repository": repository_id, "cursor": _text(progress)}
    started = (await conn.execute(_START, values)).one()
    return Run(started.id, started.claim, progress)


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
  AND left_over.id <> done.id AND left_over.status = 'running' AND left_over.cursor @> '{"past_open": true}'
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
    status, problem = "interrupted", None
    try:
        yield
        status, problem = "running" if run.paused else "succeeded", run.unread
    except GhsyncError as error:
        status, problem = "failed", first_line(error)
        raise
    finally:
        # What ended it, a cancellation for one, must not be lost over a database or a run that is gone.
        with suppress(*(() if status in ("running", "succeeded") else (Transient, TakenOver))):
            async with transaction(engine) as conn:
                await _finish(conn, run, status, problem)


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
    tally, done = Tally(), False
    try:
        yield tally
        done = True
    finally:
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


def _cost(of: Run | Tally) -> dict[str, Any]:
    return {
        "rows_seen": of.rows_seen,
        "rows_written": of.rows_written,
        "requests": of.meter.requests,
        "points": of.meter.points,
    }


def _text(progress: Progress) -> str:
    return msgspec.json.encode(progress).decode()
