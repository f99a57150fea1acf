"""Names of repositories: under which each was seen, and whose a name is that several had."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.database import fetch, fetch_column
from ghsync.mirror.entries import Sighting
from ghsync.mirror.keys import GitHubId, RepositoryId
from ghsync.mirror.upsert import parameter

_ALIASES = sa.text("""
INSERT INTO github_repository_aliases AS a (repository_id, full_name, first_observed_at)
SELECT r.repository_id, r.full_name, r.observed_at
FROM json_to_recordset(:rows) AS r(repository_id uuid, full_name text, observed_at timestamptz)
WHERE NOT EXISTS (
  SELECT FROM github_repository_aliases k
  WHERE k.repository_id = r.repository_id AND k.full_name = r.full_name AND k.first_observed_at <= r.observed_at)
ORDER BY r.repository_id, r.full_name
ON CONFLICT (repository_id, full_name) DO UPDATE
SET first_observed_at = least(a.first_observed_at, excluded.first_observed_at)
RETURNING a.repository_id::text
""")

# The repository last observed under a name owns it.
_SETTLE = sa.text("""
WITH claims AS (
  SELECT id, CASE row_number() OVER (PARTITION BY lower(full_name) ORDER BY observed_at DESC, github_id DESC)
             WHEN 1 THEN full_name ELSE full_name || '~' || github_id END AS tracked_name
  FROM github_repositories WHERE lower(full_name) = ANY(:names)
)
UPDATE github_repositories r SET tracked_name = c.tracked_name
FROM claims c WHERE c.id = r.id AND r.tracked_name <> c.tracked_name
RETURNING r.id::text
""")


async def remember(
    conn: AsyncConnection,
    stored: Mapping[GitHubId, Any],
    ids: Mapping[GitHubId, RepositoryId],
    sightings: Iterable[Sighting],
) -> list[RepositoryId]:
    """Remember names; answers the repositories of which one is new, or older than it was known to be."""
    first: dict[tuple[RepositoryId, str], datetime] = {}
    for seen in sightings:
        row = stored.get(seen.github_id)
        if row and row.full_name == seen.full_name and row.named_since and row.named_since <= seen.observed_at:
            continue
        key = (ids[seen.github_id], seen.full_name)
        first[key] = min(seen.observed_at, first.get(key, seen.observed_at))
    rows = [
        {"repository_id": repository_id, "full_name": full_name, "observed_at": observed_at}
        for (repository_id, full_name), observed_at in first.items()
    ]
    return await fetch_column(conn, _ALIASES, {"rows": parameter(rows)}) if rows else []


async def settle(conn: AsyncConnection, named: Iterable[str]) -> list[RepositoryId]:
    """Decide whose each of these names is, in small letters; answers the repositories that are tracked by another."""
    return [row.id for row in await fetch(conn, _SETTLE, {"names": list(named)})]
