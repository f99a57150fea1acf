"""Finds a repository by any name it ever had, a project by its slug or id, and a person by login, address or id."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.errors import NotFound, Permanent

EVERYBODY = "coalesce(current_setting('app.current_user_id', true), '') = ''"
"""In SQL, where nobody in particular asks, as at a terminal: who does, finds what they may see and nothing else."""

# Whoever owns the name today comes first, then whoever had it last.
_FIND = sa.text(f"""
SELECT r.id::text, r.github_id, r.full_name, r.tracked_name, r.html_url, r.project_id::text, p.slug AS project,
       r.visibility, r.archived, r.removed_at, r.deleted_at, r.observed_at, r.synced_at, r.verified_at, m.blocked_at
FROM github_repositories r JOIN projects p ON p.id = r.project_id
LEFT JOIN sync_marks m ON m.repository_id = r.id
LEFT JOIN github_repository_aliases a ON a.repository_id = r.id AND lower(a.full_name) = lower(:name)
WHERE (lower(r.full_name) = lower(:name) OR lower(r.tracked_name) = lower(:name) OR a.id IS NOT NULL)
  AND ({EVERYBODY} OR r.id IN (SELECT visible_repositories()))
ORDER BY lower(r.tracked_name) = lower(:name) DESC, lower(r.full_name) = lower(:name) DESC, r.observed_at DESC
LIMIT 1
""")

_PROJECTS = sa.text(f"""
SELECT p.id::text, p.slug, o.slug AS organization FROM projects p JOIN organizations o ON o.id = p.organization_id
WHERE (p.id = CAST(:id AS uuid) OR p.slug = :slug OR o.slug || '/' || p.slug = :slug)
  AND ({EVERYBODY} OR p.id IN (SELECT visible_projects()))
ORDER BY o.slug, p.slug
""")


async def repository(conn: AsyncConnection, name: str) -> sa.Row[Any]:
    """The repository that is, else was, called so: its names, project and state. Raises `NotFound`."""
    found = (await conn.execute(_FIND, {"name": name})).one_or_none()
    if found is None:
        raise NotFound(f"No repository {name} is mirrored: `ghsync repos list` shows those that are.")
    return found


# As deliveries may name it: as it is written here, and as it was ever called.
_SPELLINGS = sa.text("""
SELECT CAST(:name AS text) WHERE EXISTS (SELECT FROM webhook_deliveries WHERE repository = CAST(:name AS text))
UNION SELECT full_name FROM github_repositories WHERE lower(full_name) = lower(CAST(:name AS text))
UNION SELECT full_name FROM github_repository_aliases WHERE lower(full_name) = lower(CAST(:name AS text))
""")


async def spellings(conn: AsyncConnection, name: str) -> list[str]:
    """A repository's name as deliveries have it; raises `NotFound` for one that nobody has heard of."""
    found = list(await conn.scalars(_SPELLINGS, {"name": name}))
    if not found:
        raise NotFound(f"No delivery is of a repository {name}, nor is it mirrored: is the name right?")
    return found


async def project(conn: AsyncConnection, text: str) -> sa.Row[Any]:
    """A project by id, slug or organization/slug. Raises `NotFound`, also where several have that slug."""
    found = (await conn.execute(_PROJECTS, {"id": _uuid(text), "slug": text})).all()
    if not found:
        raise NotFound(f"There is no project {text}: `ghsync projects list` shows those that there are.")
    if len(found) > 1:
        names = ", ".join(f"{project.organization}/{project.slug}" for project in found)
        raise NotFound(f"Several projects are called {text}: name one of {names}.")
    return found[0]


def _uuid(text: str) -> str | None:
    try:
        return str(UUID(text))
    except ValueError:
        return None


def state(repository: sa.Row[Any]) -> str:
    """Whether a repository is synced, and if not, why."""
    if repository.deleted_at:
        return "deleted"
    if repository.removed_at:
        return "removed"
    if repository.blocked_at:
        return "blocked"
    return "archived" if repository.archived else "synced"


_USERS = sa.text("""
SELECT id::text, coalesce(github_login, email) AS name FROM users
WHERE deleted_at IS NULL AND (lower(github_login) = lower(:name) OR lower(email) = lower(:name) OR id::text = :name)
ORDER BY id LIMIT 2
""")


async def user(conn: AsyncConnection, person: str) -> sa.Row[Any]:
    """A person by login, address or id: their id, and what they are called. Raises `NotFound`.

    And `Permanent` where it is two people's: a login that changed hands is still the last that is known of the first.
    """
    found = (await conn.execute(_USERS, {"name": person})).all()
    if not found:
        raise NotFound(f"No user has the login, address or id {person}: GitHub's members are users once they are seen.")
    if len(found) > 1:
        raise Permanent(f"Several users are known as {person}: give the id of the one you mean, from the table users.")
    return found[0]
