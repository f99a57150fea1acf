"""`projects`: where tasks and repositories belong."""

import re
from typing import Annotated

import typer

from ghsync.administration import projects as acts
from ghsync.cli import arguments, terminal
from ghsync.cli.context import in_transaction
from ghsync.cli.program import program
from ghsync.reports import projects

app = program(help="Projects: where tasks and repositories belong.")


@app.command("list")
def show_list(as_json: arguments.Json = False) -> None:
    """List projects, with how many repositories and tasks they have."""
    columns = ("project", "name", "status", "repositories", "tasks", "id")
    found = in_transaction(projects.listing)
    terminal.print_rows(found, columns, as_json, empty="There are no projects yet: `ghsync projects create`.")


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What people call it.")],
    organization: Annotated[str, typer.Option(metavar="ORGANIZATION", help="Its slug, or the GitHub account's login.")],
    slug: Annotated[
        str | None, typer.Option(metavar="SLUG", help="How commands call it; else it follows from the name.")
    ] = None,
    as_json: arguments.Json = False,
) -> None:
    """Make a project, and print its id.

    `ghsync repos assign` moves a repository there, and `ghsync tasks create`
    makes tasks in it.
    """
    slug = slug or re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not name.strip() or not acts.SLUG.fullmatch(slug):
        raise typer.BadParameter("A project needs a name, and a slug of a-z, 0-9, dots, dashes and underscores.")
    made = in_transaction(lambda conn: acts.create(conn, organization, name.strip(), slug, actor=terminal.operator()))
    if as_json:
        terminal.print_json(made)
    else:
        terminal.console.print(made["id"])
