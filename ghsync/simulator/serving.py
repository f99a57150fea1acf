"""Serving an application on the loopback, within the running event loop."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from starlette.types import ASGIApp

LOOPBACK = "127.0.0.1"
LOOK_SECONDS = 0.005


class _Server(uvicorn.Server):
    """A server that leaves signals to the program it is a part of, and ends when nobody is served any more.

    uvicorn looks ten times a second whether it is to end, and waits a tenth more before it does.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ended = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield

    async def main_loop(self) -> None:
        """Serve until it is to end."""
        await self.ended.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections, and end when those that there are have got their answers."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110 (uvicorn sets no event)
            await asyncio.sleep(LOOK_SECONDS)
        await self.lifespan.shutdown()


@contextlib.asynccontextmanager
async def serving(app: ASGIApp, port: int = 0) -> AsyncIterator[str]:
    """Serve at a port, or at any that is free; gives the address. Nothing is left running afterwards."""
    with _listen(port) as listening:
        config = uvicorn.Config(app, log_config=None, access_log=False, date_header=False, server_header=False)
        server = _Server(config)
        task = asyncio.create_task(server.serve([listening]))
        try:
            yield f"http://{LOOPBACK}:{listening.getsockname()[1]}"
        finally:
            server.ended.set()
            await task


def _listen(port: int) -> socket.socket:
    """A socket that takes connections already, so that whoever is told its address can connect."""
    # asyncio lets only a socket that says it is TCP answer without delay (TCP_NODELAY).
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    with contextlib.ExitStack() as unless_it_listens:
        unless_it_listens.enter_context(listening)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((LOOPBACK, port))
        listening.listen()
        unless_it_listens.pop_all()
    return listening
