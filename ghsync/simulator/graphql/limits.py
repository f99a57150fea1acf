"""What a query may cost and how long it may take.

https://docs.github.com/en/graphql/overview/rate-limits-and-node-limits-for-the-graphql-api
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

SLOW_FIELDS: Mapping[str, float] = {
    "additions": 0.004,
    "changedFiles": 0.004,
    "deletions": 0.004,
    "mergeStateStatus": 0.01,
    "mergeable": 0.01,
    "statusCheckRollup": 0.01,
}
"""Fields for which GitHub looks into git or asks another service, with the simulated seconds of each."""


@dataclass(frozen=True)
class Limits:
    """GitHub's limits, and how long the simulated one takes; a test may set them as it likes."""

    page: int = 100
    node_ids: int = 100
    nodes: int = 500_000
    timeout_seconds: float = 10
    base_seconds: float = 0.05
    node_seconds: float = 0.001
    field_seconds: Mapping[str, float] = field(default_factory=lambda: SLOW_FIELDS)


class Budget(Protocol):
    """The points that a credential has, as `rateLimit` tells them."""

    @property
    def limit(self) -> int:
        """Points an hour."""

    @property
    def used(self) -> int:
        """Points spent in this hour."""

    @property
    def remaining(self) -> int:
        """Points left in this hour."""

    @property
    def resets_at(self) -> datetime:
        """When the hour is over."""


@dataclass(frozen=True)
class FullBudget:
    """A budget of which nothing is ever spent."""

    resets_at: datetime
    limit: int = 5000
    used: int = 0

    @property
    def remaining(self) -> int:
        """Points left in this hour."""
        return self.limit - self.used
