"""`resync`: the manual resync, through the API, with progress; or only what it would change."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import typer

from ghsync import migrate
from ghsync.changes.feed import Event
from ghsync.cli import arguments, terminal
from ghsync.cli.context import configured
from ghsync.database import create_engine, transaction
from ghsync.errors import GhsyncError, NotFound
from ghsync.github.client import GitHub
from ghsync.reconciler import installations, places
from ghsync.reconciler.gate import Rehearsal
from ghsync.reconciler.places import Place
from ghsync.reconciler.reconciler import Reconciler
from ghsync.reconciler.repository import KINDS
from ghsync.reconciler.resync import resync as read
from ghsync.reconciler.runs import Run, What
from ghsync.settings import Settings

ONLY: dict[str, What] = {"issues": "issues", "pulls": "pull_requests"}
SHOWN = 50


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for on the command line."""

    names: Sequence[str]
    everything: bool
    installation: int | None
    full: bool
    dry_run: bool
    kinds: tuple[What, ...]


def resync(
    names: Annotated[
        list[str] | None,
        typer.Argument(parser=arguments.full_name, metavar="OWNER/NAME...", help="Repositories to read."),
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
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Bring repositories up to GitHub now, through its API.

    What changed since a repository was read last is read; one that was never
    read, all of it. Stop it with Ctrl-C at any time: a complete reading goes
    on where it was.
    """
    if sum((bool(names), everything, installation is not None)) != 1:
        raise typer.BadParameter("Name repositories, or give --all, or --installation ID.")
    wanted = Wanted(names or (), everything, installation, full, dry_run, _kinds(only))
    with configured() as (loaded, url):
        migrate.upgrade(url)
        outcome = asyncio.run(_resync(loaded, url, wanted))
    _tell(outcome, wanted, as_json)
    if any(row["error"] for row in outcome["repositories"]):
        raise typer.Exit(terminal.FAILED)


def _kinds(only: str | None) -> tuple[What, ...]:
    if only is None:
        return KINDS
    named = [name.strip() for name in only.split(",")]
    unknown = [name for name in named if name not in ONLY]
    if unknown:
        raise typer.BadParameter(f"--only knows {' and '.join(ONLY)}, not {', '.join(unknown)}.")
    return tuple(ONLY[name] for name in ONLY if name in named)


async def _resync(loaded: Settings, url: str, wanted: Wanted) -> dict[str, Any]:
    engine = create_engine(url)
    try:
        async with GitHub(engine, loaded) as github:
            reconciler = Reconciler(engine, github)
            rehearsal = Rehearsal(engine) if wanted.dry_run else None
            found = await _places(reconciler, wanted)
            with terminal.progress() as bars:
                rows = []
                for place in found:
                    bar = bars.add_task(place.full_name, total=None)

                    def watch(run: Run, bar: Any = bar) -> None:
                        bars.update(bar, completed=run.rows_seen, total=run.progress.total)

                    rows.append(await _one(reconciler, place, wanted, rehearsal, watch))
                    bars.remove_task(bar)
            return {
                "repositories": rows,
                "differences": [_shown(one) for one in rehearsal.differences] if rehearsal else [],
            }
    finally:
        await engine.dispose()


async def _one(
    reconciler: Reconciler, place: Place, wanted: Wanted, rehearsal: Rehearsal | None, watch: Any
) -> dict[str, Any]:
    """Read one repository; one that fails holds up no other."""
    row: dict[str, Any] = {"repository": place.full_name, "error": None}
    started = time.monotonic()
    try:
        run = await read(
            reconciler,
            place,
            kind="resync",
            full=wanted.full,
            priority="interactive",
            kinds=wanted.kinds,
            gate=rehearsal,
            watch=watch,
        )
    except GhsyncError as error:
        return row | {"error": str(error)}
    return row | {
        "read": run.rows_seen,
        "changed": run.rows_written,
        "requests": run.meter.requests,
        "points": run.meter.points,
        "seconds": round(time.monotonic() - started, 3),
    }


async def _places(reconciler: Reconciler, wanted: Wanted) -> list[Place]:
    """The repositories to read; those that are not known yet are looked for."""
    if wanted.names:
        found = await _named(reconciler, wanted.names)
        missing = _missing(wanted.names, found)
        if missing:
            await _discover(reconciler, missing)
            found = await _named(reconciler, wanted.names)
            if missing := _missing(wanted.names, found):
                raise NotFound(f"GitHub shows no {missing[0]} here: is the App installed there, and is the name right?")
        return found
    await _discover(reconciler, ())
    async with transaction(reconciler.engine) as conn:
        if wanted.installation is not None:
            found = await places.of_installation(conn, str(wanted.installation))
        else:
            found = await places.everything(conn)
    readable = [place for part in reconciler.readable(found).values() for place in part]
    if not readable:
        raise NotFound("There is nothing to read: install the App on an account, or name a repository.")
    return readable


async def _named(reconciler: Reconciler, names: Sequence[str]) -> list[Place]:
    async with transaction(reconciler.engine) as conn:
        found = await places.named(conn, names)
    return [place for part in reconciler.readable(found).values() for place in part]


def _missing(names: Sequence[str], found: Sequence[Place]) -> list[str]:
    known = {place.full_name.lower() for place in found}
    return [name for name in names if name.lower() not in known]


async def _discover(reconciler: Reconciler, names: Sequence[str]) -> None:
    """Find out what the App sees; with a personal token, the named ones."""
    if not reconciler.github.has_app:
        session = await reconciler.session(None, "resync", "interactive")
        for name in names:
            await installations.see(session, name)
        return
    await installations.refresh(reconciler, reconciler.app_session("resync", "interactive"))


def _shown(event: Event) -> dict[str, Any]:
    return {
        "table": event.entity_type,
        "number": event.number,
        "operation": event.operation,
        "mirrored": msgspec.json.decode(event.old or "{}"),
        "actual": msgspec.json.decode(event.new or "{}"),
    }


def _tell(outcome: dict[str, Any], wanted: Wanted, as_json: bool) -> None:
    if as_json:
        terminal.print_json(outcome)
        return
    if wanted.dry_run:
        _tell_differences(outcome["differences"])
    shown = terminal.table(
        "Repository", "read", "would change" if wanted.dry_run else "changed", "requests", "points", ""
    )
    for row in outcome["repositories"]:
        if row["error"]:
            shown.add_row(terminal.cell(row["repository"]), "", "", "", "", f"[red]{terminal.cell(row['error'])}[/]")
        else:
            numbers = (f"{row[name]:,}" for name in ("read", "changed", "requests", "points"))
            shown.add_row(terminal.cell(row["repository"]), *numbers, terminal.duration(row["seconds"]))
    terminal.console.print(shown)


def _tell_differences(differences: Sequence[dict[str, Any]]) -> None:
    if not differences:
        terminal.console.print("The mirror is as GitHub is.", style="green")
        return
    shown = terminal.table("Row", "", "field", "mirrored", "on GitHub")
    for one in differences[:SHOWN]:
        name = one["table"] if one["number"] is None else f"{one['table']} #{one['number']}"
        for field, actual in one["actual"].items() if one["operation"] != "insert" else [("", "is missing here")]:
            mirrored = _brief(one["mirrored"].get(field)) if field else ""
            shown.add_row(terminal.cell(name), one["operation"], field, mirrored, _brief(actual))
            name = ""
    terminal.console.print(shown)
    if len(differences) > SHOWN:
        terminal.console.print(f"and {len(differences) - SHOWN:,} more: --json prints all of them.")
    terminal.console.print()


def _brief(value: Any) -> str:
    text = "" if value is None else value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return terminal.cell(text if len(text) <= 60 else f"{text[:57]}...")
