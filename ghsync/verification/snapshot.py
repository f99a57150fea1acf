"""What the mirror was, and what had arrived, at the one moment that a verification speaks of.

Workers go on meanwhile. What they write later is not in these copies, and what arrives later is not replayed, so
that no transaction has to stay open, and keep PostgreSQL from clearing up, for as long as a replay takes.
"""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.mirror.nouns import NOUNS
from ghsync.verification import natural
from ghsync.verification.shadow import SCHEMA

ARRIVED = "arrived"
"""Table of the shadow: the deliveries of that moment, and whether each waited to be projected (again)."""

COPY = "live_"
"""What a noun's name is preceded by in the table of the shadow that holds the live rows."""

_ARRIVED = sa.text(f"""
CREATE UNLOGGED TABLE {SCHEMA}.{ARRIVED} AS
SELECT id, received_at, status = 'pending' OR dismissed_at IS NOT NULL AS waits
FROM webhook_deliveries WHERE body IS NOT NULL
""")

COMPLETE_SINCE = "complete_since"
"""Table of the shadow: from when on the inbox has all that was delivered, with payloads."""

# Of a month that went, what GitHub sends again for three days may have arrived later.
_COMPLETE_SINCE = sa.text(f"""
CREATE UNLOGGED TABLE {SCHEMA}.{COMPLETE_SINCE} AS
SELECT greatest(
  (SELECT CASE WHEN min(id) = 1 THEN 'epoch' ELSE coalesce(min(received_at), now()) END FROM webhook_deliveries),
  (SELECT max(received_at) FROM webhook_deliveries WHERE body IS NULL),
  (SELECT max(done_before) + interval '3 days' FROM data_retention_policies WHERE table_name = 'webhook_deliveries')
) AS moment
""")

_INDEXES = (f"CREATE UNIQUE INDEX ON {SCHEMA}.{ARRIVED} (id)", f"CREATE INDEX ON {SCHEMA}.{ARRIVED} (received_at)")


async def take(conn: AsyncConnection) -> None:
    """Copy it, in the caller's transaction, which has to see one moment only (REPEATABLE READ)."""
    await conn.execute(_ARRIVED)
    await conn.execute(_COMPLETE_SINCE)
    for statement in _INDEXES:
        await conn.execute(sa.text(statement))
    for noun in NOUNS:
        copy = f"{SCHEMA}.{COPY}{noun.name}"
        await conn.execute(sa.text(f"CREATE UNLOGGED TABLE {copy} AS {natural.rows(noun)}"))
        await conn.execute(sa.text(f"CREATE INDEX ON {copy} ({', '.join(noun.key)})"))
        await conn.execute(sa.text(f"ANALYZE {copy}"))
