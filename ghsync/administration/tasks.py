"""Tasks: made, and linked to issues and pull requests."""

import re
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ghsync import audit, lookup
from ghsync.actor import Actor
from ghsync.database import transaction
from ghsync.errors import NotFound, Permanent
from ghsync.jobs import DueJobs
from ghsync.projector import linking
from ghsync.tasks import keywords, links
from ghsync.tasks.item import Item

SHORTEST_PREFIX = 4
PREFIX = re.compile(rf"[0-9a-f-]{{{SHORTEST_PREFIX},36}}")


class ItemReference(NamedTuple):
    """An item as a person names it; ``kind`` is known where they say so, and ``site`` where they give its URL."""

    full_name: str
    number: int
    kind: str | None
    site: str | None = None

    def __str__(self) -> str:
        return f"{self.full_name}#{self.number}"


_TASKS = sa.text(f"""
SELECT id::text FROM tasks
WHERE starts_with(id::text, :prefix) AND ({lookup.EVERYBODY} OR project_id IN (SELECT visible_projects()))
ORDER BY id LIMIT 2
""")

_KIND = sa.text("""
SELECT 'pull_request' AS kind FROM github_pull_requests WHERE repository_id = :repository_id AND number = :number
UNION ALL
SELECT 'issue' FROM github_issues WHERE repository_id = :repository_id AND number = :number
""")

_CREATE = sa.text("""
INSERT INTO tasks (project_id, title, description, type, priority)
VALUES (:project, :title, :description, :type, :priority) RETURNING id::text
""")


async def create(
    engine: AsyncEngine,
    project: str,
    title: str,
    *,
    description: str | None,
    kind: str,
    priority: int,
    reference: ItemReference | None,
    actor: Actor,
) -> str:
    """Make a task, and link it at once; answers its id. Raises `Permanent` for a title that is not one line."""
    if not title.strip() or len(title.splitlines()) > 1:
        raise Permanent("The title has to be one line; the description takes more.")
    values = {"title": title, "description": description, "type": kind, "priority": priority}
    async with transaction(engine) as conn:
        home = await lookup.project(conn, project)
        task: str = (await conn.execute(_CREATE, {**values, "project": home.id})).scalar_one()
        changed = await links.adopt(conn, [task])
        if reference:
            item = await _item(conn, reference)
            changed += await links.link(conn, task, *item, evidence=actor.name)
        linked = {"link": str(reference)} if reference else {}
        await _record(conn, "task.created", task, None, {**values, **linked}, actor)
        due = await linking.retrack(conn, changed)
    await _track(engine, due)
    return task


async def link(engine: AsyncEngine, prefix: str, reference: ItemReference, *, actor: Actor) -> str:
    """Link a task; answers its id."""
    async with transaction(engine) as conn:
        task, item = await _task(conn, prefix), await _item(conn, reference)
        changed = await links.link(conn, task, *item, evidence=actor.name)
        await _record(conn, "task.linked", task, None, {"link": str(reference), "kind": item.kind}, actor)
        due = await linking.retrack(conn, changed)
    await _track(engine, due)
    return task


async def unlink(engine: AsyncEngine, prefix: str, reference: ItemReference, *, actor: Actor) -> str:
    """Take back a link that a person or another program made; answers the task's id."""
    async with transaction(engine) as conn:
        task, item = await _task(conn, prefix), await _item(conn, reference)
        changed = await links.unlink(conn, task, *item)
        await _record(conn, "task.unlinked", task, {"link": str(reference), "kind": item.kind}, None, actor)
        due = await linking.retrack(conn, changed)
    await _track(engine, due)
    return task


async def _track(engine: AsyncEngine, due: DueJobs) -> None:
    """Do at once what a worker would do soon."""
    async with transaction(engine) as conn:
        await linking.track(conn, due)


async def _record(
    conn: AsyncConnection,
    action: str,
    task: str,
    old: dict[str, Any] | None,
    new: dict[str, Any] | None,
    actor: Actor,
) -> None:
    await audit.record(
        conn,
        action=action,
        resource_type="task",
        resource_id=task,
        old_values=old,
        new_values=new,
        actor=actor,
    )


async def _task(conn: AsyncConnection, prefix: str) -> str:
    if not PREFIX.fullmatch(prefix.lower()):
        raise NotFound(
            f"{prefix} is no task's id: `ghsync tasks list` shows them; {SHORTEST_PREFIX} characters will do."
        )
    found = (await conn.execute(_TASKS, {"prefix": prefix.lower()})).scalars().all()
    if not found:
        raise NotFound(f"No task's id begins with {prefix}: `ghsync tasks list` shows them.")
    if len(found) > 1:
        raise Permanent(f"Several tasks' ids begin with {prefix}: write more of the one you mean.")
    return str(found[0])


async def _item(conn: AsyncConnection, reference: ItemReference) -> Item:
    repository = await lookup.repository(conn, reference.full_name)
    if reference.site and repository.html_url:
        mirrored = keywords.host(repository.html_url)
        if not keywords.is_at(reference.site, mirrored):
            raise NotFound(f"{repository.tracked_name} is mirrored from {mirrored}, not from {reference.site}.")
    known = await conn.execute(_KIND, {"repository_id": repository.id, "number": reference.number})
    kind = known.scalar() or reference.kind
    if kind is None:
        raise NotFound(f"{reference} is not mirrored yet: say --issue or --pull to link it all the same.")
    return Item(repository.id, kind, reference.number)
