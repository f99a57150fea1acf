"""A load generator that is as cheap as can be: it shares the processors with what it measures."""

import asyncio
import errno
import itertools
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import cast

ADDRESS = "127.0.0.1"

# Below those that Linux gives to who asks for none. A port that somebody else used a moment ago at the same address may
# be waited for: its first packet is taken for a late one of theirs, and sent again after a second.
OWN_PORTS = range(10_000, 30_000)

CONTENT_LENGTH = re.compile(rb"(?i)content-length: (\d+)")


def request(headers: Mapping[str, str], body: bytes) -> bytes:
    """A delivery as it goes over the wire."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST /webhooks/github HTTP/1.1\r\nHost: ghsync.example.com\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Refused(RuntimeError):
    """A delivery was not acknowledged: it was answered otherwise than with 202, or not at all."""


class Generator:
    """Posts over connections that stay open, and opens another one whenever all of them wait for an answer."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._own_ports: Iterator[int] = itertools.cycle(OWN_PORTS)
        self._idle: list[_Connection] = []

    async def open(self, connections: int) -> None:
        """Have so many connections ready."""
        self._idle += [await self._connect() for _ in range(connections - len(self._idle))]

    async def post(self, request: bytes) -> None:
        """Send once, and wait until it is acknowledged; any other answer is an error."""
        while self._idle and self._idle[-1].transport.is_closing():
            self._idle.pop()
        connection = self._idle.pop() if self._idle else await self._connect()
        await connection.post(request)
        self._idle.append(connection)

    def close(self) -> None:
        """Close the connections that wait for nothing."""
        for connection in self._idle:
            connection.transport.close()

    async def _connect(self) -> "_Connection":
        loop = asyncio.get_running_loop()
        while True:
            own = (ADDRESS, next(self._own_ports))
            try:
                _, connection = await loop.create_connection(_Connection, ADDRESS, self._port, local_addr=own)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                return connection


@asynccontextmanager
async def posting(port: int) -> AsyncIterator[Generator]:
    """A generator for a server on this machine, its connections closed afterwards."""
    generator = Generator(port)
    try:
        yield generator
    finally:
        generator.close()


class _Connection(asyncio.Protocol):
    """One connection, on which one request at a time waits for its answer."""

    transport: asyncio.Transport
    _acknowledged: asyncio.Future[None] | None = None
    _answer = b""

    def post(self, request: bytes) -> asyncio.Future[None]:
        self._answer = b""
        self._acknowledged = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._acknowledged

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, blank, body = self._answer.partition(b"\r\n\r\n")
        if not blank or len(body) < int(CONTENT_LENGTH.findall(head)[0]) or not self._waiting:
            return
        if head.startswith(b"HTTP/1.1 202"):
            self._waiting.set_result(None)
        else:
            self._waiting.set_exception(Refused(f"Answered {self._answer!r}."))

    def connection_lost(self, error: Exception | None) -> None:
        if self._waiting:
            self._waiting.set_exception(error or Refused("The server closed a connection."))

    @property
    def _waiting(self) -> asyncio.Future[None] | None:
        return self._acknowledged if self._acknowledged and not self._acknowledged.done() else None
