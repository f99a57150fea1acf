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
# Until PostgreSQL 17, which has MAINTAIN, only the owner refreshes a view.
# https://www.postgresql.org/docs/current/sql-refreshmaterializedview.html
_VIEWS = sa.text("""
WITH server AS (SELECT current_setting('server_version_num')::int >= 170000 AS grants_it)
SELECT v.matviewname AS name, v.matviewowner AS owner, current_user AS role, grants_it,
       CASE WHEN grants_it THEN has_table_privilege(c.oid, 'MAINTAIN')
            ELSE pg_has_role(c.relowner, 'USAGE') END AS may_refresh,
       v.ispopulated AND EXISTS (
         SELECT FROM pg_index i
         WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
       ) AS readable
FROM server, pg_matviews v JOIN pg_class c ON c.relname = v.matviewname
  AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = v.schemaname)
WHERE v.schemaname = current_schema() ORDER BY v.matviewname
""")

_UNHURRIED = sa.text("SET LOCAL statement_timeout = 0")


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
    for sentence in done["refused"]:
        terminal.note(sentence, style="red")
    if done["refused"]:
        raise typer.Exit(terminal.FAILED)


async def _maintain(engine: AsyncEngine, *, tracking: bool) -> dict[str, Any]:
    refreshed, refused = await _refresh(engine)
    return {"refreshed": refreshed, "refused": refused, "tracking": await _recompute(engine) if tracking else None}


async def _refresh(engine: AsyncEngine) -> tuple[list[str], list[str]]:
    """Refresh what the role may; answers the names, and a sentence for each of the others."""
    async with transaction(engine) as conn:
        views = (await conn.execute(_VIEWS)).all()
    permitted = [view for view in views if view.may_refresh]
    for view in permitted:
        async with transaction(engine) as conn:
            await conn.execute(_UNHURRIED)
            how = "CONCURRENTLY " if view.readable else ""
            await conn.execute(sa.text(f'REFRESH MATERIALIZED VIEW {how}"{view.name}"'))
    return [view.name for view in permitted], [_refusal(view) for view in views if not view.may_refresh]


def _refusal(view: sa.Row[Any]) -> str:
    granted = f' or GRANT MAINTAIN ON "{view.name}" TO "{view.role}"' if view.grants_it else ""
    what_to_do = f'run `ghsync maintain` as its owner, "{view.owner}"{granted}'
    return f'The role "{view.role}" may not refresh {view.name}: {what_to_do}.'


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
    elif not (done["refreshed"] or done["refused"]):
        terminal.console.print("There is nothing to do.")
