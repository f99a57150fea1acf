"""`github_mentions`: what texts say of tasks and issues, as they say it, whether or not it is there yet."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.database import fetch
from ghsync.mirror.keys import RepositoryId
from ghsync.mirror.upsert import parameter
from ghsync.tasks import keywords
from ghsync.tasks.item import Item
from ghsync.tasks.keywords import Mention


@dataclass(frozen=True, slots=True)
class Text:
    """What an issue or a pull request says, and its page; only a pull request has a branch."""

    repository_id: RepositoryId
    kind: str
    number: int
    title: str | None
    body: str | None
    branch: str | None
    observed_at: datetime
    page: str | None = None


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

_CLOSING = sa.text("""
SELECT DISTINCT repository_id::text, kind, number FROM github_mentions
WHERE repository_id = ANY(CAST(:ids AS uuid[])) AND source = 'closing_keyword'
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
    await fetch(
        conn, _REMEMBER, {"texts": parameter(items), "mentions": parameter(said), "sources": list(keywords.SOURCES)}
    )


def _mentions(text: Text) -> list[Mention]:
    if text.kind == "pull_request":
        return keywords.mentions(text.title, text.body, text.branch, keywords.host(text.page))
    return keywords.trailers(text.body)


def _columns(mention: Mention) -> dict[str, Any]:
    return {
        "source": mention.source,
        "task": mention.task,
        "target_name": mention.target_name,
        "target_number": mention.target_number,
        "evidence": mention.evidence,
    }


async def items_closing(conn: AsyncConnection, repository_ids: Iterable[str]) -> list[Item]:
    """Items of these repositories that say closing keywords: due when another branch becomes the default."""
    ids = sorted(set(repository_ids))
    return [Item(*row) for row in await fetch(conn, _CLOSING, {"ids": ids})] if ids else []


async def items_naming(conn: AsyncConnection, full_names: Iterable[str]) -> list[Item]:
    """Items that say one of these names, or were transferred to its repository: due when a name gets a new owner."""
    names = sorted(set(full_names))
    return [Item(*row) for row in await fetch(conn, _NAMING, {"names": names})] if names else []
