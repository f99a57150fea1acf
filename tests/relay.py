"""A door to PostgreSQL that can be shut, opened again, and made to hang."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from psycopg.conninfo import conninfo_to_dict, make_conninfo


class Relay:
    """Passes bytes between a TCP port and the server, while it is open and not frozen."""

    def __init__(self, database_url: str) -> None:
        self._parameters = conninfo_to_dict(database_url)
        self._moving = asyncio.Event()
        self._moving.set()
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """Where the database is behind this door."""
        return make_conninfo(**self._parameters | {"host": "127.0.0.1", "port": self._port})

    async def open(self) -> None:
        """Accept connections, at the same port as before."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """Break all connections and refuse new ones."""
        assert self._server
        self._server.close()
        connections = list(self._connections)
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        await self._server.wait_closed()

    def freeze(self) -> None:
        """Hang: connections stay, nothing moves."""
        self._moving.clear()

    def thaw(self) -> None:
        """Go on where it hung."""
        self._moving.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._connections.add(task)
        try:
            await self._join(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(task)
            writer.close()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = self._parameters["host"], self._parameters.get("port", 5432)
        if str(host).startswith("/"):
            server_reader, server_writer = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        else:
            server_reader, server_writer = await asyncio.open_connection(str(host), int(port))
        try:
            _, pending = await asyncio.wait(
                {
                    asyncio.create_task(self._pass(reader, server_writer)),
                    asyncio.create_task(self._pass(server_reader, writer)),
                },
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in pending:
                task.cancel()
        finally:
            server_writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):  # either side may break off, and both at once
            while data := await reader.read(65536):
                await self._moving.wait()
                writer.write(data)
                await writer.drain()


def as_url(door: Relay) -> str:
    """Where the database is behind this door, as settings take it."""
    parameters = conninfo_to_dict(door.url)
    return f"postgresql://{parameters['user']}@127.0.0.1:{parameters['port']}/{parameters['dbname']}"


@asynccontextmanager
async def relay(database_url: str) -> AsyncIterator[Relay]:
    """An open relay, shut at the end."""
    opened = Relay(database_url)
    await opened.open()
    yield opened
    opened.thaw()
    await opened.shut()
