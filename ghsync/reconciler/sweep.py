"""The sweep: which repositories changed since they were read? One GraphQL request asks a hundred; those are read."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from operator import itemgetter

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.database import first_line, transaction
from ghsync.errors import (
    AccessLost,
    GhsyncError,
    Gone,
    GraphQLUnavailable,
    NotFound,
    RateLimited,
    TakenOver,
    TooHeavy,
    UnavailableForLegalReasons,
)
from ghsync.github import etags
from ghsync.github.graphql import answers
from ghsync.github.graphql.answers import Newest
from ghsync.reconciler import installations, places, runs
from ghsync.reconciler.places import Place
from ghsync.reconciler.reconciler import Reconciler
from ghsync.reconciler.resync import resync
from ghsync.reconciler.runs import Progress, Run
from ghsync.reconciler.session import Session

log = structlog.get_logger()

AT_ONCE = 100


async def sweep(reconciler: Reconciler, *, complete_every: timedelta, discover: bool = False) -> Run:
    """Read what changed in every repository, and everything of those not read completely for ``complete_every``.

    ``discover`` asks first what the App sees; a personal token has no installations.
    A repository, or an installation, that cannot be read holds up no other; the last such failure is raised at the end.
    One that GitHub has blocked for everybody is no failure: it is told of by itself, and asked for with the next
    complete reading.
    """
    now = reconciler.github.now()
    async with transaction(reconciler.engine) as conn:
        run = await runs.start(conn, "sweep", Progress(now))
    async with runs.recorded(reconciler.engine, run):
        if discover and reconciler.github.has_app:
            # A few requests, without which nothing else can be read; healing may have used up what sweeps may use.
            app = reconciler.app_session("reconcile", "event", meter=run.meter)
            await installations.refresh(reconciler, app)
        async with transaction(reconciler.engine) as conn:
            everything = reconciler.readable(await places.everything(conn))
        problems: list[GhsyncError] = []
        for installation, known in everything.items():
            problems += await _sweep(reconciler, run, installation, known, now - complete_every)
        if problems:
            raise problems[-1]
    return run


async def _sweep(
    reconciler: Reconciler, run: Run, installation: str | None, known: Sequence[Place], complete_before: datetime
) -> list[GhsyncError]:
    """Sweep one installation; answers what failed."""
    known = [place for place in known if not _is_blocked(place, complete_before)]
    problems: list[GhsyncError] = []
    try:
        session = await reconciler.session(installation, "reconcile", "sweep", meter=run.meter)
        news = await moved(session, reconciler.engine, known)
    except GhsyncError as error:
        log.warning("sweep_failed", installation=installation, error=first_line(error))
        if installation is not None and isinstance(error, AccessLost):
            await installations.make_due(reconciler, installation)
        return [error]
    # What changed comes first: to read everything of one repository may take long.
    for full, place in sorted(((_is_due(place, complete_before), place) for place in known), key=itemgetter(0)):
        if not full and place.id not in news:
            continue
        kind = "backfill" if place.complete_at is None else "sweep"
        try:
            read = await resync(reconciler, place, kind=kind, full=full, priority="sweep")
        except RateLimited as error:
            return [*problems, error]  # the rest of it must wait too
        except UnavailableForLegalReasons as error:
            log.warning("repository_blocked", repository=place.full_name, error=first_line(error))
            continue
        except TakenOver as error:
            log.info("repository_left", repository=place.full_name, reason=first_line(error))
            continue
        except GhsyncError as error:
            log.warning("repository_failed", repository=place.full_name, error=first_line(error))
            problems.append(error)
            continue
        run.rows_seen += read.rows_seen
        run.rows_written += read.rows_written
    return problems


def _is_due(place: Place, complete_before: datetime) -> bool:
    """Whether everything of it is to be read."""
    return place.complete_at is None or place.complete_at < complete_before or place.blocked_at is not None


def _is_blocked(place: Place, complete_before: datetime) -> bool:
    """Whether GitHub has blocked it, and it is too early to ask again."""
    return place.blocked_at is not None and place.blocked_at >= complete_before


async def moved(session: Session, engine: AsyncEngine, known: Sequence[Place]) -> set[str]:
    """Which of one credential's repositories have something newer than what was read, or cannot tell (our ids)."""
    fresh = {place.id for place in known if not place.node_id}
    for part in _parts([place for place in known if place.node_id], AT_ONCE):
        try:
            answer = await session.graphql("newest", ids=[place.node_id for place in part])
        except (GraphQLUnavailable, TooHeavy) as error:
            log.warning("graphql_given_up", repositories=len(part), error=first_line(error))
            fresh |= {place.id for place in part if await _has_moved(session, engine, place)}
            continue
        shown = {node.id: node for node in answers.newest_decoder.decode(answer.data).nodes if node}
        fresh |= {place.id for place in part if _news(place, shown.get(str(place.node_id)))}
    return fresh


async def _has_moved(session: Session, engine: AsyncEngine, place: Place) -> bool:
    """The same through REST, a request each; it is free while nothing changes, for then GitHub answers 304."""
    try:
        answer = await session.get(
            place.path("issues"), conditional=True, state="all", sort="updated", direction="desc", per_page=1
        )
    except (NotFound, Gone, AccessLost, UnavailableForLegalReasons):
        return True  # reading it finds out why
    if answer.unchanged:
        return False
    through = max(filter(None, (place.issues_through, place.pull_requests_through)), default=None)
    if any(_later(one.updated_at, through) for one in _dated.decode(answer.body)):
        return True
    if answer.etag:
        async with transaction(engine) as conn:
            await etags.keep(conn, answer.etag)
    return False


class _Dated(msgspec.Struct, frozen=True):
    updated_at: datetime


_dated = msgspec.json.Decoder(list[_Dated])


def _news(place: Place, node: Newest | None) -> bool:
    return (
        node is None  # it cannot be seen: reading it finds out why
        or node.name_with_owner != place.full_name
        or _later(node.updated_at, place.updated_at)
        or _later(node.issues.changed_at, place.issues_through)
        or _later(node.pull_requests.changed_at, place.pull_requests_through)
    )


def _later(changed_at: datetime | None, through: datetime | None) -> bool:
    return changed_at is not None and (through is None or changed_at > through)


def _parts(known: Sequence[Place], size: int) -> Iterator[Sequence[Place]]:
    return (known[start : start + size] for start in range(0, len(known), size))
