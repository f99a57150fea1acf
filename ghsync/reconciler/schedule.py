"""The schedule: refetches when they are due, healing, sweeps and audits in their turn, by one process at a time.

It also forgets what of their history is too old, and asks daily what GitHub's schema knows.

The leader is whoever has an advisory lock, on a connection that does nothing else: when the process dies, however it
dies, PostgreSQL gives the lock to the next. One that is stopped, or cut off, asks nothing on that connection any more,
and PostgreSQL ends it.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import psycopg
import sqlalchemy as sa
import structlog

from ghsync import connections, jobs, locks, metrics
from ghsync.database import beginning_with, first_line, transaction
from ghsync.errors import (
    DatabaseUnavailable,
    GhsyncError,
    GraphQLUnavailable,
    Locked,
    NotConfigured,
    NotLeading,
    RateLimited,
    TooHeavy,
)
from ghsync.github import question
from ghsync.inbox.recorder import Recorder
from ghsync.processes import Process
from ghsync.reconciler import history, places, refetch, requested
from ghsync.reconciler.audit import audit
from ghsync.reconciler.heal import heal
from ghsync.reconciler.reconciler import Reconciler
from ghsync.reconciler.sweep import sweep
from ghsync.sessions import TIME_OUT_WHEN_SILENT

RETRY_SECONDS = 2.0
PROOF_SECONDS = 2.0  # well below the silence after which PostgreSQL ends a session
LONGEST_PAUSE_SECONDS = 300.0  # after a failure; what is rarer than that is not put off to its next turn
SCHEMA_SECONDS = 86_400.0
# How old the list of what the App sees becomes at most. Hooks tell of it, and what is not found is asked for at once;
# but a public repository that left an installation, untold, any token goes on to read.
REFRESH_SECONDS = 3600.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Intervals:
    """Seconds from the end of each part's turn to its next; the last is how old a complete reading may become."""

    refetch: float
    heal: float
    sweep: float
    audit: float
    complete: float


class Schedule:
    """Does what is due, while it is the leader."""

    def __init__(
        self,
        reconciler: Reconciler,
        recorder: Recorder,
        intervals: Intervals,
        process: Process,
        *,
        listens: bool = True,
    ) -> None:
        self._process = process
        self._engine = reconciler.engine
        self._reconciler = replace(reconciler, engine=beginning_with(reconciler.engine, process.check_lead))
        self._recorder = recorder
        self._intervals = intervals
        self._listens = listens
        self._may_be_due = {"refetch": asyncio.Event(), "resync": asyncio.Event()}
        self._refreshed_at = -math.inf

    async def run(self, url: str) -> None:
        """Lead whenever nobody else does, until cancelled; ``url`` is the database's."""
        tell = log.warning
        while True:
            try:
                async with self._leadership(url) as lost:
                    tell = log.warning
                    await self._process.lead(self._engine)
                    log.info("leading")
                    metrics.leading.set(1)
                    await self._lead(lost)
            except (psycopg.Error, sa.exc.DBAPIError, DatabaseUnavailable, Locked, NotLeading, OSError) as error:
                tell("leadership_lost", error=first_line(error))
                tell = log.debug  # once is enough, until the database is there again
            except Exception:  # it must not end while the process goes on
                log.exception("schedule_broke")
            finally:
                metrics.leading.set(0)
            await asyncio.sleep(RETRY_SECONDS)

    @asynccontextmanager
    async def _leadership(self, url: str) -> AsyncIterator[asyncio.Task[None]]:
        """Wait for the lock; answers a task that ends when the connection does, and the lock with it."""
        async with await connections.connect(url, autocommit=True) as conn:
            await conn.execute(TIME_OUT_WHEN_SILENT)
            while not await _locked(conn):  # noqa: ASYNC110 (to wait inside PostgreSQL would hold vacuum back)
                await asyncio.sleep(RETRY_SECONDS)
            if self._listens:
                await conn.execute(f"LISTEN {jobs.CHANNEL}".encode())
            listening = asyncio.create_task(self._listen(conn))
            try:
                yield listening
            finally:
                listening.cancel()
                with contextlib.suppress(asyncio.CancelledError, psycopg.Error, OSError):
                    await listening
                with contextlib.suppress(DatabaseUnavailable, Locked, sa.exc.DBAPIError):
                    await self._process.resign(self._engine)

    async def _listen(self, conn: psycopg.AsyncConnection[Any]) -> None:
        """Wake the schedule when something is due, and prove every now and then that this process lives."""
        while True:
            async for _ in conn.notifies(timeout=PROOF_SECONDS):
                for call in self._may_be_due.values():
                    call.set()
            async with asyncio.timeout(PROOF_SECONDS):
                await conn.execute("SELECT")

    async def _lead(self, lost: asyncio.Task[None]) -> None:
        turns = [
            asyncio.create_task(self._turns("refetch", self._intervals.refetch, self._refetch)),
            asyncio.create_task(self._turns("resync", 0, self._resync)),
            asyncio.create_task(self._turns("heal", self._intervals.heal, self._heal)),
            asyncio.create_task(self._turns("sweep", self._intervals.sweep, self._sweep)),
            asyncio.create_task(self._turns("audit", self._intervals.audit, self._audit)),
            asyncio.create_task(self._turns("history", history.FORGET_SECONDS, self._forget)),
            asyncio.create_task(self._turns("schema", SCHEMA_SECONDS, self._look)),
        ]
        try:
            ended, _ = await asyncio.wait([lost, *turns], return_when=asyncio.FIRST_EXCEPTION)
            for task in ended:
                task.result()
        finally:
            for turn in turns:
                turn.cancel()
            await asyncio.gather(*turns, return_exceptions=True)

    async def _turns(self, name: str, seconds: float, turn: Callable[[], Awaitable[object]]) -> None:
        """Take one turn after another; one that fails is taken again after twice as long each time."""
        failures = 0
        while not _is_cancelled():
            pause = seconds
            try:
                await turn()
                failures = 0
            except NotLeading:
                raise  # whoever has the lock without the lead gives it back
            except NotConfigured:
                return  # there is no App: without one there is nothing to do here
            except RateLimited as error:
                pause = max(pause, error.seconds)
                log.warning("rate_limited", part=name, again_in_seconds=round(pause), error=first_line(error))
            except Exception as error:  # noqa: BLE001 (it is told, and the turn is taken again)
                failures += 1
                pause = min(LONGEST_PAUSE_SECONDS, max(pause, RETRY_SECONDS * 2 ** min(failures, 8)))
                tell = log.warning if isinstance(error, GhsyncError) else log.exception
                tell("part_failed", part=name, again_in_seconds=round(pause), error=first_line(error))
            if not _is_cancelled():
                await asyncio.sleep(pause)

    async def _refetch(self) -> None:
        await self._do_due(self._may_be_due["refetch"], refetch.do_due)

    async def _resync(self) -> None:
        await self._do_due(self._may_be_due["resync"], requested.do_next)

    async def _do_due(self, call: asyncio.Event, do: Callable[[Reconciler], Awaitable[object]]) -> None:
        """Do all that is due, then wait for a notification, or for the interval."""
        call.clear()
        while await do(self._reconciler):
            pass
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(call.wait(), self._intervals.refetch)

    async def _heal(self) -> None:
        await heal(self._reconciler, self._recorder)

    async def _sweep(self) -> None:
        discover = time.monotonic() - self._refreshed_at > min(REFRESH_SECONDS, self._intervals.complete)
        complete_every = timedelta(seconds=self._intervals.complete)
        await sweep(self._reconciler, complete_every=complete_every, discover=discover, discovered=self._note_refresh)

    def _note_refresh(self) -> None:
        """What the App sees is listed; whether all of it can be read is another matter."""
        self._refreshed_at = time.monotonic()

    async def _audit(self) -> None:
        await audit(self._reconciler)

    async def _look(self) -> None:
        """Ask what GraphQL's schema knows; whoever reads first finds out, where nobody can ask yet."""
        async with transaction(self._reconciler.engine) as conn:
            readable = self._reconciler.readable(await places.everything(conn))
        for installation in list(readable)[:1]:
            session = await self._reconciler.session(installation, "reconcile", "sweep")
            try:
                await question.look(session.github, session.credential, priority="sweep", meter=session.meter)
            except (GraphQLUnavailable, TooHeavy) as error:
                log.warning("schema_not_told", error=first_line(error))

    async def _forget(self) -> None:
        await history.forget(self._reconciler.engine)


def _is_cancelled() -> bool:
    """Whether this task is to end: an error on the way out may have hidden it."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _locked(conn: psycopg.AsyncConnection[Any]) -> bool:
    cursor = await conn.execute("SELECT pg_try_advisory_lock(%s)", [locks.LEADER])
    row = await cursor.fetchone()
    return bool(row and row[0])
