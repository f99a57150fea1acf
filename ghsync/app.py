"""The HTTP application: its routes, its error map, and what runs beside it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ghsync import errors, metrics
from ghsync.encryption import Encryption
from ghsync.inbox import recorder
from ghsync.probes import Probes
from ghsync.receiver.endpoint import Receiver
from ghsync.receiver.patience import Patience
from ghsync.receiver.secrets import Secrets
from ghsync.settings import Settings

Background = Callable[[], Coroutine[Any, Any, None]]

# By base class: the nearest ancestor decides.
STATUSES: Mapping[type[BaseException], int] = {
    errors.RefusedRequest: 400,
    errors.SignatureMismatch: 401,
    errors.BodyTooSlow: 408,
    errors.BodyTooLarge: 413,
    errors.UnsupportedContentType: 415,
    errors.NotFound: 404,
    errors.Transient: 503,
    errors.GhsyncError: 500,
}

# What went wrong on our side is for the log: a driver's message names hosts and users.
OUR_FAULT: Mapping[int, str] = {
    503: "ghsync cannot take this now: send it again later.",
    500: "ghsync failed: its log says why.",
}

ELSEWHERE: Mapping[int, str] = {
    404: "There is nothing here: the webhook's URL has to end in /webhooks/github.",
    405: "This is asked for in another way: a webhook with POST, all else with GET.",
}

HEADERS: Mapping[int, Mapping[str, str]] = {503: {"Retry-After": "10"}}

log = structlog.get_logger()


def create_app(
    settings: Settings, engine: AsyncEngine, *, handled: frozenset[str], background: Sequence[Background] = ()
) -> Starlette:
    """The application; ``handled`` are the events with an effect, ``background`` runs as long as it does.

    It takes over the engine, and disposes of it when it ends.
    """
    inbox = recorder.Recorder(engine, settings.commit_timeout_seconds)
    receiver = Receiver(
        inbox,
        Secrets(settings.webhook_secrets, engine, Encryption(settings.encryption_keys)),
        handled=handled,
        max_body_bytes=settings.max_body_bytes,
        body_memory_bytes=settings.body_memory_bytes,
    )

    tasks: list[asyncio.Task[None]] = []
    probes = Probes(engine, settings, tasks)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.background += [asyncio.create_task(run()) for run in background]
        for task in app.state.background:
            task.add_done_callback(_log_crash)
        yield
        for task in app.state.background:
            task.cancel()
        await asyncio.gather(*app.state.background, return_exceptions=True)
        await inbox.close()
        await engine.dispose()

    app = Starlette(
        routes=[
            Route("/webhooks/github", receiver.receive, methods=["POST"]),
            *probes.routes,
        ],
        middleware=[Middleware(Patience, timeout_seconds=settings.body_timeout_seconds)],
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
    """An error of ours, by the map above."""
    status = next(STATUSES[ancestor] for ancestor in type(error).__mro__ if ancestor in STATUSES)
    detail = OUR_FAULT.get(status, str(error))
    return _json({"error": metrics.reason(error), "detail": detail}, status, HEADERS.get(status))


async def answer_http_error(request: Request, error: Exception) -> Response:
    """An error of Starlette's: no such page, no such method."""
    status = HTTPStatus(getattr(error, "status_code", 500))
    content = {"error": status.name.lower(), "detail": ELSEWHERE.get(status, f"{status.description}.")}
    return _json(content, status, getattr(error, "headers", None))


async def answer_crash(request: Request, error: Exception) -> Response:
    """A bug; Starlette raises the error once more, for the server to log it."""
    return _json({"error": "internal_server_error", "detail": OUR_FAULT[500]}, 500)


def _json(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(content), status, headers, "application/json")


def _log_crash(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("a background task stopped", exc_info=error)
