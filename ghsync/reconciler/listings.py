"""What a repository's listings show whole, each by `Noun.listing`: through GraphQL where it can, else through REST."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ghsync.database import transaction
from ghsync.errors import AccessLost, GraphQLUnavailable, NotFound, RateLimited, Suspended, TooHeavy
from ghsync.github.decoding import decoded
from ghsync.github.graphql import answers
from ghsync.mirror.noun import Listing, Noun, Thing
from ghsync.projector.batch import Batch
from ghsync.reconciler import access
from ghsync.reconciler.places import Place
from ghsync.reconciler.session import ListingPage, Session, UnreadableItem

log = structlog.get_logger()

PAGE = 100

Told = Mapping[Noun, ListingPage[Any]]
"""What GitHub has just shown whole of a repository's listings."""


class _Partial(GraphQLUnavailable):
    """GraphQL leaves out what REST tells, as who the bot is that published a release."""


class _Identity(msgspec.Struct, frozen=True):
    id: int


_identity = msgspec.json.Decoder(_Identity)


async def add(
    session: Session,
    engine: AsyncEngine,
    batch: Batch,
    place: Place,
    thing: Thing,
    *,
    whole: bool = True,
    told: Told | None = None,
) -> list[Any]:
    """Add all that a listing shows to the batch, with tombstones of what is gone; answers what was read.

    Where not the ``whole`` listing is asked for, its first page is, and nothing is gone for not being in it. Raises the
    first error of an item that cannot be read, once the others are in the batch. Of a listing that takes a permission a
    token may be shown nothing. What GraphQL has just ``told`` whole is not asked for, and of the rest REST.
    """
    read: list[Any] = []
    wrong: list[UnreadableItem] = []
    try:
        async for page in _pages(session, place, thing, told):
            for one in page.items:
                batch.add(thing.noun, place.github_id, thing.row(one, session.origin(page.observed_at)))
            read += page.items
            wrong += page.wrong
            if not whole:
                break
    except Suspended:
        raise
    except AccessLost:
        if _listing(thing).permission is None or place.permissions is not None:
            raise  # an installation's permissions are known, and a token's are not
        return []
    if wrong:
        raise wrong[0].error
    if whole:
        await bury(session, engine, batch, place, thing, read)
    return read


def _listing(thing: Thing) -> Listing:
    if thing.noun.listing is None:
        raise ValueError(f"{thing.noun} is listed nowhere.")
    return thing.noun.listing


async def _pages(session: Session, place: Place, thing: Thing, told: Told | None) -> AsyncIterator[ListingPage[Any]]:
    """The pages of a listing; where GraphQL does not tell all of it, from the first one on through REST.

    None is asked for where GitHub has just told all, or that there is nothing to list.
    """
    listing = _listing(thing)
    if told is not None and thing.noun in told:
        yield told[thing.noun]
        return
    if getattr(place, listing.path, None) == 0:
        return
    if listing.query is not None and told is None:
        try:
            async for page in _shown(session, place, thing, listing.query):
                yield page
            return
        except _Partial as error:
            log.info("listed_through_rest", repository=place.full_name, listing=listing.path, reason=str(error))
        except (GraphQLUnavailable, TooHeavy, RateLimited) as error:
            log.warning("graphql_given_up", repository=place.full_name, listing=listing.path, error=str(error))
    async for page in session.listing(place.path(listing.path), thing.Payload, None, **listing.params):
        yield page


def is_whole(thing: Thing, nodes: Sequence[Any]) -> bool:
    """Whether GraphQL shows all that a page of a listing has, and all of each."""
    whole = _listing(thing).whole
    return all(one is not None and (whole is None or getattr(one, whole) is not None) for one in nodes)


async def _shown(session: Session, place: Place, thing: Thing, query: str) -> AsyncIterator[ListingPage[Any]]:
    """The pages that GraphQL shows; raises `_Partial` where it does not tell all of what is on one."""
    after, read = None, 0
    while True:
        answer = await session.graphql(query, repository=place.node_id, size=PAGE, after=after)
        page = answers.listing(answer.data, thing.Payload)
        if not is_whole(thing, page.nodes):
            raise _Partial("GraphQL does not tell all of a listing; REST is asked instead.")
        items = list(page.nodes)
        yield ListingPage(items, answer.observed_at, (), page.total_count)
        read += len(items)
        if not page.page_info.has_next_page:
            return
        if not items or page.page_info.end_cursor == after or read > page.total_count:
            raise GraphQLUnavailable("GraphQL's pages do not move on; REST is asked instead.")
        after = page.page_info.end_cursor


async def bury(
    session: Session, engine: AsyncEngine, batch: Batch, place: Place, thing: Thing, listed: Sequence[Any]
) -> None:
    """Add the tombstones of those that were not ``listed`` and that are not found by themselves either (I10)."""
    noun, listing = thing.noun, _listing(thing)
    shows_hidden = listing.hidden is not None and any(getattr(one, listing.hidden) for one in listed)
    ids = [str(one.id) for one in listed]
    async with transaction(engine) as conn:
        absent = await _absent(conn, place, noun, listing, ids, shows_hidden=shows_hidden)
    for github_id, address in absent:
        asked_at = session.github.now()
        try:
            answer = await session.get(place.path(listing.path, quote(str(address), safe="")))
        except NotFound as error:
            await access.require(session, place, error)
            batch.bury(noun, place.github_id, {"github_id": github_id}, asked_at)
        else:
            if str(decoded(answer.body, _identity, f"{listing.path} {address}").id) != github_id:
                batch.bury(noun, place.github_id, {"github_id": github_id}, asked_at)


async def _absent(
    conn: AsyncConnection, place: Place, noun: Noun, listing: Listing, listed: list[str], *, shows_hidden: bool
) -> list[tuple[str, Any]]:
    """Those that are stored and not listed; of hidden ones, only where the listing has shown some."""
    seen = f"AND {listing.hidden} IS NOT TRUE" if listing.hidden and not shows_hidden else ""
    statement = sa.text(f"""
SELECT github_id, {listing.by} FROM {noun.name}
WHERE repository_id = :id AND deleted_at IS NULL AND github_id <> ALL(:listed) {seen} ORDER BY github_id
""")
    return [tuple(row) for row in await conn.execute(statement, {"id": place.id, "listed": listed})]
