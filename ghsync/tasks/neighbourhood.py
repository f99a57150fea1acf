"""The issues and pull requests whose links may have to change, and the lock under which they do."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync import locks
from ghsync.database import fetch
from ghsync.tasks.item import Item, as_json
from ghsync.tasks.meaning import LONGEST_CHAIN

_LOCK = f"pg_advisory_xact_lock({locks.LINKS})"


def _leads_anywhere(item: str, kind: str) -> str:
    """Whether an item has a link, or says something. Scalar subqueries are looked up, never read whole and hashed."""
    same = f"repository_id = {item}.repository_id AND kind = {kind} AND number = {item}.number LIMIT 1"
    return f"""coalesce(
    (SELECT true FROM task_github_links WHERE {same}), (SELECT true FROM github_mentions WHERE {same}), false)"""


# The issues and pull requests whose links may have to change. An issue without a link, a task's name or a transfer
# leads nowhere, however many pull requests mention it.
_AROUND = f"""
WITH RECURSIVE given AS (
  SELECT * FROM json_to_recordset(:items) AS r(repository_id uuid, kind text, number int)
  UNION
  SELECT l.repository_id, l.kind, l.number FROM task_github_links l WHERE l.task_id = ANY(CAST(:tasks AS uuid[]))
  UNION
  SELECT m.repository_id, m.kind, m.number FROM unnest(CAST(:tasks AS text[])) AS named(task)
  JOIN github_mentions m ON left(m.task, 8) = left(named.task, 8) AND m.task IN (named.task, left(named.task, 8))
), chain (repository_id, number, hops) AS (
  SELECT g.repository_id, g.number, 0 FROM given g WHERE g.kind = 'issue'
  UNION
  SELECT next.repository_id, next.number, c.hops + 1 FROM chain c CROSS JOIN LATERAL (
    SELECT r.id AS repository_id, (i.transferred_to ->> 'number')::int AS number
    FROM github_issues i JOIN github_repositories r ON r.github_id = i.transferred_to ->> 'repository_github_id'
    WHERE i.repository_id = c.repository_id AND i.number = c.number
    UNION ALL
    SELECT i.repository_id, i.number
    FROM github_repositories r JOIN github_issues i ON i.transferred_to ->> 'repository_github_id' = r.github_id
    WHERE r.id = c.repository_id AND i.transferred_to IS NOT NULL AND (i.transferred_to ->> 'number')::int = c.number
      AND (c.hops > 0 OR {_leads_anywhere("c", "'issue'")})
  ) next
  WHERE c.hops < {LONGEST_CHAIN}
), issues AS (
  SELECT DISTINCT c.repository_id, c.number FROM chain c
  WHERE c.hops > 0 OR {_leads_anywhere("c", "'issue'")}
), pull_requests AS (
  SELECT g.repository_id, g.number FROM given g
  WHERE g.kind = 'pull_request' AND {_leads_anywhere("g", "'pull_request'")}
  UNION
  SELECT mention.* FROM issues i CROSS JOIN LATERAL (
    SELECT m.repository_id, m.number FROM github_mentions m
    WHERE m.target_number = i.number AND m.target_name IS NULL AND m.repository_id = i.repository_id
      AND m.kind = 'pull_request'
    UNION ALL
    SELECT m.repository_id, m.number FROM github_repository_aliases a
    JOIN github_mentions m ON m.target_number = i.number AND lower(m.target_name) = lower(a.full_name)
    WHERE a.repository_id = i.repository_id AND m.kind = 'pull_request'
    OFFSET 0
  ) mention
), around AS (
  SELECT repository_id, 'issue' AS kind, number FROM issues
  UNION ALL
  SELECT repository_id, 'pull_request', number FROM pull_requests
)"""
_FIND = sa.text(f"{_AROUND} SELECT repository_id::text, kind, number FROM around")
# Whoever derives has written its facts before, and sees what others wrote once it has the lock: of two transactions
# that each hold half of a reason for a link, the second one finds the other half.
_LOCK_IF_ANY = sa.text(f"{_AROUND} SELECT {_LOCK} FROM (SELECT FROM around LIMIT 1) any_at_all")


async def find(conn: AsyncConnection, items: Iterable[Item], tasks: Sequence[str]) -> list[Item]:
    """Lock the derivation of links until commit if there is anything to derive, and answer around what."""
    around = {"items": as_json(items), "tasks": tasks}
    if not await fetch(conn, _LOCK_IF_ANY, around):
        return []
    return [Item(*row) for row in await fetch(conn, _FIND, around)]


_LOCK_IT = sa.text(f"SELECT {_LOCK}")

_LOCK_TASKS = sa.text("""
SELECT FROM tasks WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY UPDATE
""")


async def lock(conn: AsyncConnection, task_ids: Iterable[str]) -> None:
    """Lock the derivation of links, then these tasks, until commit: the order in which `links.derive` does."""
    await fetch(conn, _LOCK_IT)
    await fetch(conn, _LOCK_TASKS, {"ids": list(task_ids)})
