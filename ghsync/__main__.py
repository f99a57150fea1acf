"""The program ``ghsync``: its commands, each imported when it is called and not before."""

import gc
import sys
from dataclasses import dataclass
from importlib import import_module, metadata
from types import ModuleType
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from ghsync.cli import terminal
from ghsync.cli.program import program
from ghsync.errors import GhsyncError

RUN, DELIVERIES, DATA = "Run", "Deliveries", "Data"


@dataclass(frozen=True, slots=True)
class Command:
    """Where a command is written, and what `ghsync --help` says of it: the first line of its own help."""

    panel: str
    module: str
    attribute: str
    summary: str


COMMANDS = {
    "demo": Command(RUN, "demo", "demo", "Try everything on this machine: no GitHub account, no questions."),
    "simulate": Command(
        RUN, "simulate", "simulate", "Be a GitHub: organization, App, API and webhooks, on this machine alone."
    ),
    "serve": Command(RUN, "serve", "serve", "Receive webhooks and keep the mirror fresh."),
    "work": Command(RUN, "serve", "work", "Only project: the worker and the schedule, without a receiver."),
    "migrate": Command(RUN, "migrate", "migrate", "Bring the database to the newest schema."),
    "grants": Command(RUN, "grants", "grants", "Print the SQL that lets one role own the tables and another use them."),
    "doctor": Command(
        RUN, "doctor", "doctor", "Check settings, database, GitHub App, webhook and clock; say what to do."
    ),
    "app": Command(RUN, "app", "app", "The GitHub App: what it may do, and the secret of its webhook."),
    "resync": Command(RUN, "resync", "resync", "Bring repositories up to GitHub now, through its API."),
    "heal": Command(RUN, "heal", "heal", "Bring in the deliveries that GitHub sent and that never arrived."),
    "status": Command(RUN, "status", "status", "Tell how fresh the mirror is and what is in its way."),
    "maintain": Command(
        RUN, "maintain", "maintain", "Make partitions, let go what is past its retention, refresh views."
    ),
    "deliveries": Command(DELIVERIES, "deliveries", "app", "Look into the inbox; replay, park or dismiss deliveries."),
    "replay": Command(DELIVERIES, "replay", "replay", "Replay recorded deliveries, into the inbox or over HTTP."),
    "record": Command(DELIVERIES, "record", "record", "Write deliveries from the inbox as files that can be replayed."),
    "tail": Command(DATA, "tail", "tail", "Follow the change feed."),
    "projects": Command(DATA, "projects", "app", "Projects: where tasks and repositories belong."),
    "repos": Command(DATA, "repos", "app", "Mirrored repositories: their projects, names and secrets."),
    "tasks": Command(DATA, "tasks", "app", "Tasks and their links to issues and pull requests."),
    "keys": Command(DATA, "keys", "app", "Keys that programs show over HTTP."),
    "erase-person": Command(DATA, "erase", "erase_person", "Erase a person from rows, payloads, feed and audit log."),
    "grant": Command(DATA, "grant", "app", "Roles of PostgreSQL that see what one person may see."),
}


class Commands(TyperGroup):
    """`COMMANDS` as a group: help is answered from the list, and an error of ours is told as one sentence."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {
            name: TyperCommand(name, help=command.summary, rich_help_panel=command.panel)
            for name, command in COMMANDS.items()
        }

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command itself."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, load(name) if name else command, rest

    def invoke(self, ctx: Any) -> Any:
        """Run it, and answer an error with its exit code."""
        try:
            return super().invoke(ctx)
        except GhsyncError as error:
            raise typer.Exit(terminal.explain(error)) from None


def load(name: str) -> Any:
    """Import a command."""
    command = COMMANDS[name]
    found = getattr(_imported(f"ghsync.cli.{command.module}"), command.attribute)
    if not isinstance(found, typer.Typer):
        function, found = found, program()
        found.command(name)(function)
    loaded = typer.main.get_command(found)
    loaded.name = name
    return loaded


def _imported(name: str) -> ModuleType:
    """A module for good: the collector looks for garbage in it neither now nor at the end, for half a second."""
    if name in sys.modules:
        return sys.modules[name]
    gc.disable()
    try:
        return import_module(name)
    finally:
        gc.freeze()
        gc.enable()


app = program(cls=Commands)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"ghsync {metadata.version('ghsync')}")
        raise typer.Exit


@app.callback()
def ghsync(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Mirror GitHub repositories, issues and pull requests into PostgreSQL, milliseconds fresh.

    Settings are environment variables that start with GHSYNC_. Where
    GHSYNC_DATABASE_URL is not set, an embedded PostgreSQL is used.
    """


def main() -> None:
    """Run the command that the command line names."""
    terminal.speak_any_encoding()
    try:
        try:
            app(prog_name="ghsync")
        finally:
            sys.stdout.flush()  # what cannot be written then would be told of by the interpreter, as an exception
    except OSError as error:
        if error.errno not in terminal.UNWRITABLE:
            raise
        terminal.give_up_output(error)
        sys.exit(terminal.FAILED)


if __name__ == "__main__":
    main()
