"""Links between tasks and GitHub: facts that people and programs decided, and what follows from texts.

Manual and external links are facts. All others follow from facts: from what texts say (`github_mentions`), from the
links of issues, from names (`github_repository_aliases`) and from transfers. `derive` brings the links around some
items in line with the facts as they are now, so facts may arrive in any order, any number of times (I5).

An issue that was transferred stands here for its last known successor: what the old one has is the new one's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.errors import NotFound, Permanent
from ghsync.mirror.upsert import parameter
from ghsync.tasks import keywords
from ghsync.tasks.keywords import Mention

# How surely a link of each source is right.
CONFIDENCE = {
    "manual": 1.00,
    "external": 0.99,
    "task_trailer": 0.95,
    "branch": 0.90,
    "closing_reference": 0.90,
    "closing_keyword": 0.85,
    "cross_reference": 0.40,
}
# A less sure link is kept and suggested, but claims neither a task's number nor a pull request's task: to write
# "see #5" is not to work on it.
CLAIM = 0.50
LONGEST_CHAIN = 8  # transfers of one issue that are followed

_FACTS = "('manual', 'external')"
_LOCK = 0x676C_6E6B  # "glnk"; advisory locks are a database's own


class Item(NamedTuple):
    """An issue or a pull request; ``kind`` says which."""

    repository_id: str
    kind: str
    number: int


class PullRequest(NamedTuple):
    """A pull request whose links changed, so that its tracking is due."""

    repository_id: str
    number: int


@dataclass(frozen=True, slots=True)
class Text:
    """What an issue or a pull request says; only a pull request has a branch."""

    repository_id: str
    kind: str
    number: int
    title: str | None
    body: str | None
    branch: str | None
    observed_at: datetime


class _Link(NamedTuple):
    """Where a link was made or withdrawn."""

    task_id: str
    repository_id: str
    kind: str
    number: int


_SAME_ITEM = "m.repository_id = s.repository_id AND m.kind = s.kind AND m.number = s.number"
_SAME_MENTION = f"""{_SAME_ITEM} AND m.source = s.source
  AND (m.task, lower(m.target_name), m.target_number) IS NOT DISTINCT FROM (s.task, lower(s.target_name), s.target_number)"""
# A mention that stays keeps its time, for that says whose name target_name was when it was written.
_REMEMBER = sa.text(f"""
WITH texts AS (
  SELECT * FROM json_to_recordset(:texts) AS r(repository_id uuid, kind text, number int)
), said AS MATERIALIZED (
  SELECT * FROM json_to_recordset(:mentions) AS r(
    repository_id uuid, kind text, number int, source text, task text, target_name text, target_number int,
    evidence text, observed_at timestamptz)
), stored AS MATERIALIZED (
  SELECT m.* FROM texts s JOIN github_mentions m ON {_SAME_ITEM}
  WHERE m.source = ANY(CAST(:sources AS text[]))
), gone AS (
  DELETE FROM github_mentions USING stored m
  WHERE github_mentions.id = m.id AND NOT EXISTS (SELECT FROM said s WHERE {_SAME_MENTION})
), reworded AS (
  UPDATE github_mentions SET evidence = s.evidence, target_name = s.target_name
  FROM stored m JOIN said s ON {_SAME_MENTION}
  WHERE github_mentions.id = m.id AND m.evidence IS DISTINCT FROM s.evidence
)
INSERT INTO github_mentions
  (repository_id, kind, number, source, task, target_name, target_number, evidence, observed_at)
SELECT s.* FROM said s WHERE NOT EXISTS (SELECT FROM stored m WHERE {_SAME_MENTION})
""")

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
  ) next
  WHERE c.hops < {LONGEST_CHAIN}
), issues AS (
  SELECT DISTINCT c.repository_id, c.number FROM chain c
  WHERE c.hops > 0
     OR EXISTS (SELECT FROM task_github_links l
                WHERE l.repository_id = c.repository_id AND l.kind = 'issue' AND l.number = c.number)
     OR EXISTS (SELECT FROM github_mentions m
                WHERE m.repository_id = c.repository_id AND m.kind = 'issue' AND m.number = c.number)
), pull_requests AS (
  SELECT g.repository_id, g.number FROM given g
  WHERE g.kind = 'pull_request' AND (
    EXISTS (SELECT FROM github_mentions m
            WHERE m.repository_id = g.repository_id AND m.kind = g.kind AND m.number = g.number)
    OR EXISTS (SELECT FROM task_github_links l
               WHERE l.repository_id = g.repository_id AND l.kind = g.kind AND l.number = g.number))
  UNION
  SELECT m.repository_id, m.number
  FROM issues i JOIN github_mentions m ON m.target_number = i.number AND m.repository_id = i.repository_id
  WHERE m.target_name IS NULL AND m.kind = 'pull_request'
  UNION
  SELECT m.repository_id, m.number
  FROM issues i
  JOIN github_repository_aliases a ON a.repository_id = i.repository_id
  JOIN github_mentions m ON m.target_number = i.number AND lower(m.target_name) = lower(a.full_name)
  WHERE m.kind = 'pull_request'
), around AS (
  SELECT repository_id, 'issue' AS kind, number FROM issues
  UNION ALL
  SELECT repository_id, 'pull_request', number FROM pull_requests
)"""
_FIND = sa.text(f"{_AROUND} SELECT repository_id::text, kind, number FROM around")
# Whoever derives has written its facts before, and sees what others wrote once it has the lock: of two transactions
# that each hold half of a reason for a link, the second one finds the other half.
_LOCK_IF_ANY = sa.text(f"{_AROUND} SELECT pg_advisory_xact_lock({_LOCK}) FROM (SELECT FROM around LIMIT 1) any_at_all")


def _successor(issue: str) -> str:
    """The issue that one was transferred to, as LATERAL; no row while it is unknown or where transfers go in circles."""
    step = """SELECT r.id AS repository_id, (i.transferred_to ->> 'number')::int AS number, {hops} AS hops
    FROM {source} JOIN github_issues i ON i.repository_id = {row}.repository_id AND i.number = {row}.number
    JOIN github_repositories r ON r.github_id = i.transferred_to ->> 'repository_github_id'"""
    return f"""(
  WITH RECURSIVE moved AS (
    {step.format(hops="1", source="(SELECT) here", row=issue).replace("JOIN github_issues i ON", "JOIN github_issues i ON", 1)}
    UNION ALL
    {step.format(hops="m.hops + 1", source="moved m", row="m")} WHERE m.hops <= {LONGEST_CHAIN}
  )
  SELECT moved.repository_id, moved.number FROM moved
  WHERE (SELECT max(hops) FROM moved) <= {LONGEST_CHAIN} ORDER BY hops DESC LIMIT 1)"""
