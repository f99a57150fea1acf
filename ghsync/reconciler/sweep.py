"""The sweep: which repositories changed since they were read? One GraphQL request asks a hundred; those are read."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain
from typing import Any

import structlog

from ghsync.database import first_line, transaction
from ghsync.errors import AccessLost, GhsyncError, RateLimited, TakenOver, UnavailableForLegalReasons
from ghsync.reconciler import bulk, installations, news, places, runs, unread
from ghsync.reconciler.places import Place
from ghsync.reconciler.progress import Progress
from ghsync.reconciler.reconciler import Reconciler
from ghsync.reconciler.resync import resync
from ghsync.reconciler.runs import Run
from ghsync.reconciler.session import Session

log = structlog.get_logger()

AT_ONCE = 3
"""Installations that are swept at one time: each has hourly limits of its own, and they share a pool of five
connections with the rest of the reconciler. What may take hours, the history of large repositories, comes when all have
had their turn.
"""

NO_FAILURES = (UnavailableForLegalReasons, TakenOver)
"""Why a repository is not read where nothing is wrong here: GitHub has blocked it, or another process reads it."""

EVER = datetime.min.replace(tzinfo=UTC)

MORE_AFTER = timedelta(minutes=10)
"""What may be seen since is read at most so often: permissions may come and go."""


async def sweep(
    reconciler: Reconciler,
    *,
    complete_every: timedelta,
    discover: bool = False,
    discovered: Callable[[], None] = lambda: None,
) -> Run:
    """Read what changed in every repository, and everything of those not read completely for ``complete_every``, or
    not with all the permissions that there are by now.

    ``discover`` asks first what the App sees, and ``discovered`` is called when that is known; a personal token has no
    installations.
    A repository, or an installation, that cannot be read holds up no other; one such failure is raised at the end.
    One that GitHub has blocked for everybody is no failure: it is told of by itself, and asked for with the next
    complete reading.
    """
    now = reconciler.github.now()
    async with transaction(reconciler.engine) as conn:
        run = await runs.start(conn, "sweep", Progress(now))
    problems: list[GhsyncError] = []
    async with runs.recorded(reconciler.engine, run):
        if discover and reconciler.github.has_app:
            # A few requests, without which nothing else can be read; healing may have used up what sweeps may use.
            app = reconciler.app_session("reconcile", "event", meter=run.meter)
            try:
                await installations.refresh(reconciler, app)
                discovered()
            except GhsyncError as error:
                if not unread.is_of_one(error):
                    raise
                log.warning("installations_failed", error=first_line(error))
                problems.append(error)
            run.unread = app.unread.sentence
        async with transaction(reconciler.engine) as conn:
            everything = reconciler.readable(await places.everything(conn))
        begun = await _side_by_side(
            partial(_sweep, reconciler, run, installation, known, now, complete_every)
            for installation, known in everything.items()
        )
        ended = await _side_by_side(partial(_read_rest, reconciler, run, each) for each in begun if each.left)
        problems += chain.from_iterable(each.problems for each in (*begun, *ended))
        if problems:
            raise _foremost(problems, among=len(everything))
    return run


@dataclass(frozen=True, slots=True)
class Swept:
    """How far an installation is swept: what failed, and which repositories are still to be read whole."""

    problems: Sequence[GhsyncError]
    left: Sequence[Place] = ()


async def _side_by_side(acts: Iterable[Callable[[], Coroutine[Any, Any, Swept]]]) -> list[Swept]:
    """Do these, a few at one time; the first error that is raised ends all."""
    room = asyncio.Semaphore(AT_ONCE)

    async def in_turn(act: Callable[[], Coroutine[Any, Any, Swept]]) -> Swept:
        async with room:
            return await act()

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(in_turn(act)) for act in acts]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None  # such as a database that is away: all the others are cancelled
    return [task.result() for task in tasks]


def _foremost(problems: Sequence[GhsyncError], among: int) -> GhsyncError:
    """The last failure that is not a limit; a limit says when to sweep again only where all installations have one."""
    limits = [each for each in problems if isinstance(each, RateLimited)]
    if len(limits) < len(problems):
        return next(each for each in reversed(problems) if each not in limits)
    if len(limits) < among:
        return RateLimited(first_line(limits[-1]))
    return min(limits, key=lambda each: each.retry_at or EVER)


async def _sweep(
    reconciler: Reconciler,
    run: Run,
    installation: str | None,
    known: Sequence[Place],
    now: datetime,
    complete_every: timedelta,
) -> Swept:
    """Sweep one installation, but for what may take long.

    What is worth most comes first: what changed, what is open in large repositories that nobody has read, small ones.
    """
    complete_before = now - complete_every
    known = [place for place in known if not _is_blocked(place, complete_before)]
    try:
        session = await reconciler.session(installation, "reconcile", "sweep", meter=run.meter)
        granted = await session.granted(known[0].permissions if known else None)
        told = await news.ask(session, reconciler.engine, known)
    except GhsyncError as error:
        log.warning("sweep_failed", installation=installation, error=first_line(error))
        if installation is not None and isinstance(error, AccessLost):
            await installations.make_due(reconciler, installation)
        return Swept([error])
    due = {one.place.id: one.place for one in told if _is_due(one.place, granted, now, complete_before)}
    moved = [one.place for one in told if one.moved and one.place.id not in due]
    outcomes: list[Run | GhsyncError] = []
    try:
        for place in moved:
            outcomes.append(await _read(reconciler, run, place, full=False))
        for place in await _read_open(reconciler, run, session, due.values()):
            del due[place.id]
        async for place, shown in bulk.small(session, list(due.values())):
            outcomes.append(await _read(reconciler, run, due.pop(place.id), shown=shown))
    except RateLimited as error:
        return Swept(_failures([*outcomes, error]))  # the rest of it must wait too
    return Swept(_failures(outcomes), list(due.values()))


async def _read_rest(reconciler: Reconciler, run: Run, swept: Swept) -> Swept:
    """Read all of what is left of an installation."""
    outcomes: list[Run | GhsyncError] = []
    try:
        for place in swept.left:
            outcomes.append(await _read(reconciler, run, place))
    except RateLimited as error:
        outcomes.append(error)
    return Swept(_failures(outcomes))


def _failures(outcomes: Iterable[Run | GhsyncError]) -> list[GhsyncError]:
    return [each for each in outcomes if isinstance(each, GhsyncError) and not isinstance(each, NO_FAILURES)]


async def _read_open(reconciler: Reconciler, run: Run, session: Session, due: Iterable[Place]) -> list[Place]:
    """Read what is open in those that are large and that nobody has read; answers those with which that was all.

    Of one where it fails the rest may be read all the same, and what is wrong is told then.
    """
    async with transaction(reconciler.engine) as conn:
        paused = await runs.paused(conn)
    ended: list[Place] = []
    for place in due:
        if place.complete_at is None and bulk.is_large(place) and place.id not in paused:
            read = await _read(reconciler, run, place, shown=await bulk.opened(session, place), pause=True)
            if isinstance(read, NO_FAILURES) or (isinstance(read, Run) and not read.paused):
                ended.append(place)
    return ended


async def _read(
    reconciler: Reconciler,
    run: Run,
    place: Place,
    *,
    full: bool = True,
    shown: bulk.Whole | None = None,
    pause: bool = False,
) -> Run | GhsyncError:
    """Read one repository, as a part of ``run``; answers why it could not be. Raises `RateLimited`."""
    kind = "backfill" if place.complete_at is None else "sweep"
    try:
        read = await resync(reconciler, place, kind=kind, full=full, priority="sweep", shown=shown, pause=pause)
    except RateLimited:
        raise
    except UnavailableForLegalReasons as error:
        log.warning("repository_blocked", repository=place.full_name, error=first_line(error))
        return error
    except TakenOver as error:
        log.info("repository_left", repository=place.full_name, reason=first_line(error))
        return error
    except GhsyncError as error:
        log.warning("repository_failed", repository=place.full_name, error=first_line(error))
        return error
    if not read.paused:  # it adds up what it reads before and after
        run.rows_seen += read.rows_seen
        run.rows_written += read.rows_written
    return read


def _is_due(place: Place, granted: frozenset[str] | None, now: datetime, complete_before: datetime) -> bool:
    """Whether everything of it is to be read: for the first time, or again, or since more of it may be seen."""
    if place.complete_at is None or place.complete_at < complete_before:
        return True
    return place.blocked_at is not None or (place.shows_more(granted) and place.complete_at < now - MORE_AFTER)


def _is_blocked(place: Place, complete_before: datetime) -> bool:
    """Whether GitHub has blocked it, and it is too early to ask again."""
    return place.blocked_at is not None and place.blocked_at >= complete_before
