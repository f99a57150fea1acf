"""`repos`: mirrored repositories, the projects they belong to, their names and webhook secrets."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table

from ghsync import settings
from ghsync.administration import repositories as acts
from ghsync.cli import arguments, terminal
from ghsync.cli.context import in_transaction
from ghsync.cli.program import program
from ghsync.encryption import Encryption
from ghsync.receiver.secrets import REMEMBERED_SECONDS
from ghsync.reports import repositories
from ghsync.reports.repositories import Row

app = program(help="Mirrored repositories: their projects, names and secrets.")

Name = Annotated[
    str, typer.Argument(parser=arguments.full_name, metavar="OWNER/NAME", help="Any name it was ever seen under.")
]


@app.command("list")
def show_list(as_json: arguments.Json = False) -> None:
    """List the repositories that are mirrored."""
    found = in_transaction(repositories.listing)
    terminal.print_listing(found, _listing, as_json, empty="Nothing is mirrored yet.")
    for row in found:
        if row["problem"] and not as_json:
            terminal.note(row["problem"], style="red")


@app.command()
def assign(
    repository: Name,
    project: Annotated[str, typer.Option(metavar="PROJECT", help="Its slug, ORGANIZATION/SLUG or id.")],
) -> None:
    """Move a repository to another project; sync leaves it there.

    Numbers in tasks of both projects are linked anew.
    """

    done = in_transaction(lambda conn: acts.assign(conn, repository, project, actor=terminal.operator()))
    terminal.console.print(done, markup=False)


@app.command()
def aliases(repository: Name, as_json: arguments.Json = False) -> None:
    """List every name a repository was ever seen under."""

    names = in_transaction(lambda conn: repositories.aliases(conn, repository))
    if as_json:
        terminal.print_json(names)
        return
    shown = terminal.table("name", "first observed", "")
    for name in names:
        shown.add_row(*map(terminal.cell, (name["name"], name["first_observed_at"], "now" if name["current"] else "")))
    terminal.console.print(shown)


@app.command()
def secret(
    repository: Name,
    clear: Annotated[bool, typer.Option("--clear", help="Forget the secret, and what it replaced.")] = False,
    grace: arguments.Grace = "1h",
) -> None:
    """Store the secret of a webhook that the repository has for itself.

    It is asked for, or read from standard input, and stored encrypted with
    GHSYNC_ENCRYPTION_KEYS. One that it replaces counts for a while longer, so
    store it here first, and change it on GitHub then. An App's webhook has its
    secret in GHSYNC_WEBHOOK_SECRETS, or from `ghsync app rotate-secret`.
    """
    grace_seconds = arguments.span(grace).total_seconds()
    encryption = Encryption(settings.load().encryption_keys)
    token = None if clear else encryption.encrypt(_read_secret(encryption))

    name, until = in_transaction(
        lambda conn: acts.set_secret(conn, repository, token, grace_seconds=grace_seconds, actor=terminal.operator())
    )
    if clear:
        terminal.console.print(f"Forgot the webhook secret of {name}.", markup=False)
        return
    terminal.console.print(f"Stored the webhook secret of {name}: it counts in {REMEMBERED_SECONDS:g} s.", markup=False)
    if until:
        terminal.note(f"The one before counts until {terminal.moment(until)}: change it on GitHub until then.")


def _listing(found: Sequence[Row]) -> Table:
    shown = terminal.table("repository", "project", "state", "observed")
    for column in shown.columns:
        column.overflow = "ellipsis"
        column.no_wrap = column.header != "project"
    for row in found:
        cells = (row["repository"], row["project"], row["state"], terminal.brief(row["observed_at"]))
        shown.add_row(*map(terminal.cell, cells), style="dim" if row["state"] in ("deleted", "removed") else None)
    return shown


def _read_secret(encryption: Encryption) -> str:
    encryption.encrypt("")  # without a key there is no use in asking
    if sys.stdin.isatty():
        return str(typer.prompt("Webhook secret", hide_input=True, confirmation_prompt=True))
    given = sys.stdin.readline().rstrip("\r\n")
    if not given:
        raise typer.BadParameter("Standard input holds no secret.")
    return given
