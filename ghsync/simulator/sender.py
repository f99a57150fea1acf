"""Sends what the world has to tell to the App's hook, really signed and over HTTP, and notes how it went.

Nothing is ever sent twice by itself: https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import quote_plus

import httpx

from ghsync.simulator.clock import TICKS_PER_SECOND
from ghsync.simulator.delivery import signatures
from ghsync.simulator.hook_log import Outcome
from ghsync.simulator.identity import guid_ticks
from ghsync.simulator.payload import API_URL

if TYPE_CHECKING:
    from ghsync.simulator.delivery import Delivery
    from ghsync.simulator.site import Site

TIMEOUT_SECONDS = 10
LARGEST_BYTES = 25 * 1024 * 1024
"""What is larger is not sent at all: https://docs.github.com/en/webhooks/webhook-events-and-payloads#payload-cap"""
LOOK_SECONDS = 0.02

TIMED_OUT = Outcome("timed out", 504)
UNREACHABLE = Outcome("failed to connect to host", 502)
BROKEN_OFF = Outcome("connection closed before the request was complete", 502)
UNSENT: Mapping[str | None, Outcome] = {"dropped": Outcome("", 0), "failed": UNREACHABLE}


class BrokenOff(Exception):
    """The connection is to break in the middle of a body."""


@dataclass(order=True, frozen=True)
class Posting:
    """A delivery to be sent when the world's clock has so many ticks."""

    due: int
    order: int
    delivery: Delivery = field(compare=False)
    redelivery: bool = field(default=False, compare=False)
    cut: bool = field(default=False, compare=False)


class Sender:
    """Sends in order, several at once, what has arisen since it was made, or since the world began.

    The world's list of deliveries may only grow meanwhile. `watch` is told of each attempt when it begins.
    """

    def __init__(
        self,
        site: Site,
        *,
        at_once: int = 4,
        timeout_seconds: float = TIMEOUT_SECONDS,
        from_the_start: bool = False,
        watch: Callable[[Delivery], None] | None = None,
    ) -> None:
        self._site = site
        self._watch = watch
        self._at_once = at_once
        self._timeout_seconds = timeout_seconds
        self._taken = 0 if from_the_start else len(site.world.deliveries)
        self._postings: list[Posting] = []
        self._order = 0
        self._client = httpx.AsyncClient(timeout=timeout_seconds, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def run(self) -> None:
        """Send whatever arises, until it is cancelled."""
        while True:
            await self.flush()
            await asyncio.sleep(LOOK_SECONDS)

    async def flush(self, *, early: bool = False) -> None:
        """Send what is due by the world's clock, or all that is waiting, and return when every attempt has ended."""
        self._site.keep_time()
        self._take()
        postings = iter(self._pop(early))

        async def post() -> None:
            for posting in postings:  # each takes the next one that nobody has taken
                await self._post(posting)

        async with asyncio.TaskGroup() as group:
            for _ in range(self._at_once):
                group.create_task(post())

    def _take(self) -> None:
        """Queue what has arisen, with what is to go wrong; what somebody wants again goes well."""
        deliveries = self._site.world.deliveries
        for delivery in deliveries[self._taken :]:
            self._queue(delivery)
        self._taken = len(deliveries)
        again, self._site.hook_log.wanted_again = self._site.hook_log.wanted_again, []
        for delivery in again:
            self._push(delivery, self._site.world.clock.ticks, redelivery=True)

    def _queue(self, delivery: Delivery) -> None:
        faults = self._site.faults
        fault = faults.of_delivery(delivery.guid)
        if fault == "lost" or len(delivery.body) > LARGEST_BYTES:
            return
        if fault in UNSENT:
            self._record(Posting(0, 0, delivery), self._headers(delivery, delivery.body), UNSENT[fault])
            return
        late = faults.jitter_seconds() + (faults.delay_seconds if fault == "delayed" else 0)
        due = guid_ticks(delivery.guid) + round(late * TICKS_PER_SECOND)
        self._push(delivery, due, cut=fault == "cut")
        if fault == "doubled":
            self._push(delivery, due)

    def _push(self, delivery: Delivery, due: int, *, redelivery: bool = False, cut: bool = False) -> None:
        self._order += 1
        heapq.heappush(self._postings, Posting(due, self._order, delivery, redelivery, cut))

    def _pop(self, early: bool) -> list[Posting]:
        """What is to be sent now, in order."""
        now, found = self._site.world.clock.ticks, []
        while self._postings and (early or self._postings[0].due <= now):
            found.append(heapq.heappop(self._postings))
        return found

    async def _post(self, posting: Posting) -> None:
        body = self._body(posting.delivery)
        headers = self._headers(posting.delivery, body)
        began = time.monotonic()
        if self._watch is not None:
            self._watch(posting.delivery)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                outcome = await self._answer(body, headers, cut=posting.cut)
        except (TimeoutError, httpx.TimeoutException):
            outcome = TIMED_OUT
        except httpx.TransportError:
            outcome = UNREACHABLE
        except BrokenOff:
            outcome = BROKEN_OFF
        self._record(posting, headers, replace(outcome, seconds=time.monotonic() - began))

    async def _answer(self, body: bytes, headers: Mapping[str, str], *, cut: bool) -> Outcome:
        sized = {**headers, "Content-Length": str(len(body))}
        content = _half(body) if cut else body
        answered = await self._client.post(self._site.hook.url, content=content, headers=sized)
        code = answered.status_code
        status = "OK" if answered.is_success else f"Invalid HTTP Response: {code}"
        return Outcome(status, code, headers=dict(answered.headers), body=answered.text)

    def _record(self, posting: Posting, headers: Mapping[str, str], outcome: Outcome) -> None:
        site = self._site
        site.hook_log.record(
            posting.delivery, outcome, url=site.hook.url, headers=headers, redelivery=posting.redelivery
        )

    def _body(self, delivery: Delivery) -> bytes:
        said = delivery.body.replace(API_URL.encode(), self._site.api_url.encode())
        return b"payload=" + quote_plus(said).encode() if self._site.hook.content_type == "form" else said

    def _headers(self, delivery: Delivery, body: bytes) -> dict[str, str]:
        """The delivery's headers, signed with the secret that the hook has now."""
        is_form = self._site.hook.content_type == "form"
        media_type = {"Content-Type": "application/x-www-form-urlencoded"} if is_form else {}
        return {**delivery.headers, **media_type, **signatures(self._site.hook.secret, body)}


async def _half(body: bytes) -> AsyncIterator[bytes]:
    yield body[: len(body) // 2]
    raise BrokenOff
