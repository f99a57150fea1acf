"""Projects, with how many repositories and tasks they have."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

_LIST = sa.text("""
SELECT p.id::text AS id, o.slug || '/' || p.slug AS project, p.name, p.status,
       (SELECT count(*) FROM github_repositories r WHERE r.project_id = p.id) AS repositories,
       (SELECT count(*) FROM tasks t WHERE t.project_id = p.id) AS tasks
FROM projects p JOIN organizations o ON o.id = p.organization_id ORDER BY o.slug, p.slug
""")


async def listing(conn: AsyncConnection) -> list[dict[str, Any]]:
    """All of them: id, project, name, status, repositories and tasks."""
    return [dict(row) for row in (await conn.execute(_LIST)).mappings()]
