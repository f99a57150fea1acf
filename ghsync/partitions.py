"""Partitions by month, so that what grows with time can age out by dropping tables, not rows. Nothing drops them yet.

https://www.postgresql.org/docs/current/ddl-partitioning.html
"""

import asyncio
import re

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.database import first_line, transaction
from ghsync.errors import GhsyncError, Locked

LOOK_SECONDS = 3600.0

# A lock that is not to be had at once is not waited for, since others would wait behind it: it is tried so often.
ATTEMPTS = 20
PAUSE_SECONDS = 0.2

DEFAULT = "default"
"""What ends the name of the partition that takes what belongs to no month for which there is one."""

_NAME = re.compile(rf"(\w+)_({DEFAULT}|y\d{{4}}m\d{{2}})")

_MAKE = sa.text("SELECT make_partitions()")

log = structlog.get_logger()


def with_default(table: sa.Table) -> None:
    """Give a partitioned table the partition that takes whatever no other does, where the table is made as declared."""
    statement = f"CREATE TABLE {table.name}_{DEFAULT} PARTITION OF {table.name} DEFAULT"
    sa.event.listen(table, "after_create", sa.DDL(statement))  # type: ignore[no-untyped-call]


def whole(name: str) -> str:
    """The table that one of this name is a partition of, by its name; else the name itself."""
    found = _NAME.fullmatch(name)
    return found[1] if found else name


async def make(engine: AsyncEngine) -> list[str]:
    """Make the partitions of this month and the next ones where they are missing; answers their names.

    Raises `Locked` where others keep their locks for too long.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            async with transaction(engine) as conn:
                return list(await conn.scalars(_MAKE))
        except Locked:
            if attempt == ATTEMPTS:
                raise
            await asyncio.sleep(PAUSE_SECONDS)
    raise AssertionError("the last attempt answers, or raises")


async def keep_made(engine: AsyncEngine) -> None:
    """Make them whenever they are due, as long as this process lives; until then the default ones take the rows."""
    while True:
        try:
            made = await make(engine)
        except (GhsyncError, sa.exc.DBAPIError) as error:
            log.warning("partitions_not_made", again_in_seconds=LOOK_SECONDS, error=first_line(error))
        else:
            if made:
                log.info("partitions_made", names=made)
        await asyncio.sleep(LOOK_SECONDS)
