"""Upkeep: partitions are there before rows come for them, and what is past its time goes, as long as we run."""

import asyncio
from dataclasses import dataclass

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import partitions, purge, retention, webhook_secrets
from ghsync.database import first_line, transaction
from ghsync.errors import GhsyncError

LOOK_SECONDS = 3600.0

# What another holds is tried again without end, after longer and longer pauses.
LONGEST_PAUSE_SECONDS = 60.0

# Tries in a row after which that is told, some two minutes; and again after an hour of them.
TOLD_FIRST, TOLD_AGAIN = 10, 60

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Obstacles:
    """Why something was not done: what others hold for now apart from the rest."""

    refused: list[str]
    locked: list[str]


async def keep_up(engine: AsyncEngine) -> None:
    """Make partitions and let go of others whenever they are due, as long as this process lives."""
    failures = 0
    while True:
        found = await _look(engine)
        failures = failures + 1 if found.locked else 0
        seconds = LOOK_SECONDS
        if failures:
            seconds = min(partitions.PAUSE_SECONDS * 2 ** min(failures, 10), LONGEST_PAUSE_SECONDS)
        if not failures or failures % TOLD_AGAIN == TOLD_FIRST:
            for sentence in found.refused + found.locked:
                log.warning("upkeep_not_done", again_in_seconds=seconds, error=sentence)
        await asyncio.sleep(seconds)


async def _look(engine: AsyncEngine) -> Obstacles:
    """Do what is due, whatever is in the way: a database that fails is waited for, as what others hold is."""
    try:
        made = await partitions.make(engine, attempts=1)
        if made.names:
            log.info("partitions_made", names=made.names)
        retired = await retention.enforce(engine)
        purged = await purge.enforce(engine)
        async with transaction(engine) as conn:
            await webhook_secrets.forget(conn)
    except GhsyncError as error:
        return Obstacles([], [first_line(error)])
    except sa.exc.DBAPIError as error:
        return Obstacles([first_line(error)], [])
    for each in retired.partitions:
        log.info("partition_retired", name=each.partition.name, how=each.how, bytes=each.partition.bytes)
    if retired.payloads.number or retired.deliveries:
        log.info("deliveries_aged", payloads=retired.payloads.number, deliveries=retired.deliveries)
    for one in purged:
        log.info("repository_purged", repository=one.full_name, rows=one.rows, payloads=one.payloads)
    return Obstacles(made.refused + retired.refused, made.locked + retired.locked)
