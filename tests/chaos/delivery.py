"""GitHub's side of the wire: many deliveries at once, some of them in vain."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx

from ghsync.inbox.recording import RecordedDelivery
from tests import service
from tests.service import PATIENCE_SECONDS, Receiver

CONNECTIONS = 8


@dataclass(frozen=True)
class Answer:
    """What one attempt was answered, when, and after how long; None where the connection broke."""

    delivery: RecordedDelivery
    seconds: float
    response: httpx.Response | None
    at: float = field(default_factory=time.monotonic)

    @property
    def status(self) -> int | None:
        """The answer's status."""
        return None if self.response is None else self.response.status_code


@dataclass
class Sender:
    """Sends to receivers in turn, and keeps every answer; `reached` tells when something was answered so often."""

    receivers: Sequence[Receiver]
    answers: list[Answer] = field(default_factory=list)
    _counts: Counter[int | None] = field(default_factory=Counter)
    _answered: asyncio.Condition = field(default_factory=asyncio.Condition)

    def accepted(self) -> list[RecordedDelivery]:
        """The deliveries that were answered 202."""
        return [answer.delivery for answer in self.answers if answer.status == 202]

    def outcomes(self) -> list[str]:
        """What the accepted ones were told to be: queued, duplicate or ignored."""
        return [_body(answer)["status"] for answer in self.answers if answer.status == 202]

    def unaccepted(self, deliveries: Iterable[RecordedDelivery]) -> list[RecordedDelivery]:
        """Those that were never answered 202, as `ghsync heal` would find them in GitHub's log."""
        known = {delivery.guid for delivery in self.accepted()}
        return [delivery for delivery in deliveries if delivery.guid not in known]

    async def reached(self, status: int | None, count: int) -> None:
        """Wait until ``count`` attempts had this answer."""
        async with asyncio.timeout(PATIENCE_SECONDS), self._answered:
            await self._answered.wait_for(lambda: self._counts[status] >= count)

    async def send(self, deliveries: Iterable[RecordedDelivery]) -> None:
        """Send each once, over many connections at the same time."""
        await self._converse(enumerate(deliveries), lambda answer: True)

    async def insist(self, deliveries: Iterable[RecordedDelivery]) -> None:
        """Send each until it is answered 202."""
        await self._converse(enumerate(deliveries), lambda answer: answer.status == 202)

    async def _converse(
        self, waiting: Iterator[tuple[int, RecordedDelivery]], enough: Callable[[Answer], bool]
    ) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as connections:
            for _ in range(CONNECTIONS):
                connections.create_task(self._connection(waiting, enough))

    async def _connection(
        self, waiting: Iterator[tuple[int, RecordedDelivery]], enough: Callable[[Answer], bool]
    ) -> None:
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(receiver.connection()) for receiver in self.receivers]
            for place, delivery in waiting:
                while not enough(await self._attempt(clients[place % len(clients)], delivery)):
                    pass

    async def _attempt(self, client: httpx.AsyncClient, delivery: RecordedDelivery) -> Answer:
        started = time.monotonic()
        try:
            response = await service.post(client, delivery)
        except httpx.TransportError:
            response = None
        answer = Answer(delivery, time.monotonic() - started, response)
        self.answers.append(answer)
        async with self._answered:
            self._counts[answer.status] += 1
            self._answered.notify_all()
        return answer


def _body(answer: Answer) -> dict[str, Any]:
    assert answer.response is not None
    body: dict[str, Any] = answer.response.json()
    return body
