"""Why the mirror may be behind GitHub: as `stale_reasons` says it in SQL, asked with this process's settings."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.settings import Settings

CAUSES = ("deliveries_wait", "deliveries_parked", "github")

_REASONS = sa.text("""
SELECT cause, sentence
FROM stale_reasons(CAST(:repository_id AS uuid), :pending, :oldest_received_at, :parked, :sweep, :heal, :complete)
""")

_USED = sa.text("""
SELECT EXISTS (SELECT FROM sync_runs WHERE kind = 'sweep' AND repository_id IS NULL) AS sweep,
       EXISTS (SELECT FROM sync_runs WHERE kind = 'heal' AND repository_id IS NULL) AS heal
""")


@dataclass(frozen=True, slots=True)
class Backlog:
    """Deliveries that are not projected: how many wait, since when the oldest, and how many are parked."""

    pending: int
    oldest_received_at: datetime | None
    parked: int


@dataclass(frozen=True, slots=True)
class Staleness:
    """Sentences that say what to do, none while it is not stale, and of which `CAUSES` they are.

    ``hooks_only``: nothing may read the API, which is no failure.
    """

    reasons: tuple[str, ...]
    causes: frozenset[str]
    hooks_only: bool


async def read(
    conn: AsyncConnection, settings: Settings, backlog: Backlog, *, repository_id: str | None = None
) -> Staleness:
    """Why everything, or one repository, is stale.

    Where this process has no credentials, another may have: it has, if it ever swept.
    """
    sweeps, heals = settings.app_id is not None or settings.token is not None, settings.app_id is not None
    if not sweeps:
        sweeps, heals = (await conn.execute(_USED)).one()
    asked = {
        "repository_id": repository_id,
        "pending": backlog.pending,
        "oldest_received_at": backlog.oldest_received_at,
        "parked": backlog.parked,
        "sweep": settings.sweep_seconds if sweeps else None,
        "heal": settings.heal_seconds if heals else None,
        "complete": settings.complete_seconds if sweeps else None,
    }
    found = (await conn.execute(_REASONS, asked)).all()
    return Staleness(tuple(row.sentence for row in found), frozenset(row.cause for row in found), not sweeps)
