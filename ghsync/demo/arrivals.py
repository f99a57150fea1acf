"""Sends deliveries as GitHub does, and watches from outside when the database shows them done."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg

from ghsync.changes import feed
from ghsync.database import connection_arguments
from ghsync.inbox import recording
from ghsync.inbox.recording import Recorded

PATIENCE_SECONDS = 30.0
POLL_SECONDS = 0.01  # deliveries that change nothing are not told of in the feed

_DONE = """
SELECT guid, status, last_error FROM webhook_deliveries WHERE guid = ANY(%s) AND status <> 'pending'
"""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What became of one delivery; ``seconds`` from the start of the request until others can read the rows."""

    sent: Recorded
    seconds: float
    problem: str | None = None


class Watcher:
    """Knows when a delivery is done, by reading the inbox at every notification of the change feed."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection
        self._awaited: dict[str, asyncio.Future[tuple[float, str | None]]] = {}
        self._someone_waits = asyncio.Event()

    def expect(self, guid: str) -> asyncio.Future[tuple[float, str | None]]:
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


async def send(
    client: httpx.AsyncClient, watcher: Watcher, address: str, secret: str, recorded: Recorded
) -> asyncio.Task[Arrival]:
    """Send one delivery; answers once it is acknowledged, with the task that waits until it is done."""
    started_at = time.perf_counter()
    done = watcher.expect(recorded.guid)
    answer = await client.post(address, content=recorded.body, headers=recording.sign(recorded, secret))
    refusal = None if answer.status_code == 202 else f"answered {answer.status_code}: {answer.text}"
    return asyncio.create_task(_arrive(recorded, started_at, done, refusal))


async def _arrive(
    recorded: Recorded, started_at: float, done: asyncio.Future[tuple[float, str | None]], refusal: str | None
) -> Arrival:
    if refusal:
        return Arrival(recorded, 0, refusal)
    try:
        seen_at, error = await asyncio.wait_for(done, PATIENCE_SECONDS)
    except TimeoutError:
        return Arrival(recorded, PATIENCE_SECONDS, f"not projected within {PATIENCE_SECONDS:g} s")
    return Arrival(recorded, seen_at - started_at, f"parked: {error}" if error else None)
