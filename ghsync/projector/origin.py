"""When GitHub held the state that a delivery carries (ARCHITECTURE: Order)."""

import uuid
from datetime import UTC, datetime, timedelta

from ghsync.mirror.noun import Origin

# Version-1 UUIDs count 100 ns since the Gregorian calendar began: RFC 9562, section 5.1.
_EPOCH = datetime(1582, 10, 15, tzinfo=UTC)
CREDIBLE = timedelta(days=3)  # GitHub's own log, and so a redelivery, reaches no further back


def of_delivery(guid: str, received_at: datetime, source: str = "webhook") -> Origin:
    """The time inside a version-1 GUID where it is credible, else the time of arrival."""
    try:
        parsed = uuid.UUID(guid)
    except ValueError:
        parsed = None
    if parsed and parsed.version == 1:
        made_at = _EPOCH + timedelta(microseconds=parsed.time // 10)
        if abs(received_at - made_at) <= CREDIBLE:
            return Origin(made_at, "guid", source)
    return Origin(received_at, "arrival", source)
