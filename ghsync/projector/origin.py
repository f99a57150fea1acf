"""When GitHub held the state that a delivery carries (ARCHITECTURE: Order)."""

import uuid
from datetime import UTC, datetime, timedelta

from ghsync.mirror.noun import CLOCKS_DIFFER_BY, Origin

# Version-1 UUIDs count 100 ns since the Gregorian calendar began: RFC 9562, section 5.1.
_EPOCH = datetime(1582, 10, 15, tzinfo=UTC)

KEPT = timedelta(days=7)
"""How far back a redelivery reaches: as far as the log of deliveries, whose longest is GitHub Enterprise Server's."""


def is_credible(made_at: datetime, received_at: datetime) -> bool:
    """Whether GitHub can have made at one time what arrived at the other; no report is from the future."""
    return -CLOCKS_DIFFER_BY <= received_at - made_at <= KEPT


def of_delivery(guid: str, received_at: datetime, source: str = "webhook") -> Origin:
    """The time inside a version-1 GUID where it is credible, else the time of arrival."""
    try:
        parsed = uuid.UUID(guid)
    except ValueError:
        parsed = None
    if parsed and parsed.version == 1:
        made_at = _EPOCH + timedelta(microseconds=parsed.time // 10)
        if is_credible(made_at, received_at):
            return Origin(made_at, "guid", source)
    return Origin(received_at, "arrival", source)
