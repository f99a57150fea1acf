"""The simulated time: it starts at a fixed instant and moves only when told to."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TICKS_PER_SECOND = 10_000_000


@dataclass
class Clock:
    """A clock that counts ticks of 100 ns, the resolution of a version-1 UUID."""

    ticks: int = round((START - EPOCH).total_seconds()) * TICKS_PER_SECOND

    def now(self) -> datetime:
        """The present instant; a datetime cannot hold the last tick digit, so it is cut off."""
        return EPOCH + timedelta(microseconds=self.ticks // 10)

    def advance(self, seconds: float = 0, *, minutes: float = 0, hours: float = 0, days: float = 0) -> None:
        """Let time pass. Time never goes back."""
        span = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        if span < timedelta(0):
            raise ValueError(f"the clock cannot go back by {-span}")
        self.ticks += round(span.total_seconds() * TICKS_PER_SECOND)

    def advance_to(self, moment: datetime) -> None:
        """Let time pass until an instant."""
        self.advance_ticks((moment - EPOCH) // timedelta(microseconds=1) * 10 - self.ticks)

    def advance_ticks(self, ticks: int) -> None:
        """Let a number of 100 ns ticks pass."""
        if ticks < 0:
            raise ValueError(f"the clock cannot go back by {-ticks} ticks")
        self.ticks += ticks
