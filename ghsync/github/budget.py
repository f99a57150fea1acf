"""What GitHub lets each credential ask, shared by all processes through the database.

Every request takes one from the count before it is sent, and its answer's headers put the count right. Times are the
database's: GitHub's are turned into how long is left, which the answer itself tells, so that no other clock matters.
https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.database import autocommitting, fetch, metadata, moment, transaction
from ghsync.settings import Settings

table = sa.Table(
    "sync_budgets",
    metadata,
    sa.Column("credential", sa.Text, primary_key=True, comment="Who asks: app:ID, installation:ID, token:FINGERPRINT"),
    sa.Column("resource", sa.Text, primary_key=True, comment="core, graphql, ...; all: secondary limits"),
    sa.Column("request_limit", sa.Integer, comment="Requests or points in each window; null until GitHub told"),
    sa.Column("remaining", sa.Integer, comment="What is left of it, without what is under way"),
    moment("resets_at", "When the next window begins"),
    moment("blocked_until", "GitHub asked for silence until then"),
    sa.Column("refusals", sa.Integer, nullable=False, server_default="0", comment="Times it asked so in a row"),
    moment("updated_at", "When this was last heard of", default=True, nullable=False),
    comment="Rate limits of GitHub, by credential; every process takes its requests from here",
)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """What the headers of an answer tell of a limit."""

    resource: str
    limit: int
    remaining: int
    seconds_left: float


@dataclass(frozen=True, slots=True)
class Wait:
    """How long nothing may be sent, and until when by the database's clock."""

    seconds: float
    until: datetime
    reason: str


_TAKE = sa.text("""
WITH blocked AS (
  SELECT max(blocked_until) AS until FROM sync_budgets
  WHERE credential = :credential AND resource IN (:resource, 'all') AND blocked_until > clock_timestamp()
), taken AS (
  INSERT INTO sync_budgets AS b (credential, resource)
  SELECT :credential, :resource FROM blocked WHERE until IS NULL
  ON CONFLICT (credential, resource) DO UPDATE SET
    remaining = CASE WHEN b.resets_at > clock_timestamp() THEN b.remaining - 1 END,
    resets_at = CASE WHEN b.resets_at > clock_timestamp() THEN b.resets_at END
  WHERE b.remaining IS NULL OR b.resets_at IS NULL OR b.resets_at <= clock_timestamp()
    OR b.remaining - 1 >= ceil(b.request_limit * CAST(:floor AS float) / 100)
  RETURNING true
)
SELECT EXISTS (SELECT FROM taken) AS taken, blocked.until AS blocked_until, b.resets_at, b.remaining, b.request_limit,
       clock_timestamp() AS now
FROM blocked LEFT JOIN sync_budgets b ON b.credential = :credential AND b.resource = :resource
""")

_FORGIVEN = """
UPDATE sync_budgets SET refusals = 0
WHERE credential = :credential AND resource = 'all' AND refusals > 0 AND blocked_until <= clock_timestamp()
"""
_FORGIVE = sa.text(_FORGIVEN)

# GitHub's count is the smaller one: ours has what is under way taken off already, and others may spend the same.
# A window's end is told a little late and never early, so the earliest is kept. Another end is another window.
_HEAR = sa.text(f"""
WITH forgiven AS ({_FORGIVEN} AND :accepted)
INSERT INTO sync_budgets AS b (credential, resource, request_limit, remaining, resets_at)
VALUES (:credential, :resource, :limit, :remaining, clock_timestamp() + make_interval(secs => :seconds_left))
ON CONFLICT (credential, resource) DO UPDATE SET
  request_limit = excluded.request_limit,
  remaining = CASE
    WHEN b.remaining IS NULL OR b.resets_at IS NULL OR b.request_limit IS DISTINCT FROM excluded.request_limit
      OR excluded.resets_at > b.resets_at + interval '1 minute' THEN excluded.remaining
    ELSE least(b.remaining + :back, excluded.remaining) END,
  resets_at = CASE
    WHEN b.resets_at IS NULL OR excluded.resets_at > b.resets_at + interval '1 minute' THEN excluded.resets_at
    ELSE least(b.resets_at, excluded.resets_at) END,
  updated_at = clock_timestamp()
WHERE b.resets_at IS NULL OR excluded.resets_at > b.resets_at - interval '1 minute'
""")

# Without a Retry-After GitHub asks for a minute at least, and for longer each time.
_BLOCK = sa.text("""
INSERT INTO sync_budgets AS b (credential, resource, blocked_until, refusals)
VALUES (:credential, 'all', clock_timestamp() + make_interval(secs => coalesce(:seconds, 60)), 1)
ON CONFLICT (credential, resource) DO UPDATE SET
  blocked_until = greatest(b.blocked_until, clock_timestamp() + make_interval(secs =>
    coalesce(:seconds, 60 * 2 ^ least(b.refusals, 4)))),
  refusals = b.refusals + CASE WHEN b.blocked_until > clock_timestamp() THEN 0 ELSE 1 END,
  updated_at = clock_timestamp()
""")


class Budget:
    """The shared counts; nothing is locked between asking and hearing."""

    def __init__(self, engine: AsyncEngine, settings: Settings) -> None:
        self._engine = autocommitting(engine)
        self._floors = {
            "interactive": 0,
            "event": settings.event_floor_percent,
            "sweep": settings.sweep_floor_percent,
        }

    async def take(self, credential: str, resource: str, priority: str) -> Wait | None:
        """Take one request off the count, or answer how long to wait for it."""
        asked = {"credential": credential, "resource": resource, "floor": self._floors[priority]}
        async with transaction(self._engine) as conn:
            (row,) = await fetch(conn, _TAKE, asked)
        if row.taken:
            return None
        if row.blocked_until is not None:
            return Wait((row.blocked_until - row.now).total_seconds(), row.blocked_until, "GitHub asked for a pause")
        if row.resets_at is None or row.resets_at <= row.now:  # the window ended this very moment
            return Wait(0.0, row.now, "the limit has just been renewed")
        reason = f"{row.remaining} of {row.request_limit} are left, which are kept for more urgent requests"
        if row.remaining < 1:
            reason = f"all {row.request_limit} of this window are used"
        return Wait((row.resets_at - row.now).total_seconds(), row.resets_at, reason)

    async def hear(self, credential: str, told: RateLimit | None, *, free: bool = False, refused: bool = False) -> None:
        """Put the count right after an answer.

        One that was free gives back what was taken, and one that was no refusal ends a row of them.
        """
        async with transaction(self._engine) as conn:
            if told is not None:
                heard = {
                    "credential": credential,
                    "resource": told.resource,
                    "limit": told.limit,
                    "remaining": told.remaining,
                    "seconds_left": told.seconds_left,
                    "back": int(free),
                }
                await fetch(conn, _HEAR, heard | {"accepted": not refused})
            elif not refused:
                await fetch(conn, _FORGIVE, {"credential": credential})

    async def block(self, credential: str, seconds: float | None) -> None:
        """Send nothing more for so long; None where GitHub did not say how long."""
        async with transaction(self._engine) as conn:
            await fetch(conn, _BLOCK, {"credential": credential, "seconds": seconds})
