"""`tasks`: tasks, and their links to issues and pull requests."""

import re
from typing import Annotated, Any, NamedTuple

import sqlalchemy as sa
import typer
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ghsync import audit
from ghsync.cli import lookup, terminal
from ghsync.cli.context import run
from ghsync.cli.program import program
from ghsync.database import transaction
from ghsync.errors import NotFound, Permanent
from ghsync.jobs import Due
from ghsync.projector import linking
from ghsync.tasks import keywords, links, suggestions
from ghsync.tasks.item import Item
from ghsync.tasks.tables import TASK_STATUSES

app = program(
    help="Tasks and their links to issues and pull requests.\n\n"
    "TASK is a task's id or as much of its beginning as no other has. "
    "ITEM is OWNER/REPO#NUMBER, or the URL of the issue or pull request.",
)

SHORTEST_PREFIX = 4
PREFIX = re.compile(rf"[0-9a-f-]{{{SHORTEST_PREFIX},36}}")
ITEM = re.compile(
    r"(?P<site>https?://[^/]+/)?(?P<name>[^/\s#]+/[^/\s#]+)(?:#|/(?P<kind>issues|pull)/)(?P<number>[1-9][0-9]{0,8})"
    r"(?:[/?#].*)?",
    re.IGNORECASE,
)
KINDS = {"issues": "issue", "pull": "pull_request"}

TaskArgument = Annotated[str, typer.Argument(metavar="TASK", help="Id of the task, or its beginning.")]
ItemArgument = Annotated[
    str, typer.Argument(metavar="ITEM", help="OWNER/REPO#NUMBER or the URL of the issue or pull request.")
]
PullOption = Annotated[
    bool | None,
    typer.Option("--pull/--issue", help="What ITEM is, where the mirror does not know it yet.", show_default=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class Reference(NamedTuple):
    """An item as a person names it; ``kind`` is known where they say so, and ``site`` where they give its URL."""

    full_name: str
    number: int
    kind: str | None
    site: str | None = None

    def __str__(self) -> str:
        return f"{self.full_name}#{self.number}"


def _number_of(kind: str, column: str) -> str:
    """The item behind a task's number, by name; the bare number where no link explains it."""
    return f"""coalesce(
         (SELECT r.tracked_name || '#' || l.number
          FROM task_github_links l JOIN github_repositories r ON r.id = l.repository_id
          WHERE l.task_id = t.id AND l.kind = '{kind}' AND l.number = t.{column}
          ORDER BY l.confidence DESC, r.tracked_name LIMIT 1),
         '#' || t.{column})"""


_LIST = sa.text(f"""
SELECT t.id::text AS id, t.title, t.status, o.slug || '/' || p.slug AS project,
       {_number_of("issue", "github_issue_number")} AS issue,
       {_number_of("pull_request", "github_pr_number")} AS pull_request
FROM tasks t JOIN projects p ON p.id = t.project_id JOIN organizations o ON o.id = p.organization_id
WHERE (CAST(:project AS uuid) IS NULL OR p.id = :project)
  AND (CAST(:status AS text) IS NULL OR t.status = :status)
ORDER BY t.created_at DESC, t.id LIMIT :limit
""")

_TASKS = sa.text("SELECT id::text FROM tasks WHERE starts_with(id::text, :prefix) ORDER BY id LIMIT 2")

_KIND = sa.text("""
SELECT 'pull_request' AS kind FROM github_pull_requests WHERE repository_id = :repository_id AND number = :number
UNION ALL
SELECT 'issue' FROM github_issues WHERE repository_id = :repository_id AND number = :number
""")

_CREATE = sa.text("""
INSERT INTO tasks (project_id, title, description, type, priority)
VALUES (:project, :title, :description, :type, :priority) RETURNING id::text
""")


@app.command("list")
def list_tasks(
    project: Annotated[
        str | None, typer.Option(help="Only tasks of this project: its slug, ORGANIZATION/SLUG or id.")
    ] = None,
    status: Annotated[
        str | None, typer.Option(help=f"Only tasks with this status: {', '.join(TASK_STATUSES)}.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most this many, the newest first.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List tasks with their issue and pull request."""
    if status is not None and status not in TASK_STATUSES:
        raise typer.BadParameter(f"{status!r} is none of {', '.join(TASK_STATUSES)}.", param_hint="--status")
    columns = ("id", "title", "status", "project", "issue", "pull_request")

    async def read(engine: AsyncEngine) -> list[dict[str, Any]]:
        async with transaction(engine) as conn:
            chosen = (await lookup.project(conn, project)).id if project else None
            asked = {"project": chosen, "status": status, "limit": limit}
            return [dict(row) for row in (await conn.execute(_LIST, asked)).mappings()]

    found = run(read)
    terminal.print_rows(found, columns, as_json, empty="There are no such tasks.")


@app.command()
def create(
    title: Annotated[str, typer.Argument(metavar="TITLE", help="What is to be done, in a line.")],
    project: Annotated[str, typer.Option(help="Project it belongs to: its slug, ORGANIZATION/SLUG or id.")],
    description: Annotated[str | None, typer.Option(help="What is to be done, at length.")] = None,
    kind: Annotated[str, typer.Option("--type", help="Kind of work.")] = "task",
    priority: Annotated[int, typer.Option(help="Higher goes first.")] = 0,
    item: Annotated[
        str | None, typer.Option("--link", metavar="ITEM", help="Issue or pull request to link it to at once.")
    ] = None,
    pull: PullOption = None,
    as_json: JsonOption = False,
) -> None:
    """Create a task and print its id.

    Write `Task-ID: <id>` on a line of its own into an issue or pull request,
    or name a branch task/<id>, and it is linked by itself.
    """
    if not title.strip() or len(title.splitlines()) > 1:
        raise typer.BadParameter("The title has to be one line; --description takes more.")
    reference = _reference(item, pull) if item else None
    values = {"title": title, "description": description, "type": kind, "priority": priority}
    task = run(lambda engine: _create(engine, project, values, reference))
    if as_json:
        terminal.print_rows([{"id": task}], ("id",), as_json)
    else:
        terminal.console.print(task)


@app.command()
def link(task: TaskArgument, item: ItemArgument, pull: PullOption = None) -> None:
    """Link a task to an issue or pull request.

    What a person links outranks what texts and branches say.
    """
    done = run(lambda engine: _link(engine, task, _reference(item, pull)))
    terminal.console.print(f"Linked {done}.", markup=False)


@app.command()
def unlink(task: TaskArgument, item: ItemArgument, pull: PullOption = None) -> None:
    """Take back a link that a person or another program made."""
    done = run(lambda engine: _unlink(engine, task, _reference(item, pull)))
    terminal.console.print(f"Unlinked {done}.", markup=False)


@app.command()
def suggest(as_json: JsonOption = False) -> None:
    """List what a person should decide: conflicts, open numbers and likely links."""

    async def read(engine: AsyncEngine) -> list[suggestions.Suggestion]:
        async with transaction(engine) as conn:
            return await suggestions.find(conn)

    found = run(read)
    listed = [{"kind": s.kind, "item": s.item, "tasks": list(s.tasks), "advice": s.advice} for s in found]
    terminal.print_rows(listed, ("kind", "item", "advice"), as_json, empty="There is nothing to decide.")


def _reference(text: str, pull: bool | None) -> Reference:
    named = ITEM.fullmatch(text)
    if named is None:
        raise typer.BadParameter(f"{text!r} is neither OWNER/REPO#NUMBER nor the URL of an issue or pull request.")
    said = None if pull is None else KINDS["pull" if pull else "issues"]
    kind = KINDS[named["kind"].lower()] if named["kind"] else said
    return Reference(named["name"], int(named["number"]), kind, named["site"])


async def _create(engine: AsyncEngine, project: str, values: dict[str, Any], reference: Reference | None) -> str:
    async with transaction(engine) as conn:
        home = await lookup.project(conn, project)
        task: str = (await conn.execute(_CREATE, {**values, "project": home.id})).scalar_one()
        changed = await links.adopt(conn, [task])
        if reference:
            item = await _item(conn, reference)
            changed += await links.link(conn, task, *item, evidence=terminal.operator())
        linked = {"link": str(reference)} if reference else {}
        await _record(conn, "task.created", task, None, {**values, **linked})
        due = await linking.retrack(conn, changed)
    await _track(engine, due)
    return task


async def _link(engine: AsyncEngine, prefix: str, reference: Reference) -> str:
    async with transaction(engine) as conn:
        task, item = await _task(conn, prefix), await _item(conn, reference)
        changed = await links.link(conn, task, *item, evidence=terminal.operator())
        await _record(conn, "task.linked", task, None, {"link": str(reference), "kind": item.kind})
        due = await linking.retrack(conn, changed)
    await _track(engine, due)
    return f"task {task} to {reference}"


async def _unlink(engine: AsyncEngine, prefix: str, reference: Reference) -> str:
    async with transaction(engine) as conn:
        task, item = await _task(conn, prefix), await _item(conn, reference)
        changed = await links.unlink(conn, task, *item)
        await _record(conn, "task.unlinked", task, {"link": str(reference), "kind": item.kind}, None)
        due = await linking.retrack(conn, changed)
    await _track(engine, due)
    return f"task {task} from {reference}"


async def _track(engine: AsyncEngine, due: Due) -> None:
    """Do at once what a worker would do soon."""
    async with transaction(engine) as conn:
        await linking.track(conn, due)


async def _record(
    conn: AsyncConnection, action: str, task: str, old: dict[str, Any] | None, new: dict[str, Any] | None
) -> None:
    await audit.record(
        conn,
        action=action,
        resource_type="task",
        resource_id=task,
        old_values=old,
        new_values=new,
        actor_name=terminal.operator(),
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


async def _item(conn: AsyncConnection, reference: Reference) -> Item:
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
