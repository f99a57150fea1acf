"""`keys`: what programs show to be let in over HTTP."""

from typing import Annotated

import typer

from ghsync import keys, wording
from ghsync.administration import keys as acts
from ghsync.administration import sessions
from ghsync.cli import arguments, terminal
from ghsync.cli.context import in_transaction
from ghsync.cli.program import program

app = program(
    help="Keys that programs show over HTTP.\n\nPeople sign in with one, and show the cookie of a session then."
)

DAYS = 90


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What you call it: the program that will show it.")],
    user: Annotated[str, typer.Option("--user", metavar="LOGIN", help="Whose it is: a login, an address or an id.")],
    scope: Annotated[
        str,
        typer.Option(
            parser=arguments.one_of(keys.SCOPES), metavar="SCOPE", help=f"What it is for: {', '.join(keys.SCOPES)}."
        ),
    ] = "read",
    days: Annotated[int, typer.Option(metavar="N", min=1, max=3650, help="How long it is good for.")] = DAYS,
    forever: Annotated[bool, typer.Option("--forever", help="It does not end by itself.")] = False,
    as_json: arguments.Json = False,
) -> None:
    """Make a key, and print it: it is shown this once, and kept as a hash."""
    if not name.strip():
        raise typer.BadParameter("The name is empty.")
    ends = None if forever else days
    made = in_transaction(lambda conn: acts.create(conn, name.strip(), user, scope, ends, actor=terminal.operator()))
    if as_json:
        terminal.print_json(made)
        return
    typer.echo(made["key"])
    until = f"until {terminal.moment(made['expires_at'])}" if made["expires_at"] else "until it is revoked"
    terminal.note(f"{made['user']} may {scope} with it, {until}. It is not shown again.")


@app.command()
def revoke(name: Annotated[str, typer.Argument(metavar="NAME", help="Its name, or its id.")]) -> None:
    """End a key, from now on."""
    in_transaction(lambda conn: acts.revoke(conn, name, actor=terminal.operator()))
    terminal.console.print(f"Revoked {name}.", markup=False)


@app.command("list")
def show_list(as_json: arguments.Json = False) -> None:
    """List keys: whose each is, what it is for, when it was used last, and whether it still counts."""
    columns = ("name", "user", "scope", "state", "expires_at", "last_used_at")
    terminal.print_rows(
        in_transaction(acts.listing), columns, as_json, empty="There are no keys: `ghsync keys create`."
    )


@app.command("sessions")
def show_sessions(as_json: arguments.Json = False) -> None:
    """List who is signed in: with which key, from where, and until when."""
    columns = ("user", "key", "address", "program", "created_at", "last_activity_at", "expires_at")
    terminal.print_rows(in_transaction(sessions.listing), columns, as_json, empty="Nobody is signed in.")


@app.command("sign-out")
def sign_out(user: Annotated[str, typer.Argument(metavar="LOGIN", help="A login, an address or an id.")]) -> None:
    """End all sessions of a person, from now on."""
    ended = in_transaction(lambda conn: sessions.end_all(conn, user, actor=terminal.operator()))
    terminal.console.print(f"Ended {wording.count(ended, 'session')} of {user}.", markup=False)
