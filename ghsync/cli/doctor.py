"""`doctor`: one line a check, and what to do where one fails."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict

import typer
from rich.table import Table

from ghsync import settings, wording
from ghsync.cli import arguments, terminal
from ghsync.cli.context import configured
from ghsync.database import create_engine
from ghsync.doctor import finding, here, order, there
from ghsync.doctor.finding import Finding
from ghsync.errors import DatabaseUnavailable, NotConfigured
from ghsync.github.client import GitHub
from ghsync.settings import Settings

STYLES = {"ok": "green", "warning": "yellow", "failed": "red"}
STATE_WIDTH, CHECK_WIDTH = 8, 16

Note = Callable[[Finding], None]


def doctor(
    as_json: arguments.Json = False,
) -> None:
    """Check settings, database, GitHub App, webhook and clock; say what to do."""
    findings: list[Finding] = []

    def note(found: Finding) -> None:
        findings.append(found)
        if not as_json:
            terminal.console.print(line(found))

    loaded = _examined(note)
    if as_json:
        terminal.print_json([asdict(found) for found in findings])
    else:
        _conclude(loaded, findings)
    if any(found.state == "failed" for found in findings):
        raise typer.Exit(terminal.FAILED)


def _examined(note: Note) -> Settings | None:
    """Note what is found; answers the settings, if they can be read."""
    read: Settings | None = None
    try:
        read = settings.load()
        with configured(notes=False, tells_place=True) as (loaded, url):
            asyncio.run(_examine(loaded, url, note))
    except NotConfigured as error:
        for sentence in str(error).splitlines():
            note(Finding("settings", "failed", sentence))
    except DatabaseUnavailable as error:
        note(Finding("database", "failed", error.sentence))
    return read


def line(found: Finding) -> Table:
    """A finding; what does not fit on its line goes on below its beginning."""
    line = Table.grid(padding=(0, 1))
    line.add_column(width=STATE_WIDTH, style=STYLES[found.state])
    line.add_column(width=CHECK_WIDTH)
    line.add_column(overflow="fold")
    line.add_row(found.state, found.check, terminal.cell(found.said))
    return line


def _conclude(loaded: Settings | None, findings: Sequence[Finding]) -> None:
    """Say what was not checked, and how many things are not well."""
    left = order.left_out(loaded, {found.check for found in findings}) if loaded else ["all else"]
    if left:
        terminal.console.print(f"Not checked: {', '.join(left)}. Mend the above first.", style="dim")
    counts = Counter(found.state for found in findings)
    failed, warnings = counts["failed"], counts["warning"]
    told = [f"{failed} failed"] * bool(failed) + [wording.count(warnings, "warning")] * bool(warnings)
    terminal.console.print(f"{', '.join(told) or 'All is well'}.")


async def _examine(loaded: Settings, url: str, note: Note) -> None:
    """Note what is found here, and, where nothing is in the way of asking GitHub, there."""
    found = list(here.settings(loaded))
    for one in found:
        note(one)
    engine = create_engine(url)
    try:
        database = await finding.of("database", here.database(engine, url))
        note(database)
        granted = await finding.of("rights", here.granted(engine))
        if granted.said != database.said:  # else nothing could be asked
            note(granted)
        in_the_way = {one.check for one in [*found, database, granted] if one.state == "failed"}
        empty = here.is_empty(database)
        usable = not empty and "failed" not in (database.state, granted.state)
        if loaded.encryption_keys and not loaded.webhook_secrets and (empty or usable):
            note(await finding.of("webhook secrets", here.secrets(engine, empty=empty)))
        if usable:
            note(await finding.of("readings", here.unread(engine)))
            if loaded.encryption_keys and "encryption keys" not in in_the_way:
                note(await finding.of("stored secrets", here.kept(engine, loaded)))
            note(await finding.of("partitions", here.partitioned(engine)))
            note(await finding.of("locks", here.held(engine)))
            note(await finding.of("processes", here.at_work(engine)))
        if loaded.pooler_url:
            pooled = await finding.of("pooler", here.pooled(loaded, url))
            if pooled.said != database.said:  # else the database itself is away
                note(pooled)
        if empty or in_the_way & here.NEEDED or not (loaded.app_id or loaded.token):
            return
        hasty = loaded.model_copy(update={"api_patience_seconds": 0})  # a limit is a finding, not to be waited for
        async with GitHub(engine, hasty) as github:
            async for one in there.findings(github, loaded):
                note(one)
    finally:
        await engine.dispose()
