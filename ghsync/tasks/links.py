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
  AND (m.task, lower(m.target_name), m.target_number)
      IS NOT DISTINCT FROM (s.task, lower(s.target_name), s.target_number)"""
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
_LOCK_IF_ANY = sa.text(f"{_AROUND} SELECT pg_advisory_xact_lock({_LOCK}) FROM (SELECT FROM around LIMIT 1) any_at_all")


def _successor(repository_id: str, number: str) -> str:
    """LATERAL: where an issue is by now. One whose transfers go round in circles stays where it is."""
    return f"""(
    WITH RECURSIVE moved (repository_id, number, hops) AS (
      SELECT {repository_id}, {number}, 0
      UNION ALL
      SELECT r.id, (i.transferred_to ->> 'number')::int, moved.hops + 1
      FROM moved
      JOIN github_issues i ON i.repository_id = moved.repository_id AND i.number = moved.number
      JOIN github_repositories r ON r.github_id = i.transferred_to ->> 'repository_github_id'
      WHERE moved.hops <= {LONGEST_CHAIN}
    )
    SELECT moved.repository_id, moved.number FROM moved
    ORDER BY CASE WHEN max(hops) OVER () > {LONGEST_CHAIN} THEN -hops ELSE hops END DESC LIMIT 1
  )"""


# LATERAL: the repository that mention m names. A name is read as of the mention, since names change hands.
_NAMED = """(
    SELECT CASE WHEN m.target_name IS NULL THEN m.repository_id ELSE (
      SELECT a.repository_id FROM github_repository_aliases a WHERE lower(a.full_name) = lower(m.target_name)
      ORDER BY a.first_observed_at > m.observed_at,
               CASE WHEN a.first_observed_at <= m.observed_at THEN a.first_observed_at END DESC, a.first_observed_at
      LIMIT 1) END AS repository_id
  )"""

# LATERAL: the task that mention m names, null where a prefix fits several and not just one of the project.
_TASK = """(
    SELECT count(*) AS candidates,
           (CASE WHEN count(*) = 1 THEN min(t.id::text)
                 WHEN count(*) FILTER (WHERE t.project_id = r.project_id) = 1
                 THEN min(t.id::text) FILTER (WHERE t.project_id = r.project_id) END)::uuid AS id
    FROM github_repositories r JOIN tasks t
      ON t.id BETWEEN (m.task || substr('00000000-0000-0000-0000-000000000000', length(m.task) + 1))::uuid
                  AND (m.task || substr('ffffffff-ffff-ffff-ffff-ffffffffffff', length(m.task) + 1))::uuid
    WHERE r.id = m.repository_id
  )"""

_WHEN = " ".join(f"WHEN '{source}' THEN {confidence}" for source, confidence in CONFIDENCE.items())
_CONFIDENCE = f"CASE m.source {_WHEN} END"


def _same_link(one: str, other: str) -> str:
    columns = ("task_id", "repository_id", "number", "source")
    return " AND ".join(f"{one}.{name} = {other}.{name}" for name in columns)


def _align(kind: str, places: str, derived: str) -> sa.TextClause:
    """The statement that makes links what they should be; it answers which were made and which are gone.

    ``places`` are the items, and where they are by now; ``derived`` selects the links that follow from facts.
    """
    return sa.text(f"""
WITH asked AS (
  SELECT * FROM json_to_recordset(:items) AS r(repository_id uuid, number int)
), places AS MATERIALIZED (
  {places}
), stored AS MATERIALIZED (
  SELECT l.*, p.at_repository_id, p.at_number
  FROM places p
  JOIN task_github_links l ON l.repository_id = p.repository_id AND l.kind = '{kind}' AND l.number = p.number
), wanted AS MATERIALIZED (
  SELECT DISTINCT ON (w.task_id, w.repository_id, w.number, w.source) w.*
  FROM (
    SELECT task_id, at_repository_id AS repository_id, at_number AS number, source, confidence, evidence, created_at
    FROM stored WHERE source IN {_FACTS}
    UNION ALL
    {derived}
  ) w
  ORDER BY w.task_id, w.repository_id, w.number, w.source, w.created_at, w.evidence COLLATE "C"
), gone AS (
  DELETE FROM task_github_links l USING stored s
  WHERE l.id = s.id AND NOT EXISTS (SELECT FROM wanted w WHERE {_same_link("w", "s")})
  RETURNING l.task_id, l.repository_id, l.number, l.confidence
), reworded AS (
  UPDATE task_github_links l SET evidence = w.evidence
  FROM stored s JOIN wanted w ON {_same_link("w", "s")}
  WHERE l.id = s.id AND l.source NOT IN {_FACTS} AND l.evidence IS DISTINCT FROM w.evidence
), made AS (
  INSERT INTO task_github_links (task_id, repository_id, kind, number, source, confidence, evidence, created_at)
  SELECT w.task_id, w.repository_id, '{kind}', w.number, w.source, w.confidence, w.evidence, w.created_at
  FROM wanted w WHERE NOT EXISTS (SELECT FROM stored s WHERE {_same_link("w", "s")})
  ON CONFLICT DO NOTHING
  RETURNING task_id, repository_id, number
)
SELECT task_id::text, repository_id::text, '{kind}' AS kind, number, confidence >= {CLAIM} AS withdrawn FROM gone
UNION ALL
SELECT task_id::text, repository_id::text, '{kind}', number, false FROM made
""")


_ALIGN = {
    "issue": _align(
        "issue",
        f"""SELECT asked.*, successor.repository_id AS at_repository_id, successor.number AS at_number
  FROM asked CROSS JOIN LATERAL {_successor("asked.repository_id", "asked.number")} successor""",
        f"""SELECT task.id, p.at_repository_id, p.at_number, m.source, {_CONFIDENCE}, m.evidence, now()
    FROM places p
    JOIN github_mentions m ON m.repository_id = p.repository_id AND m.kind = 'issue' AND m.number = p.number
    CROSS JOIN LATERAL {_TASK} task
    WHERE m.task IS NOT NULL AND task.id IS NOT NULL""",
    ),
    "pull_request": _align(
        "pull_request",
        "SELECT asked.*, asked.repository_id AS at_repository_id, asked.number AS at_number FROM asked",
        f"""SELECT task.id, p.repository_id, p.number, m.source, {_CONFIDENCE}, m.evidence, now()
    FROM places p
    JOIN github_mentions m ON m.repository_id = p.repository_id AND m.kind = 'pull_request' AND m.number = p.number
    CROSS JOIN LATERAL {_TASK} task
    WHERE m.task IS NOT NULL AND task.id IS NOT NULL
    UNION ALL
    SELECT l.task_id, p.repository_id, p.number, m.source, {_CONFIDENCE}, m.evidence, now()
    FROM places p
    JOIN github_mentions m ON m.repository_id = p.repository_id AND m.kind = 'pull_request' AND m.number = p.number
    CROSS JOIN LATERAL {_NAMED} named
    CROSS JOIN LATERAL {_successor("named.repository_id", "m.target_number")} issue
    JOIN task_github_links l ON l.repository_id = issue.repository_id AND l.kind = 'issue' AND l.number = issue.number
    WHERE m.target_number IS NOT NULL AND l.source IN ('manual', 'external', 'task_trailer')""",
    ),
}


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
           CASE WHEN l.source IN {_FACTS} THEN l.created_at END, l.number) AS place
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

# Items whose mentions or transfers lead to repositories of these names.
_NAMING = sa.text("""
WITH names AS (
  SELECT DISTINCT lower(name) AS name FROM unnest(CAST(:names AS text[])) AS named(name)
)
SELECT m.repository_id::text, m.kind, m.number FROM names JOIN github_mentions m ON lower(m.target_name) = names.name
UNION
SELECT i.repository_id::text, 'issue', i.number
FROM names
JOIN github_repository_aliases a ON lower(a.full_name) = names.name
JOIN github_repositories r ON r.id = a.repository_id
JOIN github_issues i ON i.transferred_to ->> 'repository_github_id' = r.github_id
WHERE i.transferred_to IS NOT NULL
""")

# A number that no other link claims was written by another program; a newer one replaces the older one's link.
_ADOPT = sa.text(f"""
WITH numbers AS MATERIALIZED (
  SELECT t.id AS task_id, t.project_id, n.kind, n.number
  FROM tasks t CROSS JOIN LATERAL (
    VALUES ('issue', t.github_issue_number), ('pull_request', t.github_pr_number)) AS n(kind, number)
  WHERE t.id = ANY(CAST(:tasks AS uuid[])) AND n.number IS NOT NULL
), made AS (
  INSERT INTO task_github_links (task_id, repository_id, kind, number, source, confidence, evidence)
  SELECT n.task_id, home.id, n.kind, n.number, 'external', {CONFIDENCE["external"]}, 'written into tasks'
  FROM numbers n CROSS JOIN LATERAL (
    SELECT min(r.id::text)::uuid AS id FROM github_repositories r
    WHERE r.project_id = n.project_id AND r.removed_at IS NULL AND r.deleted_at IS NULL
    HAVING count(*) = 1) home
  WHERE n.number > 0 AND NOT EXISTS (
    SELECT FROM task_github_links l
    WHERE l.task_id = n.task_id AND l.kind = n.kind AND l.number = n.number AND l.confidence >= {CLAIM})
  ON CONFLICT DO NOTHING
  RETURNING task_id, repository_id, kind, number
), gone AS (
  DELETE FROM task_github_links l USING numbers n
  WHERE l.task_id = n.task_id AND l.kind = n.kind AND l.number <> n.number AND l.source = 'external'
    AND NOT EXISTS (SELECT FROM task_github_links m WHERE m.task_id = n.task_id AND m.kind = n.kind
                    AND m.number = n.number AND m.source = 'manual')
  RETURNING l.task_id, l.repository_id, l.kind, l.number
)
SELECT task_id::text, repository_id::text, kind, number FROM made
UNION ALL
SELECT task_id::text, repository_id::text, kind, number FROM gone
""")

_MAKE = sa.text(f"""
INSERT INTO task_github_links (task_id, repository_id, kind, number, source, confidence, evidence)
SELECT t.id, r.id, :kind, :number, 'manual', {CONFIDENCE["manual"]}, :evidence
FROM tasks t CROSS JOIN github_repositories r WHERE t.id = :task_id AND r.id = :repository_id
ON CONFLICT (task_id, repository_id, kind, number, source) DO UPDATE SET evidence = excluded.evidence
RETURNING task_id
""")

_UNMAKE = sa.text(f"""
WITH stored AS MATERIALIZED (
  SELECT l.id, l.source FROM task_github_links l
  WHERE l.task_id = :task_id AND l.repository_id = :repository_id AND l.kind = :kind AND l.number = :number
), gone AS (
  DELETE FROM task_github_links l USING stored s WHERE l.id = s.id AND s.source IN {_FACTS}
)
SELECT source FROM stored ORDER BY source
""")

# For pull request p, as LATERAL: the task that claims it most surely, with its workflow and its newest session.
# Two tasks that are equally sure are a conflict, which nothing is claimed by.
BEST_TASK = f"""
    SELECT t.id AS task_id, execution.workflow_id, session.id AS session_id
    FROM (
      SELECT min(claim.task_id::text)::uuid AS task_id
      FROM (
        SELECT l.task_id FROM task_github_links l
        WHERE l.repository_id = p.repository_id AND l.kind = 'pull_request' AND l.number = p.number
          AND l.confidence >= {CLAIM}
        ORDER BY l.confidence DESC FETCH FIRST 1 ROW WITH TIES
      ) claim
      HAVING count(DISTINCT claim.task_id) = 1
    ) best
    JOIN tasks t ON t.id = best.task_id
    LEFT JOIN workflow_executions execution ON execution.id = t.workflow_execution_id
    LEFT JOIN LATERAL (
      SELECT s.id FROM agent_sessions s WHERE s.task_id = t.id
      ORDER BY s.started_at DESC NULLS LAST, s.session_id LIMIT 1
    ) session ON true"""


_WORDS = {"issue": "issue", "pull_request": "pull request"}
_SAYING = {
    "task_trailer": "Task-ID line",
    "branch": "branch name",
    "closing_reference": "closing reference",
    "closing_keyword": "closing keyword",
    "cross_reference": "cross reference",
}

_CONFLICTS = sa.text(f"""
SELECT r.tracked_name || '#' || l.number AS item, array_agg(DISTINCT l.task_id::text) AS tasks
FROM task_github_links l JOIN github_repositories r ON r.id = l.repository_id
WHERE l.kind = 'pull_request' AND l.confidence >= {CLAIM}
GROUP BY r.id, l.number
HAVING count(DISTINCT l.task_id) > 1 AND count(DISTINCT l.task_id) FILTER (WHERE l.source = 'manual') <> 1
ORDER BY 1
""")

# One repository would settle it by itself, as soon as the task is adopted.
_UNRESOLVED = sa.text(f"""
SELECT t.id::text AS task, n.kind, n.number, p.slug AS project, candidates.count AS repositories
FROM tasks t
JOIN projects p ON p.id = t.project_id
CROSS JOIN LATERAL (
  VALUES ('issue', t.github_issue_number), ('pull_request', t.github_pr_number)) AS n(kind, number)
CROSS JOIN LATERAL (
  SELECT count(*) FROM github_repositories r
  WHERE r.project_id = p.id AND r.removed_at IS NULL AND r.deleted_at IS NULL) candidates
WHERE n.number IS NOT NULL AND candidates.count <> 1 AND NOT EXISTS (
  SELECT FROM task_github_links l
  WHERE l.task_id = t.id AND l.kind = n.kind AND l.number = n.number AND l.confidence >= {CLAIM})
ORDER BY t.id, n.kind
""")

_WEAK = sa.text(f"""
SELECT l.task_id::text AS task, r.tracked_name || '#' || l.number AS item, l.evidence
FROM task_github_links l JOIN github_repositories r ON r.id = l.repository_id
WHERE l.source = 'cross_reference' AND NOT EXISTS (
  SELECT FROM task_github_links claim
  WHERE claim.repository_id = l.repository_id AND claim.kind = l.kind AND claim.number = l.number
    AND claim.confidence >= {CLAIM})
ORDER BY 2, 1
""")

_AMBIGUOUS = sa.text(f"""
SELECT r.tracked_name || '#' || m.number AS item, m.evidence AS branch, array(
         SELECT t.id::text FROM tasks t WHERE left(t.id::text, 8) = m.task ORDER BY t.id) AS tasks
FROM github_mentions m
JOIN github_repositories r ON r.id = m.repository_id
CROSS JOIN LATERAL {_TASK} task
WHERE m.source = 'branch' AND length(m.task) = 8 AND task.id IS NULL AND task.candidates > 1
ORDER BY 1
""")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Something that a person should decide; ``advice`` is one sentence that says how."""

    kind: str
    tasks: tuple[str, ...]
    item: str
    advice: str


async def remember(conn: AsyncConnection, texts: Iterable[Text]) -> None:
    """Bring `github_mentions` in line with what these items say now; of several texts of one item the last counts."""
    latest = {(text.repository_id, text.kind, text.number): text for text in texts}
    if not latest:
        return
    items = [Item(*key)._asdict() for key in latest]
    said = [
        {**item, **_columns(mention), "observed_at": text.observed_at}
        for item, text in zip(items, latest.values(), strict=True)
        for mention in _mentions(text)
    ]
    await conn.execute(
        _REMEMBER, {"texts": parameter(items), "mentions": parameter(said), "sources": list(keywords.SOURCES)}
    )


def _mentions(text: Text) -> list[Mention]:
    if text.kind == "pull_request":
        return keywords.mentions(text.title, text.body, text.branch)
    return keywords.trailers(text.body)


def _columns(mention: Mention) -> dict[str, Any]:
    return {
        "source": mention.source,
        "task": mention.task,
        "target_name": mention.target_name,
        "target_number": mention.target_number,
        "evidence": mention.evidence,
    }


async def derive(conn: AsyncConnection, items: Iterable[Item], tasks: Iterable[str] = ()) -> list[PullRequest]:
    """Bring all links in line that these items and tasks have a part in; answers whose changed."""
    return await _settle(conn, items, tasks)


async def _settle(
    conn: AsyncConnection, items: Iterable[Item], tasks: Iterable[str], decided: Sequence[_Link] = ()
) -> list[PullRequest]:
    """As `derive`; ``decided`` are facts that were just made or withdrawn, known to nobody else by now."""
    named = sorted(set(tasks))
    around = {"items": _json({*items, *(_item(link) for link in decided)}), "tasks": named}
    found: list[Item] = []
    if (await conn.execute(_LOCK_IF_ANY, around)).first() is not None:
        found = [Item(*row) for row in await conn.execute(_FIND, around)]
    changed = list(decided)
    withdrawn = list(decided)
    for kind in ("issue", "pull_request"):  # those of pull requests follow from those of issues
        places = [item for item in found if item.kind == kind]
        if places:
            rows = (await conn.execute(_ALIGN[kind], {"items": _json(places)})).all()
            changed += [_Link(*row[:4]) for row in rows]
            withdrawn += [_Link(*row[:4]) for row in rows if row.withdrawn]
    touched = sorted({link.task_id for link in changed} | (set(named) if found else set()))
    if touched:
        await conn.execute(_NUMBER, {"tasks": touched, "withdrawn": parameter([link._asdict() for link in withdrawn])})
    return sorted({PullRequest(link.repository_id, link.number) for link in changed if link.kind == "pull_request"})


def _item(link: _Link) -> Item:
    return Item(link.repository_id, link.kind, link.number)


def _json(items: Iterable[Item]) -> str:
    return parameter([item._asdict() for item in sorted(items)])


async def items_naming(conn: AsyncConnection, full_names: Iterable[str]) -> list[Item]:
    """Items that say one of these names, or were transferred to its repository: due when a name gets a new owner."""
    names = sorted(set(full_names))
    return [Item(*row) for row in await conn.execute(_NAMING, {"names": names})] if names else []


async def lock(conn: AsyncConnection, task_ids: Iterable[str]) -> None:
    """Lock the derivation of links and then these tasks, until commit: the order in which `derive` locks them too."""
    await conn.execute(sa.text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    await conn.execute(
        sa.text("SELECT FROM tasks WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY UPDATE"),
        {"ids": list(task_ids)},
    )


async def pull_requests(conn: AsyncConnection, task_ids: Iterable[str]) -> list[PullRequest]:
    """The pull requests that these tasks are linked to."""
    result = await conn.execute(
        sa.text("""SELECT DISTINCT repository_id::text, number FROM task_github_links
                   WHERE kind = 'pull_request' AND task_id = ANY(CAST(:ids AS uuid[]))"""),
        {"ids": list(task_ids)},
    )
    return [PullRequest(row.repository_id, row.number) for row in result]


async def adopt(conn: AsyncConnection, task_ids: Iterable[str]) -> list[PullRequest]:
    """Link tasks that are new, or into which another program wrote a number; answers whose links changed.

    A number of a project with several repositories stays as it is, for `suggestions` to tell.
    """
    tasks = sorted(set(task_ids))
    decided = [_Link(*row) for row in await conn.execute(_ADOPT, {"tasks": tasks})]
    return await _settle(conn, (), tasks, decided)


async def link(
    conn: AsyncConnection, task_id: str, repository_id: str, kind: str, number: int, *, evidence: str
) -> list[PullRequest]:
    """Link a task by hand; ``evidence`` says who did. Answers the pull requests whose links changed."""
    made = _Link(task_id, repository_id, kind, number)
    if (await conn.execute(_MAKE, {**made._asdict(), "evidence": evidence})).first() is None:
        raise NotFound(f"There is no task {task_id} or no repository {repository_id}.")
    return await _settle(conn, (), [task_id], [made])


async def unlink(conn: AsyncConnection, task_id: str, repository_id: str, kind: str, number: int) -> list[PullRequest]:
    """Take back a link that a person or another program made; answers the pull requests whose links changed.

    Raises `NotFound` where there is none, and `Permanent` where it follows from a text and would come back.
    """
    gone = _Link(task_id, repository_id, kind, number)
    sources = [row.source for row in await conn.execute(_UNMAKE, gone._asdict())]
    if not sources:
        raise NotFound(f"Task {task_id} has no link to that {_WORDS[kind]}.")
    if not {"manual", "external"} & set(sources):
        raise Permanent(
            f"Task {task_id} is linked to that {_WORDS[kind]} by its {_SAYING[sources[0]]} and would be linked again: "
            "change what it says on GitHub instead."
        )
    return await _settle(conn, (), [task_id], [gone])


async def suggestions(conn: AsyncConnection) -> list[Suggestion]:
    """What cannot be decided without a person: conflicts first, then what is open, then what is only likely."""
    found = [
        Suggestion(
            "conflict", tuple(row.tasks), row.item,
            f"{len(row.tasks)} tasks claim {row.item}: link the right one with `ghsync tasks link TASK {row.item}`, "
            "or change what the pull request says.",
        )
        for row in await conn.execute(_CONFLICTS)
    ]  # fmt: skip
    found += [_unresolved(row) for row in await conn.execute(_UNRESOLVED)]
    found += [
        Suggestion(
            "ambiguous_branch", tuple(row.tasks), row.item,
            f"Branch {row.branch} of {row.item} fits {len(row.tasks)} tasks: "
            f"link the right one with `ghsync tasks link TASK {row.item}`.",
        )
        for row in await conn.execute(_AMBIGUOUS)
    ]  # fmt: skip
    found += [
        Suggestion(
            "cross_reference", (row.task,), row.item,
            f'{row.item} mentions an issue of the task ("{row.evidence}"): '
            f"if it works on it, run `ghsync tasks link {row.task} {row.item}`.",
        )
        for row in await conn.execute(_WEAK)
    ]  # fmt: skip
    return found


def _unresolved(row: sa.Row[Any]) -> Suggestion:
    item = f"{row.project}#{row.number}"
    why = f"has {row.repositories} repositories" if row.repositories else "has no repository"
    return Suggestion(
        "unresolved_number", (row.task,), item,
        f"Project {row.project} {why}, so {_WORDS[row.kind]} {row.number} could be any: "
        f"name it with `ghsync tasks link {row.task} OWNER/REPO#{row.number}`.",
    )  # fmt: skip
