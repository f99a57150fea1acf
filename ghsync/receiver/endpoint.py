"""POST /webhooks/github: verified deliveries into the inbox, answered once they are durable (promise I1)."""

import asyncio
from typing import Protocol

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response

from ghsync import metrics, payload
from ghsync.errors import GhsyncError, SignatureMismatch
from ghsync.inbox.delivery import Delivery
from ghsync.inbox.spool import Outcome
from ghsync.receiver import bodies, door, envelope, signature
from ghsync.receiver.bodies import Room, Share
from ghsync.receiver.envelope import Envelope
from ghsync.receiver.refusals import Refusals
from ghsync.receiver.secrets import Secrets
from ghsync.receiver.senders import Senders

log = structlog.get_logger()


class Inbox(Protocol):
    """Where deliveries go."""

    async def record(self, delivery: Delivery) -> Outcome:
        """Return once it is durable."""


class Receiver:
    """The endpoint, and what it needs; ``handled`` are the events that have an effect of their own."""

    def __init__(
        self,
        recorder: Inbox,
        secrets: Secrets,
        senders: Senders,
        *,
        handled: frozenset[str],
        max_body_bytes: int,
        body_memory_bytes: int,
    ) -> None:
        self._recorder = recorder
        self._secrets = secrets
        self._senders = senders
        self._handled = handled
        self._max_body_bytes = max_body_bytes
        self._refusals = Refusals()
        self._room = Room(max(body_memory_bytes, max_body_bytes), max_body_bytes)

    async def receive(self, request: Request) -> Response:
        """Take one delivery in; every `GhsyncError` is counted here and answered by the application."""
        try:
            self._senders.check(request)
            with self._room.share(door.stranger(request.scope)) as share:
                delivery = await self._verified(request, share)
                outcome = await self._recorder.record(delivery)
        except GhsyncError as error:
            self._refusals.note(error)
            raise
        metrics.received.labels(delivery.event, outcome).inc()
        log.debug("took in a delivery", event_name=delivery.event, delivery=delivery.guid, outcome=outcome)
        answer = msgspec.json.encode({"delivery": delivery.guid, "status": outcome})
        return Response(answer, status_code=202, media_type="application/json")

    async def _verified(self, request: Request, share: Share) -> Delivery:
        """Refuse what the headers already tell before the body is read."""
        headers = envelope.headers(request.headers.raw)
        signature.digest(headers.get(signature.HEADER))
        addressed = envelope.address(headers)
        body = await bodies.read(request, self._max_body_bytes, share)
        candidates = await self._secrets.candidates(addressed.hook_target)
        try:
            delivery = await self._read(addressed, body, candidates.secrets)
        except SignatureMismatch:
            if candidates.unknown:
                raise candidates.unknown from None
            raise
        share.prove()
        door.prove(request.scope)
        return delivery

    async def _read(self, addressed: Envelope, body: bytes, secrets: tuple[bytes, ...]) -> Delivery:
        if len(body) < payload.LARGE_BYTES:
            return envelope.read(addressed, body, secrets, handled=self._handled)
        return await asyncio.to_thread(envelope.read, addressed, body, secrets, handled=self._handled)
