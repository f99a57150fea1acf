"""GitHub's clock, as far as the Date headers of its answers tell it."""

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

FARTHEST_SECONDS = 100 * 365.25 * 24 * 3600.0
"""How far clocks may differ: one that nobody has set begins in 1970, and what is farther off is no time."""


class Clock:
    """The local clock, corrected where GitHub's answers contradict it.

    A Date header has no fractions: GitHub's time was within that second at some moment between request and answer.
    Every answer so narrows how far the local clock may be off, and a clock that agrees with all of them is not
    corrected.
    """

    def __init__(self, local: Callable[[], float] = time.time) -> None:
        self.local = local
        self._least, self._most = -math.inf, math.inf

    def hear(self, date: str | None, sent: float, received: float) -> None:
        """Take note of an answer's Date header; ``sent`` and ``received`` are local times."""
        second = moment(date)
        if second is None or abs(second.timestamp() - received) > FARTHEST_SECONDS:
            return
        least, most = second.timestamp() - received, second.timestamp() + 1 - sent
        if least > self._most or most < self._least:  # one of the clocks was set meanwhile
            self._least, self._most = least, most
        else:
            self._least, self._most = max(self._least, least), min(self._most, most)

    @property
    def offset(self) -> float:
        """Seconds that GitHub's clock is certainly ahead of the local one; negative when behind."""
        return min(max(0.0, self._least), self._most)

    def at(self, local: float) -> datetime:
        """GitHub's time when the local clock showed ``local``."""
        return datetime.fromtimestamp(local + self.offset, UTC)

    def now(self) -> datetime:
        """GitHub's time."""
        return self.at(self.local())


def moment(date: str | None) -> datetime | None:
    """The time in a header; None where there is none that can be read."""
    try:
        found = parsedate_to_datetime(date) if date else None
    except (ValueError, OverflowError):
        return None
    return found.replace(tzinfo=UTC) if found and found.tzinfo is None else found
