"""The HTTP application: its routes, its error map, and what runs beside it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from typing import Any, cast

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ghsync import connections, errors, metrics, telemetry
from ghsync.api.endpoint import Api
from ghsync.encryption import Encryption
from ghsync.inbox.recorder import Recorder
from ghsync.inbox.spool import Spool
from ghsync.measured import Measured
from ghsync.probes import Probes
from ghsync.processes import Process
from ghsync.receiver import answers
from ghsync.receiver.answers import Answer
from ghsync.receiver.endpoint import Receiver
from ghsync.receiver.patience import Patience
from ghsync.receiver.proxies import Proxies
from ghsync.receiver.secrets import Secrets
from ghsync.receiver.senders import Senders
from ghsync.settings import Settings
from ghsync.traced import Inbox, Traced

Background = Callable[[], Coroutine[Any, Any, None]]

DELIVERIES = "/webhooks/github"

ELSEWHERE: Mapping[int, str] = {
    404: "There is nothing here: the webhook's URL has to end in /webhooks/github.",
    405: "This is asked for with another method: Allow names it.",
}

log = structlog.get_logger()


def create_app(
    settings: Settings,
    engine: AsyncEngine,
    *,
    handled: frozenset[str],
    background: Sequence[Background] = (),
    process: Process | None = None,
) -> Starlette:
    """The application; ``handled`` are the events with an effect, ``background`` runs as long as it does.

    A ``process`` is told as of when it accepts the secrets in the database.

    It takes over the engine, and disposes of it when it ends.
    """
    recorder = Recorder(engine, settings.commit_timeout_seconds)
    spool = Spool(recorder, settings.spool_dir, settings.spool_bytes) if settings.spool_dir else None
    if spool:
        background = [*background, spool.run]
    inbox = spool or recorder
    proxies = Proxies(settings.trusted_proxies)
    senders = Senders(settings.allowed_senders, proxies)
    if senders.asks:
        background = [*background, partial(senders.follow, settings.api_url)]
    secrets = Secrets(settings.webhook_secrets, engine, Encryption(settings.encryption_keys), process=process)
    spans = telemetry.spans()
    receiver = Receiver(
        Inbox(inbox, spans) if spans else inbox,
        secrets,
        senders,
        handled=handled,
        max_body_bytes=settings.max_body_bytes,
        body_memory_bytes=settings.body_memory_bytes,
    )

    tasks: list[asyncio.Task[None]] = []
    probes = Probes(engine, settings, tasks, recorder.trouble, spool)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await secrets.begin()
        app.state.background += [asyncio.create_task(run()) for run in (*background, secrets.keep_up)]
        for task in app.state.background:
            task.add_done_callback(_log_crash)
        yield
        timer = await connections.let_go(engine)
        for task in app.state.background:
            task.cancel()
        await asyncio.gather(*app.state.background, return_exceptions=True)
        await inbox.close()
        await engine.dispose()
        timer.cancel()
        await asyncio.to_thread(telemetry.end)

    routes = [
        Route(DELIVERIES, receiver.receive, methods=["POST"]),
        *probes.open_routes,
        *Api(engine, proxies).routes,
    ]
    app = Starlette(
        routes=routes,
        middleware=[
            *([Middleware(Traced, spans=spans, route=DELIVERIES, proxies=proxies)] if spans else ()),
            Middleware(Measured, routes=routes),
            Middleware(Patience, timeout_seconds=settings.body_timeout_seconds),
        ],
        exception_handlers={
            errors.GhsyncError: answer_error,
            HTTPException: answer_http_error,
            Exception: answer_crash,
        },
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # GitHub does not follow redirects
    app.state.probes = probes
    app.state.background = tasks
    return app


async def answer_error(request: Request, error: Exception) -> Response:
    """An error of ours."""
    return _response(answers.refusal(cast("errors.GhsyncError", error)))


async def answer_http_error(request: Request, error: Exception) -> Response:
    """An error of Starlette's: no such page, no such method."""
    status = HTTPStatus(getattr(error, "status_code", 500))
    metrics.refused.labels(status.name.lower()).inc()
    refused = answers.answer(status, status.name.lower(), ELSEWHERE.get(status, f"{status.description}."))
    return _response(refused, getattr(error, "headers", None))


async def answer_crash(request: Request, error: Exception) -> Response:
    """A bug; Starlette raises the error once more, for the server to log it."""
    return _response(answers.answer(500, "internal_server_error", answers.OUR_FAULT[500]))


def _response(refused: Answer, headers: Mapping[str, str] | None = None) -> Response:
    return Response(refused.body, refused.status, {**refused.headers, **(headers or {})}, answers.JSON)


def _log_crash(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("a background task stopped", exc_info=error)
