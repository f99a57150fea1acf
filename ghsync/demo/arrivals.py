"""Watches from outside when the database shows deliveries done, and how soon after they were sent."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg

from ghsync.changes import feed
from ghsync.projector.events import HANDLED
from ghsync.sessions import connection_arguments
from ghsync.simulator.delivery import Delivery

POLL_SECONDS = 0.01  # deliveries that change nothing are not told of in the feed
REMEMBERED = 1_000

Done = tuple[float, str | None]

_DONE = """
SELECT guid, status, last_error FROM webhook_deliveries WHERE guid = ANY(%s) AND status <> 'pending'
"""


class Watcher:
    """Knows when a delivery is done, by reading the inbox at every notification of the change feed."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection
        self._awaited: dict[str, asyncio.Future[Done]] = {}
        self._someone_waits = asyncio.Event()

    def expect(self, guid: str) -> asyncio.Future[Done]:
        """When it was seen done, by `time.perf_counter`, and why it was parked if it was."""
        self._someone_waits.set()
        return self._awaited.setdefault(guid, asyncio.get_running_loop().create_future())

    async def watch(self) -> None:
        """Look until cancelled."""
        await self._connection.execute(f"LISTEN {feed.CHANNEL}".encode())
        while True:
            await self._someone_waits.wait()
            async for _ in self._connection.notifies(timeout=POLL_SECONDS, stop_after=1):
                pass
            await self._look()
            if not self._awaited:
                self._someone_waits.clear()

    async def _look(self) -> None:
        cursor = await self._connection.execute(_DONE, [list(self._awaited)])
        done = await cursor.fetchall()
        seen_at = time.perf_counter()
        for guid, status, error in done:
            if not (found := self._awaited.pop(guid)).done():
                found.set_result((seen_at, error if status == "parked" else None))


@asynccontextmanager
async def watching(url: str) -> AsyncIterator[Watcher]:
    """A watcher at work."""
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True, **connection_arguments(url))
    async with connection:
        watcher = Watcher(connection)
        task = asyncio.create_task(watcher.watch())
        try:
            yield watcher
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


class Arrivals:
    """How many seconds the newest took, from the start of the request until others could read the rows."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self.seconds: deque[float] = deque(maxlen=REMEMBERED)

    def expect(self, delivery: Delivery) -> None:
        """Time a delivery that is being sent now; what ghsync does nothing with has no rows."""
        if delivery.event in HANDLED:
            began = time.perf_counter()
            self._watcher.expect(delivery.guid).add_done_callback(lambda done: self._note(began, done))

    def _note(self, began: float, done: asyncio.Future[Done]) -> None:
        if not done.cancelled():
            seen_at, problem = done.result()
            if problem is None:
                self.seconds.append(seen_at - began)
