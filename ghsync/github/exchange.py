"""A request until it is answered: within the budget, patient with limits and with GitHub's bad moments."""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import httpx
import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.database import autocommitting
from ghsync.errors import (
    BadCredentials,
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
from ghsync.github.wire import Reply, Wire
from ghsync.settings import Settings

log = structlog.get_logger()

PAUSES_SECONDS = (0.5, 2.0)
"""Between attempts, more or less: a request is sent three times at most."""

LEAST_PAUSE_SECONDS = 1.0  # after a refusal, whatever it says
REFUSED_AT_MOST = 5  # by limits, for one request: a server may say for ever that a second is enough
SHORT_SECONDS = 0.1  # too little to raise for

Sleep = Callable[[float], Awaitable[None]]


@dataclass(slots=True)
class Meter:
    """What was asked so far: requests sent, and points that GraphQL charged."""

    requests: int = 0
    points: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked; ``again`` says whether it may be sent once more when its answer is lost."""

    method: str
    url: str
    resource: str = "core"
    content: bytes | None = None
    conditional: bool = False
    again: bool = True

    @property
    def name(self) -> str:
        """How errors call it."""
        path = httpx.URL(self.url).path
        return "GraphQL" if self.resource == "graphql" else path if self.method == "GET" else f"{self.method} {path}"


class Exchange:
    """Sends requests for all credentials of this process."""

    def __init__(
        self,
        engine: AsyncEngine,
        settings: Settings,
        clock: Clock,
        token: Callable[[Credential], Awaitable[str]],
        has_another: Callable[[Credential, str], Awaitable[bool]],
        sleep: Sleep = asyncio.sleep,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.budget = Budget(engine, settings)
        self._engine = autocommitting(engine)
        self._clock = clock
        self._wire = Wire(clock, settings.api_timeout_seconds, transport)
        self._patience_seconds = settings.api_patience_seconds
        self._token = token
        self._has_another = has_another
        self._sleep = sleep
        # GraphQL one by one, and few at a time of all: GitHub's secondary limits count what runs concurrently.
        self._requests: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(settings.api_concurrency)
        )
        self._queries: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(1))

    async def ask(self, credential: Credential, request: Request, *, priority: str, meter: Meter) -> Reply:
        """The answer, 2xx or 304; everything else is raised as one of ghsync's errors."""
        until = time.monotonic() + self._patience_seconds
        for pause in PAUSES_SECONDS if request.again else ():
            try:
                return await self._attempt(credential, request, priority, meter, until)
            except GitHubUnavailable:
                await self._sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 (spreads the load, hides nothing)
        return await self._attempt(credential, request, priority, meter, until)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._wire.aclose()

    async def _attempt(
        self, credential: Credential, request: Request, priority: str, meter: Meter, until: float
    ) -> Reply:
        token_renewed, refusals_left = False, REFUSED_AT_MOST
        while True:
            token = await self._token(credential)
            reply = await self._send(credential, request, token, priority, meter, until)
            if await self._limited(credential, request, reply):
                refusals_left -= 1
                if not refusals_left:
                    raise RateLimited(f"GitHub limits {request.name} again and again; it is asked again later.")
                continue
            error = self._error(credential, request, reply)
            if error is None:
                return reply
            if isinstance(error, BadCredentials) and not token_renewed and await self._has_another(credential, token):
                token_renewed = True
                continue
            raise error

    async def _send(
        self, credential: Credential, request: Request, token: str, priority: str, meter: Meter, until: float
    ) -> Reply:
        """Send it as soon as the budget lets it through; no lock is held meanwhile, in the database or here."""
        headers = {}
        if request.conditional:
            etag = await etags.find(self._engine, credential.key, request.url, fingerprint(token))
            headers = {"If-None-Match": etag} if etag else {}
        while True:
            async with self._slot(credential, request):
                wait = await self.budget.take(credential.key, request.resource, priority)
                if wait is None:
                    meter.requests += 1
                    try:
                        reply = await self._wire.send(
                            request.method, request.url, token, content=request.content, headers=headers
                        )
                    except httpx.HTTPError as problem:
                        raise _unreachable(request, problem) from problem
                    if reply.status == 304 and not headers:
                        raise UnreadableAnswer(f"GitHub says that {request.name} is as it was, which nobody asked.")
                    return reply
            if wait.seconds > max(until - time.monotonic(), SHORT_SECONDS):
                raise _too_long(credential, request, wait)
            log.info("held_back", credential=credential.key, seconds=round(wait.seconds, 1), reason=wait.reason)
            await self._sleep(wait.seconds)

    @asynccontextmanager
    async def _slot(self, credential: Credential, request: Request) -> AsyncIterator[None]:
        if request.resource == "graphql":
            async with self._queries[credential.key], self._requests[credential.key]:
                yield
        else:
            async with self._requests[credential.key]:
                yield

    async def _limited(self, credential: Credential, request: Request, reply: Reply) -> bool:
        """Take note of the limits that an answer tells of; whether one of them refused the request."""
        query = request.resource == "graphql" and reply.status == 200
        refused = refusals.limited(reply, partial.limit(reply.body) if query else None)
        told = refusals.told(reply, request.resource)
        if refused is None:
            await self.budget.hear(credential.key, told, free=reply.status == 304)
            return False
        if told is not None and not refused.secondary:
            told = replace(told, remaining=0)  # of points, some may be left that are too few
        await self.budget.hear(credential.key, told, refused=True)
        least = None if refused.seconds is None else max(refused.seconds, LEAST_PAUSE_SECONDS)
        if refused.secondary or not refused.seconds:  # or the window ended while it was refused
            await self.budget.block(credential.key, least)
        return True

    def _error(self, credential: Credential, request: Request, reply: Reply) -> GhsyncError | None:
        if request.resource == "graphql":
            if reply.status in (502, 504):
                return TooHeavy(f"GraphQL did not answer in time ({reply.status}).")
            if reply.status in (400, 404, 405, 422):
                return GraphQLUnavailable(f"GraphQL answered with {reply.status}; REST is asked instead.")
        error = refusals.error(reply, request.name, credential, self._clock.offset)
        if error is not None or reply.status == 304:
            return error
        if not reply.body and request.again:  # what is done may be answered with nothing, what is asked may not
            return UnreadableAnswer(f"The answer to {request.name} is empty; it is asked again later.")
        if reply.body and not _is_json(reply.body):
            return UnreadableAnswer(f"The answer to {request.name} is cut off or no JSON; it is asked again later.")
        return None


def _unreachable(request: Request, problem: httpx.HTTPError) -> GhsyncError:
    if request.resource == "graphql" and isinstance(problem, httpx.ReadTimeout):
        return TooHeavy(f"GraphQL did not answer in time ({problem}).")
    reason = str(problem) or type(problem).__name__
    host = httpx.URL(request.url).host
    return GitHubUnreachable(f"GitHub cannot be reached at {host} ({reason}): check the network and GHSYNC_API_URL.")


def _too_long(credential: Credential, request: Request, wait: Wait) -> RateLimited:
    return RateLimited(
        f"The rate limit of {credential.key} ({request.resource}): {wait.reason}; "
        f"it goes on at {wait.until:%H:%M:%S} UTC.",
        wait.until,
    )


def _is_json(body: bytes) -> bool:
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except msgspec.DecodeError:
        return False
    return True
