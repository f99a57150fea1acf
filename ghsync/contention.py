"""What others hold: how an error tells of it, and what is left alone for a while so that the rest goes on."""

import re
import time
from collections.abc import Iterable

import sqlalchemy as sa

AVOIDED_SECONDS = 5.0

# Another transaction was faster: https://www.postgresql.org/docs/current/mvcc-serialization-failure-handling.html
_COLLISIONS = frozenset({"40001", "40P01", "23505"})
_LOCK_NOT_AVAILABLE = "55P03"

# The place of a row in its table, in whatever language the rest is told.
_ROW = re.compile(r"\(\d+,\d+\)")


def collided(error: BaseException) -> bool:
    """Whether the same transaction may well succeed at once."""
    return _state(error) in _COLLISIONS


def is_locked(error: BaseException) -> bool:
    """Whether a lock was waited for in vain."""
    return _state(error) == _LOCK_NOT_AVAILABLE


def is_row_locked(error: BaseException) -> bool:
    """Whether it was a row's: other rows may be free."""
    diagnosis = getattr(getattr(error, "orig", None), "diag", None)
    return is_locked(error) and bool(_ROW.search(getattr(diagnosis, "context", None) or ""))


def _state(error: BaseException) -> str | None:
    return getattr(error.orig, "sqlstate", None) if isinstance(error, sa.exc.DBAPIError) else None


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
