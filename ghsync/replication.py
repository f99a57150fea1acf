"""Standbys: how far behind its primary one is, as it knows itself and as the primary does.

https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-REPLICATION-VIEW
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.database import fetch

# Whether it receives may be seen by every role, from whom and what not. A primary that writes nothing is not behind.
_STANDBY = sa.text("""
SELECT receives, replayed_at,
       CASE WHEN receives AND received <= replayed THEN 0
            ELSE extract(epoch FROM greatest(clock_timestamp() - replayed_at, '0')) END::float8 AS behind_seconds
FROM (SELECT EXISTS (SELECT FROM pg_stat_wal_receiver) AS receives, pg_last_xact_replay_timestamp() AS replayed_at,
             pg_last_wal_receive_lsn() AS received, pg_last_wal_replay_lsn() AS replayed) found
WHERE pg_is_in_recovery()
""")

# Without the role pg_monitor it is seen that there are standbys, and not how they are. Of one that does not answer any
# more `replay_lag` stays what it was. Who receives WAL and replays none is no standby.
_STANDBYS = sa.text("""
SELECT application_name AS name,
       max(CASE WHEN replay_lsn >= here THEN 0
           ELSE extract(epoch FROM greatest(replay_lag, clock_timestamp() - reply_time, '0')) END)::float8 AS seconds
FROM pg_stat_replication, (SELECT CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_lsn() END AS here) primary_
WHERE replay_lsn IS NOT NULL AND here IS NOT NULL
GROUP BY application_name ORDER BY application_name
""")

_SLOTS = sa.text("""
SELECT slot_name AS name, pg_wal_lsn_diff(here, restart_lsn)::float8 AS bytes
FROM pg_replication_slots, (SELECT CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_lsn() END AS here) primary_
WHERE restart_lsn IS NOT NULL AND here IS NOT NULL ORDER BY slot_name
""")


@dataclass(frozen=True, slots=True)
class Standby:
    """What a standby knows of itself; the seconds are None where it has replayed nothing since it started."""

    receives: bool
    replayed_at: datetime | None
    behind_seconds: float | None


@dataclass(frozen=True, slots=True)
class Followers:
    """Who follows a primary: seconds by standby, as far as the role may see them, and bytes by replication slot."""

    standbys: list[Any] = field(default_factory=list)
    slots: list[Any] = field(default_factory=list)


async def standby(conn: AsyncConnection) -> Standby | None:
    """How far behind the server is, None where it is no standby."""
    rows = await fetch(conn, _STANDBY)
    return Standby(rows[0].receives, rows[0].replayed_at, rows[0].behind_seconds) if rows else None


async def followers(conn: AsyncConnection) -> Followers:
    """Who follows this server, nobody where it is a standby itself."""
    return Followers(await fetch(conn, _STANDBYS), await fetch(conn, _SLOTS))
