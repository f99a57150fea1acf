"""What a verification found, and what it looked at."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

Check = Literal["replay", "feed", "tracking"]
Problem = Literal["differs", "missing", "surplus"]

MOST = 1000
"""How many findings one check of one table tells one by one; where a whole table is wrong, more would say no more."""

Watch = Callable[[str, int, int], None]
"""Is told how a stage goes on: its name, how much of it is done, and how much there is."""


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A row, or a column of one, that is not as ``check`` has it; ``key`` is in GitHub's terms.

    ``column`` is None where the whole row is missing in the mirror, or is there and should not be.
    """

    check: Check
    table: str
    key: dict[str, Any]
    problem: Problem
    column: str | None = None
    live: Any = None
    expected: Any = None

    @property
    def place(self) -> tuple[str, str, str | None]:
        """Where it is, whatever the values."""
        return (self.table, repr(sorted(self.key.items())), self.column)


@dataclass(frozen=True, slots=True)
class RowCounts:
    """The live rows of a table, and how many of them replay cannot judge, or not with all their columns."""

    rows: int
    unjudged: int


@dataclass(slots=True)
class Report:
    """What a verification did and found."""

    deliveries: int = 0
    unreadable: int = 0
    waiting: int = 0
    pull_requests: int = 0
    tables: dict[str, RowCounts] = field(default_factory=dict)
    findings: list[Discrepancy] = field(default_factory=list)


def agreed(ones: Iterable[Discrepancy], others: Iterable[Discrepancy]) -> list[Discrepancy]:
    """The findings of which both sides tell."""
    places = {other.place for other in others}
    return [one for one in ones if one.place in places]
