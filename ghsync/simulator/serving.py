"""Serving an application on the loopback, within the running event loop."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from starlette.types import ASGIApp

LOOPBACK = "127.0.0.1"


class _Server(uvicorn.Server):
    """A server that leaves signals to the program it is a part of."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


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
            server.should_exit = True
            await task


def _listen(port: int) -> socket.socket:
    """A socket that takes connections already, so that whoever is told its address can connect."""
    # asyncio lets only a socket that says it is TCP answer without delay (TCP_NODELAY).
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((LOOPBACK, port))
    listening.listen()
    return listening
