"""What probes and Prometheus ask a process, and a port of its own for them."""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Generator, Sequence

import msgspec
import prometheus_client
import uvicorn
from msgspec.structs import asdict
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ghsync import database, deadline, gauges, readiness
from ghsync.errors import DatabaseUnavailable, NotConfigured
from ghsync.inbox.spool import Spool
from ghsync.readiness import Readiness
from ghsync.settings import PREFIX, Settings

KEPT_SECONDS = 1.0
"""How long an answer is good for: so probes, however many, ask the database, and count what there is, once a second."""


class Probes:
    """Whether a process lives, is ready, and what it counts; ``background`` are the tasks that it cannot do without."""

    def __init__(
        self,
        engine: AsyncEngine,
        settings: Settings,
        background: Sequence[asyncio.Task[None]] = (),
        spool: Spool | None = None,
    ) -> None:
        self.background = background
        self._spool = spool
        self._engine = engine
        self._settings = settings
        self._one_at_a_time = asyncio.Lock()
        self._asked_at = -KEPT_SECONDS
        self._found: tuple[Readiness, gauges.Found] = (Readiness(), gauges.Found())
        self._shown, self._shown_at = b"", -KEPT_SECONDS

    @property
    def routes(self) -> list[Route]:
        """The three pages."""
        return [
            Route("/healthz", self.healthz),
            Route("/readyz", self.readyz),
            Route("/metrics", self.show_metrics),
        ]

    async def healthz(self, request: Request) -> Response:
        """The process is alive."""
        return _json({"status": "ok"})

    async def readyz(self, request: Request) -> Response:
        """The process can do its work, if only to receive; ``stale`` says that the mirror is behind all the same.

        A stale one is answered 200: to send deliveries elsewhere would lose them. So is one that can spool them.
        """
        found, _ = await self._ask()
        spooled = self._spooled(found)
        reasons = [] if spooled else list(found.reasons)
        if any(task.done() for task in self.background):
            reasons.append("A background task has stopped: restart the process.")
        freshness = asdict(found.freshness) if found.freshness else {"reasons": ()}
        freshness.pop("stale_by", None)
        told = freshness | {"reasons": [*reasons, *spooled, *freshness["reasons"]]}
        return _json({"status": "not ready" if reasons else "ready", **told}, 503 if reasons else 200)

    def _spooled(self, found: Readiness) -> Sequence[str]:
        """What is told of a database that is away where deliveries can wait for it."""
        if found.reasons != (readiness.AWAY,) or self._spool is None or not self._spool.has_room:
            return ()
        return (readiness.AWAY, f"Deliveries are spooled until it does, {self._spool.count:,} by now.")

    async def show_metrics(self, request: Request) -> Response:
        """The metrics in Prometheus' text format."""
        readiness_found, found = await self._ask()
        if time.monotonic() - self._shown_at >= KEPT_SECONDS:
            self._shown = gauges.exposition(readiness_found.freshness, found)
            self._shown_at = time.monotonic()
        return Response(self._shown, media_type=prometheus_client.CONTENT_TYPE_LATEST)

    async def listen(self, listening: socket.socket) -> None:
        """Serve them on a port of their own until cancelled."""
        with listening:
            config = uvicorn.Config(
                Starlette(routes=self.routes),
                lifespan="off", log_config=None, access_log=False, server_header=False, limit_concurrency=50,
            )  # fmt: skip
            await _Server(config).serve([listening])

    async def _ask(self) -> tuple[Readiness, gauges.Found]:
        async with self._one_at_a_time:
            if time.monotonic() - self._asked_at >= KEPT_SECONDS:
                found = await readiness.check(self._engine, self._settings)
                self._found = found, await self._gauges() if found.freshness else gauges.Found()
                self._asked_at = time.monotonic()
            return self._found

    async def _gauges(self) -> gauges.Found:
        async def read() -> gauges.Found:
            async with database.transaction(self._engine) as conn:
                return await gauges.read(conn)

        with contextlib.suppress(DatabaseUnavailable):
            return await deadline.within(readiness.ANSWER_SECONDS, read())
        return gauges.Found()


class _Server(uvicorn.Server):
    """A server beside others in one process: signals are not its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def bind(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """The port, perhaps ``shared`` with other processes; `NotConfigured` when it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, reuse_port=shared)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise NotConfigured(f"{PREFIX}OPERATIONS_PORT: cannot listen on {host}:{port}: {why}.") from error


def _json(content: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, None, "application/json")
