"""`maintain`: what a database wants done now and then."""

from typing import Annotated, Any

import sqlalchemy as sa
import typer
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.cli import terminal
from ghsync.cli.context import run
from ghsync.database import transaction
from ghsync.verification.recomputation import recompute

# Whoever reads one meanwhile sees its old rows: that takes a unique index of whole columns, and rows to begin with.
# https://www.postgresql.org/docs/current/sql-refreshmaterializedview.html
_VIEWS = sa.text("""
SELECT v.matviewname AS name, v.ispopulated AND EXISTS (
         SELECT FROM pg_index i
         WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
       ) AS readable
FROM pg_matviews v JOIN pg_class c ON c.relname = v.matviewname AND c.relnamespace = CAST(v.schemaname AS regnamespace)
WHERE v.schemaname = current_schema() ORDER BY v.matviewname
""")


def maintain(
    recompute_tracking: Annotated[
        bool, typer.Option("--recompute-tracking", help="Derive every row of pr_tracking anew from the mirror.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")] = False,
) -> None:
    """Refresh materialized views; on request, derive pr_tracking anew.

    Whoever reads or writes goes on meanwhile. Derived anew, no pull request
    should become another: pr_tracking follows the mirror by itself.
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


async def _maintain(engine: AsyncEngine, *, tracking: bool) -> dict[str, Any]:
    return {"refreshed": await _refresh(engine), "tracking": await _recompute(engine) if tracking else None}


async def _refresh(engine: AsyncEngine) -> list[str]:
    async with transaction(engine) as conn:
        views = (await conn.execute(_VIEWS)).all()
    for view in views:
        async with transaction(engine) as conn:
            how = "CONCURRENTLY " if view.readable else ""
            await conn.execute(sa.text(f'REFRESH MATERIALIZED VIEW {how}"{view.name}"'))
    return [view.name for view in views]


async def _recompute(engine: AsyncEngine) -> dict[str, int]:
    with terminal.progress() as bars:
        bar = bars.add_task("Deriving pr_tracking", total=None)
        done = await recompute(engine, lambda completed, total: bars.update(bar, completed=completed, total=total))
    return {"derived": done.pull_requests, "changed": done.changed}


def _tell(done: dict[str, Any]) -> None:
    for view in done["refreshed"]:
        terminal.console.print(f"Refreshed {view}.", markup=False)
    if done["tracking"]:
        derived = terminal.count(done["tracking"]["derived"], "pull request")
        changed = done["tracking"]["changed"]
        terminal.console.print(f"Derived {derived} anew: {f'{changed:,}' if changed else 'none'} became another.")
    elif not done["refreshed"]:
        terminal.console.print("There is nothing to do.")
