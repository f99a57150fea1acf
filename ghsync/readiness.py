"""Whether this process can do its work, and how fresh the mirror is."""

import msgspec
import psycopg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ghsync import database, deadline, migrate, staleness
from ghsync.errors import DatabaseRefused, DatabaseUnavailable, Locked
from ghsync.inbox import recorder
from ghsync.settings import Settings
from ghsync.staleness import CAUSES, Backlog

ANSWER_SECONDS = 2.0
COUNTED_AT_MOST = 10_000

PATIENCE = sa.text("SET LOCAL lock_timeout = '1s'")  # so that what is locked is told as such
LOCKED = "The inbox is locked: `ghsync doctor` tells who holds it, and how to end that."

BACKLOG = sa.text("""
    WITH pending AS (
        SELECT received_at FROM webhook_deliveries WHERE status = 'pending' ORDER BY next_attempt_at, id LIMIT :at_most
    ), parked AS (
        SELECT FROM webhook_deliveries WHERE status = 'parked' LIMIT :at_most
    )
    SELECT
        (SELECT count(*) FROM pending) AS pending,
        (SELECT count(*) FROM parked) AS parked,
        oldest.received_at AS oldest_received_at,
        extract(epoch FROM greatest(now() - oldest.received_at, '0'))::float8 AS oldest_pending_seconds
    FROM (SELECT min(received_at) AS received_at FROM pending) oldest
""")


class Freshness(msgspec.Struct, frozen=True):
    """How far the mirror is behind the inbox and GitHub, and why; counts end at `COUNTED_AT_MOST`."""

    pending: int
    parked: int
    oldest_pending_seconds: float
    hooks_only: bool
    stale: bool
    reasons: tuple[str, ...]
    stale_by: dict[str, bool]


class Readiness(msgspec.Struct, frozen=True):
    """What speaks against sending requests here, and how fresh the mirror is where that is known.

    The database ``answers`` even where it is locked, or takes no delivery for another reason of its own.
    """

    reasons: tuple[str, ...] = ()
    freshness: Freshness | None = None
    answers: bool = False


async def check(engine: AsyncEngine, settings: Settings) -> Readiness:
    """Ask the database, for two seconds at most, and see whether it would take a delivery."""
    try:
        return await deadline.within(ANSWER_SECONDS, _ask(engine, settings))
    except DatabaseRefused as error:
        return Readiness((str(error),))
    except DatabaseUnavailable:
        return Readiness(("The database does not answer.",))
    except Locked:
        return Readiness((LOCKED,), answers=True)
    except sa.exc.DBAPIError as error:
        return Readiness((_why(error),), answers=True)


async def _ask(engine: AsyncEngine, settings: Settings) -> Readiness:
    async with database.transaction(engine) as conn:
        await conn.execute(PATIENCE)
        applied = await conn.run_sync(migrate.revision_of)
        if applied is None or _is_older(applied):
            head = migrate.newest()
            return Readiness((f"The database is at migration {applied}, not at {head}: run `ghsync migrate`.",))
        freshness = await _freshness(conn, settings)
        reasons = await _rehearse(conn)
        await conn.rollback()
    return Readiness(reasons, freshness, answers=True)


async def _freshness(conn: AsyncConnection, settings: Settings) -> Freshness:
    row = (await conn.execute(BACKLOG, {"at_most": COUNTED_AT_MOST})).one()
    found = await staleness.read(conn, settings, Backlog(row.pending, row.oldest_received_at, row.parked))
    seconds = round(row.oldest_pending_seconds, 3)
    by = {cause: cause in found.causes for cause in CAUSES}
    return Freshness(
        row.pending, row.parked, seconds, found.hooks_only, bool(found.reasons), found.reasons, stale_by=by
    )


async def _rehearse(conn: AsyncConnection) -> tuple[str, ...]:
    """Why a delivery could not be committed now, as far as an attempt tells."""
    try:
        await recorder.rehearse(conn)
    except psycopg.Error as error:
        return (_why(error),)
    return ()


def _why(error: BaseException) -> str:
    found = database.unavailable(error)
    if isinstance(found, DatabaseRefused):
        return str(found)
    locked = isinstance(getattr(error, "orig", error), psycopg.errors.LockNotAvailable)
    return LOCKED if locked else f"The inbox takes no delivery: {found}."


def _is_older(revision: str) -> bool:
    """A revision that is not among ours is newer: a new version has migrated, and works with this one."""
    return revision in migrate.revisions() and revision != migrate.newest()
