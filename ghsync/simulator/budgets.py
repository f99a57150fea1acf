"""Rate limits: what everyone may ask in an hour of the world's clock, counted by resource.

https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from ghsync.simulator.payload import Json, epoch

if TYPE_CHECKING:
    from ghsync.simulator.clock import Clock
    from ghsync.simulator.viewer import Viewer

HOUR = timedelta(hours=1)

Resource = Literal["core", "graphql"]


@dataclass
class Pool:
    """What one of them has of one resource; the hour begins with the first request."""

    clock: Clock
    resource: Resource
    limit: int
    spent: int = 0
    began_at: datetime | None = None

    @property
    def used(self) -> int:
        """Spent in this hour."""
        return self.spent if self._runs() else 0

    @property
    def remaining(self) -> int:
        """Left in this hour."""
        return max(self.limit - self.used, 0)

    @property
    def resets_at(self) -> datetime:
        """When the hour is over; of one that has not begun, when it would be."""
        began_at = self.began_at if self.began_at is not None and self._runs() else self.clock.now()
        return began_at.replace(microsecond=0) + HOUR

    def spend(self, points: int) -> None:
        """Count a request, or the points of a query."""
        if not self._runs():
            self.spent, self.began_at = 0, self.clock.now()
        self.spent = min(self.spent + points, self.limit)

    def refund(self, points: int) -> None:
        """Give back what turned out to be free."""
        self.spent = max(self.spent - points, 0)

    def headers(self) -> dict[str, str]:
        """The pool as every answer tells of it."""
        told = {**self.as_json(), "resource": self.resource}
        return {f"x-ratelimit-{name}": str(value) for name, value in told.items()}

    def as_json(self) -> Json:
        """The pool as `/rate_limit` shows it."""
        return {
            "limit": self.limit,
            "remaining": self.remaining,
            "reset": epoch(self.resets_at),
            "used": self.used,
        }

    def _runs(self) -> bool:
        return self.began_at is not None and self.clock.now() < self.began_at.replace(microsecond=0) + HOUR


@dataclass
class Budgets:
    """Everyone's pools. `limits` stands in for GitHub's numbers, by resource."""

    clock: Clock
    limits: dict[Resource, int] = field(default_factory=dict)
    _pools: dict[tuple[str, Resource], Pool] = field(default_factory=dict)

    def pool(self, viewer: Viewer, resource: Resource) -> Pool:
        """What somebody has of a resource."""
        pool = self._pools.setdefault((viewer.name, resource), Pool(self.clock, resource, 0))
        pool.limit = self.limits.get(resource, viewer.hourly)
        return pool

    def spent(self, resource: Resource) -> int:
        """What everyone together has spent of a resource in their hours."""
        return sum(pool.used for (_, asked), pool in self._pools.items() if asked == resource)
