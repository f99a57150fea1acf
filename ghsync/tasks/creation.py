"""Tasks that issues ask for with a label, where the settings of their project say which one.

An issue that is open here and has the label gets a task if it has none, once: a task that somebody deletes does not
come back, and a label that is taken away takes nothing with it. A transferred issue is still the same one.
"""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.database import fetch, fetch_column
from ghsync.mirror.keys import PullRequestKey, RepositoryId
from ghsync.tasks import links, neighbourhood
from ghsync.tasks.claims import CONFIDENCE
from ghsync.tasks.item import Item, Link, as_json
from ghsync.tasks.meaning import LONGEST_CHAIN


def _asking(issues: str) -> str:
    """FROM: those of the ``issues`` i that ask for a task, with their repository r and project p.

    GitHub heeds no case in the names of labels.
    """
    return f"""
  FROM {issues}
  JOIN github_repositories r ON r.id = i.repository_id AND r.removed_at IS NULL AND r.deleted_at IS NULL
  JOIN projects p ON p.id = r.project_id
  WHERE i.state = 'open' AND i.deleted_at IS NULL AND p.settings -> 'tasks' ? 'create_from_label'
    AND EXISTS (
      SELECT FROM jsonb_array_elements(i.labels) AS shown(label)
      WHERE lower(shown.label ->> 'name') = lower(p.settings -> 'tasks' ->> 'create_from_label'))
    AND NOT EXISTS (SELECT FROM task_creations c WHERE c.issue_id = i.id)"""


# Each is looked up; the table is never read whole and hashed.
_THESE = _asking("""json_to_recordset(:items) AS a(repository_id uuid, number int)
  CROSS JOIN LATERAL (
    SELECT * FROM github_issues g WHERE g.repository_id = a.repository_id AND g.number = a.number OFFSET 0) i""")

_ANY = sa.text(f"SELECT i.repository_id::text, 'issue', i.number {_THESE}")
_ANY_IN = sa.text(f"""
SELECT i.repository_id::text, 'issue', i.number {_asking("github_issues i")}
    AND i.repository_id = ANY(CAST(:repositories AS uuid[]))
""")

# Tasks into which another program wrote the number of such an issue a moment ago.
_NUMBERED = sa.text(f"""
SELECT DISTINCT t.id::text FROM tasks t
JOIN (SELECT r.project_id, i.number {_THESE}) asking
  ON asking.project_id = t.project_id AND asking.number = t.github_issue_number
""")

# An issue that names a task has one, or will have it. What an issue was before it was transferred had its task then.
_CREATE = sa.text(f"""
WITH wanted AS MATERIALIZED (
  SELECT gen_random_uuid() AS task_id, i.id AS issue_id, i.repository_id, i.number, p.id AS project_id,
         left(i.title, 500) AS title, i.body, r.tracked_name || '#' || i.number AS name,
         p.settings -> 'tasks' ->> 'create_from_label' AS label
  {_THESE}
    AND NOT EXISTS (
      SELECT FROM task_github_links l
      WHERE l.repository_id = i.repository_id AND l.kind = 'issue' AND l.number = i.number)
    AND NOT EXISTS (
      SELECT FROM github_mentions m
      WHERE m.repository_id = i.repository_id AND m.kind = 'issue' AND m.number = i.number AND m.task IS NOT NULL)
    AND NOT EXISTS (
      WITH RECURSIVE earlier (id, repository_id, number, hops) AS (
        SELECT i.id, i.repository_id, i.number, 0
        UNION ALL
        SELECT was.id, was.repository_id, was.number, later.hops + 1
        FROM earlier later
        JOIN github_repositories home ON home.id = later.repository_id
        JOIN github_issues was ON was.transferred_to ->> 'repository_github_id' = home.github_id
          AND was.transferred_to IS NOT NULL AND (was.transferred_to ->> 'number')::int = later.number
        WHERE later.hops < {LONGEST_CHAIN}
      )
      SELECT FROM earlier JOIN task_creations c ON c.issue_id = earlier.id)
), made AS (
  INSERT INTO tasks (id, project_id, title, description)
  SELECT task_id, project_id, title, body FROM wanted ORDER BY repository_id, number
), linked AS (
  INSERT INTO task_github_links (task_id, repository_id, kind, number, source, confidence, evidence)
  SELECT task_id, repository_id, 'issue', number, 'label', {CONFIDENCE["label"]}, 'label ' || label FROM wanted
), remembered AS (
  INSERT INTO task_creations (issue_id, task_id) SELECT issue_id, task_id FROM wanted
), told AS (
  INSERT INTO audit_logs (action, resource_type, resource_id, entity_name, new_values, changed_fields,
                          actor_type, actor_name)
  SELECT 'task.created', 'task', task_id, left(name, 255), jsonb_build_object('title', title, 'label', label),
         '["label", "title"]', 'system', 'ghsync'
  FROM wanted
)
SELECT task_id::text, repository_id::text, 'issue', number FROM wanted
""")

_REPOSITORIES = sa.text("SELECT id::text FROM github_repositories WHERE project_id = ANY(CAST(:projects AS uuid[]))")


async def create(conn: AsyncConnection, items: Iterable[Item]) -> list[PullRequestKey]:
    """Create the tasks that these issues ask for; answers the pull requests whose links changed.

    The caller holds the issues' repositories.
    """
    items = set(items)
    return await _create(conn, _ANY, {"items": as_json(items)}) if items else []


async def create_in(conn: AsyncConnection, repository_ids: Iterable[RepositoryId]) -> list[PullRequestKey]:
    """The same for all issues of these repositories."""
    return await _create(conn, _ANY_IN, {"repositories": list(repository_ids)})


async def _create(conn: AsyncConnection, asking: sa.TextClause, values: dict[str, object]) -> list[PullRequestKey]:
    issues = [Item(*row) for row in await fetch(conn, asking, values)]
    if not issues:
        return []
    asked = {"items": as_json(issues)}
    await neighbourhood.lock(conn, ())
    changed = await links.adopt(conn, await fetch_column(conn, _NUMBERED, asked))
    made = [Link(*row) for row in await fetch(conn, _CREATE, asked)]
    return [*changed, *await links.spread(conn, made)]


async def repositories(conn: AsyncConnection, project_ids: Iterable[str]) -> list[RepositoryId]:
    """The repositories of these projects."""
    return await fetch_column(conn, _REPOSITORIES, {"projects": list(project_ids)})
