"""Which rows are not as GitHub has them, field by field."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from ghsync.changes.feed import ChangeEvent
from ghsync.mirror.keys import RepositoryId

Difference = dict[str, Any]


def documents(events: Iterable[ChangeEvent], names: Mapping[RepositoryId, str]) -> list[Difference]:
    """The differences for machines; ``names`` are the full names of repositories by our ids."""
    return [
        {
            "repository": names.get(event.repository_id) if event.repository_id else None,
            "table": event.entity_type,
            "number": event.number,
            "operation": event.operation,
            "mirrored": msgspec.json.decode(event.old or "{}"),
            "actual": msgspec.json.decode(event.new or "{}"),
        }
        for event in events
    ]
