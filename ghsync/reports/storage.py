"""What room the database takes, and how long is kept what grows with time."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync import retention

Report = dict[str, Any]

# Partitions count as their table; of what a policy speaks of a column alone, the table has the size.
_ROOM = sa.text("""
WITH sizes AS (
  SELECT coalesce(whole.relname, c.relname)::text AS name, sum(pg_total_relation_size(c.oid))::bigint AS bytes
  FROM pg_class c
  LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class whole ON whole.oid = i.inhparent
  WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) AND c.relkind IN ('r', 'm')
  GROUP BY 1
)
SELECT what.name AS what, s.bytes, p.retention_days AS days,
       CASE WHEN p.archive_enabled THEN 'archived' WHEN p.delete_enabled THEN 'deleted' END AS then, p.last_run_at
FROM unnest(CAST(:kept AS text[])) AS what (name)
LEFT JOIN sizes s ON s.name = what.name LEFT JOIN data_retention_policies p ON p.table_name = what.name
UNION ALL
SELECT NULL, sum(s.bytes)::bigint, NULL, NULL, NULL FROM sizes s WHERE s.name <> ALL(CAST(:kept AS text[]))
ORDER BY what NULLS LAST
""")


async def room(conn: AsyncConnection) -> list[Report]:
    """What each takes, in bytes, for how many days it is kept, and what becomes of it then; null is for ever.

    The last one, without a name, is all else.
    """
    return [dict(row._mapping) for row in await conn.execute(_ROOM, {"kept": list(retention.KEPT)})]
