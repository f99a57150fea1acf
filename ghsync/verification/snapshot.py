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
FROM webhook_deliveries
""")

_INDEXES = (f"CREATE UNIQUE INDEX ON {SCHEMA}.{ARRIVED} (id)", f"CREATE INDEX ON {SCHEMA}.{ARRIVED} (received_at)")


async def take(conn: AsyncConnection) -> None:
    """Copy it, in the caller's transaction, which has to see one moment only (REPEATABLE READ)."""
    await conn.execute(_ARRIVED)
    for statement in _INDEXES:
        await conn.execute(sa.text(statement))
    for noun in NOUNS:
        copy = f"{SCHEMA}.{COPY}{noun.name}"
        await conn.execute(sa.text(f"CREATE UNLOGGED TABLE {copy} AS {natural.rows(noun)}"))
        await conn.execute(sa.text(f"CREATE INDEX ON {copy} ({', '.join(noun.key)})"))
        await conn.execute(sa.text(f"ANALYZE {copy}"))
