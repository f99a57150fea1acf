"""Pull requests by the commit at their head: what is checked of a commit concerns them.

Checks name their pull requests only while these are open and not from a fork, so nothing but the commit joins them.
https://docs.github.com/en/rest/checks/runs
"""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.database import fetch
from ghsync.mirror.keys import CommitKey, PullRequestKey

_AT_HEAD = sa.text("""
SELECT p.repository_id::text, p.head_sha, p.number
FROM unnest(CAST(:repositories AS uuid[]), CAST(:commits AS text[])) AS c(repository_id, sha)
JOIN github_pull_requests p ON p.head_sha = c.sha AND p.repository_id = c.repository_id
""")


async def pull_requests(conn: AsyncConnection, commits: Iterable[CommitKey]) -> dict[CommitKey, list[PullRequestKey]]:
    """The pull requests (repository id, number) that have these commits at their heads, forks' among them."""
    unique = sorted(set(commits))
    if not unique:
        return {}
    asked = {"repositories": [repository for repository, _ in unique], "commits": [sha for _, sha in unique]}
    found: dict[CommitKey, list[PullRequestKey]] = {}
    for repository_id, sha, number in await fetch(conn, _AT_HEAD, asked):
        found.setdefault(CommitKey(repository_id, sha), []).append(PullRequestKey(repository_id, number))
    return found
