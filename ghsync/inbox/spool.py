"""Deliveries that PostgreSQL cannot commit wait on the disk, and enter the inbox when it is back (promise I1).

While any wait, those that come go behind them: so the inbox has them in the order of their arrival, and one task asks
whether PostgreSQL is back, instead of each delivery.
"""

import asyncio
from bisect import bisect
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Literal

import psycopg
import structlog

from ghsync import database, metrics
from ghsync.errors import DatabaseUnavailable, NotConfigured
from ghsync.inbox import arrival, journal, recorder
from ghsync.inbox.delivery import Delivery
from ghsync.inbox.journal import Journal
from ghsync.inbox.recorder import Recorder
from ghsync.settings import PREFIX

Outcome = recorder.Outcome | Literal["spooled"]

PROBE_SECONDS = 3.0
ADOPT_SECONDS = 30.0  # how often it is looked for what processes that are gone have left

PUT_ASIDE = (
    f"put spooled deliveries aside that cannot be recorded: without {journal.ASIDE} in its name the file is tried again"
)

log = structlog.get_logger()


class Spool:
    """A recorder that takes deliveries while PostgreSQL is away, too; `run` has to run beside it."""

    def __init__(self, recorder: Recorder, folder: Path, size_bytes: int) -> None:
        self._recorder = recorder
        self._folder = folder
        self._size_bytes = size_bytes
        self._clock = arrival.Clock()
        self._spooling = asyncio.Event()
        self._trouble: str | None = None  # what kept the last delivery from the disk
        self._entered = 0  # since something was spooled
        self._waiting: list[tuple[bytes, asyncio.Future[bool]]] = []
        self._writer: asyncio.Task[None] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._filling: Journal | None = None
        self._emptying: Journal | None = None

    @property
    def count(self) -> int:
        """How many deliveries of this process wait."""
        return sum(held.count for held in self._held)

    @property
    def has_room(self) -> bool:
        """Whether it could keep a delivery, as far as is known."""
        return self._trouble is None and journal.used_bytes(self._folder) < self._size_bytes

    async def record(self, delivery: Delivery) -> Outcome:
        """Write a delivery, and return once it is committed or the disk has it.

        Raises `DatabaseUnavailable` as the recorder does, where the disk cannot keep it either.
        """
        arrived = replace(delivery, received_at=self._clock.now())
        if self._spooling.is_set() and await self._keep(arrived):
            return "spooled"
        try:
            return await self._recorder.record(delivery)
        except DatabaseUnavailable as error:
            self._begin(str(error))
            if await self._keep(arrived):
                return "spooled"
            raise

    async def run(self) -> None:
        """Bring in what was spooled, here or by a process that is gone, until cancelled."""
        while True:
            try:
                while found := await self._next():
                    await self._bring_in(found)
            except OSError as error:
                log.error("could not read spooled deliveries", error=str(error), again_in_seconds=ADOPT_SECONDS)
                await asyncio.sleep(ADOPT_SECONDS)
            await self._recorder.tell_time(self._clock)
            with suppress(TimeoutError):
                async with asyncio.timeout(ADOPT_SECONDS):
                    await self._spooling.wait()

    async def close(self) -> None:
        """Return when everything that came is answered; what is on the disk waits for the next process."""
        if self._writer:
            await asyncio.wait({self._writer})
        if self._filling:
            self._filling.close()
        await self._recorder.close()

    def _begin(self, why: str) -> None:
        if self._spooling.is_set():
            return
        self._spooling.set()
        if self.has_room:
            log.warning("PostgreSQL cannot commit: deliveries are spooled", error=why)
            self._recorder.give_up(why)

    def _end(self) -> None:
        if self._entered:
            log.info("all that was spooled is in the inbox", deliveries=self._entered)
            self._entered, self._trouble = 0, None
        self._spooling.clear()

    async def _keep(self, delivery: Delivery) -> bool:
        """Whether the disk has it."""
        loop = asyncio.get_running_loop()
        kept: asyncio.Future[bool] = loop.create_future()
        self._waiting.append((journal.line(delivery), kept))
        if self._writer is None or self._writer.done():
            self._writer = loop.create_task(self._write())
        return await kept

    async def _write(self) -> None:
        """Those that wait go to the disk together, while the next ones gather."""
        while self._waiting:
            async with self._one_at_a_time:
                group, self._waiting = self._waiting, []
                count = await self._append([line for line, _ in group])
            for place, (_, kept) in enumerate(group):
                if not kept.done():
                    kept.set_result(place < count)

    async def _append(self, lines: Sequence[bytes]) -> int:
        """How many of them the disk keeps, the first ones."""
        try:
            count = await asyncio.to_thread(self._append_what_fits, lines)
            full = f"{self._folder} is full: {PREFIX}SPOOL_BYTES sets the limit."
            trouble = full if count < len(lines) else None
        except OSError as error:
            count, trouble = 0, f"{error.filename or self._folder} cannot be written ({error.strerror})."
        if trouble and not self._trouble:
            log.error("a delivery could not be spooled", error=trouble)
        self._trouble = trouble
        self._show()
        return count

    def _append_what_fits(self, lines: Sequence[bytes]) -> int:
        room = self._size_bytes - journal.used_bytes(self._folder)
        count = bisect(list(accumulate(map(len, lines))), room)
        if count:
            if self._filling and self._filling.is_gone:
                log.error(
                    "spooled deliveries were taken away", file=str(self._filling.path), at_most=self._filling.count
                )
                self._filling.close()
                self._filling = None
            self._filling = self._filling or journal.create(self._folder)
            self._filling.append(lines[:count])
        return count

    async def _next(self) -> Journal | None:
        """The oldest file that nobody has, and then our own: the next delivery begins another."""
        await asyncio.sleep(0)  # who waits for the disk comes first
        async with self._one_at_a_time:
            found = journal.claim(self._folder)
            if not found:
                found, self._filling = self._filling, None
            if found:
                self._spooling.set()
            elif not self._waiting:
                self._end()
            return found

    async def _bring_in(self, found: Journal) -> None:
        """Record all of a file, and remove it; where something cannot be recorded it is put aside."""
        self._emptying = found
        try:
            refused = await self._record_all(found)
            if refused or found.damaged:
                aside = str(found.put_aside())
                log.error(PUT_ASIDE, refused=refused, damaged=found.damaged, file=aside)
            else:
                found.remove()
        finally:
            self._emptying = None
            self._show()
            found.close()

    async def _record_all(self, found: Journal) -> int:
        """Answers how many PostgreSQL refuses; what the disk does not give back is counted as damaged."""
        refused = 0
        try:
            await asyncio.to_thread(found.measure)
            self._show()
            while deliveries := await asyncio.to_thread(found.take, recorder.GROUP_COUNT):
                refused += await self._insist(deliveries)
                found.count -= len(deliveries)
                self._show()
        except OSError as error:
            log.error("cannot read spooled deliveries", file=str(found.path), error=error.strerror)
            found.damaged += 1
        return refused

    async def _insist(self, deliveries: list[Delivery]) -> int:
        """Record them, however long PostgreSQL is away; answers how many it refuses for what they are."""
        refused, at_once = 0, 1  # the first one alone finds out whether it is back
        while deliveries:
            outcomes = await asyncio.gather(*map(self._outcome, deliveries[:at_once]))
            away = [delivery for delivery, outcome in zip(deliveries, outcomes, strict=False) if outcome == "away"]
            refused += outcomes.count("refused")
            self._entered += len(outcomes) - len(away) - outcomes.count("refused")
            deliveries = away + deliveries[at_once:]
            at_once = 1 if away else recorder.GROUP_COUNT_UNDIVIDED  # one commit: none goes on without those before it
            if away:
                await asyncio.sleep(PROBE_SECONDS)
        return refused

    async def _outcome(self, delivery: Delivery) -> Literal["entered", "away", "refused"]:
        try:
            await self._recorder.record(delivery)
        except DatabaseUnavailable:
            return "away"
        except (psycopg.Error, ValueError) as error:
            log.error("PostgreSQL refuses a spooled delivery", delivery=delivery.guid, error=database.first_line(error))
            return "refused"
        return "entered"

    @property
    def _held(self) -> list[Journal]:
        return [held for held in (self._filling, self._emptying) if held]

    def _show(self) -> None:
        metrics.spooled.set(self.count)
        metrics.spooled_bytes.set(sum(held.size_bytes for held in self._held))


def check(folder: Path) -> None:
    """Raises `NotConfigured` where deliveries could not be spooled."""
    try:
        made = journal.create(folder)
        made.remove()
        made.close()
    except OSError as error:
        raise NotConfigured(f"{PREFIX}SPOOL_DIR: {folder} cannot be written ({error.strerror}).") from None
