"""One run over one repository: the manual resync, the backfill of one that was never read, or a part of a sweep."""

from datetime import datetime

import structlog

from ghsync.database import transaction
from ghsync.errors import AccessLost, Gone, NotFound, UnavailableForLegalReasons
from ghsync.github.client import Meter
from ghsync.reconciler import bulk, installations, places, repository, runs, unread
from ghsync.reconciler.gate import Gate, Mirror
from ghsync.reconciler.places import Place
from ghsync.reconciler.progress import KINDS, Position, Progress, State, What
from ghsync.reconciler.reconciler import Reconciler
from ghsync.reconciler.repository import Watch
from ghsync.reconciler.runs import Run

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
    shown: bulk.Whole | None = None,
    spent: Meter | None = None,
    pause: bool = False,
) -> Run:
    """Bring one repository up to GitHub; ``kind`` is what ``sync_runs`` calls it.

    A repository that was never read completely is, whatever ``full`` says. A full resync insists: what GitHub answers
    takes the place of whatever was observed before (I11). A complete run, when it is stopped by Ctrl-C or
    kill -9, goes on where it was. Errors of GitHub's are noted in the run and raised, and `TakenOver` where another
    process goes on with it. Behind a ``gate`` that writes nothing, nothing of the run is noted either. A complete run
    does not ask again for what was just ``shown`` of the repository, and counts what was ``spent`` on that.

    A first reading begins with what is open, unless there is little else. It may ``pause`` when that is read: the next
    one of its kind goes on with it.
    """
    complete = full or place.complete_at is None
    resumable = complete and kinds == KINDS and gate is None
    progress = _begin(place, shown.first.observed_at if shown else reconciler.github.now(), resumable)
    if gate is None:
        async with transaction(reconciler.engine) as conn:
            run = await runs.resume(conn, kind, place.id) if resumable else None
            run = run or await runs.start(conn, kind, progress, place.id)
    else:
        run = runs.rehearsed(progress)
    if spent:
        run.meter.requests += spent.requests
        run.meter.points += spent.points
    try:
        async with runs.recorded(reconciler.engine, run):
            credential = place.installation
            through = gate or Mirror(reconciler.engine, insists=full and kind == "resync")
            session = await reconciler.session(credential, _SOURCES[kind], priority, gate=through, meter=run.meter)
            async with unread.kept(session.unread, reconciler.engine, run, place.id, rehearsed=gate is not None):
                if complete:
                    await repository.complete(session, reconciler.engine, place, run, kinds, watch, shown, pause=pause)
                else:
                    await repository.recent(session, reconciler.engine, place, run, kinds, watch)
    except (NotFound, Gone, AccessLost):
        if gate is None:
            await _ask_what_is_seen(reconciler, place)
        raise
    except UnavailableForLegalReasons:
        if gate is None:
            await _block(reconciler, place, run)
        raise
    log.info(
        "repository_read",
        repository=place.full_name,
        kind=kind,
        complete=complete,
        paused=run.paused,
        rows=run.rows_seen,
        unread=run.unread,
        changed=run.rows_written,
        requests=run.meter.requests,
        points=run.meter.points,
    )
    return run


def _begin(place: Place, now: datetime, resumable: bool) -> Progress:
    is_first = resumable and place.complete_at is None and bulk.is_large(place)
    state: State | None = "open" if is_first else None
    issues, pull_requests = (Position(state, of, total=of) for of in (place.issues, place.pull_requests))
    return Progress(now, resumable, issues=issues, pull_requests=pull_requests)


async def _ask_what_is_seen(reconciler: Reconciler, place: Place) -> None:
    """The repository is not found: its installation says whether it may still be seen."""
    if place.installation is not None:
        await installations.make_due(reconciler, place.installation)


async def _block(reconciler: Reconciler, place: Place, run: Run) -> None:
    """GitHub has blocked the repository, for everybody."""
    async with transaction(reconciler.engine) as conn:
        await places.block(conn, place, run.progress.began_at)
