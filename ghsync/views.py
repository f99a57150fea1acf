"""Materialized views: refreshed."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.database import transaction

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


async def refresh(engine: AsyncEngine) -> tuple[list[str], list[str]]:
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
