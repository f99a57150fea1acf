"""Links between tasks and GitHub: facts that people and programs decided, and what follows from texts.

Manual and external links, and those to the issue that a task was made from, are facts. All others follow from facts:
from what texts say (`github_mentions`), from the links of issues, from names (`github_repository_aliases`) and from
transfers. `derive` brings the links around some items in line with the facts as they are now, so facts may arrive in
any order, any number of times (I5).

An issue that was transferred stands here for its last known successor: what the old one has is the new one's.
"""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.database import fetch, fetch_column
from ghsync.errors import NotFound, Permanent
from ghsync.mirror.keys import PullRequestKey, RepositoryId
from ghsync.tasks import alignment, neighbourhood, numbers
from ghsync.tasks.claims import CONFIDENCE, FACTS
from ghsync.tasks.item import WORDS, Item, Link
from ghsync.tasks.meaning import NAMES_TASK

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
  DELETE FROM task_github_links l USING stored s WHERE l.id = s.id AND s.source IN {FACTS}
)
SELECT source FROM stored ORDER BY source
""")

# Numbers are read within the project, and so are the beginnings of ids.
_CONCERNED = sa.text(f"""
SELECT t.id::text FROM tasks t
WHERE t.project_id = ANY(CAST(:projects AS uuid[]))
  AND (t.github_issue_number IS NOT NULL OR t.github_pr_number IS NOT NULL)
UNION
SELECT t.id::text FROM github_mentions m JOIN tasks t ON {NAMES_TASK}
WHERE m.repository_id = :repository_id AND length(m.task) = 8
""")

_SAYING = {
    "task_trailer": "Task-ID line",
    "branch": "branch name",
    "closing_reference": "closing reference",
    "closing_keyword": "closing keyword",
    "cross_reference": "cross reference",
}


async def derive(conn: AsyncConnection, items: Iterable[Item], tasks: Iterable[str] = ()) -> list[PullRequestKey]:
    """Bring all links in line that these items and tasks have a part in; answers whose changed."""
    return await _settle(conn, items, tasks)


async def _settle(
    conn: AsyncConnection,
    items: Iterable[Item],
    tasks: Iterable[str],
    *,
    decided: Sequence[Link] = (),
    unmade: Sequence[Link] = (),
) -> list[PullRequestKey]:
    """As `derive`; ``decided`` are facts that were just made or withdrawn, known to nobody else by now.

    The numbers of ``unmade`` ones go with them.
    """
    named, given = sorted(set(tasks)), {*items, *(link.item for link in decided)}
    if not named and not given:
        return []
    found = await neighbourhood.find(conn, given, named)
    changed = list(decided)
    withdrawn = list(unmade)
    for kind in ("issue", "pull_request"):  # those of pull requests follow from those of issues
        places = [item for item in found if item.kind == kind]
        if places:
            rows = await alignment.align(conn, kind, places)
            changed += [link for link, _ in rows]
            withdrawn += [link for link, was_claim in rows if was_claim]
    touched = sorted({link.task_id for link in changed} | (set(named) if found else set()))
    if touched:
        await numbers.write(conn, touched, withdrawn)
    return sorted({PullRequestKey(link.repository_id, link.number) for link in changed if link.kind == "pull_request"})


async def spread(conn: AsyncConnection, made: Sequence[Link]) -> list[PullRequestKey]:
    """Let follow what follows from facts that were just made of tasks; answers the pull requests whose links changed.

    The caller holds the lock of `neighbourhood`.
    """
    return await _settle(conn, (), [link.task_id for link in made], decided=made)


_PULL_REQUESTS = sa.text("""
SELECT DISTINCT repository_id::text, number FROM task_github_links
WHERE kind = 'pull_request' AND task_id = ANY(CAST(:ids AS uuid[]))
""")


async def pull_requests(conn: AsyncConnection, task_ids: Iterable[str]) -> list[PullRequestKey]:
    """The pull requests that these tasks are linked to."""
    return [PullRequestKey(*row) for row in await fetch(conn, _PULL_REQUESTS, {"ids": list(task_ids)})]


async def concerned(conn: AsyncConnection, repository_id: RepositoryId, project_ids: Iterable[str]) -> list[str]:
    """The tasks to adopt once more when a repository moves between these projects."""
    values = {"repository_id": repository_id, "projects": list(project_ids)}
    return await fetch_column(conn, _CONCERNED, values)


async def adopt(conn: AsyncConnection, task_ids: Iterable[str]) -> list[PullRequestKey]:
    """Link tasks that are new, or into which another program wrote a number; answers whose links changed.

    A number of a project with several repositories stays as it is, for `suggestions` to tell.
    """
    tasks = sorted(set(task_ids))
    await neighbourhood.lock(conn, tasks)
    return await _settle(conn, (), tasks, decided=await numbers.adopt(conn, tasks))


async def link(
    conn: AsyncConnection, task_id: str, repository_id: RepositoryId, kind: str, number: int, *, evidence: str
) -> list[PullRequestKey]:
    """Link a task by hand; ``evidence`` says who did. Answers the pull requests whose links changed."""
    made = Link(task_id, repository_id, kind, number)
    await neighbourhood.lock(conn, [task_id])
    if not await fetch(conn, _MAKE, {**made._asdict(), "evidence": evidence}):
        raise NotFound(f"There is no task {task_id} or no repository {repository_id}.")
    return await _settle(conn, (), [task_id], decided=[made])


async def unlink(
    conn: AsyncConnection, task_id: str, repository_id: RepositoryId, kind: str, number: int
) -> list[PullRequestKey]:
    """Take back a link that a person or another program made; answers the pull requests whose links changed.

    Raises `NotFound` where there is none, and `Permanent` where it follows from a text and would come back.
    """
    gone = Link(task_id, repository_id, kind, number)
    await neighbourhood.lock(conn, [task_id])
    sources = [row.source for row in await fetch(conn, _UNMAKE, gone._asdict())]
    if not sources:
        raise NotFound(f"Task {task_id} has no link to that {WORDS[kind]}.")
    if not {"manual", "external", "label"} & set(sources):
        raise Permanent(
            f"Task {task_id} is linked to that {WORDS[kind]} by its {_SAYING[sources[0]]} and would be linked again: "
            "change what it says on GitHub instead."
        )
    return await _settle(conn, (), [task_id], decided=[gone], unmade=[gone])
