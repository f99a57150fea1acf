"""Small repositories, many at once: one GraphQL request shows all that each of them has.

A request each for the repository, its labels, its milestones and its conversations would be four for two issues, and
an installation has 5,000 an hour.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from ghsync.database import first_line
from ghsync.errors import GhsyncError, TooHeavy
from ghsync.github.graphql import answers
from ghsync.github.graphql.answered import PageInfo
from ghsync.github.graphql.checks import Heads
from ghsync.mirror import label, milestone, release
from ghsync.mirror.noun import Noun, Thing
from ghsync.reconciler import graphql_pages, heads, listings
from ghsync.reconciler.listings import Told
from ghsync.reconciler.places import Place
from ghsync.reconciler.session import ListingPage, Session

AT_ONCE = 25
MOST_ISSUES = 50
MOST_PULL_REQUESTS = graphql_pages.HEADS_AT_ONCE
"""So many repositories, and so many of each in all of them together, does one request ask for at most."""

# Of what was not asked for GitHub has just said that there is nothing.
_NO_PAGE = answers.ConnectionPage(0, PageInfo(), ())
_NO_HEADS = Heads(PageInfo(), [])

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Shown:
    """All that was shown of one repository: what its listings have, and the ``first`` pages of the rest."""

    listed: Told
    first: graphql_pages.Shown


def groups(known: Iterable[Place]) -> Iterator[Sequence[Place]]:
    """Those that are small, in groups for one request each: of the same size, or nearly, since GitHub charges each for
    what the largest of them could have.

    Others are left out, and so are those that no installation sees: who lists what an installation sees reads the
    repositories themselves, and here nobody does.
    """
    group: list[Place] = []
    for place in sorted((each for each in known if _is_small(each)), key=_sizes):
        if group and not _fits(place, group):
            yield group
            group = []
        group.append(place)
    if group:
        yield group


async def shown(session: Session, group: Sequence[Place]) -> AsyncIterator[tuple[Place, Shown | None]]:
    """The repositories of a group, each with what was shown of it; None where it has to be read by itself.

    A group for which GitHub cannot make an answer in time is asked for by halves.
    """
    told: dict[int, Shown] = {}
    try:
        told = await _ask(session, group)
    except TooHeavy:
        if half := len(group) // 2:
            for part in (group[:half], group[half:]):
                async for each in shown(session, part):
                    yield each
            return
    except GhsyncError as error:  # reading each of them finds out why, or does without GraphQL
        log.warning("bulk_given_up", repositories=len(group), error=first_line(error))
    for place in group:
        yield place, told.get(place.github_id)


def _sizes(place: Place) -> tuple[int, int]:
    return place.pull_requests or 0, place.issues or 0


def _is_small(place: Place) -> bool:
    """Whether it fits into one request; where GitHub has not told its size nobody knows."""
    if place.installation is None or place.node_id is None or place.issues is None or place.pull_requests is None:
        return False
    return place.issues <= MOST_ISSUES and place.pull_requests <= MOST_PULL_REQUESTS


def _fits(place: Place, group: Sequence[Place]) -> bool:
    pulls, issues = (max(sizes) for sizes in zip(*map(_sizes, [*group, place]), strict=True))
    count = len(group) + 1
    alike = (pulls > 0) == ((group[0].pull_requests or 0) > 0)
    return alike and count <= AT_ONCE and count * issues <= MOST_ISSUES and count * pulls <= MOST_PULL_REQUESTS


async def _ask(session: Session, group: Sequence[Place]) -> dict[int, Shown]:
    """What is shown of each, by GitHub's id."""
    pulls, issues = (max(sizes) for sizes in zip(*map(_sizes, group), strict=True))
    parts = heads.variables(group[0])
    asked = {"issues": issues > 0, "pullRequests": pulls > 0, "heads": pulls > 0 and any(parts.values())}
    answer = await session.graphql(
        "bulk",
        repositories=[place.node_id for place in group],
        releases=group[0].may("contents"),
        order=graphql_pages.OLDEST_FIRST,
        issuesSize=max(issues, 1),
        pullRequestsSize=max(pulls, 1),
        headsSize=max(pulls, 1),
        **asked,
        **parts,
    )
    names = {place.github_id: place.full_name for place in group}
    found: dict[int, Shown] = {}
    for node in answers.bulk(answer.data):
        # What has another name has other addresses; and where issues are switched off, REST tells what else is.
        if node and node.has_issues_enabled and node.name_with_owner == names.get(node.database_id):
            first = answers.Conversations(
                node.issues if asked["issues"] else _NO_PAGE,
                node.pull_requests if asked["pullRequests"] else _NO_PAGE,
                node.heads if asked["heads"] else _NO_HEADS,
            )
            pages = graphql_pages.Shown(first, answer.observed_at)
            found[node.database_id] = Shown(_listed(node, answer.observed_at), pages)
    return found


def _listed(node: answers.SmallRepository, observed_at: datetime) -> Told:
    """What is shown whole of its listings."""
    number = node.database_id
    connections: list[tuple[Thing, answers.Things[Any] | None, Callable[[Any], Any]]] = [
        (label, node.labels, lambda each: each.payload(number)),
        (milestone, node.milestones, lambda each: each.payload(number)),
        (release, node.releases, lambda each: each),
    ]
    listed: dict[Noun, ListingPage[Any]] = {}
    for thing, shown, payload in connections:
        if shown is not None and not shown.page_info.has_next_page:
            items = [each and payload(each) for each in shown.nodes]
            if listings.is_whole(thing, items):
                listed[thing.noun] = ListingPage(items, observed_at, (), shown.total_count)
    return listed
