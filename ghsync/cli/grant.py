"""`grant`: who may read the mirror with a role of PostgreSQL, and whose eyes that role has."""

from typing import Annotated

import typer

from ghsync.administration import readers as acts
from ghsync.cli import arguments, terminal
from ghsync.cli.context import in_transaction
from ghsync.cli.program import program

app = program(help="Roles of PostgreSQL that see what one person may see.")

Role = Annotated[str, typer.Argument(metavar="ROLE", help="A role of PostgreSQL that is there.")]


@app.command()
def reader(
    role: Role,
    user: Annotated[
        str | None, typer.Option("--user", metavar="LOGIN", help="Whose eyes it has: a login, an address or an id.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--everything", help="It sees all organizations, as a report of the whole company does.")
    ] = False,
) -> None:
    """Let a role read what a person may see.

    It sees the repositories of that person's organizations and projects, and what
    is in them, in tables and views; no tokens, payloads or secrets. What the
    App may not see any more it does not see either, from that moment on.
    """
    if bool(user) == everything:
        raise typer.BadParameter("Give --user LOGIN, or --everything.")
    sees = in_transaction(lambda conn: acts.admit(conn, role, user, actor=terminal.operator()))
    terminal.console.print(f"{role} reads {'all that is to be seen' if everything else f'as {sees}'}.", markup=False)


@app.command()
def writer(
    role: Role,
    user: Annotated[
        str, typer.Option("--user", metavar="LOGIN", help="Whose eyes it has: a login, an address or an id.")
    ],
) -> None:
    """Let a role read what a person may see, and write tasks, workflows and agents there."""
    sees = in_transaction(lambda conn: acts.admit(conn, role, user, writes=True, actor=terminal.operator()))
    terminal.console.print(f"{role} reads and writes as {sees}.", markup=False)


@app.command()
def revoke(role: Role) -> None:
    """Let a role see nothing any more."""
    in_transaction(lambda conn: acts.dismiss(conn, role, actor=terminal.operator()))
    terminal.console.print(f"{role} sees nothing any more.", markup=False)


@app.command("list")
def show_list(as_json: arguments.Json = False) -> None:
    """List the roles that are let in, and whose eyes each has."""
    columns = ("role", "sees", "writes", "exists", "created_at")
    found = in_transaction(acts.listing)
    terminal.print_rows(found, columns, as_json, empty="No role is let in yet: `ghsync grant reader`.")
