"""Projects the inbox once more, in order of arrival, through the same worker and gate, into the shadow."""

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.database import transaction
from ghsync.verification.shadow import SCHEMA
from ghsync.verification.snapshot import ARRIVED
from ghsync.worker import Worker

PAGE = 500

_COUNT = sa.text(f"SELECT count(*) FROM {SCHEMA}.{ARRIVED} WHERE waits = :waits")

# The shadow's own inbox holds one page at a time. All are due at once, so that their ids order them.
_FILL = sa.text(f"""
WITH page AS (
  SELECT id FROM {SCHEMA}.{ARRIVED} WHERE id > :after AND waits = :waits ORDER BY id LIMIT :limit
), filled AS (
  INSERT INTO {SCHEMA}.webhook_deliveries (id, month, hook_target, guid, event, action, repository, installation_id,
                                           sync_source, next_attempt_at, received_at, headers, body)
  OVERRIDING SYSTEM VALUE
  SELECT d.id, d.month, d.hook_target, d.guid, d.event, d.action, d.repository, d.installation_id,
         d.sync_source, 'epoch', d.received_at, d.headers, d.body
  FROM page JOIN webhook_deliveries d USING (id)
)
SELECT count(*) AS deliveries, max(id) AS last FROM page
""")

_PARKED = sa.text(f"SELECT count(*) FROM {SCHEMA}.webhook_deliveries WHERE status = 'parked'")
_EMPTY = sa.text(f"TRUNCATE {SCHEMA}.webhook_deliveries")


@dataclass(slots=True)
class ReplayCounts:
    """How many deliveries were replayed, and how many of them could not be read or projected."""

    deliveries: int = 0
    unreadable: int = 0


async def replay(
    live: AsyncEngine, shadow: AsyncEngine, watch: Callable[[int, int], None], *, waiting: bool
) -> ReplayCounts:
    """Project what had been projected when the snapshot was taken, or what was ``waiting`` then."""
    worker = Worker(shadow, batch_size=PAGE, poll_seconds=1, max_attempts=1)
    done, after = ReplayCounts(), 0
    async with transaction(live) as conn:
        total = (await conn.execute(_COUNT, {"waits": waiting})).scalar_one()
    watch(0, total)
    while done.deliveries < total:
        async with transaction(live) as conn:
            page = (await conn.execute(_FILL, {"after": after, "waits": waiting, "limit": PAGE})).one()
        while await worker.step():
            pass
        async with transaction(live) as conn:
            done.unreadable += (await conn.execute(_PARKED)).scalar_one()
            await conn.execute(_EMPTY)
        after = page.last
        done.deliveries += page.deliveries
        watch(done.deliveries, total)
    return done
