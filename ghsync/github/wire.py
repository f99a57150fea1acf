"""One request to GitHub and its answer, as bytes: no redirects, no retries, one limit to all of its time.

Not through githubkit: it keeps its connections in the context of one task, so that tasks started before open one for
each request; it fails on a Retry-After that is a date and on an expiry with fractions; and it signs by the local clock.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata

import httpx

from ghsync.github.clock import Clock
from ghsync.github.credentials import fingerprint

CONNECT_SECONDS = 10.0

# The version that still has every field we read, and is served for years:
# https://docs.github.com/en/rest/about-the-rest-api/api-versions
_HEADERS = {
    "Accept": "application/vnd.github+json",
    "X-GitHub-Api-Version": "2022-11-28",
    "User-Agent": f"ghsync/{metadata.version('ghsync')}",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; ``observed_at`` is when the request began, by GitHub's clock, ``token`` the token's fingerprint."""

    url: httpx.URL
    token: str
    status: int
    headers: httpx.Headers
    body: bytes
    observed_at: datetime

    @property
    def location(self) -> str:
        """Where a redirect leads."""
        return str(self.url.join(self.headers.get("location", "")))

    @property
    def next_url(self) -> str | None:
        """The next page of a listing.

        https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api
        """
        links = httpx.Response(self.status, headers=self.headers).links
        return str(self.url.join(links["next"]["url"])) if "next" in links else None


class Wire:
    """Connections to one GitHub, or whatever ``transport`` is that answers in their place."""

    def __init__(self, clock: Clock, timeout_seconds: float, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._client = httpx.AsyncClient(
            headers=_HEADERS,
            follow_redirects=False,
            timeout=httpx.Timeout(timeout_seconds, connect=min(CONNECT_SECONDS, timeout_seconds), pool=None),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
            transport=transport,
        )

    async def send(
        self,
        method: str,
        url: str,
        token: str,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a request; raises httpx's errors, and `httpx.ReadTimeout` when the whole takes too long."""
        asked = {"Authorization": f"Bearer {token}", **(headers or {})}
        if content:
            asked["Content-Type"] = "application/json"
        sent = self._clock.local()
        try:
            # httpx limits each read: an answer that trickles would take for ever.
            async with asyncio.timeout(self._timeout_seconds):
                response = await self._client.request(method, url, content=content, headers=asked)
        except TimeoutError:
            raise httpx.ReadTimeout(f"no whole answer within {self._timeout_seconds:g} s") from None
        self._clock.hear(response.headers.get("date"), sent, self._clock.local())
        observed_at = self._clock.at(sent)
        return Reply(
            response.url, fingerprint(token), response.status_code, response.headers, response.content, observed_at
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()
