"""How far a reading of one repository is: what a run notes with each page, to go on there when it was stopped."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal, Self

import msgspec
from msgspec import structs

What = Literal["issues", "pull_requests"]
State = Literal["open", "closed"]

KINDS: tuple[What, ...] = ("issues", "pull_requests")


class Position(msgspec.Struct, frozen=True):
    """How far one listing is: GraphQL's cursor, the newest change and how many it has shown, and how many there are.

    ``last`` is the number that was shown last. One that is ``partial`` has left something out that nobody can name.
    Where a ``state`` is given, only what is in it is listed: what is open, and then the rest; ``of`` is how many there
    are of both.
    """

    state: State | None = None
    of: int | None = None
    after: str | None = None
    ended: bool = False
    through: datetime | None = None
    total: int | None = None
    shown: int = 0
    last: int | None = None
    partial: bool = False

    @property
    def left(self) -> int | None:
        """How many are still to be shown, as far as GitHub has told; one may always have come since."""
        return None if self.total is None else self.total - self.shown

    @property
    def open(self) -> int | None:
        """How many are open, at the most, as far as GitHub has told."""
        if self.state != "closed":
            return self.total
        return None if self.of is None or self.total is None else self.of - self.total

    def over(self) -> "Position":
        """The same, when its listing has come to its end: what is open is followed by the rest."""
        if self.state != "open":
            return structs.replace(self, ended=True)
        rest = None if self.of is None or self.total is None else self.of - self.total
        return Position("closed", self.of, through=self.through, total=rest, partial=self.partial)

    def reaching(self, newest: datetime | None) -> Self:
        """The same, when a page has shown this newest change."""
        return structs.replace(self, through=max(filter(None, (self.through, newest)), default=None))


class Progress(msgspec.Struct, frozen=True):
    """How far a run is in a repository's listings; that of ``heads`` is for what is checked of open pull requests."""

    began_at: datetime
    complete: bool = False  # from the first to the last, so that it can go on where it was stopped
    has_paused: bool = False  # it has paused, when all that is open was read, and all but conversations
    issues: Position = msgspec.field(default_factory=Position)
    pull_requests: Position = msgspec.field(default_factory=Position)
    heads: Position = msgspec.field(default_factory=Position)
    read_with: frozenset[str] | None = None  # permissions with which all of it was read, where known

    def position(self, what: What) -> Position:
        """The listing of one kind."""
        return self.issues if what == "issues" else self.pull_requests

    def at(self, what: What | Literal["heads"], position: Position) -> Self:
        """The same, when one listing is there."""
        return structs.replace(self, **{what: position})

    def ended(self, kinds: Iterable[What]) -> Self:
        """The same, when the complete listings of these kinds, and of heads, have come to their end.

        What changed meanwhile they may have shown as it was before, or not at all: they reach as far as they began.
        """
        over = {what: self._ended(getattr(self, what)) for what in (*kinds, "heads")}
        return structs.replace(self, **over)

    def _ended(self, position: Position) -> Position:
        through = position.through and min(position.through, self.began_at)
        return structs.replace(position, ended=True, through=through)

    def going_on_with(self, permissions: frozenset[str] | None) -> Self:
        """The same, when what follows is read with these permissions; what was read, may have been with fewer."""
        before = self.read_with
        read_with = permissions if before is None or permissions is None else before & permissions
        return structs.replace(self, read_with=read_with)

    def begins(self, state: State | None) -> bool:
        """Whether nothing has been listed yet, and what is in this state is about to be."""
        listings = (self.issues, self.pull_requests)
        is_at_start = not any(each.after or each.ended for each in (*listings, self.heads))
        return is_at_start and all(each.state == state for each in listings)

    @property
    def total(self) -> int | None:
        """How many issues and pull requests there are, where GitHub has said so."""
        return sum(each.of or each.total or 0 for each in (self.issues, self.pull_requests)) or None
