"""Tasks follow their pull requests, where their project's settings ask for it: in review, completed, cancelled.

A task's status is a function of three things: of the status that others gave it, of what its pull requests are now, and
of the settings. So deliveries, links and settings may arrive in any order, any number of times (I5). Of several pull
requests one that is open decides, then a draft, then one that was merged, then one that was closed. Of one that was
closed unmerged nothing follows where a stranger made it: on a public repository anybody could cancel a task.

A move holds as long as its reason does: what the settings have no word for (a draft, a pull request of which no task or
another one is said now) gives a task back the status that it had. What others do is theirs: a status that somebody else
set stays until the pull requests come to another stage, and for ever where it ends the task.
"""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.database import fetch, fetch_column
from ghsync.mirror.keys import PullRequestKey
from ghsync.mirror.upsert import parameter
from ghsync.tasks import neighbourhood

_ENDS = "('completed', 'failed', 'cancelled')"

# Whether pull request g of repository r is that of somebody with standing: GitHub says so, its branch is in the
# repository itself, which takes the right to write, or somebody linked it by hand. Who is not told to be a stranger is
# none. https://docs.github.com/en/graphql/reference/enums#commentauthorassociation
_STANDING = """(coalesce(g.author_association IN ('OWNER', 'MEMBER', 'COLLABORATOR'), true)
      OR coalesce(g.head_repository_id = r.github_id, false)
      OR EXISTS (
        SELECT FROM task_github_links l
        WHERE l.task_id = t.id AND l.repository_id = g.repository_id AND l.kind = 'pull_request'
          AND l.number = g.number AND l.source IN ('manual', 'external')))"""

# Whether anything changes is not asked before the lock is held: two pull requests of one task may be changing.
_CONCERNED = sa.text("""
WITH concerned AS (
  SELECT CAST(id AS uuid) AS task_id FROM unnest(CAST(:tasks AS text[])) AS were(id)
  UNION
  SELECT tracked.task_id
  FROM json_to_recordset(:pulls) AS r(repository_id uuid, number int)
  JOIN pr_tracking tracked ON tracked.repository_id = r.repository_id AND tracked.pr_number = r.number
)
SELECT t.id::text FROM concerned c JOIN tasks t ON t.id = c.task_id JOIN projects p ON p.id = t.project_id
WHERE p.settings -> 'tasks' ?| ARRAY['when_opened', 'when_merged', 'when_closed']
""")

# `ours` says whether the task still has the status that it was moved to; `own` is the one that others gave it.
_MOVE = sa.text(f"""
WITH found AS (
  SELECT t.id, t.status, t.completed_at, m.stage AS last_stage, m.status_before, m.completed_at AS completed_with_move,
         coalesce(t.status = m.status, false) AS ours, pull.status AS stage, pull.ended_at, pull.name,
         p.settings -> 'tasks' ->> CASE pull.status WHEN 'open' THEN 'when_opened'
                                                    WHEN 'merged' THEN 'when_merged'
                                                    WHEN 'closed' THEN 'when_closed' END AS target
  FROM tasks t
  JOIN projects p ON p.id = t.project_id
  LEFT JOIN task_moves m ON m.task_id = t.id
  LEFT JOIN LATERAL (
    SELECT tracked.status, coalesce(tracked.merged_at, tracked.closed_at) AS ended_at,
           tracked.repository_name || '#' || tracked.pr_number AS name
    FROM pr_tracking tracked
    JOIN github_pull_requests g ON g.id = tracked.pull_request_id AND g.deleted_at IS NULL
    JOIN github_repositories r ON r.id = g.repository_id
    WHERE tracked.task_id = t.id AND (tracked.status <> 'closed' OR {_STANDING})
    ORDER BY array_position(ARRAY['open', 'draft', 'merged', 'closed'], tracked.status::text),
             ended_at DESC NULLS LAST, tracked.repository_id, tracked.pr_number
    LIMIT 1
  ) pull ON true
  WHERE t.id = ANY(CAST(:tasks AS uuid[]))
), known AS (
  SELECT *, CASE WHEN ours THEN status_before ELSE status END AS own,
         CASE WHEN completed_at IS DISTINCT FROM completed_with_move THEN completed_at END AS own_completed_at,
         stage IS NOT DISTINCT FROM last_stage AS same_stage
  FROM found
), judged AS (
  SELECT *, coalesce(own IN {_ENDS}, false) OR same_stage AND (NOT ours OR target IS NULL) AS stays FROM known
), decided AS MATERIALIZED (
  SELECT *, CASE WHEN stays THEN status ELSE coalesce(target, own) END AS new_status,
         CASE WHEN stays THEN completed_at
              WHEN target IN {_ENDS} THEN coalesce(own_completed_at, ended_at)
              ELSE own_completed_at END AS new_completed_at
  FROM judged
), moved AS (
  UPDATE tasks t SET status = d.new_status, completed_at = d.new_completed_at, updated_at = CURRENT_TIMESTAMP
  FROM decided d
  WHERE t.id = d.id AND (d.status, d.completed_at) IS DISTINCT FROM (d.new_status, d.new_completed_at)
), remembered AS (
  INSERT INTO task_moves AS m (task_id, stage, status, status_before, completed_at)
  SELECT d.id, d.stage, CASE WHEN NOT d.stays THEN d.new_status END, CASE WHEN NOT d.stays THEN d.own END,
         CASE WHEN NOT d.stays AND d.own_completed_at IS NULL THEN d.new_completed_at END
  FROM decided d WHERE d.target IS NOT NULL AND NOT (d.stays AND d.same_stage)
  ON CONFLICT (task_id) DO UPDATE
  SET stage = excluded.stage, status = excluded.status, status_before = excluded.status_before,
      completed_at = excluded.completed_at, moved_at = excluded.moved_at
  WHERE (m.stage, m.status, m.status_before, m.completed_at)
    IS DISTINCT FROM (excluded.stage, excluded.status, excluded.status_before, excluded.completed_at)
), forgotten AS (
  DELETE FROM task_moves m USING decided d WHERE m.task_id = d.id AND d.target IS NULL AND NOT d.same_stage
)
INSERT INTO audit_logs (action, resource_type, resource_id, entity_name, old_values, new_values, changed_fields,
                        actor_type, actor_name)
SELECT 'task.moved', 'task', d.id, left(d.name, 255), jsonb_build_object('status', d.status),
       jsonb_build_object('status', d.new_status), '["status"]', 'system', 'ghsync'
FROM decided d WHERE d.status IS DISTINCT FROM d.new_status
ORDER BY d.id
""")

_PULL_REQUESTS = sa.text("""
SELECT tracked.repository_id::text, tracked.pr_number
FROM tasks t JOIN pr_tracking tracked ON tracked.task_id = t.id
WHERE t.project_id = ANY(CAST(:projects AS uuid[]))
""")


async def move(conn: AsyncConnection, pulls: Iterable[PullRequestKey], tasks: Iterable[str]) -> None:
    """Let these tasks, and those of these pull requests (repository id, number), follow what was just tracked."""
    followed = [{"repository_id": pull[0], "number": pull[1]} for pull in sorted(set(pulls))]
    asked = {"tasks": sorted(set(tasks)), "pulls": parameter(followed)}
    if not followed and not asked["tasks"]:
        return
    concerned = await fetch_column(conn, _CONCERNED, asked)
    if concerned:
        await neighbourhood.lock(conn, concerned)
        await fetch(conn, _MOVE, {"tasks": concerned})


async def pull_requests(conn: AsyncConnection, project_ids: Iterable[str]) -> list[PullRequestKey]:
    """The pull requests that the tasks of these projects follow."""
    return [PullRequestKey(*row) for row in await fetch(conn, _PULL_REQUESTS, {"projects": list(project_ids)})]
