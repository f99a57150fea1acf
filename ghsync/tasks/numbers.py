"""`tasks.github_issue_number` and `github_pr_number`: links write them, and what other programs write is a link."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.database import fetch
from ghsync.mirror.upsert import parameter
from ghsync.tasks.claims import CLAIM, CONFIDENCE, FACTS
from ghsync.tasks.item import Link


def _primary(kind: str, column: str) -> str:
    """The number that a task should have.

    One that no link claims was written by another program: it stays, unless a person says otherwise.
    """
    claim = f"c.task_id = h.id AND c.kind = '{kind}'"
    return f"""CASE
      WHEN h.{column} IS NULL
        OR EXISTS (SELECT FROM claims c WHERE {claim} AND c.number = h.{column})
        OR EXISTS (SELECT FROM withdrawn c WHERE {claim} AND c.number = h.{column})
      THEN (SELECT c.number FROM claims c WHERE {claim} AND c.place = 1)
      ELSE coalesce((SELECT c.number FROM claims c WHERE {claim} AND c.place = 1 AND c.source = 'manual'), h.{column})
      END AS {column}"""


# Of equally sure links the earliest decision counts. What follows from texts has no order of its own: there the
# smallest number does, which within a repository is the oldest.
_NUMBER = sa.text(f"""
WITH withdrawn AS (
  SELECT * FROM json_to_recordset(:withdrawn) AS r(task_id uuid, kind text, number int)
), held AS MATERIALIZED (
  SELECT t.id, t.github_issue_number, t.github_pr_number FROM tasks t
  WHERE t.id = ANY(CAST(:tasks AS uuid[])) ORDER BY t.id FOR NO KEY UPDATE
), claims AS MATERIALIZED (
  SELECT l.task_id, l.kind, l.number, l.source,
         row_number() OVER (PARTITION BY l.task_id, l.kind ORDER BY l.confidence DESC,
           CASE WHEN l.source IN {FACTS} THEN l.created_at END, l.number) AS place
  FROM task_github_links l
  WHERE l.task_id = ANY(CAST(:tasks AS uuid[])) AND l.confidence >= {CLAIM}
), due AS (
  SELECT h.id, {_primary("issue", "github_issue_number")}, {_primary("pull_request", "github_pr_number")} FROM held h
)
UPDATE tasks t
SET github_issue_number = d.github_issue_number, github_pr_number = d.github_pr_number, updated_at = CURRENT_TIMESTAMP
FROM due d
WHERE t.id = d.id
  AND (t.github_issue_number, t.github_pr_number) IS DISTINCT FROM (d.github_issue_number, d.github_pr_number)
""")

# A number that no other link claims was written by another program; a newer one replaces the older one's link.
_ADOPT = sa.text(f"""
WITH numbers AS MATERIALIZED (
  SELECT t.id AS task_id, t.project_id, n.kind, n.number
  FROM tasks t CROSS JOIN LATERAL (
    VALUES ('issue', t.github_issue_number), ('pull_request', t.github_pr_number)) AS n(kind, number)
  WHERE t.id = ANY(CAST(:tasks AS uuid[])) AND n.number IS NOT NULL
), strayed AS MATERIALIZED (
  -- A number is one of the project's repository, unless the issue was transferred to where the link is.
  SELECT l.id FROM tasks t
  JOIN task_github_links l ON l.task_id = t.id AND l.source = 'external'
  JOIN github_repositories r ON r.id = l.repository_id AND r.project_id <> t.project_id
  WHERE t.id = ANY(CAST(:tasks AS uuid[])) AND NOT (l.kind = 'issue' AND EXISTS (
    SELECT FROM github_issues i
    WHERE i.transferred_to IS NOT NULL AND i.transferred_to ->> 'repository_github_id' = r.github_id
      AND (i.transferred_to ->> 'number')::int = l.number))
), made AS (
  INSERT INTO task_github_links (task_id, repository_id, kind, number, source, confidence, evidence)
  SELECT n.task_id, home.id, n.kind, n.number, 'external', {CONFIDENCE["external"]}, 'written into tasks'
  FROM numbers n CROSS JOIN LATERAL (
    SELECT min(r.id::text)::uuid AS id FROM github_repositories r
    WHERE r.project_id = n.project_id AND r.removed_at IS NULL AND r.deleted_at IS NULL
    HAVING count(*) = 1) home
  WHERE n.number > 0 AND NOT EXISTS (
    SELECT FROM task_github_links l
    WHERE l.task_id = n.task_id AND l.kind = n.kind AND l.number = n.number AND l.confidence >= {CLAIM}
      AND l.id NOT IN (SELECT id FROM strayed))
  ON CONFLICT DO NOTHING
  RETURNING task_id, repository_id, kind, number
), replaced AS (
  SELECT l.id FROM numbers n
  JOIN task_github_links l ON l.task_id = n.task_id AND l.kind = n.kind AND l.number <> n.number
  WHERE l.source IN ('external', 'label') AND NOT EXISTS (
    SELECT FROM task_github_links m
    WHERE m.task_id = n.task_id AND m.kind = n.kind AND m.number = n.number AND m.source = 'manual')
), gone AS (
  DELETE FROM task_github_links WHERE id IN (SELECT id FROM strayed UNION SELECT id FROM replaced)
  RETURNING task_id, repository_id, kind, number
)
SELECT task_id::text, repository_id::text, kind, number FROM made
UNION ALL
SELECT task_id::text, repository_id::text, kind, number FROM gone
""")


async def write(conn: AsyncConnection, tasks: Sequence[str], withdrawn: Iterable[Link]) -> None:
    """Give these tasks the numbers of their surest links; those of ``withdrawn`` links are no other program's."""
    rows = parameter([link._asdict() for link in withdrawn])
    await fetch(conn, _NUMBER, {"tasks": tasks, "withdrawn": rows})


async def adopt(conn: AsyncConnection, tasks: Sequence[str]) -> list[Link]:
    """Link the numbers that other programs wrote into these tasks; answers the links that were made or are gone."""
    return [Link(*row) for row in await fetch(conn, _ADOPT, {"tasks": tasks})]
