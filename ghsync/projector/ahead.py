"""Batches of the inbox, claimed and decoded, and where one is full, the next while that one is being written.

Each is in a transaction of its own, which ends with what is done with it. They are written one after another, in the
order in which they were claimed; so while PostgreSQL writes, this process reads.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ghsync.contention import Detours
from ghsync.database import fetch, transaction
from ghsync.errors import DatabaseUnavailable, GhsyncError
from ghsync.inbox import queue
from ghsync.inbox.queue import ClaimedDelivery, Verdict
from ghsync.projector import project
from ghsync.projector.batch import Batch

AT_ONCE = 50
"""Deliveries decoded before others get their turn: requests are answered, and statements sent, in between."""

OLD_SECONDS = 4.0
"""What is ahead waits idle in a transaction: before PostgreSQL ends its session, it is given up and taken anew."""

# Where others may be doing the same, or hold something already, locks are not worth the wait that sessions allow.
_BRIEFLY = sa.text("SET LOCAL lock_timeout = '200ms'")


# A plan goes by the sizes that tables have when it is made: where a mirror fills, each is made anew as it has doubled.
FIRST_PLANS = 500
_DISCARD_PLANS = sa.text("DISCARD PLANS")


class BatchFailed(Exception):
    """A batch was rolled back: what was claimed for it, which is pending again, and for what reason."""

    def __init__(self, claimed: Sequence[ClaimedDelivery], reason: Exception) -> None:
        super().__init__(str(reason))
        self.claimed, self.reason = claimed, reason


@dataclass(frozen=True, slots=True)
class OpenBatch:
    """Deliveries claimed in a transaction that is still open, without their bodies, and what these tell."""

    conn: AsyncConnection
    claimed: Sequence[ClaimedDelivery]
    verdicts: Sequence[Verdict]
    told: Batch
    avoided: frozenset[str]
    transaction: AsyncExitStack


class Reader:
    """Takes one batch after another, of ``size`` deliveries at most; what ``detours`` avoid it leaves for later."""

    def __init__(self, engine: AsyncEngine, size: int, detours: Detours) -> None:
        self._engine = engine
        self._size = size
        self._detours = detours
        self._is_ahead = False
        self._next: asyncio.Task[OpenBatch] | None = None
        self._next_since = 0.0

    @asynccontextmanager
    async def ahead(self) -> AsyncIterator[None]:
        """Take the next batch while a full one is being written, as long as this block lasts."""
        self._is_ahead = True
        try:
            yield
        finally:
            self._is_ahead = False
            await self._give_up()

    @asynccontextmanager
    async def batch(self, ids: Sequence[int] | None = None) -> AsyncIterator[OpenBatch]:
        """The next batch, or what is pending of ``ids``; it is committed where the block ends well.

        Raises `BatchFailed` where it does not, or the batch could not be taken, and gives up what was taken ahead: it
        has to come later.
        """
        claimed: Sequence[ClaimedDelivery] = ()
        if time.monotonic() - self._next_since > OLD_SECONDS:
            await self._give_up()
        try:
            batch = await ((self._next if ids is None else None) or self._take(ids))
            if ids is None:
                self._next = None  # now, and not before: who is cancelled while it is awaited gives it up
            claimed = batch.claimed
            async with batch.transaction:
                if self._is_ahead and ids is None and len(claimed) == self._size:
                    self._next, self._next_since = asyncio.create_task(self._take(None)), time.monotonic()
                yield batch
        except BaseException as error:
            await self._give_up()
            if isinstance(error, DatabaseUnavailable | BatchFailed) or not isinstance(error, Exception):
                raise
            raise BatchFailed(claimed, error) from None

    async def _take(self, ids: Sequence[int] | None) -> OpenBatch:
        claimed: Sequence[ClaimedDelivery] = ()
        avoided = self._detours.names
        try:
            async with AsyncExitStack() as stack:
                conn = await stack.enter_async_context(transaction(self._engine))
                if ids is not None or self._detours.wary:
                    await fetch(conn, _BRIEFLY)
                claimed = await queue.claim(conn, self._size, ids, avoided=avoided)
                await _plan_anew(conn, len(claimed))
                told, verdicts = Batch(), list[Verdict]()
                for start in range(0, len(claimed), AT_ONCE):
                    verdicts += [project.read(delivery, told) for delivery in claimed[start : start + AT_ONCE]]
                    await asyncio.sleep(0)
                claimed = [replace(delivery, body=b"") for delivery in claimed]
                return OpenBatch(conn, claimed, verdicts, told, avoided, stack.pop_all())
        except DatabaseUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 (nothing may stop the queue)
            raise BatchFailed(claimed, error) from None

    async def _give_up(self) -> None:
        """Leave to others what was taken ahead: nothing was written of it."""
        taken, self._next = self._next, None
        if taken is None:
            return
        taken.cancel()
        await asyncio.wait([taken])
        if not taken.cancelled() and taken.exception() is None:
            with suppress(GhsyncError, sa.exc.SQLAlchemyError):
                await taken.result().transaction.aclose()


async def _plan_anew(conn: AsyncConnection, claimed: int) -> None:
    """Forget this connection's plans when it has taken twice as many deliveries as when they were made."""
    taken = conn.info["taken"] = conn.info.get("taken", 0) + claimed
    if taken >= conn.info.setdefault("plans_until", FIRST_PLANS):
        conn.info["plans_until"] = 2 * taken
        await fetch(conn, _DISCARD_PLANS)
