"""The repositories that may be read, and how far each has been read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.database import document, metadata, moment
from ghsync.mirror.keys import RepositoryId
from ghsync.mirror.noun import CLOCKS_DIFFER_BY
from ghsync.mirror.nouns import LISTED

marks = sa.Table(
    "sync_marks",
    metadata,
    sa.Column(
        "repository_id",
        sa.UUID(as_uuid=False),
        sa.ForeignKey("github_repositories.id", ondelete="CASCADE"),
        primary_key=True,
        comment="Repository that was read",
    ),
    moment("issues_through", "updated_at of the newest issue read; all that are older have been read too"),
    moment("pull_requests_through", "The same for pull requests"),
    moment("complete_at", "When the last complete listing began; null before the first"),
    moment("blocked_at", "When GitHub last said that it has blocked the repository; null where it has not"),
    document("read_with", "Permissions of the last complete listing, where known", default=None, shape="array"),
    comment="How far the API has been read, by repository",
)  # fmt: skip


_LISTING = {listing.permission for thing in LISTED if (listing := thing.noun.listing) and listing.permission}
SHOWING = frozenset(
    {"actions", "checks", "issues", "members", "metadata", "pull_requests", "secret_scanning_alerts", "security_events",
     "statuses", "vulnerability_alerts", *_LISTING}
)  # fmt: skip
"""Permissions that show something of what is read."""


@dataclass(frozen=True, slots=True)
class Place:
    """A repository to read: our id, GitHub's, its name, how far it was read, and by whom: an installation, which has
    permissions, or a personal token, of which these are not known. ``read_with`` are those with which it was read
    completely the last time; its own row was confirmed ``verified_at``. How much there is of each kind is None until
    GitHub was asked.
    """

    id: RepositoryId
    github_id: int
    node_id: str | None
    full_name: str
    updated_at: datetime | None
    installation: str | None
    issues_through: datetime | None
    pull_requests_through: datetime | None
    complete_at: datetime | None
    blocked_at: datetime | None
    permissions: frozenset[str] | None = None
    read_with: frozenset[str] | None = None
    verified_at: datetime | None = None
    issues: int | None = None
    pull_requests: int | None = None
    releases: int | None = None

    def may(self, permission: str) -> bool:
        """Whether its reader has a permission, or it is not known whether it has, so that asking tells."""
        return self.permissions is None or permission in self.permissions

    def shows_more(self, granted: frozenset[str] | None) -> bool:
        """Whether who is ``granted`` this sees more of it than who read it completely the last time."""
        return granted is not None and self.read_with is not None and not granted <= self.read_with

    def path(self, *rest: object) -> str:
        """A path below the repository in REST, by its id: the name may be another's by now."""
        return "/".join(["repositories", str(self.github_id), *(str(part) for part in rest)])


def _possible(moment: str) -> str:
    """A mark, or null where it is of a time that cannot be yet: from there no sweep would ever see anything."""
    return f"CASE WHEN m.{moment} < now() + interval '{CLOCKS_DIFFER_BY}' THEN m.{moment} END"


_MARKS = {name: _possible(name) for name in ("issues_through", "pull_requests_through", "complete_at")}


def _find(condition: str) -> sa.TextClause:
    marks = ", ".join(f"{mark} AS {name}" for name, mark in _MARKS.items())
    return sa.text(f"""
SELECT r.id::text AS id, r.github_id::bigint AS github_id, r.node_id, r.full_name, r.updated_at, r.verified_at,
       i.github_id AS installation,
       {marks}, m.blocked_at, m.read_with,
       array(SELECT jsonb_object_keys(i.permissions)) AS permissions
FROM github_repositories r
LEFT JOIN github_installations i
  ON i.id = r.installation_id AND i.deleted_at IS NULL AND r.access_ended_at IS NULL
LEFT JOIN sync_marks m ON m.repository_id = r.id
WHERE {condition} AND r.github_id ~ '^[0-9]{{1,18}}$' ORDER BY r.full_name
""")


_VISIBLE = "r.deleted_at IS NULL AND r.removed_at IS NULL AND i.suspended_at IS NULL"
_ALL = _find(_VISIBLE)
_OF_INSTALLATION = _find(f"{_VISIBLE} AND i.github_id = :installation")
_NAMED = _find(f"{_VISIBLE} AND lower(r.tracked_name) = ANY(:names)")
_THESE = _find(f"{_VISIBLE} AND m.blocked_at IS NULL AND r.id = ANY(CAST(:ids AS uuid[]))")


def _place(row: sa.Row[Any]) -> Place:
    permissions = frozenset(row.permissions) or None  # a hook may have told of an installation and not of these
    read_with = None if row.read_with is None else frozenset(row.read_with)
    return Place(**{**row._mapping, "permissions": permissions, "read_with": read_with})


async def everything(conn: AsyncConnection) -> list[Place]:
    """Every repository that the App may see."""
    return [_place(row) for row in await conn.execute(_ALL)]


async def of_installation(conn: AsyncConnection, installation: str) -> list[Place]:
    """The repositories of an installation (GitHub's id)."""
    return [_place(row) for row in await conn.execute(_OF_INSTALLATION, {"installation": installation})]


async def named(conn: AsyncConnection, names: Sequence[str]) -> list[Place]:
    """The repositories with these full names, whatever their capitals."""
    return [_place(row) for row in await conn.execute(_NAMED, {"names": [name.lower() for name in names]})]


async def these(conn: AsyncConnection, ids: Sequence[str]) -> list[Place]:
    """The repositories with these ids of ours, as far as they may be seen and GitHub has not blocked them."""
    return [_place(row) for row in await conn.execute(_THESE, {"ids": list(ids)})]


_FURTHER = {
    **{name: f"greatest({mark}, excluded.{name})" for name, mark in _MARKS.items()},
    "read_with": "CASE WHEN excluded.complete_at IS NULL THEN m.read_with ELSE excluded.read_with END",
    "blocked_at": "NULL",
}

_MARK = sa.text(f"""
INSERT INTO sync_marks AS m (repository_id, issues_through, pull_requests_through, complete_at, read_with)
VALUES (:id, :issues, :pull_requests, :complete_at, CAST(:read_with AS jsonb))
ON CONFLICT (repository_id) DO UPDATE SET
  {", ".join(f"{name} = {further}" for name, further in _FURTHER.items())}
WHERE ({", ".join(f"m.{name}" for name in _FURTHER)}) IS DISTINCT FROM ({", ".join(_FURTHER.values())})
""")


async def mark(
    conn: AsyncConnection,
    place: Place,
    *,
    issues: datetime | None = None,
    pull_requests: datetime | None = None,
    complete_at: datetime | None = None,
    read_with: Iterable[str] | None = None,
) -> None:
    """Note how far a repository was read, never back but from what cannot be; GitHub has not blocked it any more.

    ``read_with`` are the permissions of a complete listing.
    """
    said = {
        "id": place.id,
        "issues": issues,
        "pull_requests": pull_requests,
        "complete_at": complete_at,
        "read_with": None if read_with is None else msgspec.json.encode(sorted(read_with)).decode(),
    }
    await conn.execute(_MARK, said)


_BLOCKED = sa.text("""
SELECT blocked_reason(r.full_name) FROM sync_marks m JOIN github_repositories r ON r.id = m.repository_id
WHERE m.blocked_at IS NOT NULL AND r.deleted_at IS NULL AND r.removed_at IS NULL ORDER BY r.full_name
""")


async def blocked(conn: AsyncConnection) -> Sequence[str]:
    """A sentence for each repository that GitHub has blocked for everybody."""
    return (await conn.scalars(_BLOCKED)).all()


_BLOCK = sa.text("""
INSERT INTO sync_marks AS m (repository_id, blocked_at) VALUES (:id, :at)
ON CONFLICT (repository_id) DO UPDATE SET blocked_at = excluded.blocked_at
""")


async def block(conn: AsyncConnection, place: Place, at: datetime) -> None:
    """Note that GitHub has blocked a repository for everybody; until ``mark``, only complete readings ask again."""
    await conn.execute(_BLOCK, {"id": place.id, "at": at})
