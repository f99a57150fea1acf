"""What a person should decide about links, because no fact does."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.tasks.claims import CLAIM
from ghsync.tasks.item import WORDS
from ghsync.tasks.meaning import TASK

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
CROSS JOIN LATERAL {TASK} task
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


async def find(conn: AsyncConnection) -> list[Suggestion]:
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
        f"Project {row.project} {why}, so {WORDS[row.kind]} {row.number} could be any: "
        f"name it with `ghsync tasks link {row.task} OWNER/REPO#{row.number}`.",
    )  # fmt: skip
