"""What probes and Prometheus ask a process, and a port of its own for them."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from typing import Generic, TypeVar

import msgspec
import prometheus_client
import uvicorn
from msgspec.structs import asdict
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ghsync import database, deadline, gauges, keys, readiness
from ghsync.errors import DatabaseUnavailable
from ghsync.inbox.spool import Spool
from ghsync.readiness import Readiness
from ghsync.settings import Settings

KEPT_SECONDS = 1.0
"""How long an answer is good for: so probes, however many, ask the database, and count what there is, once a second."""

T = TypeVar("T")


class SharedFinding(Generic[T]):
    """What is found out once a second, however many ask; those who ask meanwhile wait for it."""

    _found: T

    def __init__(self, find_out: Callable[[], Awaitable[T]]) -> None:
        self._find_out = find_out
        self._one_at_a_time = asyncio.Lock()
        self._found_at = -KEPT_SECONDS

    async def get(self) -> T:
        """What was found, a second ago at most."""
        async with self._one_at_a_time:
            if time.monotonic() - self._found_at >= KEPT_SECONDS:
                self._found = await self._find_out()
                self._found_at = time.monotonic()
            return self._found


def untroubled() -> None:
    """For who commits no deliveries."""


class Probes:
    """Whether a process lives, is ready, and what it counts.

    ``background`` are the tasks that it cannot do without; ``trouble`` says why it could not commit a moment ago,
    and in ``spool`` deliveries wait until it can.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        settings: Settings,
        background: Sequence[asyncio.Task[None]] = (),
        trouble: Callable[[], str | None] = untroubled,
        spool: Spool | None = None,
    ) -> None:
        self.background = background
        self._spool = spool
        self._engine = engine
        self._settings = settings
        self._trouble = trouble
        self._readiness = SharedFinding(self._check)
        self._metrics = SharedFinding(self._expose)
        self._one_key_at_a_time = asyncio.Lock()  # however many are shown, deliveries have the other connections

    @property
    def routes(self) -> list[Route]:
        """The three pages, for those who operate this."""
        return [
            Route("/healthz", self.healthz),
            Route("/readyz", self.readyz),
            Route("/metrics", self.show_metrics),
        ]

    @property
    def open_routes(self) -> list[Route]:
        """What anybody may know where deliveries are received: no figures, no reasons, least where all is elsewhere.

        Figures are for who shows a key.

        Whether a stranger asks cannot be told: a proxy on this machine comes from this machine.
        """
        routes = [Route("/healthz", self.healthz), Route("/metrics", self.show_metrics_to_bearer)]
        return routes if self._settings.operations_port else [*routes, Route("/readyz", self.readyz_briefly)]

    async def healthz(self, request: Request) -> Response:
        """The process is alive."""
        return _json({"status": "ok"})

    async def readyz(self, request: Request) -> Response:
        """The process can do its work, if only to receive; ``stale`` says that the mirror is behind all the same.

        A stale one is answered 200: to send deliveries elsewhere would lose them. So is one that can spool them.
        """
        found = await self._readiness.get()
        freshness = asdict(found.freshness) if found.freshness else {"reasons": ()}
        freshness.pop("stale_by", None)
        reasons = [*self._reasons(found), *self._spooled(found), *freshness["reasons"]]
        return self._answer(found, freshness | {"reasons": reasons})

    async def readyz_briefly(self, request: Request) -> Response:
        """Whether it is ready, and not why."""
        return self._answer(await self._readiness.get(), {})

    async def show_metrics(self, request: Request) -> Response:
        """The metrics in Prometheus' text format."""
        return Response(await self._metrics.get(), media_type=prometheus_client.CONTENT_TYPE_LATEST)

    async def show_metrics_to_bearer(self, request: Request) -> Response:
        """The same for who shows a key that may read."""
        key = keys.of_header(request.headers.get("authorization"))
        async with self._one_key_at_a_time, database.transaction(self._engine) as conn:
            await keys.check(conn, key, "read")
        return await self.show_metrics(request)

    async def listen(self, listening: socket.socket) -> None:
        """Serve them on a port of their own until cancelled."""
        with listening:
            config = uvicorn.Config(
                Starlette(routes=self.routes),
                lifespan="off", log_config=None, access_log=False, server_header=False, limit_concurrency=50,
            )  # fmt: skip
            server = _Server(config)
            try:
                await server.serve([listening])
            finally:  # cancelled, it leaves open what it has opened: to who scrapes, too
                for one in server.servers:
                    one.close()
                for connection in list(server.server_state.connections):
                    connection.shutdown()

    def _answer(self, found: Readiness, told: Mapping[str, object]) -> Response:
        ready = not self._reasons(found)
        return _json({"status": "ready" if ready else "not ready", **told}, 200 if ready else 503)

    def _reasons(self, found: Readiness) -> list[str]:
        reasons = [] if self._spooled(found) else self._uncommitted(found)
        if any(task.done() for task in self.background):
            reasons.append("A background task has stopped: restart the process.")
        return reasons

    def _uncommitted(self, found: Readiness) -> list[str]:
        """Why a delivery could not be committed now, or could not a moment ago."""
        reasons = list(found.reasons)
        if not reasons and (trouble := self._trouble()):
            reasons.append(f"The last delivery could not be committed: {trouble.rstrip('.')}.")
        return reasons

    def _spooled(self, found: Readiness) -> list[str]:
        """The same, where deliveries can wait on the disk until it is over."""
        reasons = self._uncommitted(found)
        if not reasons or self._spool is None or not self._spool.has_room:
            return []
        return [*reasons, f"Until that is over deliveries are spooled, {self._spool.count:,} by now."]

    async def _check(self) -> Readiness:
        return await readiness.check(self._engine, self._settings)

    async def _expose(self) -> bytes:
        found = await self._readiness.get()
        return gauges.exposition(found, await self._gauges() if found.freshness else gauges.DatabaseGauges())

    async def _gauges(self) -> gauges.DatabaseGauges:
        async def read() -> gauges.DatabaseGauges:
            async with database.transaction(self._engine) as conn:
                return await gauges.read(conn)

        with contextlib.suppress(DatabaseUnavailable):
            return await deadline.within(readiness.ANSWER_SECONDS, read())
        return gauges.DatabaseGauges()


class _Server(uvicorn.Server):
    """A server beside others in one process: signals are not its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def _json(content: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, None, "application/json")
