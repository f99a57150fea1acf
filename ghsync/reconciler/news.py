"""What GitHub tells of many repositories at once: which changed since they were read, and how large they are."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.database import first_line, transaction
from ghsync.errors import GhsyncError, GraphQLUnavailable, TooHeavy
from ghsync.github import etags
from ghsync.github.decoding import decoded
from ghsync.github.graphql import answers
from ghsync.github.graphql.answers import NewestChanges
from ghsync.reconciler import unread
from ghsync.reconciler.places import Place
from ghsync.reconciler.session import Session

log = structlog.get_logger()

AT_ONCE = 100


class News(NamedTuple):
    """A repository, with its size where GitHub told it, and whether it has something newer than what was read."""

    place: Place
    moved: bool


async def ask(session: Session, engine: AsyncEngine, known: Sequence[Place]) -> list[News]:
    """Ask for news of one credential's repositories; one that cannot tell counts as moved."""
    told: list[News] = []
    async for part, shown in _shown(session, known):
        if shown is None:
            told += [News(place, await _has_moved(session, engine, place)) for place in part]
            continue
        nodes = [(place, shown.get(place.github_id)) for place in part]
        told += [News(_sized(place, node), _is_news(place, node)) for place, node in nodes]
    return told


async def sized(session: Session, known: Sequence[Place]) -> list[Place]:
    """The same repositories, with their sizes where GitHub tells them."""
    return [
        _sized(place, (shown or {}).get(place.github_id))
        async for part, shown in _shown(session, known)
        for place in part
    ]


async def _shown(
    session: Session, known: Sequence[Place]
) -> AsyncIterator[tuple[Sequence[Place], dict[int, NewestChanges] | None]]:
    """Repositories by parts, with what GraphQL shows of them, by GitHub's id; None where it cannot answer."""
    yield [place for place in known if not place.node_id], {}  # there is nothing to ask by
    for part in _parts([place for place in known if place.node_id], AT_ONCE):
        try:
            answer = await session.graphql("newest", ids=[place.node_id for place in part])
            nodes = answers.newest(answer.data)
        except (GraphQLUnavailable, TooHeavy) as error:
            log.warning("graphql_given_up", repositories=len(part), error=first_line(error))
            yield part, None
            continue
        yield part, by_number(nodes)


def by_number(nodes: Iterable[NewestChanges | None]) -> dict[int, NewestChanges]:
    """What GraphQL shows of repositories, by GitHub's number: their node ids may come in another form than they went.

    https://docs.github.com/en/graphql/guides/migrating-graphql-global-node-ids
    """
    return {node.database_id: node for node in nodes if node}


def _sized(place: Place, node: NewestChanges | None) -> Place:
    if node is None:
        return place
    releases = node.releases.total_count if node.releases else None
    issues, pull_requests = node.issues.total_count, node.pull_requests.total_count
    return replace(place, issues=issues, pull_requests=pull_requests, releases=releases)


async def _has_moved(session: Session, engine: AsyncEngine, place: Place) -> bool:
    """The same through REST, a request each; it is free while nothing changes, for then GitHub answers 304."""
    try:
        answer = await session.get(
            place.path("issues"), conditional=True, state="all", sort="updated", direction="desc", per_page=1
        )
        dated = [] if answer.unchanged else decoded(answer.body, _dated, place.full_name)
    except GhsyncError as error:
        if not unread.is_of_one(error):
            raise
        return True  # reading it finds out why
    if answer.unchanged:
        return False
    through = max(filter(None, (place.issues_through, place.pull_requests_through)), default=None)
    if any(_later(one.updated_at, through) for one in dated):
        return True
    if answer.etag:
        async with transaction(engine) as conn:
            await etags.keep(conn, answer.etag)
    return False


class _Dated(msgspec.Struct, frozen=True):
    updated_at: datetime


_dated = msgspec.json.Decoder(list[_Dated])


def _is_news(place: Place, node: NewestChanges | None) -> bool:
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
