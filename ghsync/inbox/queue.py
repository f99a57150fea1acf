"""The queue over the inbox: claim, finish, fail, requeue.

A claim is a row lock, nothing else: it ends with the transaction that projects the delivery, however that ends. So a
killed worker leaves nothing behind, and projection and finishing are one commit.

Nothing is claimed while a partition is made: who claims holds the lock of those who make them, shared, until the end.
"""

import io
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.database import fetch, fetch_column
from ghsync.errors import PartitionsUnderWay
from ghsync.inbox.backoff import delay_seconds
from ghsync.locks import PARTITIONS

CHANNEL = "ghsync_inbox"
BATCH_BYTES = 32 * 1024 * 1024
PIECE_BYTES = 1024 * 1024


class ClaimedDelivery(NamedTuple):
    """A delivery locked for projection; ``id`` and ``month``, its partition's, are its key."""

    id: int
    month: date
    guid: str
    event: str
    action: str | None
    repository: str | None
    content_type: str
    body: bytes
    attempts: int
    received_at: datetime
    sync_source: str = "webhook"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a delivery ended: processed, ignored or, with an error, parked.

    ``unreadable`` are the paths of parts that could not be read; of a delivery that was processed without them,
    ``error`` says so.
    """

    status: str
    error: str | None = None
    unreadable: tuple[str, ...] = ()


def _claim(condition: str) -> sa.TextClause:
    # The first of a batch is claimed whatever its size; the rest stay under the bound. One row is always answered,
    # which tells whether anything may be claimed.
    return sa.text(f"""
WITH gate AS (
  SELECT pg_try_advisory_xact_lock_shared({PARTITIONS}) AS is_open
), picked AS (
  SELECT id, month, guid, event, action, repository, headers ->> 'content-type' AS content_type, body, attempts,
         received_at, sync_source, next_attempt_at, octet_length(body) AS size
  FROM webhook_deliveries
  WHERE (SELECT is_open FROM gate) AND status = 'pending' AND {condition}
  ORDER BY next_attempt_at, id LIMIT :limit FOR UPDATE SKIP LOCKED
), sized AS (
  SELECT *, sum(size) OVER (ORDER BY next_attempt_at, id) AS total FROM picked
)
SELECT s.id, s.month, s.guid, s.event, s.action, s.repository, s.content_type,
       CASE WHEN s.size <= {PIECE_BYTES} THEN s.body END AS body, s.attempts, s.received_at, s.sync_source, gate.is_open
FROM gate LEFT JOIN sized s ON s.total <= :bytes OR s.total = s.size
ORDER BY s.next_attempt_at, s.id
""")


_CLAIM = _claim("next_attempt_at <= now()")
_CLAIM_OTHERS = _claim("next_attempt_at <= now() AND coalesce(repository, '') <> ALL(:avoided)")
_CLAIM_THESE = _claim("id = ANY(:ids) AND coalesce(repository, '') <> ALL(:avoided)")


async def claim(
    conn: AsyncConnection,
    limit: int,
    ids: Sequence[int] | None = None,
    *,
    avoided: Collection[str] = (),
    max_bytes: int = BATCH_BYTES,
) -> list[ClaimedDelivery]:
    """Lock up to ``limit`` deliveries that are due, oldest first, or those of ``ids`` that are still pending.

    Those of ``avoided`` repositories are left for later; the empty name is for deliveries of none. Raises
    `PartitionsUnderWay` where nothing may be claimed now.
    """
    bounds: dict[str, Any] = {"limit": limit, "bytes": max_bytes}
    if ids is not None:
        asked = {"ids": list(ids), "limit": len(ids), "avoided": list(avoided)}
        rows = await fetch(conn, _CLAIM_THESE, bounds | asked, binary=True)
    elif avoided:
        rows = await fetch(conn, _CLAIM_OTHERS, bounds | {"avoided": list(avoided)}, binary=True)
    else:
        rows = await fetch(conn, _CLAIM, bounds, binary=True)
    if not rows[0].is_open:
        raise PartitionsUnderWay
    claimed = []
    for *values, _ in rows if rows[0].id is not None else []:
        row = ClaimedDelivery(*values)
        claimed.append(row if row.body is not None else row._replace(body=await _large_body(conn, row.id)))
    return claimed


_PIECE = sa.text(f"SELECT substring(body FROM :start FOR {PIECE_BYTES}) FROM webhook_deliveries WHERE id = :id")


async def _large_body(conn: AsyncConnection, key: int) -> bytes:
    """A body, read in pieces: in one it would be there six times, and libpq keeps a buffer for the largest row ever."""
    body = io.BytesIO()
    while piece := (await fetch(conn, _PIECE, {"id": key, "start": body.tell() + 1}, binary=True))[0][0]:
        body.write(piece)
    return body.getvalue()


_SPANS = sa.text("""
SELECT d.guid, d.headers ->> 'traceparent' AS traceparent
FROM webhook_deliveries d
JOIN unnest(CAST(:ids AS bigint[]), CAST(:months AS date[])) AS v(id, month) ON (d.id, d.month) = (v.id, v.month)
WHERE d.headers ? 'traceparent'
""")


async def spans(conn: AsyncConnection, claimed: Iterable[ClaimedDelivery]) -> list[tuple[str, str]]:
    """The GUIDs of those that came while traces were exported, each with what names its span."""
    keys = [(delivery.id, delivery.month) for delivery in claimed]
    rows = await fetch(conn, _SPANS, {"ids": [key for key, _ in keys], "months": [month for _, month in keys]})
    return [(row.guid, row.traceparent) for row in rows]


_FINISH = sa.text("""
UPDATE webhook_deliveries d
SET status = v.status, last_error = coalesce(v.error, d.last_error), processed_at = clock_timestamp(),
    attempts = d.attempts + (v.status = 'parked')::int
FROM unnest(CAST(:ids AS bigint[]), CAST(:months AS date[]), CAST(:statuses AS text[]), CAST(:errors AS text[]))
  AS v(id, month, status, error)
WHERE (d.id, d.month) = (v.id, v.month)
RETURNING greatest(extract(epoch FROM d.processed_at)::float8 - extract(epoch FROM d.received_at)::float8, 0)
""")


async def finish(conn: AsyncConnection, ended: Iterable[tuple[ClaimedDelivery, Verdict]]) -> list[float]:
    """Write how deliveries ended, near the end of the transaction that projected them: that is the time it tells.

    Answers how many seconds before it each was received.
    """
    pairs = list(ended)
    return await fetch_column(
        conn,
        _FINISH,
        {
            "ids": [delivery.id for delivery, _ in pairs],
            "months": [delivery.month for delivery, _ in pairs],
            "statuses": [verdict.status for _, verdict in pairs],
            "errors": [verdict.error for _, verdict in pairs],
        },
    )


_FAIL = sa.text("""
UPDATE webhook_deliveries
SET attempts = attempts + 1, last_error = :error,
    status = CASE WHEN attempts + 1 >= :most THEN 'parked' ELSE 'pending' END,
    processed_at = CASE WHEN attempts + 1 >= :most THEN clock_timestamp() END,
    next_attempt_at = now() + make_interval(secs => :delay)
WHERE id = :id AND status = 'pending'
RETURNING status
""")


async def fail(conn: AsyncConnection, delivery: ClaimedDelivery, error: str, *, max_attempts: int) -> str:
    """Count a failed attempt: pending again after a while, or parked after the last; answers which."""
    status = await fetch_column(
        conn,
        _FAIL,
        {
            "id": delivery.id,
            "error": error.replace("\0", ""),
            "most": max_attempts,
            "delay": delay_seconds(delivery.attempts + 1),
        },
    )
    return status[0] if status else "pending"


_TAKE_UP = sa.text("""
WITH found AS (
  SELECT event, id FROM webhook_deliveries
  WHERE status = 'ignored' AND dismissed_at IS NULL AND body IS NOT NULL
    AND event = ANY(:events) AND (event, id) > (:event, :id)
  ORDER BY event, id LIMIT :limit FOR UPDATE SKIP LOCKED
), queued AS (
  UPDATE webhook_deliveries d SET status = 'pending', next_attempt_at = now(), processed_at = NULL
  FROM found WHERE d.id = found.id
)
SELECT event, id FROM found ORDER BY event, id
""")


class Ignored(NamedTuple):
    """Where a delivery that was ignored stands among those that were: events after events, the oldest first."""

    event: str = ""
    id: int = 0


async def take_up(conn: AsyncConnection, events: Collection[str], after: Ignored, *, limit: int) -> list[Ignored]:
    """Queue what was ignored of events that mean something now, the next ones ``after`` one; answers which.

    An older ghsync ignored them, and may do so again while it goes on beside this one.
    """
    asked = {"events": sorted(events), "event": after.event, "id": after.id, "limit": limit}
    return [Ignored(row.event, row.id) for row in await fetch(conn, _TAKE_UP, asked)]


# What has not failed waits for nothing, and what has for no longer than `delay_seconds` lets it.
_HASTEN = sa.text("""
UPDATE webhook_deliveries d SET next_attempt_at = now()
FROM (
  SELECT id, month FROM webhook_deliveries
  WHERE status = 'pending' AND next_attempt_at > now() + interval '1 minute'
    AND (attempts = 0 OR next_attempt_at > now() + interval '1 hour')
  ORDER BY next_attempt_at, id LIMIT :limit FOR UPDATE SKIP LOCKED
) late
WHERE (d.id, d.month) = (late.id, late.month)
RETURNING d.id
""")


async def hasten(conn: AsyncConnection, *, limit: int) -> int:
    """Make due what waits for longer than anything can: PostgreSQL's clock was set back. Answers how many."""
    return len(await fetch(conn, _HASTEN, {"limit": limit}))


_REQUEUE = sa.text(f"""
WITH queued AS (
  UPDATE webhook_deliveries
  SET status = 'pending', attempts = 0, next_attempt_at = now(), processed_at = NULL, dismissed_at = NULL,
      sync_source = 'replay'
  WHERE id = ANY(:ids) AND status <> 'pending' AND body IS NOT NULL RETURNING id
)
SELECT id, pg_notify('{CHANNEL}', '') FROM queued
""")


async def requeue(conn: AsyncConnection, ids: Sequence[int]) -> int:
    """Queue finished or parked deliveries again, those whose payload is kept; answers how many.

    The order guard makes it harmless (I5).
    """
    return len(await fetch(conn, _REQUEUE, {"ids": list(ids)}))
