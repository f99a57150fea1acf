"""What becomes of a repository without a word of its own: its account is renamed, its installation ends.

GitHub tells it once, of the account. So a repository shows its newest payload, overlaid with what was told of its
account after it; and it is hidden once it was taken out of its installation, or that is gone, unless a webhook of its
own has been heard since. The same statement serves rows that arrive and rows that are stored, so the order does not
matter (I5).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.database import fetch
from ghsync.mirror import repository
from ghsync.mirror.entries import Login
from ghsync.mirror.keys import GitHubId, RepositoryId
from ghsync.mirror.noun import CLOCKS_DIFFER_BY, Group, Row
from ghsync.mirror.upsert import Change, amend, parameter

_NAME = Group("name", ("owner", "full_name", "html_url"))
_VISIBLE = Group("visible", ("removed_at",))

# What follows is locked before: see `locking`.
_BELOW = sa.text("""
SELECT r.github_id, told.login || '/' || r.name AS full_name
FROM json_to_recordset(:told) AS told(account text, login text, observed_at timestamptz)
JOIN github_repositories r ON r.owner_id = told.account
WHERE r.owner <> told.login AND r.observed_at < told.observed_at
UNION ALL
SELECT r.github_id, r.full_name
FROM github_installations i JOIN github_repositories r ON r.installation_id = i.id
WHERE i.github_id = ANY(:ended) OR (i.github_id = ANY(:living) AND i.deleted_at IS NOT NULL)
""")

# The name of a time at which only the account spoke, where the repository had been seen under another login before.
_ALIASES = sa.text("""
INSERT INTO github_repository_aliases AS a (repository_id, full_name, first_observed_at)
SELECT r.id, o.account_login || '/' || r.name, o.account_login_since
FROM github_repositories r JOIN organizations o ON o.github_account_id = r.owner_id
WHERE (r.id = ANY(CAST(:ids AS uuid[])) OR r.owner_id = ANY(:accounts)) AND EXISTS (
    SELECT FROM github_repository_aliases was
    WHERE was.repository_id = r.id AND was.first_observed_at < o.account_login_since
      AND split_part(was.full_name, '/', 2) = r.name AND split_part(was.full_name, '/', 1) <> o.account_login)
ORDER BY r.id
ON CONFLICT (repository_id, full_name) DO UPDATE SET first_observed_at = excluded.first_observed_at
WHERE a.first_observed_at > excluded.first_observed_at
""")

HEARD_AT = f"CASE WHEN r.heard_at < now() + interval '{CLOCKS_DIFFER_BY}' THEN r.heard_at END"
"""When a webhook that is no installation's last told of a repository r; a time that cannot be yet tells nothing."""

_OUTDATED = sa.text(f"""
SELECT r.github_id, r.name, r.full_name, r.html_url, o.account_login AS login, shown.removed_at,
       coalesce(o.account_login <> r.owner, false) AS renamed, r.removed_at IS DISTINCT FROM shown.removed_at AS moved
FROM github_repositories r
LEFT JOIN organizations o ON o.github_account_id = r.owner_id AND o.account_observed_at > r.observed_at
LEFT JOIN github_installations i ON i.id = r.installation_id
CROSS JOIN LATERAL (SELECT coalesce(r.access_ended_at, i.deleted_at) AS at) ended
CROSS JOIN LATERAL (SELECT CASE WHEN {HEARD_AT} > ended.at THEN NULL ELSE ended.at END AS removed_at) shown
WHERE r.id = ANY(CAST(:ids AS uuid[]))
  AND (o.account_login <> r.owner OR r.removed_at IS DISTINCT FROM shown.removed_at)
ORDER BY r.github_id
""")


QUIET = """((o.account_observed_at > r.observed_at AND o.account_login <> r.owner) IS NOT TRUE
  AND coalesce(r.removed_at, r.access_ended_at, i.deleted_at) IS NULL)"""
"""True where nothing above a repository r, its account o or its installation i, says anything that it does not show."""


async def below(
    conn: AsyncConnection, told: Iterable[Login], ended: Iterable[GitHubId], living: Iterable[GitHubId]
) -> list[tuple[GitHubId, str]]:
    """The repositories that may follow, and the names that they are to have.

    ``told`` are logins of accounts, ``ended`` and ``living`` installations that were seen so.
    """
    asked = {"told": parameter(one._asdict() for one in told), "ended": list(ended), "living": list(living)}
    return [(row.github_id, row.full_name) for row in await fetch(conn, _BELOW, asked)]


async def remember_names(
    conn: AsyncConnection, repository_ids: Iterable[RepositoryId], accounts: Iterable[GitHubId]
) -> None:
    """Remember the names that these repositories, and those of these accounts, got by another login."""
    await fetch(conn, _ALIASES, {"ids": list(repository_ids), "accounts": list(accounts)})


@dataclass(frozen=True, slots=True)
class NameChanges:
    """What changed, and the names that were left and got."""

    changes: list[Change]
    names: list[str]


async def follow(conn: AsyncConnection, repository_ids: Iterable[RepositoryId]) -> NameChanges:
    """Bring these repositories, which the caller has locked, in line with what was told above them."""
    outdated = await fetch(conn, _OUTDATED, {"ids": list(repository_ids)})
    renamed = [_renamed(row) for row in outdated if row.renamed]
    changes = await amend(conn, repository.noun, _NAME, renamed)
    moved = [{"github_id": row.github_id, "removed_at": row.removed_at} for row in outdated if row.moved]
    changes += await amend(conn, repository.noun, _VISIBLE, moved)
    names = [row.full_name for row in outdated if row.renamed]
    return NameChanges(changes, [*names, *(row["full_name"] for row in renamed)])


def _renamed(row: sa.Row[tuple[object, ...]]) -> Row:
    full_name = f"{row.login}/{row.name}"
    page = row.html_url
    if page and page.endswith(f"/{row.full_name}"):
        page = page.removesuffix(row.full_name) + full_name
    return {"github_id": row.github_id, "owner": row.login, "full_name": full_name, "html_url": page}
