"""Where the mirror is not as GitHub is."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from tests.truth.values import Key


@dataclass(frozen=True)
class Difference:
    """A row too many or too few, or one of its fields."""

    table: str
    key: Key
    what: str

    def __str__(self) -> str:
        return f"{self.row} {self.what}"

    @property
    def row(self) -> str:
        """Which row it is, by GitHub's ids."""
        return f"{self.table} {self.key}"


def by_row(differences: Iterable[Difference]) -> list[str]:
    """A line for each row with all that is wrong with it."""
    ordered = sorted(differences, key=lambda each: each.row)
    return [f"{row} " + "; ".join(each.what for each in of) for row, of in groupby(ordered, lambda each: each.row)]
