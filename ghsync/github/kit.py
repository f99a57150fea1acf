"""githubkit, which asks: signed by `signing`, through `transport`, without its retries, throttler, cache and models.

githubkit's retries would wait by this machine's clock and stumble over a Retry-After that is a date, its cache is one
process's alone, and its models refuse what deviates from GitHub's schema: so what is answered is handed on as bytes.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib import metadata
from typing import Any

import githubkit
import httpx
from githubkit.config import get_config
from githubkit.exception import RequestError, RequestFailed
from githubkit.throttling import BaseThrottler

from ghsync.github import refusals
from ghsync.github.clock import Clock
from ghsync.github.reply import Reply
from ghsync.github.signing import Signature, Signer
from ghsync.github.transport import REPLY, Inquiry, Transport, name
from ghsync.settings import Settings

USER_AGENT = f"ghsync/{metadata.version('ghsync')}"
CONNECT_SECONDS = 10.0

Requests = githubkit.GitHub[Signature]

Call = Callable[[Requests], Awaitable[githubkit.Response[Any]]]
"""What is asked, as one of githubkit's requests."""


class _Unthrottled(BaseThrottler):
    """githubkit's own lets a hundred go on at once: those that wait for one credential's limit would hold up all."""

    @contextmanager
    def acquire(self, request: httpx.Request) -> Iterator[None]:
        yield

    @asynccontextmanager
    async def async_acquire(self, request: httpx.Request) -> AsyncIterator[None]:
        yield


class Kit:
    """Asks the GitHub of the settings."""

    def __init__(self, settings: Settings, transport: Transport, clock: Clock) -> None:
        self._clock = clock
        seconds = settings.api_timeout_seconds
        self._config = get_config(
            base_url=settings.api_url,
            user_agent=USER_AGENT,
            follow_redirects=False,
            timeout=httpx.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds), pool=None),
            async_transport=transport,
            http_cache=False,
            auto_retry=False,
            throttler=_Unthrottled(),
        )

    async def ask(self, signer: Signer, asked: Inquiry, call: Call) -> Reply:
        """What GitHub answers, 2xx or 304; everything else is raised as one of ghsync's errors."""
        requests: Requests = githubkit.GitHub(Signature(signer, asked), config=self._config)
        try:
            response = (await call(requests)).raw_response
        except RequestFailed as refused:  # 401 alone: the transport raises all else
            response = refused.response.raw_response
            what = name(response.request, asked)
            error = refusals.error(response.extensions[REPLY], what, asked.credential, self._clock.offset)
            raise error or refused from None
        except RequestError as wrapped:
            raise wrapped.exc from wrapped.exc.__cause__
        reply: Reply = response.extensions[REPLY]
        return reply
