"""Tasks, with the issue and the pull request that each is about."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync import lookup


def _number_of(kind: str, column: str) -> str:
    """The item behind a task's number, by name; the bare number where no link explains it."""
    return f"""coalesce(
         (SELECT r.tracked_name || '#' || l.number
          FROM task_github_links l JOIN github_repositories r ON r.id = l.repository_id
          WHERE l.task_id = t.id AND l.kind = '{kind}' AND l.number = t.{column}
          ORDER BY l.confidence DESC, r.tracked_name LIMIT 1),
         '#' || t.{column})"""


_LIST = sa.text(f"""
SELECT t.id::text AS id, t.title, t.status, o.slug || '/' || p.slug AS project,
       {_number_of("issue", "github_issue_number")} AS issue,
       {_number_of("pull_request", "github_pr_number")} AS pull_request
FROM tasks t JOIN projects p ON p.id = t.project_id JOIN organizations o ON o.id = p.organization_id
WHERE (CAST(:project AS uuid) IS NULL OR p.id = :project)
  AND (CAST(:status AS text) IS NULL OR t.status = :status)
ORDER BY t.created_at DESC, t.id LIMIT :limit
""")


async def listing(
    conn: AsyncConnection, *, project: str | None = None, status: str | None = None, limit: int
) -> list[dict[str, Any]]:
    """The newest ones: id, title, status, project, issue and pull_request. Raises `NotFound` for another project."""
    chosen = (await lookup.project(conn, project)).id if project else None
    found = await conn.execute(_LIST, {"project": chosen, "status": status, "limit": limit})
    return [dict(row) for row in found.mappings()]
