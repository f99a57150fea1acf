"""Repositories as one GraphQL request shows them: many small ones whole, or of a large one what is open, to begin with.

A request each for the repository, its labels, its milestones and its conversations would be four for two issues, and
an installation has 5,000 an hour. The repositories themselves are read with the list of what an installation sees. One
that may be another than that has told, or is not told whole, is read by itself.
"""

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from ghsync.database import first_line
from ghsync.errors import GhsyncError, RateLimited, TooHeavy
from ghsync.github.graphql import answers
from ghsync.github.graphql.answered import PageInfo
from ghsync.github.graphql.checks import Heads
from ghsync.mirror import label, milestone, release
from ghsync.mirror.noun import Noun, Thing
from ghsync.reconciler import alerts, graphql_pages, heads, listings
from ghsync.reconciler.alerts import Listed
from ghsync.reconciler.graphql_pages import Glimpse
from ghsync.reconciler.listings import Told
from ghsync.reconciler.places import Place
from ghsync.reconciler.progress import State
from ghsync.reconciler.session import ListingPage, Session

# What one request asks for at most: repositories, and of each kind in all of them together.
AT_ONCE = 25
MOST_ISSUES = 50
MOST_PULL_REQUESTS = graphql_pages.HEADS_AT_ONCE

ALERTS_LAST = timedelta(minutes=5)
"""How long what an organization listed of alerts is used: a repository counts as read when it was shown."""

LISTED_WITHIN = timedelta(hours=2)
"""How long ago its installation may have listed a repository: that is done each hour."""

# Of what was not asked for `news` has said that there is nothing; what came since is news the next time.
_NO_PAGE = answers.ConnectionPage(0, PageInfo(), ())
_NO_HEADS = Heads(PageInfo(), [])

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Whole:
    """What was shown of one repository: what its listings have, as far as that is told whole, and the first pages of
    the rest, or of what is in a ``state``; with the permissions that the credential was ``granted`` then, where known,
    and the ``alerts`` that its organization lists.
    """

    listed: Told
    first: Glimpse
    granted: frozenset[str] | None
    state: State | None = None
    alerts: Listed = field(default_factory=dict)


async def small(session: Session, known: Iterable[Place]) -> AsyncIterator[tuple[Place, Whole | None]]:
    """Those that are small, each with what was shown of it; None where it has to be read by itself.

    Where GitHub cannot make an answer in time, half as many are asked for, and more again after each that it makes.
    Raises `RateLimited`: without GraphQL all of them would cost what is left of the hour.
    """
    waiting, most = deque(groups(known, session.github.now())), AT_ONCE
    told, told_at = dict[int, Listed](), datetime.min.replace(tzinfo=UTC)
    while waiting:
        group = waiting.popleft()
        if len(group) > most:
            waiting.extendleft([group[most:], group[:most]])
            continue
        if session.github.now() - told_at > ALERTS_LAST:
            told_at = session.github.now()
            told |= await alerts.listed(session, [place for each in (group, *waiting) for place in each])
        shown: dict[int, Whole] = {}
        try:
            shown = await _ask(session, group)
            most = min(2 * most, AT_ONCE)
        except TooHeavy:
            if half := len(group) // 2:
                most = half
                waiting.appendleft(group)
                continue
        except RateLimited:
            raise
        except GhsyncError as error:  # reading each of them finds out why, or does without GraphQL
            log.warning("bulk_given_up", repositories=len(group), error=first_line(error))
        for place in group:
            whole = shown.get(place.github_id)
            yield place, whole and replace(whole, alerts=told[place.github_id])


async def opened(session: Session, place: Place) -> Whole | None:
    """The first pages of what is open in one that is large, with what its listings have; None where that is not shown,
    and it has to be read without. Raises `RateLimited`.
    """
    if not _is_told(place, session.github.now()):
        return None
    try:
        return (await _ask(session, [place], state="open")).get(place.github_id)
    except RateLimited:
        raise
    except GhsyncError as error:  # reading it finds out why, or does without GraphQL
        log.warning("bulk_given_up", repositories=1, error=first_line(error))
        return None


def groups(known: Iterable[Place], now: datetime) -> Iterator[Sequence[Place]]:
    """Those that are small, in groups for one request each: of the same size, or nearly, since GitHub charges each for
    what the largest of them could have. Others are left out.
    """
    group: list[Place] = []
    for place in sorted((each for each in known if _is_told(each, now) and not is_large(each)), key=_sizes):
        if group and not _fits(place, group):
            yield group
            group = []
        group.append(place)
    if group:
        yield group


def _sizes(place: Place) -> tuple[int, int]:
    return place.pull_requests or 0, place.issues or 0


def is_large(place: Place) -> bool:
    """Whether it is known not to fit into one request with others."""
    pulls, issues = _sizes(place)
    return issues > MOST_ISSUES or pulls > MOST_PULL_REQUESTS


def _is_told(place: Place, now: datetime) -> bool:
    """Whether it need not be asked for by itself: its size is known, and its installation has listed it lately."""
    if None in (place.installation, place.node_id, place.issues, place.pull_requests) or place.blocked_at is not None:
        return False
    return place.verified_at is not None and place.verified_at >= now - LISTED_WITHIN


def _fits(place: Place, group: Sequence[Place]) -> bool:
    pulls, issues = (max(sizes) for sizes in zip(*map(_sizes, [*group, place]), strict=True))
    count = len(group) + 1
    alike = (pulls > 0) == ((group[0].pull_requests or 0) > 0)
    return alike and count <= AT_ONCE and count * issues <= MOST_ISSUES and count * pulls <= MOST_PULL_REQUESTS


async def _ask(session: Session, group: Sequence[Place], state: State | None = None) -> dict[int, Whole]:
    """What is shown of each, or of what is in it in this state, by GitHub's id."""
    pulls, issues = (max(sizes) for sizes in zip(*map(_sizes, group), strict=True))
    largest = graphql_pages.LARGEST_PAGE
    parts = heads.variables(group[0])
    asked = {"issues": issues > 0, "pullRequests": pulls > 0, "heads": pulls > 0 and any(parts.values())}
    answer = await session.graphql(
        "bulk",
        repositories=[place.node_id for place in group],
        releases=group[0].may("contents"),
        order=graphql_pages.OLDEST_FIRST,
        issuesSize=min(max(issues, 1), largest),
        pullRequestsSize=min(max(pulls, 1), largest),
        headsSize=min(max(pulls, 1), graphql_pages.HEADS_AT_ONCE),
        **graphql_pages.states(state, state),
        **asked,
        **parts,
    )
    granted = await session.granted(group[0].permissions)  # of the token that got the answer, if not of a later one
    places = {place.github_id: place for place in group}
    found: dict[int, Whole] = {}
    for node in answers.bulk(answer.data):
        if node and (place := places.get(node.database_id)) and _is_as_listed(node, place):
            first = answers.Conversations(
                node.issues if asked["issues"] else _NO_PAGE,
                node.pull_requests if asked["pullRequests"] else _NO_PAGE,
                node.heads if asked["heads"] else _NO_HEADS,
            )
            pages = Glimpse(first, answer.observed_at)
            found[node.database_id] = Whole(listed(node, answer.observed_at), pages, granted, state)
    return found


def _is_as_listed(node: answers.SmallRepository, place: Place) -> bool:
    """Whether a repository is as its row has it; and has issues, for else REST tells what is switched off besides."""
    is_as_it_was = place.updated_at is not None and node.updated_at <= place.updated_at
    return is_as_it_was and node.name_with_owner == place.full_name and node.has_issues_enabled


def listed(node: answers.SmallRepository, observed_at: datetime) -> Told:
    """What is shown whole of its listings."""
    number = node.database_id
    connections: list[tuple[Thing, answers.Things[Any] | None, Callable[[Any], Any]]] = [
        (label, node.labels, lambda each: each.payload(number)),
        (milestone, node.milestones, lambda each: each.payload(number)),
        (release, node.releases, lambda each: each),
    ]
    found: dict[Noun, ListingPage[Any]] = {}
    for thing, connection, payload in connections:
        if connection is not None and not connection.page_info.has_next_page:
            items = [each and payload(each) for each in connection.nodes]
            if listings.is_whole(thing, items):
                found[thing.noun] = ListingPage(items, observed_at, (), connection.total_count)
    return found
