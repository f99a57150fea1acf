"""What happened in chaos, and what came of it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ghsync.simulator import deeds
from ghsync.verification.finding import Discrepancy
from tests import truth
from tests.chaos.weights import RARE
from tests.truth import Difference

MOST_ROWS = 20


@dataclass
class Report:
    """What happened, and what was left of it."""

    actions: int = 0
    deeds: Counter[str] = field(default_factory=Counter)
    deliveries: int = 0
    kills: int = 0
    restarts: int = 0
    conversations: int = 0
    seconds: float = 0
    seconds_to_converge: float = 0
    requests: int = 0
    points: int = 0
    healed: int = 0
    agreeing: int = 0
    redelivered: int = 0
    recomputed: int = 0
    differences: list[Difference] = field(default_factory=list)
    found: list[Discrepancy] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether the mirror is not as GitHub is, or cannot be made again from what it has."""
        return bool(self.differences or self.found or self.recomputed)

    @property
    def line(self) -> str:
        """The outcome in one line."""
        return (
            f"{len(self.differences)} differences after {self.seconds_to_converge:,.0f} s, {len(self.found)} found by "
            f"replay, {self.recomputed} derived to another, {self.agreeing:,} verdicts agree; {self.actions:,} actions "
            f"in {self.seconds:,.0f} s, {self.deliveries:,} deliveries, {self.healed:,} from the log, "
            f"{self.redelivered:,} days late, {self.kills} kills, {self.restarts} restarts, "
            f"{self.requests:,} requests, {self.points:,} points"
        )

    def __str__(self) -> str:
        lines = {
            "actions": f"{self.actions:,} in {self.seconds:,.0f} s",
            "of these, by reviewers": self._counted(deeds.reviews.KINDS),
            "by CI": self._counted((*deeds.checks.KINDS, *deeds.checks.RARE)),
            "rare": self._counted(name for name in RARE if name not in deeds.checks.RARE),
            "pushes": self._counted(("push", "force_push", "push_base")),
            "issues and pull requests": f"{self.conversations:,}",
            "deliveries": f"{self.deliveries:,}, of these {self.healed:,} from the log",
            "redelivered after days": f"{self.redelivered:,}",
            "kill -9": f"{self.kills}",
            "restarts of PostgreSQL": f"{self.restarts}",
            "differences": f"{len(self.differences)}",
            "verdicts that agree": f"{self.agreeing:,}",
            "found by replay": f"{len(self.found)}",
            "derived anew to another": f"{self.recomputed}",
            "seconds to converge": f"{self.seconds_to_converge:,.1f}",
            "API requests": f"{self.requests:,}",
            "GraphQL points": f"{self.points:,}",
        }
        return "\n".join(f"{name:<26}{value}" for name, value in lines.items())

    def _counted(self, kinds: Iterable[str]) -> str:
        """How often each of some kinds of deeds was done."""
        return ", ".join(f"{name} {self.deeds[name]:,}" for name in kinds)


def rows(differences: Iterable[Difference]) -> Iterator[str]:
    """What differs, row by row, as far as anybody reads."""
    lines = truth.by_row(differences)
    yield from lines[:MOST_ROWS]
    if len(lines) > MOST_ROWS:
        yield f"and {len(lines) - MOST_ROWS} rows more"
