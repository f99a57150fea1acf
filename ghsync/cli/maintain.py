"""`maintain`: what a database wants done now and then."""

from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import partitions, views, wording
from ghsync.administration import maintenance
from ghsync.cli import arguments, terminal
from ghsync.cli.context import run
from ghsync.database import transaction


def maintain(
    recompute_tracking: Annotated[
        bool, typer.Option("--recompute-tracking", help="Derive every row of pr_tracking anew from the mirror.")
    ] = False,
    as_json: arguments.Json = False,
) -> None:
    """Make partitions, refresh views; on request, derive pr_tracking anew.

    Whoever reads goes on meanwhile; while a partition is made, who writes waits
    for a moment. `ghsync serve` and `ghsync work` make partitions by themselves.
    Derived anew, no pull request should become another: pr_tracking follows the
    mirror by itself.
    """
    try:
        done = run(lambda engine: _maintain(engine, tracking=recompute_tracking))
    except KeyboardInterrupt:
        terminal.note("Stopped, and nothing is lost: what was done until then stays done.")
        raise typer.Exit(terminal.STOPPED) from None
    if as_json:
        terminal.print_json(done)
    else:
        _tell(done)
    for sentence in done["refused"]:
        terminal.note(sentence, style="red")
    if done["refused"]:
        raise typer.Exit(terminal.FAILED)


async def _maintain(engine: AsyncEngine, *, tracking: bool) -> dict[str, Any]:
    made = await partitions.make(engine)
    async with transaction(engine) as conn:
        up_to = partitions.made_up_to(await partitions.expected(conn))
    refreshed, refused = await views.refresh(engine)
    derived = await _recompute(engine) if tracking else None
    return {
        "partitions": made.names,
        "partitions_made_up_to": f"{up_to:%Y-%m}" if up_to else None,
        "refreshed": refreshed,
        "refused": made.refused + made.locked + refused,
        "tracking": derived,
    }


async def _recompute(engine: AsyncEngine) -> dict[str, int]:
    with terminal.progress() as bars:
        bar = bars.add_task("Deriving pr_tracking", total=None)
        return await maintenance.recompute_tracking(
            engine,
            lambda completed, total: bars.update(bar, completed=completed, total=total),
            actor=terminal.operator(),
        )


def _tell(done: dict[str, Any]) -> None:
    for partition in done["partitions"]:
        terminal.console.print(f"Made {partition}.", markup=False)
    if done["partitions_made_up_to"] and not done["partitions"]:
        terminal.console.print(f"Partitions are made up to {done['partitions_made_up_to']}.")
    for view in done["refreshed"]:
        terminal.console.print(f"Refreshed {view}.", markup=False)
    if done["tracking"]:
        derived = wording.count(done["tracking"]["derived"], "pull request")
        changed = done["tracking"]["changed"]
        terminal.console.print(f"Derived {derived} anew: {f'{changed:,}' if changed else 'none'} became another.")
