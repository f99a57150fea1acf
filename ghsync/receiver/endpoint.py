"""POST /webhooks/github: verified deliveries into the inbox, answered once they are committed (promise I1)."""

import asyncio

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response

from ghsync import metrics
from ghsync.errors import GhsyncError, SignatureMismatch
from ghsync.inbox.delivery import Delivery
from ghsync.inbox.recorder import Recorder
from ghsync.receiver import bodies, envelope, signature
from ghsync.receiver.bodies import Room, Take
from ghsync.receiver.envelope import Envelope
from ghsync.receiver.secrets import Secrets

LARGE_BODY_BYTES = 1024 * 1024  # what takes longer than a few milliseconds to verify does so in a thread

log = structlog.get_logger()


class Receiver:
    """The endpoint, and what it needs; ``handled`` are the events that have an effect of their own."""

    def __init__(
        self,
        recorder: Recorder,
        secrets: Secrets,
        *,
        handled: frozenset[str],
        max_body_bytes: int,
        body_memory_bytes: int,
    ) -> None:
        self._recorder = recorder
        self._secrets = secrets
        self._handled = handled
        self._max_body_bytes = max_body_bytes
        self._room = Room(max(body_memory_bytes, max_body_bytes))

    async def receive(self, request: Request) -> Response:
        """Take one delivery in; every `GhsyncError` is counted here and answered by the application."""
        try:
            with self._room.share() as take:
                delivery = await self._verified(request, take)
                outcome = await self._recorder.record(delivery)
        except GhsyncError as error:
            metrics.refused.labels(metrics.reason(error)).inc()
            log.warning("refused a delivery", reason=metrics.reason(error), detail=str(error))
            raise
        metrics.received.labels(delivery.event, outcome).inc()
        log.debug("took in a delivery", event_name=delivery.event, delivery=delivery.guid, outcome=outcome)
        answer = msgspec.json.encode({"delivery": delivery.guid, "status": outcome})
        return Response(answer, status_code=202, media_type="application/json")

    async def _verified(self, request: Request, take: Take) -> Delivery:
        """Refuse what the headers already tell before the body is read."""
        headers = envelope.headers(request.headers.raw)
        signature.digest(headers.get(signature.HEADER))
        addressed = envelope.address(headers)
        body = await bodies.read(request, self._max_body_bytes, take)
        candidates = await self._secrets.candidates(addressed.hook_target)
        try:
            return await self._read(addressed, body, candidates.secrets)
        except SignatureMismatch:
            if candidates.unknown:
                raise candidates.unknown from None
            raise

    async def _read(self, addressed: Envelope, body: bytes, secrets: tuple[bytes, ...]) -> Delivery:
        if len(body) < LARGE_BODY_BYTES:
            return envelope.read(addressed, body, secrets, handled=self._handled)
        return await asyncio.to_thread(envelope.read, addressed, body, secrets, handled=self._handled)
