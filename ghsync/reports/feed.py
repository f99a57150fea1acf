"""The change feed as people follow it: from an event, a time or the newest on, with the names of repositories."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.changes import feed
from ghsync.database import transaction
from ghsync.errors import PastRetention

READ_AT_ONCE = 500

_NAMES = sa.text("SELECT id::text, full_name FROM github_repositories WHERE id = ANY(CAST(:ids AS uuid[]))")

# Times rise with numbers.
_SINCE = sa.text("SELECT seq FROM change_events WHERE created_at >= :since ORDER BY created_at, seq LIMIT 1")

_NEWEST = sa.text("""
SELECT min(seq) FROM (
  SELECT seq FROM change_events
  WHERE (CAST(:repository AS uuid) IS NULL OR repository_id = :repository)
    AND (CAST(:entity AS text) IS NULL OR entity_type = :entity) AND (CAST(:number AS int) IS NULL OR number = :number)
  ORDER BY seq DESC LIMIT :count) newest
""")


class FeedFilter(NamedTuple):
    """What is shown of the feed: of one repository (its id), one kind of thing, one number; None is any."""

    repository: str | None = None
    entity: str | None = None
    number: int | None = None

    def passes(self, event: Mapping[str, Any]) -> bool:
        """Whether an event is shown."""
        shown = (event["repository_id"], event["entity_type"], event["number"])
        return all(wanted is None or wanted == has for wanted, has in zip(self, shown, strict=True))


class Feed:
    """A position in the change feed; events come with the names of their repositories."""

    def __init__(self, engine: AsyncEngine, shown: FeedFilter = FeedFilter()) -> None:  # noqa: B008 (it is immutable)
        self._engine = engine
        self._shown = shown
        self._after = 0
        self._names: dict[str, str] = {}

    @property
    def position(self) -> int:
        """The number of the event read last."""
        return self._after

    async def seek(self, start: int) -> None:
        """Go to just before an event, which may be the next to come. Raises `PastRetention` for one that is gone."""
        async with transaction(self._engine) as conn:
            first = await feed.first(conn)
            if 0 < start < first:
                raise PastRetention(first)
            self._after = max(start, first) - 1

    async def seek_time(self, since: datetime) -> None:
        """Go to just before the first event since a time. Raises `PastRetention` where some since then may be gone."""
        async with transaction(self._engine) as conn:
            kept = await feed.first(conn)
            first: int | None = await conn.scalar(_SINCE, {"since": since})
            if first == kept > 1:
                raise PastRetention(kept)
            self._after = await feed.last(conn) if first is None else first - 1

    async def seek_newest(self, count: int) -> None:
        """Go to just before so many of the newest events that are shown."""
        async with transaction(self._engine) as conn:
            newest = await feed.last(conn)
            first = await conn.scalar(_NEWEST, self._shown._asdict() | {"count": count}) if count else None
            self._after = newest if first is None else first - 1

    async def read(self) -> list[dict[str, Any]] | None:
        """Those of the next events that are shown; None where there are no more.

        Raises `AheadOfFeed` where the position is beyond all of them.
        """
        async with transaction(self._engine) as conn:
            read = await feed.read(conn, self._after, READ_AT_ONCE)
            events = [event for event in read if self._shown.passes(event)]
            renamed = {event["repository_id"] for event in events if event["entity_type"] == "github_repositories"}
            ids = {event["repository_id"] for event in events if event["repository_id"]}
            unknown = [key for key in ids if key in renamed or key not in self._names]
            if unknown:
                found = await conn.execute(_NAMES, {"ids": unknown})
                self._names |= {row.id: row.full_name for row in found}
        if not read:
            return None
        self._after = read[-1]["seq"]
        return [{**event, "repository": self._names.get(event["repository_id"])} for event in events]
