"""`tasks`: tasks, and their links to issues and pull requests."""

import re
from typing import Annotated

import typer

from ghsync.administration import tasks as acts
from ghsync.administration.tasks import ItemReference
from ghsync.cli import arguments, terminal
from ghsync.cli.context import in_transaction, run
from ghsync.cli.program import program
from ghsync.reports import tasks
from ghsync.tasks import suggestions
from ghsync.tasks.tables import TASK_STATUSES

app = program(
    help="Tasks and their links to issues and pull requests.\n\n"
    "TASK is a task's id or as much of its beginning as no other has. "
    "ITEM is OWNER/REPO#NUMBER, or the URL of the issue or pull request.",
)

ITEM = re.compile(
    r"(?P<site>https?://[^/]+/)?(?P<name>[^/\s#]+/[^/\s#]+)(?:#|/(?P<kind>issues|pull)/)(?P<number>[1-9][0-9]{0,8})"
    r"(?:[/?#].*)?",
    re.IGNORECASE,
)
NO_TASKS = "There are no tasks yet: `ghsync tasks create TITLE --project PROJECT` makes one."

KINDS = {"issues": "issue", "pull": "pull_request"}

TaskArgument = Annotated[str, typer.Argument(metavar="TASK", help="Id of the task, or its beginning.")]
ItemArgument = Annotated[
    str, typer.Argument(metavar="ITEM", help="OWNER/REPO#NUMBER or the URL of the issue or pull request.")
]
PullOption = Annotated[
    bool | None,
    typer.Option("--pull/--issue", help="What ITEM is, where the mirror does not know it yet.", show_default=False),
]


@app.command("list")
def list_tasks(
    project: Annotated[
        str | None,
        typer.Option(metavar="PROJECT", help="Only tasks of this project: its slug, ORGANIZATION/SLUG or id."),
    ] = None,
    status: Annotated[
        str | None,
        typer.Option(
            parser=arguments.one_of(TASK_STATUSES),
            metavar="STATUS",
            help=f"Only tasks with this status: {', '.join(TASK_STATUSES)}.",
        ),
    ] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="At most this many, the newest first.")] = 50,
    as_json: arguments.Json = False,
) -> None:
    """List tasks with their issue and pull request."""
    columns = ("id", "title", "status", "project", "issue", "pull_request")
    found = in_transaction(lambda conn: tasks.listing(conn, project=project, status=status, limit=limit))
    none = "There are no such tasks." if project or status else NO_TASKS
    terminal.print_rows(found, columns, as_json, empty=none)


@app.command()
def create(
    title: Annotated[str, typer.Argument(metavar="TITLE", help="What is to be done, in a line.")],
    project: Annotated[
        str, typer.Option(metavar="PROJECT", help="Project it belongs to: its slug, ORGANIZATION/SLUG or id.")
    ],
    description: Annotated[str | None, typer.Option(metavar="TEXT", help="What is to be done, at length.")] = None,
    kind: Annotated[str, typer.Option("--type", metavar="KIND", help="Kind of work.")] = "task",
    priority: Annotated[int, typer.Option(metavar="N", help="Higher goes first.")] = 0,
    item: Annotated[
        str | None, typer.Option("--link", metavar="ITEM", help="Issue or pull request to link it to at once.")
    ] = None,
    pull: PullOption = None,
    as_json: arguments.Json = False,
) -> None:
    """Create a task and print its id.

    Write `Task-ID: <id>` on a line of its own into an issue or pull request,
    or name a branch task/<id>, and it is linked by itself.
    """
    if not title.strip() or len(title.splitlines()) > 1:
        raise typer.BadParameter("The title has to be one line; --description takes more.")
    reference = _reference(item, pull) if item else None
    task = run(
        lambda engine: acts.create(
            engine,
            project,
            title,
            description=description,
            kind=kind,
            priority=priority,
            reference=reference,
            actor=terminal.operator(),
        )
    )
    if as_json:
        terminal.print_rows([{"id": task}], ("id",), as_json)
    else:
        terminal.console.print(task)


@app.command()
def link(task: TaskArgument, item: ItemArgument, pull: PullOption = None) -> None:
    """Link a task to an issue or pull request.

    What a person links outranks what texts and branches say.
    """
    reference = _reference(item, pull)
    done = run(lambda engine: acts.link(engine, task, reference, actor=terminal.operator()))
    terminal.console.print(f"Linked task {done} to {reference}.", markup=False)


@app.command()
def unlink(task: TaskArgument, item: ItemArgument, pull: PullOption = None) -> None:
    """Take back a link that a person or another program made."""
    reference = _reference(item, pull)
    done = run(lambda engine: acts.unlink(engine, task, reference, actor=terminal.operator()))
    terminal.console.print(f"Unlinked task {done} from {reference}.", markup=False)


@app.command()
def suggest(as_json: arguments.Json = False) -> None:
    """List what a person should decide: conflicts, open numbers and likely links."""
    found = in_transaction(suggestions.find)
    listed = [{"kind": s.kind, "item": s.item, "tasks": list(s.tasks), "advice": s.advice} for s in found]
    terminal.print_rows(listed, ("kind", "item", "advice"), as_json, empty="There is nothing to decide.")


def _reference(text: str, pull: bool | None) -> ItemReference:
    named = ITEM.fullmatch(text)
    if named is None:
        raise typer.BadParameter(f"{text!r} is neither OWNER/REPO#NUMBER nor the URL of an issue or pull request.")
    said = None if pull is None else KINDS["pull" if pull else "issues"]
    kind = KINDS[named["kind"].lower()] if named["kind"] else said
    return ItemReference(named["name"], int(named["number"]), kind, named["site"])
