"""Projects of repositories: each gets one of its own, which follows it as long as nobody gave it another name."""

from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.database import fetch
from ghsync.mirror.keys import GitHubId, RepositoryId
from ghsync.mirror.noun import Row
from ghsync.mirror.upsert import parameter

# The name is provisional, and no other's, since none holds a tilde: `_FOLLOW` gives the project the repository's own as
# soon as that is settled.
_NEW_PROJECTS = sa.text("""
INSERT INTO projects (organization_id, followed_organization_id, name, slug, github_repo_id)
SELECT o.id, o.id, r.name, lower(r.name) || '~' || r.github_id, r.github_id
FROM json_to_recordset(:rows) AS r(github_id text, name text, account text)
JOIN organizations o ON o.github_account_id = r.account
ORDER BY r.github_id
ON CONFLICT (github_repo_id) WHERE github_repo_id IS NOT NULL DO NOTHING
""")

_PROJECTS = sa.text("""
SELECT github_repo_id, id::text AS id FROM projects WHERE github_repo_id = ANY(:github_ids)
""")

# A repository's own project has its name and its owner's organization, as long as nobody gave it others. Two of one
# account may have one name: when the account was renamed, and of one repository it is not known yet where it went.
_FOLLOW = sa.text("""
WITH own AS (
  SELECT p.id, r.name, r.description, r.html_url,
         lower(split_part(r.tracked_name, '/', 2)) AS slug, r.github_id, r.observed_at,
         coalesce(owner.id, p.followed_organization_id) AS followed_organization_id,
         CASE WHEN p.organization_id = p.followed_organization_id THEN coalesce(owner.id, p.organization_id)
              ELSE p.organization_id END AS organization_id
  FROM github_repositories r
  JOIN projects p ON p.id = r.project_id AND p.github_repo_id = r.github_id
  LEFT JOIN organizations owner ON owner.github_account_id = r.owner_id
  WHERE r.id = ANY(CAST(:ids AS uuid[])) AND EXISTS (
    SELECT FROM github_repository_aliases a
    WHERE a.repository_id = r.id AND split_part(a.full_name, '/', 2) = p.name)
), ranked AS (
  SELECT own.*, row_number() OVER (PARTITION BY organization_id, slug ORDER BY observed_at DESC, github_id DESC) AS rank
  FROM own
)
UPDATE projects p SET name = own.name, description = own.description, repository_url = own.html_url,
  organization_id = own.organization_id, followed_organization_id = own.followed_organization_id,
  updated_at = CURRENT_TIMESTAMP,
  slug = CASE WHEN own.rank > 1 OR EXISTS (
    SELECT FROM projects other WHERE other.organization_id = own.organization_id AND other.slug = own.slug
    AND other.id NOT IN (SELECT id FROM own)) THEN own.slug || '~' || own.github_id ELSE own.slug END
FROM ranked own WHERE own.id = p.id
""")


async def create(
    conn: AsyncConnection, new: Sequence[Row], accounts: Mapping[GitHubId, GitHubId]
) -> dict[GitHubId, str]:
    """The projects of repositories that are seen for the first time, by the repository's GitHub id.

    ``accounts`` are their owners.
    """
    if not new:
        return {}
    rows = [{"github_id": row["github_id"], "name": row["name"], "account": accounts[row["github_id"]]} for row in new]
    await fetch(conn, _NEW_PROJECTS, {"rows": parameter(rows)})
    found = await fetch(conn, _PROJECTS, {"github_ids": [row["github_id"] for row in new]})
    return {row.github_repo_id: row.id for row in found}


async def follow(conn: AsyncConnection, repository_ids: Iterable[RepositoryId]) -> None:
    """Let projects have the names, descriptions and organizations that these repositories have now."""
    await fetch(conn, _FOLLOW, {"ids": list(repository_ids)})
