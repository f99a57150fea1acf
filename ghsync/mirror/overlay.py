"""What a repository has learned since a payload was made: labels, milestones and pushes that came later.

GitHub sends no issue event when a label or milestone is edited or deleted, and no pull request event when a base branch
moves. So a row shows its newest payload, overlaid with every such event observed after that payload. The same function
serves rows that arrive and rows that are stored, so the order of arrival does not matter (I5).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.database import fetch
from ghsync.mirror import branch, issue, label, milestone, pull_request
from ghsync.mirror.keys import PullRequestKey
from ghsync.mirror.noun import Group, Noun, Row
from ghsync.mirror.nouns import SHOWN
from ghsync.mirror.upsert import Change, amend

EMBEDDED = Group("embedded", ("labels", "milestone"))
# The version of a report stays: an older one about another base must not take its place.
VOID = Group("void", pull_request.MERGEABILITY.columns)
_NO_REPORT = dict.fromkeys(VOID.columns)


def _later(noun: Noun) -> str:
    columns = (f"'{name}', {_finite(noun.table.c[name])}" for name in noun.shown)
    return f"""
SELECT '{noun.word}' AS kind, repository_id::text, {noun.key[1]} AS key, observed_at, deleted_at,
       jsonb_build_object({", ".join(columns)}) AS shown
FROM {noun.name} WHERE repository_id = ANY(CAST(:repositories AS uuid[])) AND observed_at > :since"""


def _finite(column: sa.Column[Any]) -> str:
    """A column as JSON holds it, which has no time without end."""
    is_time = isinstance(column.type, sa.TIMESTAMP)
    return f"CASE WHEN isfinite({column.name}) THEN {column.name} END" if is_time else column.name


_LATER = sa.text("\nUNION ALL".join(_later(noun) for noun in SHOWN))


@dataclass(frozen=True, slots=True)
class Fact:
    """The state of a label, milestone or branch since ``observed_at``."""

    observed_at: datetime
    deleted: bool
    shown: dict[str, Any] | None


@dataclass(slots=True)
class LaterFacts:
    """Facts by (kind, repository id, key)."""

    facts: dict[tuple[str, str, str], Fact] = field(default_factory=dict)

    def of(self, kind: str, repository_id: str, key: Any, since: datetime) -> Fact | None:
        """The fact, if it was observed after ``since``."""
        fact = self.facts.get((kind, repository_id, str(key)))
        return fact if fact and fact.observed_at > since else None


async def later(conn: AsyncConnection, repositories: Iterable[str], since: datetime) -> LaterFacts:
    """Everything the repositories learned after ``since``; mostly nothing."""
    rows = await fetch(conn, _LATER, {"repositories": list(repositories), "since": since})
    return LaterFacts(
        {
            (row.kind, row.repository_id, row.key): Fact(row.observed_at, row.deleted_at is not None, _read(row.shown))
            for row in rows
        }
    )


def _read(shown: dict[str, Any] | None) -> dict[str, Any] | None:
    """As payloads are read: a time is a time, not a text."""
    if shown and shown.get("due_on"):
        return shown | {"due_on": datetime.fromisoformat(shown["due_on"])}
    return shown


def moments(row: Row) -> Iterable[datetime]:
    """Since when facts matter to a row: since it was observed, and since its report of mergeability was."""
    return filter(None, (row["observed_at"], row.get(pull_request.MERGEABILITY.observed_at)))


def overlaid(row: Row, facts: LaterFacts) -> Row:
    """An issue's or pull request's row, brought up to what its repository learned later."""
    if not facts.facts:
        return row
    repository_id, since = row["repository_id"], row["observed_at"]
    labels = (_shown(label, "label", repository_id, since, facts) for label in row["labels"])
    milestone = _shown(row["milestone"], "milestone", repository_id, since, facts) if row["milestone"] else None
    reported_at = row.get(pull_request.MERGEABILITY.observed_at)
    is_void = reported_at and facts.of("branch", repository_id, row["reported_base_ref"], reported_at)
    return (
        row | {"labels": [label for label in labels if label], "milestone": milestone} | (_NO_REPORT if is_void else {})
    )


def behind(row: Row, facts: LaterFacts) -> bool:
    """Whether a push that came later says of an open pull request that its head or its mergeability is another now."""
    if row["state"] != "open" or "head_ref" not in row:
        return False
    repository_id = row["repository_id"]
    head = facts.of("branch", repository_id, row["head_ref"], row["observed_at"])
    base = facts.of("branch", repository_id, row["base_ref"], row["observed_at"])
    return base is not None or (head is not None and (head.shown or {}).get("head_sha") != row["head_sha"])


def _shown(embedded: Any, kind: str, repository_id: str, since: datetime, facts: LaterFacts) -> Any:
    """What a label or milestone is by now; what is stored may be anything, for others can write it (I11)."""
    key = embedded.get("id") if isinstance(embedded, dict) else None
    fact = facts.of(kind, repository_id, key, since) if key is not None else None
    if fact is None:
        return embedded
    return None if fact.deleted else embedded | (fact.shown or {})


# Each label is looked up by itself: a plan that joins them reads all that these repositories have.
def _carriers(noun: Noun) -> sa.TextClause:
    shown = "t.repository_id::text AS repository_id, t.number, t.labels, t.milestone, t.observed_at"
    return sa.text(f"""
SELECT {shown}
FROM unnest(CAST(:labels AS jsonb[])) AS asked(label)
CROSS JOIN LATERAL (SELECT * FROM {noun.name} WHERE labels @> asked.label OFFSET 0) t
WHERE t.repository_id = ANY(CAST(:repositories AS uuid[]))
UNION
SELECT {shown}
FROM {noun.name} t
WHERE t.milestone ->> 'id' = ANY(:milestones) AND t.repository_id = ANY(CAST(:repositories AS uuid[]))
ORDER BY repository_id, number
""")


_CARRIERS = ((issue.noun, _carriers(issue.noun)), (pull_request.noun, _carriers(pull_request.noun)))

_OUTDATED = sa.text("""
SELECT p.repository_id::text AS repository_id, p.number, p.state, b.id::text AS branch,
       p.reported_base_ref IS NOT DISTINCT FROM b.name AND p.mergeability_observed_at < b.observed_at AS void
FROM github_branches b CROSS JOIN LATERAL (
  SELECT p.repository_id, p.number, p.state, p.reported_base_ref, p.mergeability_observed_at
  FROM github_pull_requests p
  WHERE p.repository_id = b.repository_id AND p.base_ref = b.name AND p.state = 'open'
  UNION
  SELECT p.repository_id, p.number, p.state, p.reported_base_ref, p.mergeability_observed_at
  FROM github_pull_requests p
  WHERE p.repository_id = b.repository_id AND p.reported_base_ref = b.name
    AND p.mergeability_observed_at < b.observed_at
  UNION
  SELECT p.repository_id, p.number, p.state, p.reported_base_ref, p.mergeability_observed_at
  FROM github_pull_requests p
  WHERE p.repository_id = b.repository_id AND p.head_ref = b.name AND p.state = 'open'
    AND p.head_sha IS DISTINCT FROM b.head_sha AND p.observed_at < b.observed_at
) p
WHERE b.id = ANY(CAST(:branches AS uuid[]))
ORDER BY p.repository_id, p.number
""")


async def spread(conn: AsyncConnection, changes: Sequence[Change], facts: LaterFacts) -> list[Change]:
    """Bring stored issues and pull requests up to the labels and milestones that were just written.

    Also where only the time of a label moved: what was filed in between may show another name.
    """
    labels = [change for change in changes if change.noun is label.noun]
    milestones = [change for change in changes if change.noun is milestone.noun]
    if not labels and not milestones:
        return []
    asked = {
        "repositories": list({change.key[0] for change in (*labels, *milestones)}),
        "labels": [f'[{{"id": {change.key[1]}}}]' for change in labels],
        "milestones": [change.key[1] for change in milestones],
    }
    spread_changes: list[Change] = []
    for noun, carriers in _CARRIERS:
        stored = [row._asdict() for row in await fetch(conn, carriers, asked)]
        outdated = [now for was in stored if (now := overlaid(was, facts)) != was]
        spread_changes += await amend(conn, noun, EMBEDDED, outdated)
    return spread_changes


@dataclass(frozen=True, slots=True)
class OverlayChanges:
    """What others mean for issues and pull requests: changed rows, and pull requests that are worth a refetch."""

    changes: list[Change]
    outdated: list[PullRequestKey]


async def void_reports(conn: AsyncConnection, changes: Sequence[Change]) -> OverlayChanges:
    """Drop reports of mergeability that are older than a push to their base."""
    pushed = [change for change in changes if change.noun is branch.noun]
    if not pushed:
        return OverlayChanges([], [])
    moved = {change.id for change in pushed if change.fields}
    outdated = await fetch(conn, _OUTDATED, {"branches": [change.id for change in pushed]})
    void = [{"repository_id": row.repository_id, "number": row.number, **_NO_REPORT} for row in outdated if row.void]
    return OverlayChanges(
        await amend(conn, pull_request.noun, VOID, void),
        [
            PullRequestKey(row.repository_id, row.number)
            for row in outdated
            if row.state == "open" and (row.void or row.branch in moved)
        ],
    )
