"""Months as partitions are named and GUIDs are made."""

import uuid
from datetime import UTC, date, datetime, timedelta

GREGORIAN = datetime(1582, 10, 15, tzinfo=UTC)


def guid(moment: datetime) -> str:
    """A version-1 UUID that was made then; RFC 9562, section 5.1."""
    ticks = (moment - GREGORIAN) // timedelta(microseconds=1) * 10
    low, middle, high = ticks & 0xFFFF_FFFF, ticks >> 32 & 0xFFFF, ticks >> 48 & 0x0FFF | 0x1000
    return str(uuid.UUID(fields=(low, middle, high, 0x81, 0xAB, 0x4C9367DC0958)))


def months(*ahead: int) -> list[date]:
    """Months from this one on, by their first days in UTC."""
    now = datetime.now(UTC)
    counted = [now.year * 12 + now.month - 1 + each for each in ahead]
    return [date(count // 12, count % 12 + 1, 1) for count in counted]


def at(month: date) -> datetime:
    """Its first moment."""
    return datetime(month.year, month.month, 1, tzinfo=UTC)


def name(table: str, month: date) -> str:
    return f"{table}_y{month:%Y}m{month:%m}"
