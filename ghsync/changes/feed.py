"""The change feed: what was written, numbered in order of commit and without gaps.

A sequence commits out of order, so a reader of ``seq > last`` would lose rows. Here one counter row is locked from the
moment numbers are given until commit: it is the last thing a transaction does before it finishes its deliveries. The
time of an entry is read under that lock too, so that it rises with the numbers: `change_feed_at` relies on it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.database import fetch, fetch_column
from ghsync.errors import AheadOfFeed, PastRetention
from ghsync.mirror.keys import RepositoryId

CHANNEL = "ghsync_changes"


@dataclass(frozen=True, slots=True)
class ChangeEvent:
    """One entry of the feed; ``old`` and ``new`` are JSON texts of the changed fields."""

    entity_type: str
    entity_id: str
    repository_id: RepositoryId | None
    number: int | None
    operation: str
    old: str | None
    new: str | None
    sync_source: str
    observed_at: datetime | None


_APPEND = sa.text(f"""
WITH given AS (
  INSERT INTO change_feed AS f (last_seq) VALUES (:count)
  ON CONFLICT (id) DO UPDATE SET last_seq = f.last_seq + excluded.last_seq
  RETURNING last_seq - :count AS before, clock_timestamp() AS now
), written AS (
INSERT INTO change_events (seq, entity_type, entity_id, repository_id, number, operation,
                           old_values, new_values, sync_source, observed_at, created_at)
SELECT given.before + e.position, e.entity_type, e.entity_id, e.repository_id, e.number, e.operation,
       e.old_values, e.new_values, e.sync_source, e.observed_at, given.now
FROM given, ROWS FROM (json_to_recordset(:events) AS (
  entity_type text, entity_id uuid, repository_id uuid, number int, operation text,
  old_values jsonb, new_values jsonb, sync_source text, observed_at timestamptz
)) WITH ORDINALITY AS e(entity_type, entity_id, repository_id, number, operation,
                        old_values, new_values, sync_source, observed_at, position)
)
SELECT pg_notify('{CHANNEL}', '')
""")


async def append(conn: AsyncConnection, events: Sequence[ChangeEvent]) -> None:
    """Write the events with the next numbers; whoever commits first has the smaller ones."""
    if events:
        rows = [
            {
                "entity_type": event.entity_type,
                "entity_id": event.entity_id,
                "repository_id": event.repository_id,
                "number": event.number,
                "operation": event.operation,
                "old_values": _raw(event.old),
                "new_values": _raw(event.new),
                "sync_source": event.sync_source,
                "observed_at": event.observed_at,
            }
            for event in events
        ]
        await fetch(conn, _APPEND, {"events": msgspec.json.encode(rows).decode(), "count": len(rows)})


def _raw(text: str | None) -> msgspec.Raw | None:
    return msgspec.Raw(text.encode()) if text is not None else None


_READ = sa.text("""
SELECT seq, entity_type, entity_id::text, repository_id::text, number, operation, old_values, new_values,
       sync_source, observed_at, created_at
FROM change_events WHERE seq > :after ORDER BY seq LIMIT :limit
""")


# A standby may be behind whoever told of the position.
_AHEAD = sa.text("""
SELECT last_seq FROM (SELECT coalesce(max(last_seq), 0) AS last_seq FROM change_feed) feed
WHERE last_seq < :after AND NOT pg_is_in_recovery()
""")


async def read(conn: AsyncConnection, after: int, limit: int = 500) -> list[dict[str, Any]]:
    """The next entries after position ``after``, oldest first.

    Raises `PastRetention` where some of them are gone, and `AheadOfFeed` where there is no such position.
    """
    rows = await fetch(conn, _READ, {"after": after, "limit": limit})
    if rows and rows[0].seq > after + 1:
        raise PastRetention(rows[0].seq)
    if not rows and (ahead := await fetch_column(conn, _AHEAD, {"after": after})):
        raise AheadOfFeed(ahead[0], after)
    return [row._asdict() for row in rows]


_FIRST = sa.text(
    "SELECT coalesce((SELECT min(seq) FROM change_events), (SELECT max(last_seq) FROM change_feed) + 1, 1)"
)


async def first(conn: AsyncConnection) -> int:
    """The position of the oldest entry that is kept; of a feed without one, of the next entry that there will be."""
    position: int
    (position,) = await fetch_column(conn, _FIRST)
    return position


_LAST = sa.text("SELECT last_seq FROM change_feed")


async def last(conn: AsyncConnection) -> int:
    """The position given out last, 0 for an empty feed."""
    position: int
    (position,) = await fetch_column(conn, _LAST)
    return position
