"""Locks: whoever writes what a repository has, or where it is known, holds its row until commit (I6).

So two workers never interleave within one repository, and because rows are locked in the order of their keys they never
wait for each other in a circle.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync import locks
from ghsync.database import fetch, fetch_column
from ghsync.mirror import following
from ghsync.mirror.keys import GitHubId, RepositoryId
from ghsync.mirror.noun import Row

# Who is about to make something that others may be making too must not hold what those wait for: they take turns, and
# begin before they lock any row.
_TAKE_TURNS = sa.text(f"""
SELECT pg_advisory_xact_lock({locks.FIRST_SIGHT}) WHERE :always OR EXISTS (
  SELECT FROM unnest(CAST(:github_ids AS text[])) AS seen(github_id)
  WHERE NOT EXISTS (SELECT FROM github_repositories r WHERE r.github_id = seen.github_id))
""")

# A repository that is renamed leaves its name to others, so they are locked too.
_LOCK = sa.text(f"""
SELECT r.github_id, r.id::text AS id, r.full_name, r.tracked_name, r.owner_id, a.first_observed_at AS named_since,
       {following.QUIET} AS quiet, o.id::text AS organization_id, o.github_login AS account_login,
       i.github_id AS installation, i.id::text AS installation_id,
       r.access_ended_at IS NOT NULL AS ended, r.access_observed_at
FROM github_repositories r
LEFT JOIN github_repository_aliases a ON a.repository_id = r.id AND a.full_name = r.full_name
LEFT JOIN organizations o ON o.github_account_id = r.owner_id
LEFT JOIN github_installations i ON i.id = r.installation_id
WHERE r.github_id = ANY(:github_ids) OR lower(r.full_name) = ANY(CAST(:names AS text[]) || ARRAY(
  SELECT lower(full_name) FROM github_repositories WHERE github_id = ANY(:github_ids)))
ORDER BY r.github_id FOR NO KEY UPDATE OF r
""")

_LOCKED = sa.text("""
WITH asked AS (
  SELECT id, full_name FROM github_repositories WHERE lower(full_name) = ANY(CAST(:names AS text[]))
), free AS (
  SELECT r.id FROM github_repositories r WHERE r.id IN (SELECT id FROM asked) FOR NO KEY UPDATE SKIP LOCKED
)
SELECT lower(full_name) FROM asked WHERE id NOT IN (SELECT id FROM free)
""")

_LOCK_THESE = sa.text("""
SELECT FROM github_repositories WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY github_id FOR NO KEY UPDATE
""")


async def lock(conn: AsyncConnection, repository_ids: Iterable[RepositoryId]) -> None:
    """Lock these repositories until commit, in the order in which `lock_seen` does."""
    await fetch(conn, _LOCK_THESE, {"ids": list(repository_ids)})


async def locked(conn: AsyncConnection, names: Iterable[str]) -> set[str]:
    """The repositories of these that another transaction has locked, by their full names in lower case."""
    return set(await fetch_column(conn, _LOCKED, {"names": [name.lower() for name in names]}))


async def take_turns(conn: AsyncConnection, github_ids: Sequence[GitHubId], *, always: bool) -> None:
    """Let nobody else make repositories until commit, if one of these may be new."""
    if always or not _known(conn).issuperset(github_ids):
        await fetch(conn, _TAKE_TURNS, {"github_ids": list(github_ids), "always": always})


def _known(conn: AsyncConnection) -> set[GitHubId]:
    """The repositories (GitHub's ids) that this connection has found stored: none is ever removed (I10)."""
    known: set[GitHubId] = conn.info.setdefault("known_repositories", set())
    return known


async def lock_seen(
    conn: AsyncConnection,
    rows: Sequence[Row],
    mentioned: Iterable[GitHubId],
    below: Iterable[tuple[GitHubId, str]],
) -> dict[GitHubId, Any]:
    """Lock what will be written, until commit; answers the repositories by GitHub's ids as they are stored."""
    seen = [(row["github_id"], row["full_name"]) for row in rows] + list(below)
    names = {full_name.lower() for _, full_name in seen}
    asked = {"github_ids": [*(github_id for github_id, _ in seen), *mentioned], "names": list(names)}
    stored = {row.github_id: row for row in await fetch(conn, _LOCK, asked)}
    _known(conn).update(stored)
    return stored
