"""Batches of the inbox, claimed and decoded, and where one is full, the next while that one is being written.

Each is in a transaction of its own, which ends with what is done with it. They are written one after another, in the
order in which they were claimed; so while PostgreSQL writes, this process reads. While somebody makes a partition, none
is taken: else one or the other would always hold what that needs.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ghsync import payload
from ghsync.contention import Detours
from ghsync.database import fetch, transaction
from ghsync.errors import DatabaseUnavailable, GhsyncError, PartitionsUnderWay
from ghsync.inbox import queue
from ghsync.inbox.queue import ClaimedDelivery, Verdict
from ghsync.projector import project
from ghsync.projector.batch import Batch

AT_ONCE = 4
"""Deliveries decoded before others get their turn: requests are answered, and statements sent, in between.

PostgreSQL waits for the next statement meanwhile, and takes no longer for most of them than fifty would.
"""

OLD_SECONDS = 4.0
"""What is ahead waits idle in a transaction, and keeps others from it: after so long it is given up, to be taken anew.

PostgreSQL would end the session some seconds later. Where a batch takes as long to write, nothing is taken ahead.
"""

PROOF_SECONDS = 2.0  # well below the silence after which PostgreSQL ends a session
_PROOF = sa.text("SELECT")

PAUSE_SECONDS = 0.05
"""Between two looks whether a partition is still being made."""

# Where others may be doing the same, or hold something already, locks are not worth the wait that sessions allow.
_BRIEFLY = sa.text("SET LOCAL lock_timeout = '200ms'")


# A plan goes by the sizes that tables have when it is made: where a mirror fills, or a month begins, each is made anew
# as it has doubled. Of an empty table all indexes are as good, those too that have what is looked for in second place.
FIRST_PLANS = 500
_DISCARD_PLANS = sa.text("DISCARD PLANS")


class BatchFailed(Exception):
    """A batch was rolled back: what was claimed for it, which is pending again, and for what reason."""

    def __init__(self, claimed: Sequence[ClaimedDelivery], reason: Exception) -> None:
        super().__init__(str(reason))
        self.claimed, self.reason = claimed, reason


@dataclass(frozen=True, slots=True)
class OpenBatch:
    """Deliveries claimed in a transaction that is still open, without bodies; how each ends, and what they tell."""

    conn: AsyncConnection
    ended: Sequence[tuple[ClaimedDelivery, Verdict]]
    told: Batch
    avoided: frozenset[str]
    transaction: AsyncExitStack

    @property
    def claimed(self) -> list[ClaimedDelivery]:
        """The deliveries alone."""
        return [delivery for delivery, _ in self.ended]


class Reader:
    """Takes one batch after another, of ``size`` deliveries at most; what ``detours`` avoid it leaves for later."""

    def __init__(self, engine: AsyncEngine, size: int, detours: Detours) -> None:
        self._engine = engine
        self._size = size
        self._detours = detours
        self._is_ahead = False
        self._next: asyncio.Task[OpenBatch] | None = None
        self._age: asyncio.TimerHandle | None = None
        self._given_up: set[asyncio.Task[None]] = set()
        self._writing = asyncio.Lock()
        self._written_in = 0.0  # seconds, the last one

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
        try:
            batch = await ((self._taken() if ids is None else None) or self._take(ids))
            if ids is None:
                self._next = None  # now, and not before: who is cancelled while it is awaited gives it up
            claimed = batch.claimed
            started = time.monotonic()
            async with self._writing, batch.transaction:
                if ids is None and len(claimed) == self._size:
                    self._take_ahead()
                yield batch
            self._written_in = time.monotonic() - started
        except BaseException as error:
            await self._give_up()
            if isinstance(error, DatabaseUnavailable | BatchFailed) or not isinstance(error, Exception):
                raise
            raise BatchFailed(claimed, error) from None

    def _take_ahead(self) -> None:
        if self._is_ahead and self._written_in < OLD_SECONDS:
            self._next = asyncio.create_task(self._take(None))
            self._age = asyncio.get_running_loop().call_later(OLD_SECONDS, self._forget)

    def _taken(self) -> asyncio.Task[OpenBatch] | None:
        """What was taken ahead, which grows old no more."""
        if self._age:
            self._age.cancel()
        return self._next

    async def _take(self, ids: Sequence[int] | None) -> OpenBatch:
        """Take a batch once nobody makes a partition; who does waits for what is being written."""
        while True:
            try:
                return await self._take_now(ids)
            except PartitionsUnderWay:
                async with self._writing:
                    await asyncio.sleep(PAUSE_SECONDS)

    async def _take_now(self, ids: Sequence[int] | None) -> OpenBatch:
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
                    verdicts += [await _read(conn, delivery, told) for delivery in claimed[start : start + AT_ONCE]]
                    await asyncio.sleep(0)
                claimed = [delivery._replace(body=b"") for delivery in claimed]
                ended = list(zip(claimed, verdicts, strict=True))
                return OpenBatch(conn, ended, told, avoided, stack.pop_all())
        except (DatabaseUnavailable, PartitionsUnderWay):
            raise
        except Exception as error:  # noqa: BLE001 (nothing may stop the queue)
            raise BatchFailed(claimed, error) from None

    async def _give_up(self) -> None:
        """Leave to others what was taken ahead, of which nothing was written; who is cancelled meanwhile does too."""
        if giving_up := self._forget():
            await asyncio.shield(giving_up)

    def _forget(self) -> asyncio.Task[None] | None:
        taken, self._next = self._taken(), None
        if taken is None:
            return None
        giving_up = asyncio.create_task(_close(taken))
        self._given_up.add(giving_up)
        giving_up.add_done_callback(self._given_up.discard)
        return giving_up


async def _read(conn: AsyncConnection, delivery: ClaimedDelivery, told: Batch) -> Verdict:
    """Decode one; while a large one is, others are answered, and PostgreSQL hears that the session lives."""
    if len(delivery.body) < payload.LARGE_BYTES:
        return project.read(delivery, told)
    reading = asyncio.create_task(asyncio.to_thread(project.read, delivery, told))
    try:
        while not (await asyncio.wait([reading], timeout=PROOF_SECONDS))[0]:
            await fetch(conn, _PROOF)
        return reading.result()
    finally:
        reading.cancel()


async def _close(taken: asyncio.Task[OpenBatch]) -> None:
    """End the transaction of what was taken, or is being taken."""
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
