"""Reading one repository: completely, or what changed since it was read last."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from itertools import chain

import structlog
from msgspec import structs
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.changes.feed import ChangeEvent
from ghsync.database import transaction
from ghsync.errors import GhsyncError, GraphQLUnavailable, RateLimited, TooHeavy, UnreadableAnswer
from ghsync.mirror import pull_request
from ghsync.projector.batch import Batch
from ghsync.reconciler import (
    absentees,
    access,
    alerts,
    bulk,
    catalog,
    conversations,
    graphql_pages,
    heads,
    rest_pages,
    runs,
    strays,
    unread,
)
from ghsync.reconciler.absentees import Absentee
from ghsync.reconciler.catalog import KnownRepository
from ghsync.reconciler.conversations import Conversation
from ghsync.reconciler.page import Page, Until
from ghsync.reconciler.places import Place
from ghsync.reconciler.progress import KINDS, What
from ghsync.reconciler.runs import Run
from ghsync.reconciler.session import Session

log = structlog.get_logger()

LONG_PAUSE = timedelta(minutes=10)
"""After so long since it began, what a reading knows of labels and milestones may be others by now."""

OVERLAP = timedelta(minutes=1)
"""How far a listing of what changed reaches behind the newest change read: replicas lag, and clocks differ."""

Watch = Callable[[Run], None]
"""Is told of a run after every page."""

_AT_ONCE = 50  # absentees written together


async def complete(
    session: Session,
    engine: AsyncEngine,
    place: Place,
    run: Run,
    kinds: Sequence[What] = KINDS,
    watch: Watch | None = None,
    shown: bulk.Whole | None = None,
    *,
    pause: bool = False,
) -> None:
    """Read everything of these kinds, from where ``run`` stopped, and find out what has become of the rest.

    What was just ``shown`` of it is not asked for again. A run that begins with what is open may ``pause`` before it
    goes on with the rest.
    """
    if shown:
        run.progress = run.progress.going_on_with(shown.granted)
    run.progress = run.progress.going_on_with(await session.granted(place.permissions))
    goes_on = run.progress.has_paused and session.github.now() - run.progress.began_at < LONG_PAUSE
    known = await _known(session, engine, place, goes_on=goes_on, shown=shown)
    seen = [what for what in kinds if what not in known.off]
    first = shown.first if shown and run.progress.begins(shown.state) else None
    async for page in _pages(session, known, run, seen, first=first, pause=pause):
        await _write(session, engine, known, run, page, watch)
    if pause and not all(run.progress.position(what).ended for what in seen):
        await _pause(engine, run, known)
        return
    run.progress = run.progress.ended(seen)
    await _account_for_absent(session, engine, known, run, seen, looked=not (shown or run.progress.has_paused))
    if session.gate.insists and session.gate.writes:
        await strays.bury(session, engine, known, run.progress.began_at)
        for head in await heads.doubted(engine, known, session.github.now()):
            name = f"The workflow runs of {known.place.full_name}#{head.number}"
            with unread.part(session.unread, known.place.id, name):
                batch = known.batch()
                heads.add(session, batch, known.place.github_id, await heads.named(session, known, head))
                run.rows_written += len(await session.gate.write(batch))
    if not goes_on:
        session.unread.reach(unread.parts(known.place.id))
    # A token may have been replaced meanwhile.
    run.progress = run.progress.going_on_with(await session.granted(known.place.permissions))
    await session.gate.mark(known.place, run.progress, complete=set(kinds) == set(KINDS))


async def _account_for_absent(
    session: Session, engine: AsyncEngine, known: KnownRepository, run: Run, kinds: Sequence[What], *, looked: bool
) -> None:
    """Find out what has become of what no listing has shown; unless somebody has ``looked``, kinds may be off."""
    async with transaction(engine) as conn:
        await runs.advance(conn, run)  # what it has seen is still its own
        whole = [what for what in kinds if not run.progress.position(what).partial]
        absent = await absentees.find(conn, known, run, whole, session.github.now())
    if absent and not looked:  # what is switched off is not listed
        off = await access.look(session, known.place)
        absent = [absentee for absentee in absent if absentee.what not in off]
    for start in range(0, len(absent), _AT_ONCE):
        batch = known.batch()
        for absentee in absent[start : start + _AT_ONCE]:
            await _settle(session, known, absentee, batch)
        run.rows_written += len(await session.gate.write(batch, lambda conn: runs.advance(conn, run)))


async def _pause(engine: AsyncEngine, run: Run, known: KnownRepository) -> None:
    """Note that what is open has been read; of kinds that are switched off nothing is left."""
    run.paused = True
    run.progress = structs.replace(run.progress, has_paused=True)
    for what in [what for what in KINDS if what in known.off]:
        run.progress = run.progress.at(what, structs.replace(run.progress.position(what), ended=True))
    async with transaction(engine) as conn:
        await runs.advance(conn, run)


async def _known(
    session: Session, engine: AsyncEngine, place: Place, *, goes_on: bool, shown: bulk.Whole | None
) -> KnownRepository:
    """Read what a repository has besides conversations, unless a run ``goes_on`` that has done so just now."""
    if goes_on:
        async with transaction(engine) as conn:
            return await catalog.stored(conn, place)
    if session.gate.insists and session.gate.writes:
        await strays.doubt(engine, place, session.github.now())
    known = await catalog.read(session, engine, place, told=shown.listed if shown else None)
    if shown and unread.parts(place.id) in session.unread.sentences:
        await access.look(session, place)  # it may be gone, which nobody has asked
    await alerts.read(session, engine, known, shown.alerts if shown else None)
    return known


async def recent(
    session: Session,
    engine: AsyncEngine,
    place: Place,
    run: Run,
    kinds: Sequence[What] = KINDS,
    watch: Watch | None = None,
) -> None:
    """Read what changed since the repository was read last; everything, where it has another name since."""
    known = await catalog.read(session, engine, place, whole=False)
    renamed = known.place.full_name != place.full_name  # so all that is in it has another address
    seen = [what for what in kinds if what not in known.off]
    async for page in _pages(session, known, run, seen, {} if renamed else _read_through(place)):
        await _write(session, engine, known, run, page, watch)
    await session.gate.mark(known.place, run.progress, complete=False)


def _read_through(place: Place) -> Until:
    """How far back what changed has been read, by kind."""
    through: dict[What, datetime | None] = {
        "issues": place.issues_through,
        "pull_requests": place.pull_requests_through,
    }
    return {what: moment - OVERLAP for what, moment in through.items() if moment}


async def _pages(
    session: Session,
    known: KnownRepository,
    run: Run,
    kinds: Sequence[What],
    until: Until | None = None,
    first: graphql_pages.Glimpse | None = None,
    *,
    pause: bool = False,
) -> AsyncIterator[Page]:
    """Through GraphQL; where it is missing, broken or out of budget, what it has not ended through REST."""
    try:
        async for page in graphql_pages.pages(session, known, run.progress, kinds, until, first, pause=pause):
            yield page
    except (GraphQLUnavailable, TooHeavy, RateLimited) as error:
        log.warning("graphql_given_up", repository=known.place.full_name, error=str(error))
        async for page in rest_pages.pages(session, known, run.progress, kinds, until, pause=pause):
            yield page


async def _settle(session: Session, known: KnownRepository, absentee: Absentee, batch: Batch) -> None:
    """Find out what has become of one; what GitHub does not tell stays as it was, and is told."""
    pull = absentee.what == "pull_requests"
    job = unread.conversation(known.place.id, absentee.number, pull=pull)
    if session.unread.waits(job):
        return
    try:
        await absentees.settle(session, known, absentee, batch)
    except GhsyncError as error:
        if not unread.is_of_one(error):
            raise
        session.unread.note_or_raise(job, f"{known.place.full_name}#{absentee.number}", error)


async def _write(
    session: Session, engine: AsyncEngine, known: KnownRepository, run: Run, page: Page, watch: Watch | None
) -> None:
    """Write a page, and note how far the reading is then in the same transaction."""
    run.progress = page.progress
    batch = known.batch()
    read = await conversations.completed(engine, known, list(chain.from_iterable(page.shown.values())))
    for conversation in read:
        conversations.add(session, batch, known.place.github_id, conversation)
    for checked in await heads.read(session, known, page.heads):
        heads.add(session, batch, known.place.github_id, checked)
    await absentees.bury_comments(engine, known, batch, read)
    numbers = [*(conversation.payload.number for conversation in read), *page.unread]
    run.rows_seen += len(numbers)
    try:
        told = await session.gate.write(batch, lambda conn: runs.advance(conn, run, numbers))
    except UnreadableAnswer:
        told = await _one_by_one(session, known, read)
        await session.gate.write(known.batch(), lambda conn: runs.advance(conn, run, numbers))
    _reach(session, known, page)
    run.rows_written += len(told)
    if watch:
        watch(run)


def _reach(session: Session, known: KnownRepository, page: Page) -> None:
    """Note what of a page has been read, of what could not be lately."""
    for what, shown in page.shown.items():
        for each in shown:
            session.unread.reach(unread.conversation(known.place.id, each.payload.number, pull=what == "pull_requests"))
    for head in page.heads:
        session.unread.reach(unread.checks(known.place.id, head.number))


async def _one_by_one(session: Session, known: KnownRepository, read: Sequence[Conversation]) -> list[ChangeEvent]:
    """Write each by itself where they cannot be stored together: what cannot be is told."""
    told: list[ChangeEvent] = []
    for conversation in read:
        number, pull = conversation.payload.number, isinstance(conversation.payload, pull_request.Payload)
        batch = known.batch()
        conversations.add(session, batch, known.place.github_id, conversation)
        try:
            told += await session.gate.write(batch)
        except UnreadableAnswer as error:
            job = unread.conversation(known.place.id, number, pull=pull)
            session.unread.note_or_raise(job, f"{known.place.full_name}#{number}", error)
    return told
