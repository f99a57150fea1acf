"""The inbox: which deliveries there are, and all of one."""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync import lookup, payload
from ghsync.errors import NotFound, Permanent
from ghsync.inbox.table import table

LISTED = (
    "id", "guid", "hook_target", "event", "action", "repository", "status", "attempts", "received_at", "processed_at",
    "next_attempt_at", "last_error",
)  # fmt: skip
NUMBER = re.compile("[0-9]{1,18}")

Row = dict[str, Any]


class DeliveryStatus(StrEnum):
    """The states of a delivery."""

    pending = "pending"
    processed = "processed"
    ignored = "ignored"
    parked = "parked"


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """What deliveries have in common; None where it does not matter. A repository counts by all names it ever had."""

    status: DeliveryStatus | None = None
    event: str | None = None
    repository: str | None = None
    since: datetime | None = None


async def listing(conn: AsyncConnection, chosen: DeliveryFilter, limit: int) -> list[Row]:
    """The newest ones, with what is `LISTED`. Raises `NotFound` for a repository that nobody has heard of."""
    statement = sa.select(*(table.c[name] for name in LISTED)).where(*await conditions(conn, chosen))
    found = await conn.execute(statement.order_by(table.c.id.desc()).limit(limit))
    return [dict(row) for row in found.mappings()]


async def conditions(conn: AsyncConnection, chosen: DeliveryFilter) -> list[sa.ColumnElement[bool]]:
    """The filter as SQL has it."""
    found: list[sa.ColumnElement[bool]] = []
    if chosen.status:
        # The state as a literal: a partial index is not seen through a parameter.
        found.append(table.c.status == sa.bindparam(None, str(chosen.status), sa.Text, literal_execute=True))
    if chosen.event:
        found.append(table.c.event == chosen.event)
    if chosen.repository:
        found.append(table.c.repository.in_(await lookup.spellings(conn, chosen.repository)))
    if chosen.since:
        found.append(table.c.received_at >= chosen.since)
    return found


# Of an account, or of a repository that whoever asks may see, by any name it ever had.
_SEEN = sa.text(f"""
({lookup.EVERYBODY} OR CASE WHEN repository IS NULL
 THEN EXISTS (SELECT FROM github_installations i WHERE i.github_id = webhook_deliveries.installation_id
              AND i.organization_id IN (SELECT visible_organizations()))
 ELSE EXISTS (SELECT FROM github_repositories r LEFT JOIN github_repository_aliases a ON a.repository_id = r.id
              WHERE r.id IN (SELECT visible_repositories())
                AND webhook_deliveries.repository IN (r.full_name, r.tracked_name, a.full_name)) END)
""")


async def find(conn: AsyncConnection, text: str) -> Row:
    """A delivery by its number or its GUID. Raises `NotFound`, also where several hooks were told of that GUID."""
    column, value = (table.c.id, int(text)) if NUMBER.fullmatch(text) else (table.c.guid, text)
    found = (await conn.execute(sa.select(table).where(column == value, _SEEN).limit(2))).mappings().all()
    if not found:
        raise NotFound(f"There is no delivery {text}: `ghsync deliveries list` shows which there are.")
    if len(found) > 1:
        raise NotFound(f"Several hooks were told of {text}: name one delivery by its number.")
    return dict(found[0])


def content(delivery: Row) -> Any:
    """The decoded body, or its text where it is no JSON; None where it is past its retention."""
    if delivery["body"] is None:
        return None
    raw = bytes(delivery["body"])
    try:
        return json.loads(payload.json_bytes(delivery["headers"].get("content-type", payload.JSON), raw))
    except (ValueError, Permanent):
        return raw.decode(errors="replace")
