"""Projects: made in an organization."""

import re
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync import audit
from ghsync.actor import Actor
from ghsync.errors import NotFound, Permanent

SLUG = re.compile(r"[a-z0-9][a-z0-9._-]*")

_ORGANIZATIONS = sa.text("""
SELECT id::text, slug FROM organizations
WHERE deleted_at IS NULL AND (slug = CAST(:name AS text) OR lower(github_login) = lower(CAST(:name AS text)))
ORDER BY slug = CAST(:name AS text) DESC LIMIT 1
""")

_KNOWN = sa.text("SELECT slug FROM organizations WHERE deleted_at IS NULL ORDER BY slug LIMIT :limit")

NAMED = 5
"""So many organizations are named where another one is not there; of more, none."""

_CREATE = sa.text("""
INSERT INTO projects (organization_id, name, slug)
SELECT CAST(:organization AS uuid), CAST(:name AS text), CAST(:slug AS text)
WHERE NOT EXISTS (
  SELECT FROM projects WHERE organization_id = CAST(:organization AS uuid) AND slug = CAST(:slug AS text))
RETURNING id::text
""")


async def create(conn: AsyncConnection, organization: str, name: str, slug: str, *, actor: Actor) -> dict[str, Any]:
    """Make one; answers its id, project and name. Raises `NotFound` and, where the slug is taken, `Permanent`."""
    if not name.strip() or not SLUG.fullmatch(slug):
        raise Permanent("A project needs a name, and a slug of a-z, 0-9, dots, dashes and underscores.")
    values = {"name": name, "slug": slug}
    home = (await conn.execute(_ORGANIZATIONS, {"name": organization})).one_or_none()
    if home is None:
        known = list(await conn.scalars(_KNOWN, {"limit": NAMED + 1}))
        there = f" Those there are: {', '.join(known)}." if 0 < len(known) <= NAMED else ""
        raise NotFound(
            f"There is no organization {organization}: a GitHub account gets one when it is first seen.{there}"
        )
    project = await conn.scalar(_CREATE, values | {"organization": home.id})
    if project is None:
        raise Permanent(f"{home.slug}/{slug} is there already: give another --slug.")
    await audit.record(
        conn,
        action="project.created",
        resource_type="project",
        resource_id=project,
        entity_name=f"{home.slug}/{slug}",
        new_values=values | {"organization": home.slug},
        actor=actor,
    )
    return {"id": project, "project": f"{home.slug}/{slug}", "name": name}
