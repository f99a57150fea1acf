"""What the stories have left in the database, in the words of its columns."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

Row = dict[str, Any]

VERSION = sa.text("SELECT split_part(current_setting('server_version'), ' ', 1)")

_NAMES = "coalesce((SELECT string_agg(e ->> '{field}', ', ') FROM jsonb_array_elements({column}) e), '')"

_ISSUES = sa.text(f"""
SELECT r.github_id, i.number, i.title,
       CASE WHEN i.transferred_to IS NOT NULL THEN 'transferred' WHEN i.deleted_at IS NOT NULL THEN 'deleted'
            ELSE i.state || coalesce(', ' || replace(i.state_reason, '_', ' '), '') END AS state,
       {_NAMES.format(field="name", column="i.labels")} AS labels,
       {_NAMES.format(field="login", column="i.assignees")} AS assignees
FROM github_issues i JOIN github_repositories r ON r.id = i.repository_id ORDER BY r.github_id, i.number
""")

_PULL_REQUESTS = sa.text("""
SELECT r.github_id, p.number, p.title, CASE WHEN p.merged THEN 'merged' WHEN p.draft THEN 'draft' ELSE p.state END
       AS state, p.head_ref AS head, p.base_ref AS base, p.additions, p.deletions
FROM github_pull_requests p JOIN github_repositories r ON r.id = p.repository_id ORDER BY r.github_id, p.number
""")

_TRACKING = sa.text("""
SELECT r.github_id, t.pr_number AS number, t.status, t.merge_status, t.review_status, t.ci_status, k.title AS task
FROM pr_tracking t JOIN github_repositories r ON r.id = t.repository_id LEFT JOIN tasks k ON k.id = t.task_id
ORDER BY r.github_id, t.pr_number
""")

_LINKS = sa.text("""
SELECT r.github_id, l.number, replace(l.kind, '_', ' ') AS kind, k.title AS task,
       replace(l.source, '_', ' ') AS because, l.evidence
FROM task_github_links l JOIN github_repositories r ON r.id = l.repository_id JOIN tasks k ON k.id = l.task_id
ORDER BY k.title, l.kind, l.number
""")


@dataclass(frozen=True, slots=True)
class Results:
    """The rows of each table; ``github_id`` tells the repository, whose name another story may have, too."""

    issues: list[Row]
    pull_requests: list[Row]
    tracking: list[Row]
    links: list[Row]


async def read(conn: AsyncConnection) -> Results:
    """All of them; they are few."""
    statements = (_ISSUES, _PULL_REQUESTS, _TRACKING, _LINKS)
    tables = [[dict(row) for row in (await conn.execute(statement)).mappings()] for statement in statements]
    return Results(*tables)
