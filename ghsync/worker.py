"""The worker: claims a batch, projects it and finishes it in one transaction, again and again.

It is woken by a notification when something arrives, by a timer when a retry may be due, and by nothing else.
"""

import asyncio
import contextlib
import math
import time
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import psycopg
import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ghsync import connections, contention, database, jobs, locks, metrics, telemetry
from ghsync.changes import feed
from ghsync.contention import Detours
from ghsync.database import fetch_column, first_line, looking, transaction
from ghsync.errors import DatabaseUnavailable, GhsyncError, Locked
from ghsync.inbox import queue
from ghsync.inbox.queue import ClaimedDelivery, Ignored, Verdict
from ghsync.jobs import DueJobs
from ghsync.mirror import locking
from ghsync.projector import events, linking, project
from ghsync.projector.ahead import BatchFailed, OpenBatch, Reader
from ghsync.projector.events import HANDLED

if TYPE_CHECKING:
    from ghsync.spans import OpenSpan

log = structlog.get_logger()

CHANNELS = (queue.CHANNEL, jobs.CHANNEL)
RECONNECT_SECONDS = 1.0
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0
RETRIES = 5
TAKE_UP_SECONDS = 600.0  # how often what an older ghsync ignored is looked for, from the end of a look
HASTEN_SECONDS = 30.0  # how often it is looked for what waits for too long
LOOK_SECONDS = 0.1  # at the least, while deliveries keep coming, from a look that found no job to the next one

# PostgreSQL would plan the derivation of `pr_tracking` anew at each call, for longer than it runs. A plan that is made
# once goes by the sizes that tables had then; where these grow unanalyzed, it is not to be older than this.
# https://www.postgresql.org/docs/current/sql-prepare.html#SQL-PREPARE-NOTES
PLAN_SECONDS = 60

# What ends by itself, or is no delivery's fault: lost connections, cancelled statements, locks that are not to be had,
# a full disk, a right that is missing. A statement that PostgreSQL does not understand does not.
TROUBLES = (DatabaseUnavailable, Locked, sa.exc.OperationalError, sa.exc.InternalError)

ISOLATED = 8  # what others have locked is looked for so often in one batch; then the rest of a half waits with it


Act = Callable[[AsyncConnection, DueJobs], Awaitable[None]]

ACTS: dict[str, Act] = {  # in this order: each may make the next ones due
    linking.SETTINGS: linking.apply_settings,
    linking.LINK: linking.adopt,
    linking.TRACK: linking.track,
}


def create_engine(url: str) -> AsyncEngine:
    """An engine for one worker: two connections, one to read ahead, whose statements are planned once."""
    return database.create_engine(url, pool_size=2, recycle_seconds=PLAN_SECONDS, planned_once=True)


class Worker:
    """Projects the inbox until it is told to stop; any number may run against one database."""

    def __init__(self, engine: AsyncEngine, *, batch_size: int, poll_seconds: float, max_attempts: int) -> None:
        self._engine = engine
        self._looking = looking(engine)
        self._batch_size = batch_size
        self._poll_seconds = poll_seconds
        self._max_attempts = max_attempts
        self._wake = asyncio.Event()
        self._stop = asyncio.Event()
        self._detours = Detours()
        self._reader = Reader(engine, batch_size, self._detours)
        self._isolated = 0  # in the batch in hand
        self._failures = 0  # in a row
        self._looked_at = 0.0
        self._took_up, self._took_up_at = Ignored(), -math.inf
        self._hastened_at = -math.inf

    def stop(self) -> None:
        """End `run` after the batch in hand."""
        self._stop.set()
        self._wake.set()

    async def run(self, url: str | None) -> None:
        """Work until `stop`; ``url`` is where notifications are listened for, None where it is only looked what is due.

        However long the database fails, work goes on once it does not. Any other error is raised.
        """
        listener = asyncio.create_task(listen(url, CHANNELS, self._wake.set)) if url else None
        try:
            async with self._reader.ahead():
                while not self._stop.is_set():
                    self._wake.clear()
                    if not await self._turn():
                        with contextlib.suppress(TimeoutError):
                            seconds = min(self._poll_seconds, self._detours.seconds_left)
                            await asyncio.wait_for(self._wake.wait(), seconds)
        finally:
            if listener:
                listener.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await listener

    async def drain(self) -> int:
        """Project all that is due now; answers how many deliveries that were."""
        total = 0
        async with self._reader.ahead():
            while done := await self.step():
                total += done
        await self.link()
        return total

    async def _turn(self) -> int:
        try:
            # While deliveries keep coming, jobs must not wait for an end of them.
            done = await self.step()
            if not done or time.monotonic() - self._looked_at > LOOK_SECONDS:
                done += await self.link()
            if not done and time.monotonic() - self._took_up_at > TAKE_UP_SECONDS:
                done = await self._take_up()
            if not done and time.monotonic() - self._hastened_at > HASTEN_SECONDS:
                done = await self._hasten()
        except TROUBLES as error:
            await self._pause(error)
            return 0
        if self._failures:
            log.info("the database works again", failures=self._failures)
            self._failures = 0
        return done

    async def _take_up(self) -> int:
        """Queue a batch of what an older ghsync ignored since it did not know the event yet; answers how many.

        No more, so that whatever arrives now waits for one batch of it at most.
        """
        async with transaction(self._engine) as conn:
            found = await queue.take_up(conn, HANDLED, self._took_up, limit=self._batch_size)
        if found:
            log.info("taken_up", deliveries=len(found))
            self._took_up = found[-1]
        else:
            self._took_up, self._took_up_at = Ignored(), time.monotonic()
        return len(found)

    async def _hasten(self) -> int:
        """Make due what PostgreSQL's clock was set back before; answers how much."""
        async with transaction(self._engine) as conn:
            hastened = await queue.hasten(conn, limit=self._batch_size) + await jobs.hasten(conn)
        if hastened:
            log.warning("hastened", number=hastened)
        else:
            self._hastened_at = time.monotonic()
        return hastened

    async def _pause(self, error: Exception) -> None:
        """Wait for longer each time; only the first failure is told, for a night of them would fill the log."""
        if not self._failures:
            log.warning("the database fails", detail=first_line(error))
        seconds = min(FIRST_PAUSE_SECONDS * 2 ** min(self._failures, 10), LONGEST_PAUSE_SECONDS)
        self._failures += 1
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)
        self._wake.set()  # what was announced meanwhile nobody heard

    async def step(self, ids: Sequence[int] | None = None) -> int:
        """Project one batch, or what is pending of ``ids``; a batch that fails is halved (I8).

        Answers how many deliveries are done with for now.
        """
        if ids is None:
            self._isolated = 0
        try:
            return await self._project_again(ids)
        except BatchFailed as failed:
            parts, done = await self._take_apart(failed.claimed, failed.reason)
        return done + sum([await self.step(part) for part in parts])

    async def _project_again(self, ids: Sequence[int] | None) -> int:
        """Project; where another transaction was faster, once more."""
        failures = 0
        while True:
            try:
                return await self._project(ids)
            except BatchFailed as failed:
                failures += 1
                if failures == RETRIES or not contention.collided(failed.reason):
                    raise
            await asyncio.sleep(0.005 * 2**failures)

    async def _take_apart(self, claimed: Sequence[ClaimedDelivery], reason: Exception) -> tuple[list[list[int]], int]:
        """What of a batch that failed is to be projected next, part by part, and how much is done with for now."""
        if not claimed:
            raise reason
        ids = [delivery.id for delivery in claimed]
        if isinstance(reason, Locked):
            if put_off := await self._avoid(claimed, reason):
                return [ids], put_off
        elif len(claimed) == 1:
            return [], await self._fail(claimed[0], reason)
        middle = len(ids) // 2
        return [ids[:middle], ids[middle:]], 0

    async def _common_is_held(self) -> bool:
        """Whether others hold what has no way round: then nothing tells which deliveries do not wait for it."""
        async with transaction(self._engine) as conn:
            return (await fetch_column(conn, locks.COMMON_ARE_FREE)) != [True]

    async def _avoid(self, claimed: Sequence[ClaimedDelivery], failure: Locked) -> int:
        """Leave alone what others have locked of these, a repository or something of it; answers how many wait.

        Raises the failure again where no way leads round what they hold.
        """
        places = [_place(delivery) for delivery in claimed]
        self._isolated += 1
        async with transaction(self._engine) as conn:
            locked = await locking.locked(conn, places)
        found = [place for place in places if place.lower() in locked]
        if not found and await self._common_is_held():
            raise failure
        if not found and (len(claimed) == 1 or self._isolated >= ISOLATED):
            found = places
        self._detours.add(found)
        for place in sorted(set(found)):
            log.warning("locked_by_others", repository=place, again_in_seconds=contention.AVOIDED_SECONDS)
        return len(found)

    async def _project(self, ids: Sequence[int] | None) -> int:
        with telemetry.span("project deliveries", "CONSUMER") as span:
            try:
                return await self._project_in(span, ids)
            except BatchFailed as failed:
                if span and failed.claimed:
                    span.fail(failed.reason)
                raise

    async def _project_in(self, span: "OpenSpan | None", ids: Sequence[int] | None) -> int:
        started = time.monotonic()
        lags, finished = list[float](), started
        async with self._reader.batch(ids) as batch:
            if batch.ended:
                if span:
                    await _tell(span, batch)
                entries = await project.store(batch.conn, batch.told)
                lags, finished = await queue.finish(batch.conn, batch.ended), time.monotonic()
                await feed.append(batch.conn, entries)  # others wait with theirs from here to the commit
        if ids is None:
            self._detours.forget(batch.avoided)
        if not batch.ended:
            return 0
        committed = time.monotonic()
        seconds = committed - started
        _count(batch.ended, seconds, [lag + committed - finished for lag in lags])
        parked = [(delivery, verdict) for delivery, verdict in batch.ended if verdict.status == "parked"]
        log.info("projected", deliveries=len(batch.ended), parked=len(parked), seconds=round(seconds, 4))
        for delivery, verdict in parked:
            log.warning("parked", delivery=delivery.id, error=verdict.error)
        return len(batch.ended)

    async def _fail(self, delivery: ClaimedDelivery, error: Exception) -> int:
        """Count what failed alone; it is tried again later, and parked in the end."""
        attempts = 1 if _hopeless(error) else self._max_attempts
        async with transaction(self._engine) as conn:
            status = await queue.fail(conn, delivery, _explain(error), max_attempts=attempts)
        if status == "pending":
            metrics.retried.labels(delivery.event).inc()
        log.error("failed", delivery=delivery.guid, event_name=delivery.event, status=status, error=first_line(error))
        return 1

    async def link(self) -> int:
        """Pick up settings, tasks and numbers that other programs wrote, then track the pull requests concerned."""
        async with transaction(self._looking) as conn:
            if not await jobs.any_due(conn, ACTS):
                self._looked_at = time.monotonic()
                return 0
        return sum([await self._work_off(kind, act) for kind, act in ACTS.items()])

    async def _work_off(self, kind: str, act: Act, keys: Sequence[str] | None = None) -> int:
        """Do what is due of a kind, or of ``keys``, in one transaction, unless another worker does; answers how much.

        If it fails, its halves are tried; a job that fails alone is postponed or parked.
        """
        claimed: list[str] = []
        if keys is None:
            self._isolated = 0
        try:
            async with transaction(self._engine) as conn:
                if await jobs.take_turn(conn, kind):
                    due = await jobs.due(conn, kind, self._batch_size, keys)
                    claimed += due.keys
                    if due.keys:
                        await act(conn, due)
            return len(claimed)
        except DatabaseUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 (as in `step`: nothing may stop the worker)
            failure = error
        if not claimed or (isinstance(failure, Locked) and await self._common_is_held()):
            raise failure
        locked = isinstance(failure, Locked)
        self._isolated += locked
        if len(claimed) > 1 and not (locked and self._isolated >= ISOLATED):
            middle = len(claimed) // 2
            return sum([await self._work_off(kind, act, half) for half in (claimed[:middle], claimed[middle:])])
        log.warning("job_postponed", kind=kind, key=claimed[0], jobs=len(claimed), error=first_line(failure))
        attempts = 1 if _hopeless(failure) else None if locked else self._max_attempts
        async with transaction(self._engine) as conn:
            await jobs.postpone(conn, kind, claimed, first_line(failure), max_attempts=attempts)
        return len(claimed)


async def _tell(span: "OpenSpan", batch: OpenBatch) -> None:
    """Say in its span what a batch is, and point to the requests that brought it."""
    span.tell(
        {
            "messaging.operation.type": "process",
            "messaging.batch.message_count": len(batch.ended),
            "ghsync.parked": sum(verdict.status == "parked" for _, verdict in batch.ended),
        }
    )
    for guid, traceparent in await queue.spans(batch.conn, batch.claimed):
        span.link({"traceparent": traceparent}, {"messaging.message.id": guid})


def _place(delivery: ClaimedDelivery) -> str:
    """The repository that a delivery tells of, empty for one of none."""
    return delivery.repository or ""


def _hopeless(error: BaseException) -> bool:
    """Whether a value can never be stored, however often it is tried (SQLSTATE class 22: data exception)."""
    return isinstance(error, sa.exc.DBAPIError) and (getattr(error.orig, "sqlstate", None) or "").startswith("22")


def _explain(error: Exception) -> str:
    """What happened in one sentence, then where."""
    frames = "".join(traceback.format_list(traceback.extract_tb(error.__traceback__)))
    return f"{_sentence(error)}\n{frames}"


def _sentence(error: Exception) -> str:
    if isinstance(error, GhsyncError):
        return first_line(error)
    if isinstance(error, sa.exc.DBAPIError):  # PostgreSQL's words; the name of a driver's class says less
        return f"The database refused it: {first_line(error)}"
    return f"Unexpected {type(error).__name__}: {first_line(error)}"


async def listen(url: str, channels: Sequence[str], wake: Callable[[], None]) -> None:
    """Call ``wake`` at every notification, and after every (re)connection, since one may have been missed."""
    while True:
        with contextlib.suppress(psycopg.Error, OSError):
            async with await connections.connect(url, autocommit=True) as conn:
                for channel in channels:
                    await conn.execute(f"LISTEN {channel}".encode())
                wake()
                async for _ in conn.notifies():
                    wake()
        await asyncio.sleep(RECONNECT_SECONDS)


def _count(ended: Sequence[tuple[ClaimedDelivery, Verdict]], seconds: float, lags: Iterable[float]) -> None:
    metrics.projection_seconds.observe(seconds)
    for (event, status), count in Counter((delivery.event, verdict.status) for delivery, verdict in ended).items():
        metrics.projected.labels(event, status).inc(count)
    for delivery, verdict in ended:
        if not events.knows(delivery.event, delivery.action):
            metrics.unknown_actions.labels(delivery.event).inc()
        for path in verdict.unreadable:
            metrics.unreadable.labels(delivery.event, path).inc()
    for lag in lags:
        metrics.lag_seconds.observe(lag)
