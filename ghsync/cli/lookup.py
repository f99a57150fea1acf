"""Finds a repository by any name it ever had."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.errors import NotFound

# Whoever owns the name today comes first, then whoever had it last.
_FIND = sa.text("""
SELECT r.id::text, r.github_id, r.full_name, r.tracked_name, r.project_id::text, p.slug AS project, r.visibility,
       r.archived, r.removed_at, r.deleted_at, r.observed_at, r.synced_at, r.verified_at
FROM github_repositories r JOIN projects p ON p.id = r.project_id
LEFT JOIN github_repository_aliases a ON a.repository_id = r.id AND lower(a.full_name) = lower(:name)
WHERE lower(r.full_name) = lower(:name) OR lower(r.tracked_name) = lower(:name) OR a.id IS NOT NULL
ORDER BY lower(r.tracked_name) = lower(:name) DESC, lower(r.full_name) = lower(:name) DESC, r.observed_at DESC
LIMIT 1
""")


async def repository(conn: AsyncConnection, name: str) -> sa.Row[Any]:
    """The repository that is, else was, called so: its names, project and state. Raises `NotFound`."""
    found = (await conn.execute(_FIND, {"name": name})).one_or_none()
    if found is None:
        raise NotFound(f"No repository {name} is mirrored: `ghsync repos list` shows those that are.")
    return found


def state(repository: sa.Row[Any]) -> str:
    """Whether a repository is synced, and if not, why."""
    if repository.deleted_at:
        return "deleted"
    if repository.removed_at:
        return "removed"
    return "archived" if repository.archived else "synced"
