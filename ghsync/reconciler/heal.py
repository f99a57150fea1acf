"""Healing from GitHub's delivery log: what it sent and we never got is read from there and put into the inbox.

GitHub keeps the log for three days and never sends again by itself. The App's JWT reads it, with a budget of its own:
each missing delivery costs a request there, so what is lost in a long outage may need the budget of several hours. It
leaves enough to renew tokens and to read installations, and sweeps bring the rest meanwhile.
https://docs.github.com/en/rest/apps/webhooks#list-deliveries-for-an-app-webhook
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync import jobs, metrics, payload
from ghsync.database import first_line, transaction
from ghsync.errors import (
    GhsyncError,
    GitHubUnavailable,
    Gone,
    MalformedPayload,
    MalformedRequest,
    NotFound,
    UnreadableAnswer,
)
from ghsync.github.decoding import decoded
from ghsync.inbox.delivery import UNNAMED, Delivery
from ghsync.inbox.recorder import Recorder
from ghsync.jobs import Job
from ghsync.projector.events import HANDLED
from ghsync.receiver import envelope
from ghsync.reconciler import runs, unread
from ghsync.reconciler.progress import Progress
from ghsync.reconciler.reconciler import Reconciler
from ghsync.reconciler.runs import Run
from ghsync.reconciler.session import Session

log = structlog.get_logger()

KEPT = timedelta(days=3)
"""How long GitHub keeps its log; GitHub Enterprise Server keeps it longer."""

KIND = "heal"
"""The kind of jobs that ask again for a delivery by its GUID; their payload has an ``attempt``, its id in the log."""

AT_ONCE = 50
LONGEST_SECONDS = 6 * 3600.0

LATE = timedelta(minutes=2)
"""How much later than it was made a delivery may appear in the log."""


class LoggedDelivery(msgspec.Struct, frozen=True):
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
class HealReport:
    """What a look into the log has brought: attempts read, deliveries missing, and those put into the inbox.

    ``unread`` is the sentence about those that could not be read.
    """

    attempts: int = 0
    missing: int = 0
    recorded: int = 0
    unread: str | None = None


async def heal(
    reconciler: Reconciler, recorder: Recorder, *, since: datetime | None = None, priority: str = "sweep"
) -> tuple[Run, HealReport]:
    """Compare the log with the inbox, back to ``since`` or to where the last look began; failed attempts first."""
    now = reconciler.github.now()
    session = reconciler.app_session("reconcile", priority)
    async with transaction(reconciler.engine) as conn:
        looked_at = await _looked_at(conn)
        run = await runs.start(conn, "heal", Progress(now))
    run.meter = session.meter
    begin = since or max(filter(None, (looked_at and looked_at - LATE, now - KEPT)))
    healed = HealReport()
    async with runs.recorded(reconciler.engine, run):
        hook_target = await _hook_target(session)
        try:
            await _again(session, reconciler, recorder, hook_target, healed)
            for only in ({"status": "failure"}, {}):
                await _look(session, reconciler, recorder, hook_target, begin, healed, only)
        finally:
            run.rows_seen, run.rows_written, run.unread = healed.attempts, healed.recorded, healed.unread
            metrics.healed.inc(healed.recorded)
            if healed.missing:
                log.info("healed", attempts=healed.attempts, missing=healed.missing, recorded=healed.recorded)
    return run, healed


async def _look(
    session: Session,
    reconciler: Reconciler,
    recorder: Recorder,
    hook_target: str,
    begin: datetime,
    healed: HealReport,
    only: dict[str, str],
) -> None:
    async for page in session.listing("app/hook/deliveries", LoggedDelivery, **only):
        recent = [attempt for attempt in page.items if attempt.delivered_at >= begin]
        for wrong in page.wrong:
            log.warning("delivery_not_read", error=first_line(wrong.error))
            healed.unread = healed.unread or f"A delivery in the log could not be read: {wrong.error}"
        healed.attempts += len(recent)
        attempts = {attempt.guid: attempt for attempt in reversed(recent) if attempt.event in HANDLED}  # the newest
        async with transaction(reconciler.engine) as conn:
            missing = await _missing(conn, hook_target, attempts)
            waiting = await jobs.keys(conn, KIND)
        missing = [guid for guid in missing if guid not in waiting]
        # In any order: rows follow the times in the GUIDs.
        brought = await asyncio.gather(
            *(_bring(session, recorder, attempts[guid]) for guid in missing), return_exceptions=True
        )
        healed.missing += len(missing)
        healed.recorded += brought.count(True)
        failures = {guid: one for guid, one in zip(missing, brought, strict=True) if isinstance(one, BaseException)}
        for failure in failures.values():  # all have ended: none goes on behind our back
            if not isinstance(failure, GhsyncError) or not unread.is_of_one(failure):
                raise failure
        await _keep(reconciler, attempts, failures, healed)
        if len(recent) < len(page.items):
            return


async def _keep(
    reconciler: Reconciler,
    attempts: Mapping[str, LoggedDelivery],
    failures: Mapping[str, BaseException],
    healed: HealReport,
) -> None:
    """Have again by themselves those that could not be read: they stop no other, and the next look begins later."""
    failed = {
        Job(
            KIND, guid, None, "it is missing", {"attempt": attempts[guid].id}
        ): f"Delivery {guid} could not be read: {error}"
        for guid, error in failures.items()
    }
    async with transaction(reconciler.engine) as conn:
        await jobs.fail(conn, failed)
    healed.unread = healed.unread or next(iter(failed.values()), None)


async def _again(session: Session, reconciler: Reconciler, recorder: Recorder, target: str, healed: HealReport) -> None:
    """Ask once more for what could not be read before; whatever has come meanwhile, or is out of the log, is done."""
    async with transaction(reconciler.engine) as conn:
        due = await jobs.due(conn, KIND, AT_ONCE)
        attempts = {row.key: row.attempt for row in await conn.execute(_ATTEMPTS, {"kind": KIND, "keys": due.keys})}
        missing = set(await _missing(conn, target, attempts))
    for guid, attempt in attempts.items():
        try:
            brought = guid in missing and await _read(session, recorder, attempt, guid)
        except GhsyncError as error:
            if not unread.is_of_one(error):
                raise
            sentence = f"Delivery {guid} could not be read: {error}"
            async with transaction(reconciler.engine) as conn:
                await jobs.postpone(conn, KIND, [guid], sentence, longest_seconds=LONGEST_SECONDS)
            healed.unread = healed.unread or sentence
            continue
        healed.recorded += brought
        async with transaction(reconciler.engine) as conn:
            await jobs.finish(conn, KIND, due.of([guid]))


async def _bring(session: Session, recorder: Recorder, attempt: LoggedDelivery) -> bool:
    return await _read(session, recorder, attempt.id, attempt.guid)


async def _read(session: Session, recorder: Recorder, attempt: int, guid: str) -> bool:
    """Read one delivery into the inbox; one that cannot be read is asked for again, if GitHub still has it."""
    try:
        answer = await session.call(lambda requests: requests.rest.apps.async_get_webhook_delivery(attempt))
        delivery = _delivery(decoded(answer.body, _whole, f"Delivery {guid}").request)
    except (NotFound, Gone):  # its three days are over
        return False
    except (GitHubUnavailable, MalformedPayload, MalformedRequest) as error:
        log.warning("redelivery_requested", guid=guid, error=first_line(error))
        await session.call(lambda requests: requests.rest.apps.async_redeliver_webhook_delivery(attempt), again=False)
        raise UnreadableAnswer(f"{first_line(error).rstrip('.')}; GitHub was asked to send it again.") from error
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
    answer = await session.call(lambda requests: requests.rest.apps.async_get_authenticated())
    return f"integration:{decoded(answer.body, _app, 'The App').id}"


_ATTEMPTS = sa.text("""
SELECT key, (payload ->> 'attempt')::bigint AS attempt FROM sync_jobs
WHERE kind = :kind AND key = ANY(:keys) AND payload ? 'attempt' ORDER BY due_at
""")

_MISSING = sa.text("""
SELECT guid FROM unnest(CAST(:guids AS text[])) WITH ORDINALITY AS logged(guid, place)
WHERE NOT EXISTS (
  SELECT FROM webhook_deliveries d WHERE d.hook_target IN (:hook_target, :unnamed) AND d.guid = logged.guid
    AND d.month = delivery_month(logged.guid))
ORDER BY place
""")

_LOOKED_AT = sa.text("""
SELECT (cursor ->> 'began_at')::timestamptz FROM sync_runs WHERE kind = 'heal' AND status = 'succeeded'
ORDER BY finished_at DESC LIMIT 1
""")


async def _missing(conn: AsyncConnection, hook_target: str, guids: Iterable[str]) -> list[str]:
    return list(await conn.scalars(_MISSING, {"hook_target": hook_target, "unnamed": UNNAMED, "guids": list(guids)}))


async def _looked_at(conn: AsyncConnection) -> datetime | None:
    found: datetime | None = await conn.scalar(_LOOKED_AT)
    return found
