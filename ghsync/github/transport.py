"""How requests get to GitHub and back: within the budget, patient with limits and with GitHub's bad moments.

githubkit asks through this, so that whatever is asked is counted, waits as long as GitHub says, and raises ghsync's own
errors. Tokens are not its business: an answer with 401 is handed on to who signed, see `signing`.
"""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import httpx
import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import metrics, telemetry
from ghsync.database import autocommitting
from ghsync.errors import (
    GhsyncError,
    GitHubUnavailable,
    GitHubUnreachable,
    GraphQLUnavailable,
    RateLimited,
    TooHeavy,
    UnreadableAnswer,
)
from ghsync.github import etags, partial, refusals
from ghsync.github.budget import Budget, Wait
from ghsync.github.clock import Clock
from ghsync.github.credentials import Credential, fingerprint
from ghsync.github.reply import Reply
from ghsync.settings import Settings

if TYPE_CHECKING:
    from ghsync.spans import OpenSpan

log = structlog.get_logger()

ASKED, REPLY = "ghsync.asked", "ghsync.reply"
"""Extensions of requests and of their answers: https://www.python-httpx.org/advanced/extensions/."""

VERSION = "2022-11-28"
"""The version that still has every field we read, and is served for years.

https://docs.github.com/en/rest/about-the-rest-api/api-versions
"""

HIDDEN = b"********"

PAUSES_SECONDS = (0.5, 2.0)
"""Between attempts, more or less: a request is sent three times at most."""

LEAST_PAUSE_SECONDS = 1.0  # after a refusal, whatever it says
REFUSED_AT_MOST = 5  # by limits, for one request: a server may say for ever that a second is enough
SHORT_SECONDS = 0.1  # too little to raise for
FAR_SECONDS = 12 * 3600.0  # too far away for a time of day alone

Sleep = Callable[[float], Awaitable[None]]


@dataclass(slots=True)
class Meter:
    """What was asked so far: requests sent, and points that GraphQL charged."""

    requests: int = 0
    points: int = 0

    def taken(self) -> "Meter":
        """What it has counted so far; it begins anew."""
        counted = Meter(self.requests, self.points)
        self.requests = self.points = 0
        return counted


@dataclass(frozen=True, slots=True)
class Inquiry:
    """Who asks, how urgently, and whose cost it is; what does something is not sent ``again``, if no answer comes."""

    credential: Credential
    priority: str
    meter: Meter
    resource: str = "core"
    conditional: bool = False
    again: bool = True


class Transport(httpx.AsyncBaseTransport):
    """Sends the requests of all credentials of this process; ``transport`` answers in the place of the network."""

    def __init__(
        self,
        engine: AsyncEngine,
        settings: Settings,
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.budget = Budget(engine, settings)
        self._engine = autocommitting(engine)
        self._clock = clock
        self._timeout_seconds = settings.api_timeout_seconds
        self._patience_seconds = settings.api_patience_seconds
        self._sleep = sleep
        self._network = httpx.AsyncClient(
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=20), transport=transport
        )
        # GraphQL one by one, and few at a time of all: GitHub's secondary limits count what runs concurrently.
        self._requests: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(settings.api_concurrency)
        )
        self._queries: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(1))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, 2xx, 304 or 401, read to its end; everything else is raised as one of ghsync's errors."""
        asked: Inquiry = request.extensions[ASKED]
        until = time.monotonic() + self._patience_seconds
        for pause in PAUSES_SECONDS if asked.again else ():
            try:
                return await self._attempt(request, asked, until)
            except GitHubUnavailable:
                await self._sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 (spreads the load, hides nothing)
        return await self._attempt(request, asked, until)

    async def aclose(self) -> None:
        """Keep the connections: githubkit closes what it asked through after each request."""

    async def disconnect(self) -> None:
        """Close the connections."""
        await self._network.aclose()

    async def _attempt(self, request: httpx.Request, asked: Inquiry, until: float) -> httpx.Response:
        for _ in range(REFUSED_AT_MOST):
            response = await self._send(request, asked, until)
            reply: Reply = response.extensions[REPLY]
            if not await self._limited(asked, reply):
                if reply.status != 401 and (error := self._error(request, asked, reply)):
                    raise error
                return response
        raise RateLimited(f"GitHub limits {name(request, asked)} again and again; it is asked again later.")

    async def _send(self, request: httpx.Request, asked: Inquiry, until: float) -> httpx.Response:
        """Send it as soon as the budget lets it through; no lock is held meanwhile, in the database or here."""
        key, token = asked.credential.key, fingerprint(request.headers["Authorization"].removeprefix("Bearer "))
        request.headers["X-GitHub-Api-Version"] = VERSION
        request.headers.pop("If-None-Match", None)  # of an attempt with another token
        if asked.conditional and (etag := await etags.find(self._engine, key, str(request.url), token)):
            request.headers["If-None-Match"] = etag
        while True:
            async with self._slot(asked):
                wait = await self.budget.take(key, asked.resource, asked.priority)
                if wait is None:
                    asked.meter.requests += 1
                    return await self._sent(request, asked, token)
            if wait.seconds > max(until - time.monotonic(), SHORT_SECONDS):
                raise _too_long(asked, wait)
            log.info("held_back", credential=key, seconds=round(wait.seconds, 1), reason=wait.reason)
            await self._sleep(wait.seconds)

    async def _sent(self, request: httpx.Request, asked: Inquiry, token: str) -> httpx.Response:
        """Send it now, with one limit to all of its time: no redirects, no retries."""
        with telemetry.span(f"{request.method} {asked.resource}", "CLIENT") as span:
            if span:
                span.tell(_described(request))
            return await self._sent_in(span, request, asked, token)

    async def _sent_in(
        self, span: "OpenSpan | None", request: httpx.Request, asked: Inquiry, token: str
    ) -> httpx.Response:
        sent = self._clock.local()
        try:
            # httpx limits each read: an answer that trickles would take for ever.
            async with asyncio.timeout(self._timeout_seconds):
                response = await self._network.send(request)
        except TimeoutError:
            late = httpx.ReadTimeout(f"no whole answer within {self._timeout_seconds:g} s")
            raise _unreachable(request, asked, late) from None
        except httpx.DecodingError as problem:
            raise UnreadableAnswer(
                f"The answer to {name(request, asked)} cannot be unpacked; it is asked again later."
            ) from problem
        except httpx.HTTPError as problem:
            raise _unreachable(request, asked, problem) from problem
        self._clock.hear(response.headers.get("date"), sent, self._clock.local())
        metrics.api_answers.labels(asked.resource, response.status_code).inc()
        if span:
            span.tell({"http.response.status_code": response.status_code})
            if response.is_error:
                span.fail_with(str(response.status_code))
        if response.status_code == 304 and "If-None-Match" not in request.headers:
            raise UnreadableAnswer(f"GitHub says that {name(request, asked)} is as it was, which nobody asked.")
        body = _discreet(request, response)
        response.extensions[REPLY] = Reply(
            request.url, token, response.status_code, response.headers, body, self._clock.at(sent)
        )
        return response

    @asynccontextmanager
    async def _slot(self, asked: Inquiry) -> AsyncIterator[None]:
        key = asked.credential.key
        if asked.resource == "graphql":
            async with self._queries[key], self._requests[key]:
                yield
        else:
            async with self._requests[key]:
                yield

    async def _limited(self, asked: Inquiry, reply: Reply) -> bool:
        """Take note of the limits that an answer tells of; whether one of them refused the request."""
        key = asked.credential.key
        query = asked.resource == "graphql" and reply.status == 200
        refused = refusals.limited(reply, partial.limit(reply.body) if query else None)
        told = refusals.told(reply, asked.resource)
        if refused is None:
            await self.budget.hear(key, told, free=reply.status == 304)
            return False
        if told is not None and not refused.secondary:
            told = replace(told, remaining=0)  # of points, some may be left that are too few
        await self.budget.hear(key, told, refused=True)
        least = None if refused.seconds is None else max(refused.seconds, LEAST_PAUSE_SECONDS)
        if refused.secondary or not refused.seconds:  # or the window ended while it was refused
            await self.budget.block(key, least)
        return True

    def _error(self, request: httpx.Request, asked: Inquiry, reply: Reply) -> GhsyncError | None:
        if asked.resource == "graphql":
            if reply.status in (502, 504):
                return TooHeavy(f"GraphQL did not answer in time ({reply.status}).")
            if reply.status in (400, 404, 405, 422, *refusals.REDIRECTS):
                return GraphQLUnavailable(f"GraphQL answered with {reply.status}; REST is asked instead.")
        what = name(request, asked)
        error = refusals.error(reply, what, asked.credential, self._clock.offset)
        if error is not None or reply.status == 304:
            return error
        if not reply.body and asked.again:  # what is done may be answered with nothing, what is asked may not
            return UnreadableAnswer(f"The answer to {what} is empty; it is asked again later.")
        if reply.body and not _is_json(reply.body):
            return UnreadableAnswer(f"The answer to {what} is cut off or no JSON; it is asked again later.")
        return None


def _described(request: httpx.Request) -> dict[str, str | int]:
    """https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client"""
    return {
        "http.request.method": request.method,
        "url.full": str(request.url.copy_with(userinfo=b"")),
        "server.address": request.url.host,
        "server.port": request.url.port or (443 if request.url.scheme == "https" else 80),
    }


def _discreet(request: httpx.Request, response: httpx.Response) -> bytes:
    """The body; of a refusal, whose words are told, without the token that was shown, should it be quoted."""
    if response.is_success:
        return response.content
    return response.content.replace(request.headers["Authorization"].removeprefix("Bearer ").encode(), HIDDEN)


def name(request: httpx.Request, asked: Inquiry) -> str:
    """How errors call a request."""
    path = request.url.path
    return "GraphQL" if asked.resource == "graphql" else path if request.method == "GET" else f"{request.method} {path}"


def _unreachable(request: httpx.Request, asked: Inquiry, problem: httpx.HTTPError) -> GhsyncError:
    if asked.resource == "graphql" and isinstance(problem, httpx.ReadTimeout):
        return TooHeavy(f"GraphQL did not answer in time ({problem}).")
    # Of a header that cannot be sent httpx quotes the value, which may be a token.
    told = "" if isinstance(problem, httpx.LocalProtocolError) else str(problem)
    reason = told or type(problem).__name__
    return GitHubUnreachable(
        f"GitHub cannot be reached at {request.url.host} ({reason}): check the network and GHSYNC_API_URL."
    )


def _too_long(asked: Inquiry, wait: Wait) -> RateLimited:
    day = f"{wait.until:%Y-%m-%d} " if wait.seconds > FAR_SECONDS else ""
    return RateLimited(
        f"The rate limit of {asked.credential.key} ({asked.resource}): {wait.reason}; "
        f"it goes on at {day}{wait.until:%H:%M:%S} UTC.",
        wait.until,
        wait.seconds,
    )


def _is_json(body: bytes) -> bool:
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True
