"""Timestamps that PostgreSQL can hold and Python cannot: infinity, and years beyond 9999, as others may have written.

They are read as times so far off that nothing else is, with room for what is reckoned from them.
https://www.psycopg.org/psycopg3/docs/basic/adapt.html#date-time-types-adaptation
"""

from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.abc import AdaptContext, Buffer
from psycopg.adapt import Loader
from psycopg.pq import Format

EARLIEST = datetime(2, 1, 1, tzinfo=UTC)
LATEST = datetime(9998, 12, 31, tzinfo=UTC)

_OID = psycopg.adapters.types["timestamptz"].oid


def _nearest(exact: type[Any], at: Format) -> type[Loader]:
    """A loader that does what ``exact`` does, and reads what that one cannot as the nearest it can."""

    class Nearest(Loader):
        format = at

        def __init__(self, oid: int, context: AdaptContext | None = None) -> None:
            super().__init__(oid, context)
            self._exact = exact(oid, context)

        def load(self, data: Buffer) -> datetime:
            try:
                found: datetime = self._exact.load(data)
            except psycopg.DataError:
                return EARLIEST if _is_early(bytes(data), at) else LATEST
            return found

    return Nearest


def _is_early(data: bytes, at: Format) -> bool:
    return data[0] >= 0x80 if at is Format.BINARY else data.startswith(b"-") or data.endswith(b"BC")


def register() -> None:
    """Have all connections that are opened from now on read timestamps so."""
    for at in (Format.TEXT, Format.BINARY):
        exact = psycopg.adapters.get_loader(_OID, at)
        if exact is not None:
            psycopg.adapters.register_loader("timestamptz", _nearest(exact, at))
