"""Connections: whoever starts no request, or never ends its head, is hung up on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ghsync.receiver.connection import Connection

pytestmark = pytest.mark.anyio

PATIENCE_SECONDS = 5

GET = b"GET / HTTP/1.1\r\nHost: ghsync\r\n\r\n"


class Hasty(Connection):
    """Waits hardly at all."""

    head_seconds = 0.05


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Take longer than a head may."""
    await asyncio.sleep(2 * Hasty.head_seconds)
    await Response()(scope, receive, send)


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a server that keeps idle ones for longer than the test is patient."""
    config = uvicorn.Config(
        answer, port=0, http=Hasty, lifespan="off", log_config=None, timeout_keep_alive=2 * PATIENCE_SECONDS
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        async with asyncio.timeout(PATIENCE_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            yield reader, writer
            writer.close()
    finally:
        await server.shutdown()


@pytest.mark.parametrize("begun", [b"", b"GET / HTT", b"GET / HTTP/1.1\r\nHost: ghsync\r\nX-Endless: a"])
async def test_a_request_that_does_not_begin_ends_the_connection(begun: bytes) -> None:
    async with connected() as (reader, writer):
        writer.write(begun)
        assert await reader.read() == b""


async def test_the_next_request_of_a_connection_has_to_begin_in_time_too() -> None:
    async with connected() as (reader, writer):
        writer.write(GET)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK\r\n")
        writer.write(GET[:-2])
        assert await reader.read() == b""


async def test_a_request_may_take_longer_than_its_head_and_so_may_the_silence_after_it() -> None:
    async with connected() as (reader, writer):
        for _ in range(2):
            writer.write(GET)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK\r\n")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.read(), 2 * Hasty.head_seconds)
