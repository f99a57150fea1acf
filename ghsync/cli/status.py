"""`status`: how fresh the mirror is, and what is in its way."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Annotated, Any

import typer
from rich import filesize
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import wording
from ghsync.cli import arguments, terminal
from ghsync.cli.context import configured
from ghsync.database import create_engine, transaction
from ghsync.errors import Locked
from ghsync.reports import status as report_of
from ghsync.reports.status import Report
from ghsync.settings import Settings

PATIENCE_SECONDS = 1.0
HOOKS_ONLY = (
    "not read: a delivery that is lost stays lost, until GHSYNC_APP_ID is set, and merge_status pending where GitHub "
    "had yet to find out whether a pull request can be merged"
)


def status(
    repo: Annotated[
        str | None, typer.Option(parser=arguments.full_name, metavar="OWNER/NAME", help="Only this repository.")
    ] = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Print only why it is stale, and exit with 1; print nothing and exit with 0."),
    ] = False,
    as_json: arguments.Json = False,
) -> None:
    """Tell how fresh the mirror is and what is in its way.

    It is stale when a delivery has waited for more than a minute, or is parked,
    and when GitHub cannot be read, or has not been for too long. Numbers with
    "about" are estimated. With --check, for cron and monitors, the exit code says
    whether it is stale.
    """

    with configured() as (loaded, url):
        report = asyncio.run(_read(loaded, url, repo, tell=not (as_json or check)))
    if as_json:
        terminal.print_json(report)
    elif check:
        for reason in report["reasons"]:
            terminal.console.print(reason, markup=False, soft_wrap=True)
    elif repo:
        _show_repository(report)
    else:
        _show(report)
    if check and report["stale"]:
        raise typer.Exit(terminal.FAILED)


async def _report(engine: AsyncEngine, loaded: Settings, repo: str | None) -> Report:
    async with transaction(engine) as conn:
        if repo:
            return await report_of.repository(conn, loaded, repo)
        return await report_of.everything(conn, loaded)


async def _read(loaded: Settings, url: str, repo: str | None, *, tell: bool) -> Report:
    """The report; where a lock keeps it from us, who holds that is told, if people read it."""
    engine = create_engine(url)
    try:
        reading = asyncio.create_task(_report(engine, loaded, repo))
        with suppress(TimeoutError, Locked):  # then what it waits for is among what is held
            await asyncio.wait_for(asyncio.shield(reading), PATIENCE_SECONDS)
        async with transaction(engine) as conn:
            held = await report_of.held(conn)
        try:
            report = await reading
        except Locked:
            if tell:
                _show_locks(held)
            raise
        return report if repo else report | {"locks": held}
    finally:
        await engine.dispose()


def _show(report: Report) -> None:
    newest, inbox = report["newest_processed"], report["deliveries"]
    nothing = (
        "Nothing has arrived yet." if report["hooks_only"] else "Fresh: GitHub was read; no delivery has arrived yet."
    )
    mirrored = "what arrived lately is being mirrored" if inbox["pending"] else "all that arrived is mirrored"
    fresh = f"Fresh: {mirrored}." if newest else nothing
    _show_verdict(report, "Fresh, but not complete: some of GitHub could not be read." if report["unread"] else fresh)
    _show_unread(report["unread"])
    facts = _facts()
    if newest:
        age, lag = wording.duration(newest["age_seconds"]), wording.duration(newest["lag_seconds"])
        facts.add_row("Newest change", f"mirrored {age} ago, {lag} after it arrived")
    waiting = f"{inbox['pending']:,}"
    if inbox["pending"]:
        waiting += f", the oldest for {wording.duration(inbox['oldest_pending_seconds'])}"
    facts.add_row("Waiting", waiting)
    facts.add_row("Parked", f"{inbox['parked']:,}")
    facts.add_row("Done", f"{_number(inbox['done'])}, of these {_number(inbox['ignored'])} ignored")
    if report["hooks_only"]:
        facts.add_row("GitHub's API", HOOKS_ONLY)
    if report["first_reading"]:
        facts.add_row("First reading", _first_reading(report["first_reading"]))
    for one in report["left_out"]:
        facts.add_row("Not shown", terminal.cell(f"to {one['who']}: {one['said']}"))
    terminal.console.print(facts)
    _show_processes(report["processes"])
    _show_locks(report["locks"])
    _show_jobs(report["jobs"])
    _show_parked_jobs(report["parked_jobs"])
    _show_runs(report["runs"])
    _show_budgets(report["budgets"])
    rows = terminal.table("Mirrored", "rows")
    rows.columns[1].justify = "right"
    for name, number in report["rows"].items():
        rows.add_row(name, _number(number))
    _section(rows)
    _show_room(report["room"])
    _show_errors(report["errors"])


def _first_reading(told: Report) -> str:
    """How far it is, where something has yet to be read for the first time."""
    said = f"{told['read']:,} of {wording.count(told['repositories'], 'repository', 'repositories')} read"
    if told["open_read"] > told["read"]:
        said += f"; of {told['open_read'] - told['read']:,} more, all that is open"
    left = told["seconds_left"]
    return said if left is None else f"{said}; about {wording.duration(max(left, 1))} left"


def _show_repository(report: Report) -> None:
    _show_verdict(report, f"{report['repository']} is {report['state']}.")
    _show_unread(report["unread"])
    facts = _facts()
    if report["reasons"]:
        facts.add_row("Repository", f"{terminal.cell(report['repository'])}, {report['state']}")
    facts.add_row("Project", terminal.cell(report["project"]))
    facts.add_row("Last delivery", _time(report["last_received_at"]))
    facts.add_row("Last observed", _time(report["observed_at"]))
    facts.add_row("Verified by API", _time(report["verified_at"]))
    facts.add_row("Issues", f"{report['issues']:,}, of these {report['open_issues']:,} open")
    facts.add_row("Pull requests", f"{report['pull_requests']:,}, of these {report['open_pull_requests']:,} open")
    facts.add_row("Comments", f"{report['comments']:,}")
    facts.add_row("Waiting", f"{report['pending']:,}")
    facts.add_row("Parked", f"{report['parked']:,}")
    if report["hooks_only"]:
        facts.add_row("GitHub's API", HOOKS_ONLY)
    terminal.console.print(facts)
    _show_jobs(report["jobs"])
    _show_parked_jobs(report["parked_jobs"])
    _show_runs(report["runs"])
    _show_errors(report["errors"])


def _show_verdict(report: Report, otherwise: str) -> None:
    if report["stale"]:
        for reason in report["reasons"]:
            terminal.console.print(f"[bold red]Stale:[/] {terminal.cell(reason)}", soft_wrap=True)
    else:
        terminal.console.print(otherwise, style="green", markup=False)
    if report["standby"]:
        terminal.console.print(_standby(report["standby"]), markup=False)
    terminal.console.print()


def _standby(standby: Mapping[str, Any]) -> str:
    """How far behind its primary the server is that was asked."""
    if standby["behind_seconds"] is None:
        return "This is a standby, which has yet to replay a first transaction."
    if not standby["behind_seconds"]:
        return "This is a standby, with all that its primary has sent."
    return f"This is a standby, {wording.duration(standby['behind_seconds'])} behind its primary."


def _show_unread(unread: Sequence[Mapping[str, Any]]) -> None:
    """What GitHub does not let us read, so that the mirror is not complete."""
    for one in unread:
        said = f"{terminal.cell(one['error'])} {_next_try(one)}"
        terminal.console.print(f"[yellow]Not read:[/] {said}", soft_wrap=True)
    if unread and unread[0]["of"] > len(unread):
        terminal.console.print(f"[yellow]Not read:[/] {unread[0]['of'] - len(unread):,} more.")
    if unread:
        terminal.console.print()


def _next_try(one: Mapping[str, Any]) -> str:
    when = terminal.brief(one["next_at"])
    if one["overdue"]:
        return f"It should have been asked for again at {when}: does `ghsync serve` run?"
    return f"Next try: {when}."


def _show_processes(processes: Sequence[Mapping[str, Any]]) -> None:
    """Who is at work, who leads, and who is not heard of any more."""
    if processes:
        shown = terminal.table("Processes", "version", "since", "state")
        for one in processes:
            who = f"{one['kind']} {one['host']}:{one['pid']}"
            shown.add_row(
                terminal.cell(who), terminal.cell(one["version"]), terminal.brief(one["started_at"]), _life(one)
            )
        _section(shown)


def _life(process: Mapping[str, Any]) -> str:
    told = ["at work"]
    if process["silent"]:
        told = [f"[yellow]silent for {wording.duration(process['silent_seconds'])}: stopped, cut off or dead[/]"]
    if process["leading_since"]:
        told.append(f"leads since {terminal.brief(process['leading_since'])}")
    elif process["replaced_at"]:
        told.append(f"another took the lead at {terminal.brief(process['replaced_at'])}")
    return "; ".join(told)


def _show_locks(locks: Sequence[Mapping[str, Any]]) -> None:
    """Who holds what others wait for, and how many those are."""
    shown = terminal.table("Locks", "held by", "for", "waiting")
    for lock in locks:
        if lock["waiting"]:
            holder = f"{lock['holder']}, PostgreSQL's {lock['pid']}, {lock['state'] or 'of an unknown state'}"
            held = wording.duration(lock["seconds"]) if lock["seconds"] is not None else ""
            shown.add_row(terminal.cell(lock["lock"]), terminal.cell(holder), held, f"{lock['waiting']:,}")
    if shown.row_count:
        _section(shown)


def _show_jobs(jobs: Sequence[Mapping[str, Any]]) -> None:
    if jobs:
        shown = terminal.table("Work to do", "waiting", "due", "failing", "first due")
        for job in jobs:
            counts = (f"{job[name]:,}" for name in ("waiting", "due", "failing"))
            shown.add_row(job["kind"], *counts, terminal.moment(job["first_due_at"]))
        _section(shown)


def _show_parked_jobs(jobs: Sequence[Mapping[str, Any]]) -> None:
    """The last of the jobs that failed too often, and how they are tried again."""
    if jobs:
        shown = terminal.table(f"Work given up, {jobs[0]['of']:,} in all", "about", "error")
        for job in jobs:
            shown.add_row(job["kind"], terminal.cell(job["key"]), terminal.cell(job["error"]))
        _section(shown)
        terminal.console.print("Mend what the errors say, then run: ghsync maintain --retry-jobs")


def _show_runs(runs: Sequence[Mapping[str, Any]]) -> None:
    """What the last runs read, changed and cost; those that failed say why."""
    if not runs:
        return
    shown = terminal.table("Last runs", "began", "took", "read", "changed", "requests", "points")
    shown.columns[0].overflow = "ellipsis"  # a repository's name is not broken
    for column in shown.columns[1:]:
        column.no_wrap = True
    for column in shown.columns[2:]:
        column.justify = "right"
    for run in runs:
        numbers = (f"{run[name]:,}" for name in ("read", "changed", "requests", "points"))
        shown.add_row(terminal.cell(_name(run)), terminal.brief(run["started_at"]), _took(run), *numbers)
    _section(shown)
    for run in runs:
        if run["error"]:
            terminal.console.print(f"[red]{terminal.cell(_name(run))}: {terminal.cell(run['error'])}[/]")


def _took(run: Mapping[str, Any]) -> str:
    if run["kind"] == "refetch":
        return ""  # each took its own time
    return wording.duration(run["seconds"]) if run["status"] == "succeeded" else str(run["status"])


def _name(run: Mapping[str, Any]) -> str:
    if run["kind"] == "refetch":
        return "refetches of the hour"  # which are one run together
    return " ".join(filter(None, (run["kind"], run["repository"])))


def _show_budgets(budgets: Sequence[Mapping[str, Any]]) -> None:
    """What GitHub lets each credential ask."""
    if budgets:
        shown = terminal.table("Rate limits", "resource", "left", "until")
        shown.columns[2].justify = "right"
        for budget in budgets:
            left = "" if budget["limit"] is None else f"{budget['remaining']:,} of {budget['limit']:,}"
            until = terminal.brief(budget["resets_at"]) if budget["resets_at"] else ""
            if budget["blocked_until"]:
                until = f"GitHub asked for a pause until {terminal.brief(budget['blocked_until'])}"
            who = " ".join(filter(None, (budget["credential"], budget["account"])))
            shown.add_row(terminal.cell(who), budget["resource"], left, until)
        _section(shown)


def _show_room(room: Sequence[Mapping[str, Any]]) -> None:
    """What grows with time, how long it is kept, and the room that it takes."""
    shown = terminal.table("Room", "takes", "kept for")
    shown.columns[1].justify = "right"
    for each in room:
        takes = filesize.decimal(each["bytes"]) if each["bytes"] is not None else ""
        kept = f"{wording.count(each['days'], 'day')}, then {each['then']}" if each["then"] else "ever"
        shown.add_row(terminal.cell(each["what"] or "all else"), takes, kept)
    _section(shown)


def _show_errors(errors: Sequence[Mapping[str, Any]]) -> None:
    if errors:
        shown = terminal.table("Last errors", "event", "status", "error")
        for error in errors:
            event = ".".join(filter(None, (error["event"], error["action"])))
            shown.add_row(str(error["id"]), terminal.cell(event), error["status"], terminal.cell(error["error"]))
        _section(shown)


def _facts() -> Table:
    facts = Table.grid(padding=(0, 3))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column()
    return facts


def _section(table: Table) -> None:
    terminal.console.print()
    terminal.console.print(table)


def _number(number: Mapping[str, Any]) -> str:
    if number["count"] is None:
        return "unknown until ANALYZE"
    return f"about {number['count']:,}" if number["about"] else f"{number['count']:,}"


def _time(value: Any) -> str:
    return terminal.moment(value) if value else "never"
