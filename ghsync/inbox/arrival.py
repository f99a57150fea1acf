"""When a delivery arrives, by PostgreSQL's clock, while PostgreSQL cannot be asked.

The inbox goes by that clock alone: the host's may be wrong, or be set meanwhile, and what seems to have come hours ago
is taken for older than the mirror.
"""

import time
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.database import autocommitting, fetch_column, transaction

# Goes on while the host sleeps, and is never set; where there is none, what stands still meanwhile has to do.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

_NOW = sa.text("SELECT clock_timestamp()")


class Clock:
    """PostgreSQL's, as it was told last, and what has passed since; the host's until it was told."""

    def __init__(self) -> None:
        self._told: tuple[datetime, float] | None = None

    async def ask(self, engine: AsyncEngine) -> None:
        """Ask PostgreSQL for its time."""
        async with transaction(autocommitting(engine)) as conn:
            (told,) = await fetch_column(conn, _NOW)
        self._told = told, time.clock_gettime(_STEADY)

    def now(self) -> datetime:
        """PostgreSQL's time."""
        if self._told is None:
            return datetime.now(UTC)
        told, at = self._told
        return told + timedelta(seconds=time.clock_gettime(_STEADY) - at)
