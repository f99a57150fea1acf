"""The engine on the copy in use: it goes with that from one test to the next, in the loop that all of them run in."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry

from ghsync import database
from tests.copies import Copies

Found = TypeVar("Found")


class Engines:
    """One engine at a time."""

    def __init__(self, copies: Copies) -> None:
        self._copies = copies
        self._kept: dict[str, AsyncEngine] = {}
        self._connections: list[ConnectionPoolEntry] = []

    async def on(self, url: str) -> AsyncEngine:
        """The engine on this copy, whose connections remember nothing that the test before has found stored there."""
        for connection in self._connections:
            connection.info.clear()
        if url not in self._kept:
            await self.dispose()
            self._kept[url] = made = database.create_engine(url, planned_once=True)

            @event.listens_for(made.sync_engine, "connect")
            def keep(connection: Any, entry: ConnectionPoolEntry) -> None:
                self._copies.kept.add(connection.driver_connection.info.backend_pid)
                self._connections.append(entry)

        return self._kept[url]

    async def dispose(self) -> None:
        """Hang up."""
        for engine in self._kept.values():
            await engine.dispose()
        self._kept.clear()
        self._connections.clear()


class Examples:
    """Where what Hypothesis makes up is carried out, each example on a database of its own."""

    def __init__(self, copies: Copies) -> None:
        self._copies = copies
        self._engines = Engines(copies)
        self._loop = asyncio.new_event_loop()

    def run(self, act: Callable[[AsyncEngine], Awaitable[Found]]) -> Found:
        """Do something with an engine on a migrated, otherwise empty database."""
        with self._copies.lent() as url:
            return self._loop.run_until_complete(self._act(url, act))

    async def _act(self, url: str, act: Callable[[AsyncEngine], Awaitable[Found]]) -> Found:
        return await act(await self._engines.on(url))

    def close(self) -> None:
        """Hang up."""
        self._loop.run_until_complete(self._engines.dispose())
        self._loop.close()
