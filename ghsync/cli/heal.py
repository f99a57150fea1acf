"""`heal`: GitHub's delivery log against the inbox."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from ghsync import wording
from ghsync.administration import healing
from ghsync.cli import arguments, reading, terminal
from ghsync.inbox.recorder import Recorder
from ghsync.reconciler.heal import KEPT
from ghsync.reconciler.reconciler import Reconciler
from ghsync.settings import Settings


def heal(
    since: Annotated[
        datetime | None,
        typer.Option(
            parser=arguments.moment,
            metavar="TIME",
            help=f"How far back, as far as GitHub's log goes: {arguments.MOMENT_HELP} Unset: to the last look.",
        ),
    ] = None,
    as_json: arguments.Json = False,
) -> None:
    """Bring in the deliveries that GitHub sent and that never arrived.

    GitHub keeps its log for three days. What is missing is put into the inbox;
    `ghsync serve` or `ghsync work` projects it.
    """
    if since and since < datetime.now(UTC) - KEPT:
        terminal.note(
            f"GitHub keeps its log for {KEPT.days} days, GitHub Enterprise Server longer: "
            "what it does not hold any more cannot be compared."
        )
    report = reading.run(lambda reconciler, loaded: _heal(reconciler, loaded, since))
    if as_json:
        terminal.print_json(report)
        return
    attempts, missing, recorded = report["attempts"], report["missing"], report["recorded"]
    looked = f"Compared {wording.count(attempts, 'entry', 'entries')} of GitHub's delivery log with the inbox"
    if not missing:
        terminal.console.print(f"{looked}: nothing is missing.", style="green")
        return
    terminal.console.print(f"{looked}: {wording.deliveries(recorded)} brought in, to be projected next.")
    if left := missing - recorded:
        terminal.note(f"{wording.deliveries(left)} could not be read; GitHub was asked to send what it still has.")


async def _heal(reconciler: Reconciler, loaded: Settings, since: datetime | None) -> dict[str, int]:
    recorder = Recorder(reconciler.engine, loaded.commit_timeout_seconds)
    try:
        return await healing.heal(reconciler, recorder, since, actor=terminal.operator())
    finally:
        await recorder.close()
