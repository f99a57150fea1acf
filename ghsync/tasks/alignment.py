"""The links that follow from facts: what they should be, and the statements that make them so."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.database import fetch
from ghsync.tasks.claims import CLAIM, CONFIDENCE, FACTS
from ghsync.tasks.item import Item, Link, as_json
from ghsync.tasks.meaning import NAMED, TASK, successor


def _sureness(source: str) -> str:
    when = " ".join(f"WHEN '{name}' THEN {confidence}" for name, confidence in CONFIDENCE.items())
    return f"CASE {source} {when} END"


# LATERAL: as what a mention m counts. GitHub heeds closing keywords on the way into the default branch only:
# what was merged went into that of its time, whatever it is called and whichever it is by now.
# https://docs.github.com/en/issues/tracking-your-work-with-issues/using-issues/linking-a-pull-request-to-an-issue
_COUNTED = """(
    SELECT CASE WHEN m.source = 'closing_keyword' AND NOT m.closes THEN 'cross_reference' ELSE m.source END AS source
  )"""


def _same_link(one: str, other: str) -> str:
    columns = ("task_id", "repository_id", "number", "source")
    return " AND ".join(f"{one}.{name} = {other}.{name}" for name in columns)


def _align(kind: str, places: str, more: str = "") -> sa.TextClause:
    """The statement that makes links what they should be; it answers which were made and which are gone.

    ``places`` are the items, and where they are by now; ``more`` selects links that follow beside those to tasks that
    texts name. What the items say is looked up first, one by one: a plan that was made while little was said would
    work out for all mentions what they mean, each time.
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
), said AS MATERIALIZED (
  SELECT m.*, p.at_repository_id, p.at_number, p.closes
  FROM places p CROSS JOIN LATERAL (
    SELECT * FROM github_mentions m
    WHERE m.repository_id = p.repository_id AND m.kind = '{kind}' AND m.number = p.number OFFSET 0) m
), wanted AS MATERIALIZED (
  SELECT DISTINCT ON (w.task_id, w.repository_id, w.number, w.source) w.*
  FROM (
    SELECT task_id, at_repository_id AS repository_id, at_number AS number, source, confidence, evidence, created_at
    FROM stored WHERE source IN {FACTS}
    UNION ALL
    SELECT task.id, m.at_repository_id, m.at_number, m.source, {_sureness("m.source")}, m.evidence, now()
    FROM said m CROSS JOIN LATERAL {TASK} task
    WHERE m.task IS NOT NULL AND task.id IS NOT NULL
    {more}
  ) w
  ORDER BY w.task_id, w.repository_id, w.number, w.source, w.created_at, w.evidence COLLATE "C"
), gone AS (
  DELETE FROM task_github_links l USING stored s
  WHERE l.id = s.id AND NOT EXISTS (SELECT FROM wanted w WHERE {_same_link("w", "s")})
  RETURNING l.task_id, l.repository_id, l.number, l.confidence
), reworded AS (
  UPDATE task_github_links l SET evidence = w.evidence
  FROM stored s JOIN wanted w ON {_same_link("w", "s")}
  WHERE l.id = s.id AND l.source NOT IN {FACTS} AND l.evidence IS DISTINCT FROM w.evidence
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
        f"""SELECT asked.*, successor.repository_id AS at_repository_id, successor.number AS at_number, true AS closes
  FROM asked CROSS JOIN LATERAL {successor("asked.repository_id", "asked.number")} successor""",
    ),
    "pull_request": _align(
        "pull_request",
        """SELECT asked.*, asked.repository_id AS at_repository_id, asked.number AS at_number,
         CASE WHEN pull.merged AND pull.base_ref IS NOT NULL THEN pull.merged_into_default
              ELSE coalesce(pull.base_ref = r.default_branch, true) END AS closes
  FROM asked
  LEFT JOIN github_repositories r ON r.id = asked.repository_id
  LEFT JOIN github_pull_requests pull ON pull.repository_id = asked.repository_id AND pull.number = asked.number""",
        f"""UNION ALL
    SELECT l.task_id, m.repository_id, m.number, counted.source, {_sureness("counted.source")}, m.evidence, now()
    FROM said m
    CROSS JOIN LATERAL {_COUNTED} counted
    CROSS JOIN LATERAL {NAMED} named
    CROSS JOIN LATERAL {successor("named.repository_id", "m.target_number")} issue
    JOIN task_github_links l ON l.repository_id = issue.repository_id AND l.kind = 'issue' AND l.number = issue.number
    WHERE m.target_number IS NOT NULL AND (l.source IN {FACTS} OR l.source = 'task_trailer')""",
    ),
}


async def align(conn: AsyncConnection, kind: str, items: Sequence[Item]) -> list[tuple[Link, bool]]:
    """Make the links of these items of one kind what they should be.

    Answers where links were made or are gone, and whether a claim was withdrawn there.
    """
    result = await fetch(conn, _ALIGN[kind], {"items": as_json(items)})
    return [(Link(row.task_id, row.repository_id, row.kind, row.number), row.withdrawn) for row in result]
