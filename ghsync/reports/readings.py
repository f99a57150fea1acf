"""How far the first reading of GitHub is."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

REPOSITORY_ROWS = 20
"""A repository takes about as long as so many rows, even where it has none: it is a request or two."""

# What is left is what paused readings have yet to read, and of those that have not begun what others had on average.
# It goes on as fast as it went in the sweep that is at work: whoever leads may have been killed in an older one.
_FIRST = sa.text(f"""
WITH sweep AS (
  SELECT max(started_at) AS began_at FROM sync_runs
  WHERE kind = 'sweep' AND repository_id IS NULL AND status = 'running' AND started_at >= (
    SELECT max(leading_since) FROM sync_processes WHERE seen_at > now() - interval '1 minute')
), known AS (
  SELECT r.id, m.complete_at IS NOT NULL AS is_read FROM github_repositories r
  LEFT JOIN github_installations i ON i.id = r.installation_id
  LEFT JOIN sync_marks m ON m.repository_id = r.id
  WHERE r.deleted_at IS NULL AND r.removed_at IS NULL AND i.suspended_at IS NULL AND m.blocked_at IS NULL
), begun AS (
  SELECT DISTINCT ON (s.repository_id) s.repository_id, s.status, s.started_at, s.rows_seen,
         coalesce((s.cursor ->> 'has_paused')::boolean, false) AS has_paused,
         coalesce((s.cursor #>> '{{issues,of}}')::int, 0)
           + coalesce((s.cursor #>> '{{pull_requests,of}}')::int, 0) AS of
  FROM sync_runs s WHERE s.kind = 'backfill' AND s.started_at > now() - interval '1 day'
  ORDER BY s.repository_id, s.started_at DESC
), pace AS (
  SELECT sum(rows_seen + {REPOSITORY_ROWS}) FILTER (WHERE started_at >= (SELECT began_at FROM sweep))
           / nullif(extract(epoch FROM now() - (SELECT began_at FROM sweep)), 0) AS a_second,
         avg(rows_seen + {REPOSITORY_ROWS}) FILTER (WHERE status = 'succeeded') AS each
  FROM begun
), counted AS (
  SELECT count(*) AS repositories, count(*) FILTER (WHERE k.is_read) AS read,
         count(*) FILTER (WHERE k.is_read OR b.has_paused) AS open_read,
         count(*) FILTER (WHERE NOT k.is_read AND b.repository_id IS NULL) AS others,
         coalesce(sum(greatest(b.of - b.rows_seen, 0)) FILTER (WHERE NOT k.is_read), 0) AS left
  FROM known k LEFT JOIN begun b ON b.repository_id = k.id
)
SELECT repositories, read, open_read,
       ((counted.left + CASE WHEN others > 0 THEN others * pace.each ELSE 0 END)
         / CASE WHEN pace.a_second > 0 THEN pace.a_second END)::float8 AS seconds_left
FROM counted, pace WHERE read < repositories AND EXISTS (SELECT FROM sync_runs WHERE kind = 'sweep')
""")


async def first(conn: AsyncConnection) -> dict[str, Any] | None:
    """How many repositories there are, of how many all and of how many what is open has been read, and about how many
    seconds the rest will take, None where that cannot be told. None of it where all have been read once.
    """
    found = (await conn.execute(_FIRST)).one_or_none()
    return dict(found._mapping) if found else None
