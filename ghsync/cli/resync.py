"""`resync`: the manual resync, through the API, with progress; or only what it would change."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Annotated, Any

import sqlalchemy as sa
import typer

from ghsync.cli import arguments, difference, reading, terminal
from ghsync.database import transaction
from ghsync.errors import (
    AccessLost,
    BadCredentials,
    DatabaseUnavailable,
    GhsyncError,
    GitHubUnreachable,
    NotFound,
    Suspended,
)
from ghsync.reconciler import installations, news, places
from ghsync.reconciler.gate import Mirror, Rehearsal
from ghsync.reconciler.places import Place
from ghsync.reconciler.reconciler import Reconciler
from ghsync.reconciler.repository import KINDS, Watch
from ghsync.reconciler.resync import resync as read
from ghsync.reconciler.runs import Run, What

ENDS_ALL = (BadCredentials, DatabaseUnavailable, GitHubUnreachable)
"""After these no other repository can be read either."""

ONLY: dict[str, What] = {"issues": "issues", "pulls": "pull_requests"}

_SUSPENDED = sa.text("""
SELECT i.account_login AS account FROM github_installations i
WHERE i.suspended_at IS NOT NULL AND i.deleted_at IS NULL
  AND (CAST(:installation AS text) IS NULL OR i.github_id = :installation)
  AND (CAST(:name AS text) IS NULL OR EXISTS (
    SELECT FROM github_repositories r WHERE r.installation_id = i.id AND lower(r.tracked_name) = lower(:name)))
ORDER BY i.account_login
""")


@dataclass(slots=True)
class Refused:
    """Why repositories cannot be read that are named, and whole accounts that are not."""

    names: dict[str, str] = field(default_factory=dict)
    accounts: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for on the command line."""

    names: Sequence[str]
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
        raise typer.BadParameter("Name repositories, or give --all, or --installation ID: one of the three.")
    wanted = Wanted(names or (), installation, full, dry_run, _kinds(only))
    outcome = reading.run(lambda reconciler, _: _resync(reconciler, wanted), writes=not dry_run)
    if as_json:
        terminal.print_json(outcome)
    else:
        _show(outcome, wanted)
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


async def _resync(reconciler: Reconciler, wanted: Wanted) -> dict[str, Any]:
    rehearsal = Rehearsal(reconciler.engine, insists=wanted.full) if wanted.dry_run else None
    found, refused = await _places(reconciler, wanted, rehearsal)
    found = await _sized(reconciler, found)
    rows: list[dict[str, Any]] = [{"repository": name, "error": why} for name, why in refused.names.items()]
    with terminal.progress() as bars:
        for place in found:
            bar = bars.add_task(place.full_name, total=None)

            def watch(run: Run, bar: Any = bar) -> None:
                bars.update(bar, completed=run.rows_seen, total=run.progress.total, refresh=True)

            rows.append(await _one(reconciler, place, wanted, rehearsal, watch))
            bars.remove_task(bar)
    told = rehearsal.differences if rehearsal else []
    names = {place.id: place.full_name for place in found}
    return {"repositories": rows, "errors": refused.accounts, "differences": difference.documents(told, names)}


async def _one(
    reconciler: Reconciler, place: Place, wanted: Wanted, rehearsal: Rehearsal | None, watch: Watch
) -> dict[str, Any]:
    """Read one repository; one that fails holds up no other, unless none can be read."""
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
    except ENDS_ALL:
        raise
    except GhsyncError as error:
        return row | {"error": str(error)}
    return row | {
        "read": run.rows_seen,
        "changed": run.rows_written,
        "requests": run.meter.requests,
        "points": run.meter.points,
        "unread": run.unread,
        "seconds": round(time.monotonic() - started, 3),
    }


async def _places(reconciler: Reconciler, wanted: Wanted, rehearsal: Rehearsal | None) -> tuple[list[Place], Refused]:
    """The repositories to read, and why others cannot be; what is not known yet is looked for."""
    found, refused = await _known(reconciler, wanted), Refused()
    missing = _missing(wanted, found)
    if missing or not wanted.names:
        refused = await _discover(reconciler, wanted, missing, rehearsal)
        found = await _known(reconciler, wanted)
        missing = _missing(wanted, found)
    begins = rehearsal is not None and rehearsal.differences
    if not wanted.names:
        refused.accounts += await _suspended(reconciler, installation=wanted.installation)
    if not (found or missing or begins):
        raise _why_nothing(wanted, refused)
    refused.names = {name: refused.names.get(name) or str(await _why_not(reconciler, wanted, name)) for name in missing}
    return found, refused


async def _sized(reconciler: Reconciler, found: Sequence[Place]) -> list[Place]:
    """Find out how large they are, many at once, so that no page is paid for that could hold more; one is just read."""
    if len(found) == 1:
        return list(found)
    sized: list[Place] = []
    for installation, part in reconciler.readable(found).items():
        try:
            session = await reconciler.session(installation, "resync", "interactive")
            sized += await news.sized(session, part)
        except ENDS_ALL:
            raise
        except GhsyncError:  # reading them finds out why
            sized += part
    return sorted(sized, key=attrgetter("full_name"))


async def _known(reconciler: Reconciler, wanted: Wanted) -> list[Place]:
    async with transaction(reconciler.engine) as conn:
        if wanted.names:
            found = await places.named(conn, wanted.names)
        elif wanted.installation is not None:
            found = await places.of_installation(conn, str(wanted.installation))
        else:
            found = await places.everything(conn)
    return [place for part in reconciler.readable(found).values() for place in part]


def _missing(wanted: Wanted, found: Sequence[Place]) -> list[str]:
    known = {place.full_name.lower() for place in found}
    return [name for name in wanted.names if name.lower() not in known]


async def _discover(
    reconciler: Reconciler, wanted: Wanted, names: Sequence[str], rehearsal: Rehearsal | None
) -> Refused:
    """Find out what the App sees; with a personal token, the named ones. Answers what cannot be seen, and why."""
    gate = rehearsal or Mirror(reconciler.engine, insists=wanted.full)
    if reconciler.github.has_app:
        try:
            app = reconciler.app_session("resync", "interactive", gate=gate)
            await installations.refresh(reconciler, app)
        except ENDS_ALL:
            raise
        except GhsyncError as error:  # what is known already can be read all the same
            return Refused(dict.fromkeys(names, str(error)), [] if names else [str(error)])
        return Refused(accounts=[] if names else list(app.unread.sentences.values()))
    session = await reconciler.session(None, "resync", "interactive", gate=gate)
    refused = Refused()
    for name in names:
        try:
            full_name = await installations.see(session, name)
        except NotFound:
            refused.names[name] = f"GitHub shows no repository {name} to this token: is the name right?"
        except ENDS_ALL:
            raise
        except GhsyncError as error:
            refused.names[name] = str(error)
        else:
            refused.names[name] = f"{name} is called {full_name} by now: give that name."
    return refused


async def _why_not(reconciler: Reconciler, wanted: Wanted, name: str) -> GhsyncError:
    """Why a repository that is named is not read."""
    if suspended := await _suspended(reconciler, name=name):
        return Suspended(suspended[0])
    if wanted.dry_run:
        return NotFound(f"{name} is not mirrored yet: there is nothing to compare.")
    return NotFound(f"GitHub shows no repository {name} here: is the App installed there, and is the name right?")


def _why_nothing(wanted: Wanted, refused: Refused) -> GhsyncError:
    """Why there is nothing to read where none is named."""
    if refused.accounts:
        return AccessLost(refused.accounts[0])
    if wanted.installation is not None:
        return NotFound(f"The App has no installation {wanted.installation} that sees a repository.")
    return NotFound("There is nothing to read: install the App on an account, or name a repository.")


async def _suspended(reconciler: Reconciler, *, name: str | None = None, installation: int | None = None) -> list[str]:
    """Why a repository, those of an installation, or some of all cannot be read: whose accounts have suspended it."""
    asked = {"name": name, "installation": None if installation is None else str(installation)}
    async with transaction(reconciler.engine) as conn:
        accounts = await conn.scalars(_SUSPENDED, asked)
        return [
            f"The App's installation on {account} is suspended: the account's owner can lift that in GitHub's settings."
            for account in accounts
        ]


def _show(outcome: dict[str, Any], wanted: Wanted) -> None:
    rows = [row for row in outcome["repositories"] if not row["error"]]
    if wanted.dry_run and (rows or not outcome["repositories"]):
        difference.show(outcome["differences"])
        terminal.console.print()
    if not outcome["repositories"]:
        terminal.console.print("Nothing of these is mirrored yet: without --dry-run, all that is in them is read.")
    shown = terminal.table(
        "Repository", "read", "would change" if wanted.dry_run else "changed", "requests", "points", ""
    )
    for column in shown.columns[1:]:
        column.justify = "right"
    for row in rows:
        numbers = (f"{row[name]:,}" for name in ("read", "changed", "requests", "points"))
        shown.add_row(terminal.cell(row["repository"]), *numbers, terminal.duration(row["seconds"]))
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
