"""Refusals are all counted, and told of now and then: a line for each stranger would fill a disk in a day."""

import time

import structlog

from ghsync import metrics
from ghsync.errors import GhsyncError

TOLD_EVERY_SECONDS = 10.0
"""How often the log tells of one reason, with how many more there were since."""

log = structlog.get_logger()


class Refusals:
    """What a process refused."""

    def __init__(self) -> None:
        self._told_at: dict[str, float] = {}
        self._untold: dict[str, int] = {}

    def note(self, error: GhsyncError) -> None:
        """Count a refusal, and tell of it unless its reason was told of a moment ago."""
        reason = metrics.reason(error)
        metrics.refused.labels(reason).inc()
        now = time.monotonic()
        if now - self._told_at.get(reason, -TOLD_EVERY_SECONDS) < TOLD_EVERY_SECONDS:
            self._untold[reason] = self._untold.get(reason, 0) + 1
            return
        self._told_at[reason] = now
        more = self._untold.pop(reason, 0)
        log.warning("refused a delivery", reason=reason, detail=str(error), **({"more_since": more} if more else {}))
