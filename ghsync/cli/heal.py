"""`heal`: GitHub's delivery log against the inbox."""

import asyncio
from datetime import datetime
from typing import Annotated, Any

import typer

from ghsync import migrate
from ghsync.cli import arguments, terminal
from ghsync.cli.context import configured
from ghsync.database import create_engine
from ghsync.github.client import GitHub
from ghsync.inbox.recorder import Recorder
from ghsync.reconciler.heal import heal as look
from ghsync.reconciler.reconciler import Reconciler
from ghsync.settings import Settings


def heal(
    since: Annotated[
        datetime | None,
        typer.Option(
            parser=arguments.moment, metavar="AGE|DATE", help="How far back, at most three days. Unset: the last look."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Bring in the deliveries that GitHub sent and that never arrived.

    GitHub keeps its log for three days. What is missing is put into the inbox;
    `ghsync serve` or `ghsync work` projects it.
    """
    with configured() as (loaded, url):
        migrate.upgrade(url)
        report = asyncio.run(_heal(loaded, url, since))
    if as_json:
        terminal.print_json(report)
        return
    looked = f"Compared {terminal.count(report['attempts'], 'attempt')} to deliver with the inbox"
    if not report["missing"]:
        terminal.console.print(f"{looked}: nothing is missing.", style="green")
        return
    left = report["missing"] - report["recorded"]
    asked = f" {terminal.deliveries(left)} could not be read; GitHub was asked to send again." if left else ""
    terminal.console.print(f"{looked}: {terminal.deliveries(report['recorded'])} brought into the inbox.{asked}")


async def _heal(loaded: Settings, url: str, since: datetime | None) -> dict[str, Any]:
    engine = create_engine(url)
    try:
        async with GitHub(engine, loaded) as github:
            recorder = Recorder(engine, loaded.commit_timeout_seconds)
            run, healed = await look(Reconciler(engine, github), recorder, since=since)
            await recorder.close()
    finally:
        await engine.dispose()
    return {
        "attempts": healed.attempts,
        "missing": healed.missing,
        "recorded": healed.recorded,
        "requests": run.meter.requests,
    }
