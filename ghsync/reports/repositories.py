"""The repositories that are mirrored, and every name that one had."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync import lookup

Row = dict[str, Any]

_LIST = sa.text("""
SELECT r.full_name AS repository, r.github_id, p.slug AS project, r.visibility,
       CASE WHEN r.deleted_at IS NOT NULL THEN 'deleted' WHEN r.removed_at IS NOT NULL THEN 'removed'
            WHEN m.blocked_at IS NOT NULL THEN 'blocked' WHEN r.archived THEN 'archived' ELSE 'synced' END AS state,
       r.observed_at,
       CASE WHEN r.deleted_at IS NULL AND r.removed_at IS NULL AND m.blocked_at IS NOT NULL
            THEN blocked_reason(r.full_name) END AS problem
FROM github_repositories r JOIN projects p ON p.id = r.project_id LEFT JOIN sync_marks m ON m.repository_id = r.id
ORDER BY lower(r.full_name), r.github_id
""")

_ALIASES = sa.text("""
SELECT a.full_name AS name, a.first_observed_at, a.full_name = r.full_name AS current
FROM github_repository_aliases a JOIN github_repositories r ON r.id = a.repository_id
WHERE r.id = :id ORDER BY a.first_observed_at
""")


async def listing(conn: AsyncConnection) -> list[Row]:
    """Name, GitHub's id, project, visibility, state, when last observed, and the problem that one has, if any."""
    return [dict(row) for row in (await conn.execute(_LIST)).mappings()]


async def aliases(conn: AsyncConnection, name: str) -> list[Row]:
    """Every name, since when it is known, and whether it is the current one. Raises `NotFound`."""
    found = await lookup.repository(conn, name)
    return [dict(row) for row in (await conn.execute(_ALIASES, {"id": found.id})).mappings()]
