"""`migrate`: brings the database to a revision, or tells what that would take."""

from typing import Annotated

import typer

from ghsync import migrate as migrations
from ghsync.cli import terminal
from ghsync.cli.context import configured


def migrate(
    sql: Annotated[bool, typer.Option("--sql", help="Print the SQL for an empty database; ask no database.")] = False,
    to: Annotated[str, typer.Option(metavar="REV", help="Go up to this revision instead of the newest.")] = "head",
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit 1 when a migration is due.")] = False,
) -> None:
    """Bring the database to the newest schema."""
    if sql:
        typer.echo(migrations.sql(to), nl=False)
        return
    with configured(tells_place=True) as (_, url):
        due = migrations.pending(url)
        if to == "head" and (newer := migrations.ahead(url)):
            _tell_newer(newer)
        elif check:
            _tell_due(url, due)
        else:
            migrations.upgrade(url, to)
            _tell_done(url, due)


def _tell_newer(applied: str) -> None:
    terminal.note(
        f"The database is at {applied}, which a newer version of ghsync has brought it to: there is nothing to do, "
        "and this version works with it. Update it when you can."
    )


def _tell_due(url: str, due: list[str]) -> None:
    if due:
        applied = migrations.current(url)
        where = f"at revision {applied}" if applied else "empty"
        terminal.console.print(f"The database is {where}; due: {', '.join(due)}: run `ghsync migrate`.")
        raise typer.Exit(terminal.FAILED)
    if not migrations.is_defined(url):
        terminal.console.print(migrations.UNDEFINED)
        raise typer.Exit(terminal.FAILED)
    terminal.console.print(f"The database is at {migrations.current(url)}, the newest revision.")


def _tell_done(url: str, due: list[str]) -> None:
    left = migrations.pending(url)
    applied = due[: len(due) - len(left)]
    if applied:
        terminal.console.print(f"Applied {', '.join(applied)}.")
    if left:
        terminal.console.print(f"Still due: {', '.join(left)}.")
    else:
        terminal.console.print(f"The database is at {migrations.current(url)}, the newest revision.")
