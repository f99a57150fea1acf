"""Healing from GitHub's delivery log: what it sent and we never got is read from there and put into the inbox.

GitHub keeps the log for three days and never sends again by itself. The App's JWT reads it, with a budget of its own:
each missing delivery costs a request there, so what is lost in a long outage may need the budget of several hours. It
leaves enough to renew tokens and to read installations, and sweeps bring the rest meanwhile.
https://docs.github.com/en/rest/apps/webhooks#list-deliveries-for-an-app-webhook
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync import payload
from ghsync.database import first_line, transaction
from ghsync.errors import GitHubUnavailable, Gone, MalformedPayload, MalformedRequest, NotFound
from ghsync.inbox.delivery import Delivery
from ghsync.inbox.recorder import Recorder
from ghsync.projector.events import HANDLED
from ghsync.receiver import envelope
from ghsync.reconciler import runs
from ghsync.reconciler.reconciler import Reconciler
from ghsync.reconciler.runs import Progress, Run
from ghsync.reconciler.session import Session

log = structlog.get_logger()

KEPT = timedelta(days=3)
"""How long GitHub keeps its log; GitHub Enterprise Server keeps it longer."""

LATE = timedelta(minutes=2)
"""How much later than it was made a delivery may appear in the log."""


class Logged(msgspec.Struct, frozen=True):
    """One attempt to deliver, as the log lists it."""

    id: int
    guid: str
    delivered_at: datetime
    event: str
    status_code: int


class _Sent(msgspec.Struct, frozen=True):
    headers: dict[str, str]
    payload: msgspec.Raw


class _Whole(msgspec.Struct, frozen=True):
    request: _Sent


_whole = msgspec.json.Decoder(_Whole)


@dataclass(slots=True)
class Healed:
    """What a look into the log has brought: attempts read, deliveries missing, and those put into the inbox."""

    attempts: int = 0
    missing: int = 0
    recorded: int = 0


async def heal(
    reconciler: Reconciler, recorder: Recorder, *, since: datetime | None = None, priority: str = "sweep"
) -> tuple[Run, Healed]:
    """Compare the log with the inbox, back to ``since`` or to where the last look began; failed attempts first."""
    now = reconciler.github.now()
    session = reconciler.app_session("reconcile", priority)
    async with transaction(reconciler.engine) as conn:
        looked_at = await _looked_at(conn)
        run = await runs.start(conn, "heal", Progress(now))
    run.meter = session.meter
    begin = since or max(filter(None, (looked_at and looked_at - LATE, now - KEPT)))
    healed = Healed()
    async with runs.recorded(reconciler.engine, run):
        hook_target = await _hook_target(session)
        try:
            for only in ({"status": "failure"}, {}):
                await _look(session, reconciler, recorder, hook_target, begin, healed, only)
        finally:
            run.rows_seen, run.rows_written = healed.attempts, healed.recorded
            if healed.missing:
                log.info("healed", attempts=healed.attempts, missing=healed.missing, recorded=healed.recorded)
    return run, healed


async def _look(
    session: Session,
    reconciler: Reconciler,
    recorder: Recorder,
    hook_target: str,
    begin: datetime,
    healed: Healed,
    only: dict[str, str],
) -> None:
    async for page, _ in session.listing("app/hook/deliveries", Logged, **only):
        recent = [attempt for attempt in page if attempt.delivered_at >= begin]
        healed.attempts += len(recent)
        attempts = {attempt.guid: attempt for attempt in recent if attempt.event in HANDLED}
        async with reconciler.engine.connect() as conn:
            missing = await _missing(conn, hook_target, attempts)
        # In any order: rows follow the times in the GUIDs.
        brought = await asyncio.gather(
            *(_bring(session, recorder, attempts[guid]) for guid in missing), return_exceptions=True
        )
        healed.missing += len(missing)
        healed.recorded += brought.count(True)
        for failure in brought:  # all have ended: none goes on behind our back
            if isinstance(failure, BaseException):
                raise failure
        if len(recent) < len(page):
            return


async def _bring(session: Session, recorder: Recorder, attempt: Logged) -> bool:
    """Read one delivery into the inbox; one that cannot be read is asked for again, if GitHub still has it."""
    try:
        answer = await session.get(f"app/hook/deliveries/{attempt.id}")
        delivery = _delivery(_whole.decode(answer.body).request)
    except (NotFound, Gone):  # its three days are over
        return False
    except (GitHubUnavailable, MalformedPayload, MalformedRequest, msgspec.MsgspecError) as error:
        log.warning("redelivery_requested", guid=attempt.guid, error=first_line(error))
        await session.post(f"app/hook/deliveries/{attempt.id}/attempts")
        return False
    await recorder.record(delivery)
    return True


def _delivery(sent: _Sent) -> Delivery:
    """As the receiver would have taken it in; what GitHub's API says comes from GitHub, so there is no signature."""
    headers = {name.lower(): value for name, value in sent.headers.items()} | {"content-type": payload.JSON}
    opened = envelope.opened(envelope.address(headers), bytes(sent.payload), handled=HANDLED)
    return replace(opened, sync_source="reconcile")


class _App(msgspec.Struct, frozen=True):
    id: int


_app = msgspec.json.Decoder(_App)


async def _hook_target(session: Session) -> str:
    """The App's hook as deliveries name it."""
    return f"integration:{_app.decode((await session.get('app')).body).id}"


_MISSING = sa.text("""
SELECT guid FROM unnest(CAST(:guids AS text[])) WITH ORDINALITY AS logged(guid, place)
WHERE NOT EXISTS (SELECT FROM webhook_deliveries d WHERE d.hook_target = :hook_target AND d.guid = logged.guid)
ORDER BY place
""")

_LOOKED_AT = sa.text("""
SELECT (cursor ->> 'began_at')::timestamptz FROM sync_runs WHERE kind = 'heal' AND status = 'succeeded'
ORDER BY finished_at DESC LIMIT 1
""")


async def _missing(conn: AsyncConnection, hook_target: str, guids: Iterable[str]) -> list[str]:
    return list(await conn.scalars(_MISSING, {"hook_target": hook_target, "guids": list(guids)}))


async def _looked_at(conn: AsyncConnection) -> datetime | None:
    found: datetime | None = await conn.scalar(_LOOKED_AT)
    return found
