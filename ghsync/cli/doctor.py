"""`doctor`: one line a check, and what to do where one fails."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated

import typer

from ghsync.cli import terminal
from ghsync.cli.context import configured
from ghsync.database import create_engine
from ghsync.doctor import finding, here, there
from ghsync.doctor.finding import Finding
from ghsync.errors import DatabaseUnavailable, NotConfigured
from ghsync.github.client import GitHub
from ghsync.settings import Settings

STYLES = {"ok": "green", "warning": "yellow", "failed": "red"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check settings, database, GitHub App, webhook and clock; say what to do."""
    findings: list[Finding] = []

    def note(found: Finding) -> None:
        findings.append(found)
        if not as_json:
            style = STYLES[found.state]
            terminal.console.print(f"[{style}]{found.state:<8}[/] {found.check:<16} {terminal.cell(found.said)}")

    try:
        with configured(notes=False) as (loaded, url):
            asyncio.run(_examine(loaded, url, note))
    except NotConfigured as error:
        for sentence in str(error).splitlines():
            note(Finding("settings", "failed", sentence))
    except DatabaseUnavailable as error:
        note(Finding("database", "failed", error.sentence))
    if as_json:
        terminal.print_json([asdict(found) for found in findings])
    if any(found.state == "failed" for found in findings):
        raise typer.Exit(terminal.FAILED)


async def _examine(loaded: Settings, url: str, note: Callable[[Finding], None]) -> None:
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
        if database.state == "ok" and granted.state != "failed":
            note(await finding.of("readings", here.unread(engine)))
            note(await finding.of("locks", here.held(engine)))
            note(await finding.of("processes", here.at_work(engine)))
        if loaded.pooler_url:
            pooled = await finding.of("pooler", here.pooled(loaded, url))
            if pooled.said != database.said:  # else the database itself is away
                note(pooled)
        if in_the_way & here.NEEDED or not (loaded.app_id or loaded.token):
            return
        hasty = loaded.model_copy(update={"api_patience_seconds": 0})  # a limit is a finding, not to be waited for
        async with GitHub(engine, hasty) as github:
            async for one in there.findings(github, loaded):
                note(one)
    finally:
        await engine.dispose()
