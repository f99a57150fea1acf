"""`resync`: the manual resync, through the API, with progress; or only what it would change."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Annotated, Any

import typer
from rich.progress import Progress

from ghsync import wording
from ghsync.administration import resync as acts
from ghsync.administration.resync import Scope
from ghsync.cli import arguments, difference, reading, terminal
from ghsync.reconciler.progress import KINDS, What
from ghsync.reconciler.reconciler import Reconciler
from ghsync.reconciler.repository import Watch
from ghsync.reconciler.runs import Run

ONLY: dict[str, What] = {"issues": "issues", "pulls": "pull_requests"}


def resync(
    names: Annotated[
        list[str] | None,
        typer.Argument(parser=arguments.full_name, metavar="OWNER/NAME", help="Repositories to read."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All repositories that the App sees.")] = False,
    installation: Annotated[
        int | None, typer.Option(metavar="ID", help="All repositories of one installation (GitHub's id).")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Everything, not only what changed since it was read last.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would change, and write nothing.")] = False,
    only: Annotated[
        str | None, typer.Option(metavar="KINDS", help="Only some kinds: issues, pulls, or both, joined by commas.")
    ] = None,
    as_json: arguments.Json = False,
) -> None:
    """Bring repositories up to GitHub now, through its API.

    What changed since a repository was read last is read; one that was never
    read, all of it. Stop it with Ctrl-C at any time: a complete reading goes
    on where it was.
    """
    if sum((bool(names), everything, installation is not None)) != 1:
        raise typer.BadParameter("Name repositories, or give --all, or --installation ID: one of the three.")
    scope = Scope(names or (), installation, full, dry_run, _kinds(only))
    outcome = reading.run(lambda reconciler, _: _resync(reconciler, scope), writes=not dry_run)
    if as_json:
        terminal.print_json(outcome)
    else:
        _show(outcome, scope)
    if outcome["errors"] or any(row["error"] for row in outcome["repositories"]):
        raise typer.Exit(terminal.FAILED)


def _kinds(only: str | None) -> tuple[What, ...]:
    if only is None:
        return KINDS
    named = [name.strip() for name in only.split(",")]
    unknown = [name for name in named if name not in ONLY]
    if unknown:
        raise typer.BadParameter(f"--only knows {' and '.join(ONLY)}, not {', '.join(unknown)}.")
    return tuple(ONLY[name] for name in ONLY if name in named)


async def _resync(reconciler: Reconciler, scope: Scope) -> dict[str, Any]:
    with terminal.progress() as bars:
        return await acts.resync(reconciler, scope, partial(_bar, bars), actor=terminal.operator())


@contextmanager
def _bar(bars: Progress, name: str) -> Iterator[Watch]:
    """A line of progress while one repository is read."""
    bar = bars.add_task(name, total=None)

    def watch(run: Run) -> None:
        bars.update(bar, completed=run.rows_seen, total=run.progress.total, refresh=True)

    yield watch
    bars.remove_task(bar)


def _show(outcome: dict[str, Any], scope: Scope) -> None:
    rows = [row for row in outcome["repositories"] if not row["error"]]
    if scope.dry_run and (rows or not outcome["repositories"]):
        difference.show(outcome["differences"])
        terminal.console.print()
    if not outcome["repositories"]:
        terminal.console.print("Nothing of these is mirrored yet: without --dry-run, all that is in them is read.")
    changed = "would change" if scope.dry_run else "rows changed"
    shown = terminal.table("Repository", "items read", changed, "requests", "points", "took")
    shown.columns[0].overflow = "ellipsis"  # a name is not broken
    for column in shown.columns[1:]:
        column.justify, column.no_wrap = "right", True
    for row in rows:
        numbers = (f"{row[name]:,}" for name in ("read", "changed", "requests", "points"))
        shown.add_row(terminal.cell(row["repository"]), *numbers, wording.duration(row["seconds"]))
    if len(rows) > 1:
        sums = (f"{sum(row[name] for row in rows):,}" for name in ("read", "changed", "requests", "points"))
        shown.add_section()
        shown.add_row("all", *sums, wording.duration(sum(row["seconds"] for row in rows)))
    if rows:
        terminal.console.print(shown)
    for row in rows:
        if row["unread"]:
            terminal.note(row["unread"], style="yellow")
    _show_errors(outcome)


def _show_errors(outcome: dict[str, Any]) -> None:
    for row in outcome["repositories"]:
        if row["error"]:
            named = row["repository"] in row["error"]
            terminal.note(row["error"] if named else f"{row['repository']}: {row['error']}", style="red")
    for sentence in outcome["errors"]:
        terminal.note(sentence, style="red")
