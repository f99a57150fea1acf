"""One run over one repository: the manual resync, the backfill of one that was never read, or a part of a sweep."""

import structlog

from ghsync import jobs
from ghsync.database import first_line, transaction
from ghsync.errors import GhsyncError, Gone, NotFound
from ghsync.jobs import Job
from ghsync.reconciler import repository, runs
from ghsync.reconciler.gate import Gate
from ghsync.reconciler.places import Place
from ghsync.reconciler.reconciler import Reconciler
from ghsync.reconciler.repository import KINDS, Watch
from ghsync.reconciler.runs import Progress, Run, What

log = structlog.get_logger()

_SOURCES = {"backfill": "backfill", "resync": "resync", "sweep": "reconcile"}
"""What rows that a kind of run writes say of themselves."""


async def resync(
    reconciler: Reconciler,
    place: Place,
    *,
    kind: str,
    full: bool,
    priority: str,
    kinds: tuple[What, ...] = KINDS,
    gate: Gate | None = None,
    watch: Watch | None = None,
) -> Run:
    """Bring one repository up to GitHub; ``kind`` is what ``sync_runs`` calls it.

    A repository that was never read completely is, whatever ``full`` says. Such a run, when it is stopped by Ctrl-C or
    kill -9, goes on where it was. Errors of GitHub's are noted in the run and raised.
    """
    complete = full or place.complete_at is None
    resumable = complete and kinds == KINDS and gate is None
    async with transaction(reconciler.engine) as conn:
        run = await runs.resume(conn, kind, place.id) if resumable else None
        run = run or await runs.start(conn, kind, Progress(reconciler.github.now(), resumable), place.id)
    session = await reconciler.session(place.installation, _SOURCES[kind], priority, gate=gate, meter=run.meter)
    status, error = "interrupted", None
    try:
        read = repository.complete if complete else repository.recent
        await read(session, reconciler.engine, place, run, kinds, watch)
        status = "succeeded"
    except GhsyncError as problem:
        status, error = "failed", first_line(problem)
        if isinstance(problem, NotFound | Gone):
            await _ask_what_is_seen(reconciler, place)
        raise
    finally:
        async with transaction(reconciler.engine) as conn:
            await runs.finish(conn, run, status, error)
        log.info(
            "repository_read",
            repository=place.full_name,
            kind=kind,
            complete=complete,
            status=status,
            rows=run.rows_seen,
            changed=run.rows_written,
            requests=run.meter.requests,
            points=run.meter.points,
        )
    return run


async def _ask_what_is_seen(reconciler: Reconciler, place: Place) -> None:
    """The repository is not found: its installation says whether it may still be seen."""
    if place.installation is None:
        return
    job = Job("refetch_installation", place.installation, None, "a repository is not found")
    async with transaction(reconciler.engine) as conn:
        await jobs.schedule(conn, [job])
