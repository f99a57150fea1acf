"""Others who write at the same time: who was faster, and what they hold, which is left alone for a while."""

import time
from collections.abc import Iterable

import sqlalchemy as sa

AVOIDED_SECONDS = 5.0

# Another transaction was faster: https://www.postgresql.org/docs/current/mvcc-serialization-failure-handling.html
_COLLISIONS = frozenset({"40001", "40P01", "23505"})


def collided(error: BaseException) -> bool:
    """Whether the same transaction may well succeed at once."""
    return isinstance(error, sa.exc.DBAPIError) and getattr(error.orig, "sqlstate", None) in _COLLISIONS


class Detours:
    """Repositories, by their names, that are left alone because somebody else has locked something of theirs."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def add(self, names: Iterable[str]) -> None:
        """Leave these alone for some seconds."""
        until = time.monotonic() + AVOIDED_SECONDS
        self._until |= dict.fromkeys(names, until)

    @property
    def names(self) -> frozenset[str]:
        """Those that are left alone now."""
        now = time.monotonic()
        return frozenset(name for name, until in self._until.items() if until > now)

    @property
    def wary(self) -> bool:
        """Whether some are left alone, or were and have not been tried since: locks are not worth a long wait."""
        return bool(self._until)

    @property
    def seconds_left(self) -> float:
        """How long until the first of them is tried again; infinite where there is none."""
        return max(0.0, min(self._until.values(), default=float("inf")) - time.monotonic())

    def forget(self, avoided: frozenset[str]) -> None:
        """All was done but for what was avoided: the rest is no longer on trial."""
        self._until = {name: until for name, until in self._until.items() if name in avoided}
