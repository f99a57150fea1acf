"""Repositories that somebody asked to have read, without waiting for it: one after the other, as jobs."""

import structlog

from ghsync import jobs
from ghsync.database import first_line, transaction
from ghsync.errors import GhsyncError, RateLimited, TakenOver
from ghsync.jobs import Job
from ghsync.reconciler import places
from ghsync.reconciler.reconciler import Reconciler
from ghsync.reconciler.resync import resync

KIND = "resync"

TRIED_AT_MOST = 5
"""A minute or so: what goes on to fail is told by `status`, and the schedule reads it all the same."""

_FULL = "#full"

log = structlog.get_logger()


def job(repository_id: str, *, full: bool) -> Job:
    """The job that reads a repository (our id): what changed, or in full."""
    return Job(KIND, f"{repository_id}{_FULL if full else ''}", repository_id, "somebody asked for it")


async def do_next(reconciler: Reconciler) -> bool:
    """Read the next one that is due; answers whether there was one. Raises `RateLimited`."""
    async with transaction(reconciler.engine) as conn:
        due = await jobs.due(conn, KIND, 1)
        if not due.keys:
            return False
        (key,) = due.keys
        readable = reconciler.readable(await places.these(conn, [key.removesuffix(_FULL)]))
        if not readable:
            await jobs.finish(conn, KIND, due)  # what may not be seen now is read in full when it may be again
            return True
    ((place,),) = readable.values()
    try:
        await resync(reconciler, place, kind="resync", full=key.endswith(_FULL), priority="interactive")
    except RateLimited:
        raise
    except GhsyncError as error:
        log.warning("resync_failed", repository=place.full_name, error=first_line(error))
        if not isinstance(error, TakenOver):
            async with transaction(reconciler.engine) as conn:
                await jobs.postpone(conn, KIND, due.keys, first_line(error), max_attempts=TRIED_AT_MOST)
            return True
    async with transaction(reconciler.engine) as conn:
        await jobs.finish(conn, KIND, due)
    return True
