"""One exchange over HTTP: who asks, whether they may now, what goes wrong, and how the answer is written.

https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from ghsync.simulator.budgets import Pool, Resource
from ghsync.simulator.payload import API_URL, Json
from ghsync.simulator.refusals import Moved, Refused
from ghsync.simulator.rest import versions
from ghsync.simulator.rest.inquiry import Result

if TYPE_CHECKING:
    from starlette.requests import Request

    from ghsync.simulator.faults import ApiFault
    from ghsync.simulator.site import Site
    from ghsync.simulator.viewer import Viewer

DOCUMENTATION = "https://docs.github.com/rest"
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
BAD_GATEWAY = b"<html><head><title>502 Bad Gateway</title></head></html>"
VARY = "Accept, Authorization, Cookie, X-GitHub-OTP"

Answering = Callable[["Viewer", Json, Pool], Result]
"""Finds an answer for somebody: to what they have sent, and with what they have left."""


@dataclass
class Exchange:
    """A request, and what is known about it by now."""

    site: Site
    request: Request
    resource: Resource
    fault: ApiFault | None = None
    pool: Pool | None = None
    version: str = versions.OLD

    @property
    def base_url(self) -> str:
        """Where this server is for the one who asks."""
        return str(self.request.base_url).rstrip("/")

    @property
    def address(self) -> str:
        """What is asked for, with its parameters."""
        url = self.request.url
        return f"{url.path}?{url.query}" if url.query else url.path

    async def answer(self, answering: Answering, *, free: bool = False) -> Response:
        """The response, whatever happens."""
        self.site.keep_time()
        self.fault = self.site.faults.of_request(f"{self.request.method} {self.address}")
        if self.fault == "slow":
            await asyncio.sleep(self.site.faults.slow_seconds)
        if self.fault == "bad_gateway":
            return self._response(BAD_GATEWAY, 502, {"content-type": "text/html"})
        if self.fault == "failure":
            return self._error(Refused(500, "Server Error"))
        try:
            body = await self.request.body()
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        try:
            return self._found(self._answered(answering, body, free))
        except Refused as refused:
            return self._error(refused)
        except Moved as moved:
            return self._moved(moved)

    def _answered(self, answering: Answering, body: bytes, free: bool) -> Result:
        self.version = versions.chosen(self.request.headers.get("x-github-api-version"))
        viewer = self.site.tokens.viewer(self.request.headers.get("authorization"))
        self.pool = self.site.budgets.pool(viewer, self.resource)
        if not free:
            self._admit(viewer)
        result = answering(viewer, _json(body), self.pool)
        question = f"{self.request.method} {self.address} {hashlib.sha256(body).hexdigest()}"
        self.site.remember(viewer, question, result)
        if self.fault == "stale":
            result = self.site.stale(viewer, question) or result
        if self.fault == "short_listing":
            result = replace(result, links={name: to for name, to in result.links.items() if name == "prev"})
        return result

    def _admit(self, viewer: Viewer) -> None:
        """Refuse those who have asked too much, and count the request of those who have not."""
        faults, now = self.site.faults, self.site.world.now()
        if self.fault == "secondary":
            self.site.limit(viewer)
        until = self.site.limited_until.get(viewer.name)
        if until is not None and now < until:
            seconds = -int((now - until).total_seconds() // 1)
            raise Refused(faults.limited_status, SECONDARY, headers={"retry-after": str(seconds)})
        if self.resource == "core" and self.pool is not None:
            if self.pool.remaining == 0:
                raise Refused(faults.limited_status, f"API rate limit exceeded for {viewer.name}.")
            self.pool.spend(1)

    def _found(self, result: Result) -> Response:
        content = self._content(result)
        headers = {"cache-control": "private, max-age=60, s-maxage=60", "vary": VARY}
        if result.links:
            headers["link"] = self._links(result)
        if self.request.method == "GET":
            headers["etag"] = f'W/"{self._tag(content)}"'
            if headers["etag"] in _tags(self.request.headers.get("if-none-match", "")):
                return self._unchanged(headers)
        if self.fault == "malformed":
            content = content[: len(content) // 2]
        return self._response(content, result.status, headers)

    def _content(self, result: Result) -> bytes:
        if result.as_it_was:
            return msgspec.json.encode(result.content)
        shown = versions.adapted(result.content, self.version)
        return msgspec.json.encode(shown).replace(API_URL.encode(), self.base_url.encode())

    def _unchanged(self, headers: dict[str, str]) -> Response:
        """The answer to someone who has this already; it is free."""
        if self.pool is not None and self.resource == "core":
            self.pool.refund(1)
        return self._response(b"", 304, headers)

    def _tag(self, content: bytes) -> str:
        """A tag depends on what was asked with: another token, another tag."""
        shown = (self.request.headers.get(name, "") for name in ("accept", "authorization"))
        return hashlib.sha256(":".join(shown).encode() + content).hexdigest()

    def _links(self, result: Result) -> str:
        query = dict(self.request.query_params)
        links = (
            f'<{self.base_url}{result.address}?{urlencode(query | dict(changes))}>; rel="{name}"'
            for name, changes in result.links.items()
        )
        return ", ".join(links)

    def _moved(self, moved: Moved) -> Response:
        query = f"?{self.request.url.query}" if self.request.url.query else ""
        url = f"{self.base_url}{moved.path}{query}"
        content = {"message": "Moved Permanently", "url": url, "documentation_url": DOCUMENTATION}
        return self._response(msgspec.json.encode(content), 301, {"location": url})

    def _error(self, refused: Refused) -> Response:
        content = {
            "message": refused.message,
            **refused.more,
            "documentation_url": DOCUMENTATION,
            "status": str(refused.status),
        }
        return self._response(msgspec.json.encode(content), refused.status, refused.headers)

    def _response(self, content: bytes, status: int, headers: Mapping[str, str]) -> Response:
        number = self.site.note(self.request.method, self.address, status)
        told = {
            "date": format_datetime(self.site.world.now(), usegmt=True),
            "content-type": "application/json; charset=utf-8",
            "x-github-api-version-selected": self.version,
            "x-github-media-type": "github.v3; format=json",
            "x-github-request-id": f"{number:04X}:{self.site.world.seed:X}",
            **({} if self.pool is None else self.pool.headers()),
            **headers,
        }
        if status == 304:
            del told["content-type"]
        return Response(content, status, told)


def _json(body: bytes) -> Json:
    """What was sent, which may be nothing."""
    if not body:
        return {}
    try:
        found: Any = json.loads(body)
    except ValueError as error:
        raise Refused(400, "Problems parsing JSON") from error
    if not isinstance(found, dict):
        raise Refused(400, "Body should be a JSON object")
    return found


def _tags(header: str) -> list[str]:
    """The tags of a condition; that one is weak makes no difference."""
    tags = [tag.strip() for tag in header.split(",")]
    return [*tags, *(f"W/{tag}" for tag in tags)]
