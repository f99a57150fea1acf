"""Repositories: the project of each, and the secret of a webhook of its own."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync import audit, lookup, webhook_secrets
from ghsync.actor import Actor
from ghsync.projector import linking
from ghsync.tasks import links

_ASSIGN = sa.text("UPDATE github_repositories SET project_id = :project_id WHERE id = :id")

_SET_SECRET = sa.text("UPDATE github_repositories SET webhook_secret = :token WHERE id = :id")


async def assign(conn: AsyncConnection, repository: str, project: str, *, actor: Actor) -> str:
    """Move one to another project, and link numbers in tasks of both anew; answers a sentence. Raises `NotFound`."""
    found = await lookup.repository(conn, repository)
    target = await lookup.project(conn, project)
    if target.id == found.project_id:
        return f"{found.full_name} is in {target.organization}/{target.slug} already."
    await conn.execute(_ASSIGN, {"id": found.id, "project_id": target.id})
    concerned = await links.concerned(conn, found.id, [found.project_id, target.id])
    await linking.relink(conn, concerned, "a repository changed its project")
    await audit.record(
        conn,
        action="repository.assigned",
        resource_type="github_repository",
        resource_id=found.id,
        entity_name=found.full_name,
        old_values={"project_id": found.project_id},
        new_values={"project_id": target.id},
        actor=actor,
    )
    return f"{found.full_name} is now in {target.organization}/{target.slug}."


async def set_secret(
    conn: AsyncConnection, repository: str, encrypted: str | None, *, grace_seconds: float, actor: Actor
) -> tuple[str, datetime | None]:
    """Keep a webhook's secret as `Encryption` made it, or none, and forget those before.

    One that it replaces counts for ``grace_seconds`` more. Answers the repository's name, and until when that is, if
    there was one. Raises `NotFound`.
    """
    found = await lookup.repository(conn, repository)
    until = None
    if encrypted:
        until = await webhook_secrets.keep_replaced(conn, found.id, grace_seconds)
    else:
        await webhook_secrets.forget(conn, f"repository:{found.github_id}")
    await conn.execute(_SET_SECRET, {"id": found.id, "token": encrypted})
    await audit.record(
        conn,
        action="repository.secret_set" if encrypted else "repository.secret_cleared",
        resource_type="github_repository",
        resource_id=found.id,
        entity_name=found.full_name,
        new_values={"replaced_counts_until": until.isoformat()} if until else None,
        actor=actor,
    )
    return str(found.full_name), until
