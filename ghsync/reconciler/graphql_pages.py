"""Issues, pull requests and heads of a repository, page by page, as GraphQL shows them."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

import structlog
from msgspec import structs

from ghsync.errors import GraphQLDenied, GraphQLUnavailable, TooHeavy, UnreadableAnswer
from ghsync.github.client import MOST_PAGES
from ghsync.github.graphql import answers
from ghsync.github.graphql.checks import Heads
from ghsync.github.partial import HOLES
from ghsync.reconciler import heads, page, reviews
from ghsync.reconciler.catalog import KnownRepository
from ghsync.reconciler.conversations import Conversation
from ghsync.reconciler.holes import Holes
from ghsync.reconciler.page import Page, Until
from ghsync.reconciler.progress import Position, Progress, State, What
from ghsync.reconciler.session import Session

LARGEST_PAGE = 100
HEADS_AT_ONCE = 20  # each is charged for all the suites that it could have
FIRST_PAGE_OF_CHANGES = 20  # few change between two sweeps, and a page is charged for what it could hold
HEADS_OF_CHANGES = 10
STANDSTILL = 3  # so many pages in a row may show nothing new: things move while they are listed
OLDEST_FIRST = {"field": "CREATED_AT", "direction": "ASC"}
_NEWEST_FIRST = {"field": "UPDATED_AT", "direction": "DESC"}
_STATES: Mapping[State, tuple[list[str], list[str]]] = {
    "open": (["OPEN"], ["OPEN"]),
    "closed": (["CLOSED"], ["CLOSED", "MERGED"]),
}
_CONNECTIONS = {"issues": "issues", "pullRequests": "pull_requests", "heads": "heads"}

Connection = TypeVar("Connection", answers.ConnectionPage, Heads)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Glimpse:
    """A page of each kind, as one answer of GraphQL shows it, with the ``numbers`` of what cannot be read."""

    node: answers.Conversations
    observed_at: datetime
    numbers: answers.Numbers = field(default_factory=dict)


async def pages(
    session: Session,
    known: KnownRepository,
    progress: Progress,
    kinds: Iterable[What],
    until: Until | None = None,
    first: Glimpse | None = None,
    *,
    pause: bool = False,
) -> AsyncIterator[Page]:
    """All conversations of these kinds, from where ``progress`` is; or what changed, as far back as ``until``.

    What is ``first`` was shown already, and is not asked for. With a ``pause`` what is closed is not, either.

    One request asks for a page of each kind, and with pull requests for a page of open heads, none larger than what is
    left: GitHub charges for what a page could hold. Pages are halved when GitHub cannot make them in time, and grow
    again. Where GraphQL shows one kind no more, the others are read to their end first. Raises `GraphQLUnavailable`,
    `TooHeavy` or `RateLimited` where GraphQL cannot go on: see `rest_pages`.
    """
    denied: dict[str, GraphQLDenied] = {}
    size = LARGEST_PAGE if until is None else FIRST_PAGE_OF_CHANGES
    progress = page.begun(known, progress, kinds)
    moving = _Moving()
    while wanted := _wanted(progress, page.left(progress, kinds, pause=pause), denied, size, until):
        known_already, first = first, None
        try:
            glimpse = known_already or await _ask(session, known, progress, wanted, until)
            read = await _read(session, known, progress, wanted, glimpse, until)
        except TooHeavy:
            if known_already:
                continue
            if wanted.largest == 1:
                raise
            size = wanted.largest // 2
            continue
        except GraphQLDenied as error:
            kept_back = _kept_back(error) & wanted.names
            if not kept_back:
                raise
            log.warning("not_shown", repository=known.place.full_name, kinds=sorted(kept_back), error=str(error))
            denied |= dict.fromkeys(kept_back, error)
            continue
        yield read
        progress = read.progress
        moving.note(read)
        size = min(LARGEST_PAGE, size + size // 2 + 1)
    if denied:
        raise next(iter(denied.values()))  # they have not ended


def states(issues: State | None, pull_requests: State | None) -> dict[str, list[str] | None]:
    """The states that are asked for, as the documents have them; all where none is given."""
    return {
        "issueStates": _STATES[issues][0] if issues else None,
        "pullRequestStates": _STATES[pull_requests][1] if pull_requests else None,
    }


@dataclass(frozen=True, slots=True)
class _Sizes:
    """How many of each kind are asked for, and how many heads."""

    of: Mapping[What, int]
    heads: int

    def __bool__(self) -> bool:
        return bool(self.of or self.heads)

    @property
    def largest(self) -> int:
        return max([self.heads, *self.of.values()])

    @property
    def names(self) -> set[str]:
        return {*self.of, *(("heads",) if self.heads else ())}


def _wanted(progress: Progress, left: Iterable[What], denied: Iterable[str], size: int, until: Until | None) -> _Sizes:
    """What the next page asks for: of each kind that is shown and has not ended, no more than is left."""
    sizes = {what: _within(size, progress.position(what).left) for what in left if what not in denied}
    most = HEADS_AT_ONCE if until is None else HEADS_OF_CHANGES
    ended = progress.heads.ended or "heads" in denied
    return _Sizes(sizes, 0 if ended else _within(min(most, size), progress.pull_requests.open))


def _within(largest: int, there: int | None) -> int:
    return largest if there is None else max(1, min(largest, there))


@dataclass(slots=True)
class _Moving:
    """Whether pages move on: neither to where they were, nor to what they have shown, nor for ever."""

    cursors: set[tuple[tuple[State | None, str | None], ...]] = field(default_factory=set)
    shown: set[tuple[str, int]] = field(default_factory=set)
    standstill: int = 0

    def note(self, read: Page) -> None:
        """Take note of a page; raises `GraphQLUnavailable` where pages do not move on."""
        progress = read.progress
        cursor = tuple((each.state, each.after) for each in (progress.issues, progress.pull_requests, progress.heads))
        numbers: set[tuple[str, int]] = {
            (what, each.payload.number) for what in read.shown for each in read.shown[what]
        }
        numbers |= {("heads", each.number) for each in read.heads} | {("unread", number) for number in read.unread}
        self.standstill = 0 if numbers - self.shown else self.standstill + 1
        if cursor in self.cursors or self.standstill > STANDSTILL or len(self.cursors) >= MOST_PAGES:
            raise GraphQLUnavailable("GraphQL's pages do not move on; REST is asked instead.")
        self.cursors.add(cursor)
        self.shown |= numbers


def _kept_back(error: GraphQLDenied) -> set[str]:
    """The kinds of which GraphQL shows no page, or not all of one, by the paths of what it denies."""
    paths = (problem.path for problem in error.problems)
    return {_CONNECTIONS[str(path[1])] for path in paths if len(path) > 1 and path[1] in _CONNECTIONS}


async def _ask(
    session: Session, known: KnownRepository, progress: Progress, sizes: _Sizes, until: Until | None
) -> Glimpse:
    answer = await session.graphql(
        "conversations",
        repository=known.place.node_id,
        order=OLDEST_FIRST if until is None else _NEWEST_FIRST,
        **states(progress.issues.state, progress.pull_requests.state),
        issues="issues" in sizes.of,
        issuesSize=sizes.of.get("issues", 1),
        afterIssue=progress.issues.after,
        pullRequests="pull_requests" in sizes.of,
        pullRequestsSize=sizes.of.get("pull_requests", 1),
        afterPullRequest=progress.pull_requests.after,
        heads=sizes.heads > 0,
        headsSize=sizes.heads or 1,
        afterHead=progress.heads.after,
        **heads.variables(known.place),
    )
    node, numbers = answers.conversations(answer.data)
    if node is None:
        raise GraphQLUnavailable("GitHub's GraphQL does not show this repository; REST is asked instead.")
    return Glimpse(node, answer.observed_at, numbers)


async def _read(
    session: Session, known: KnownRepository, progress: Progress, sizes: _Sizes, glimpse: Glimpse, until: Until | None
) -> Page:
    node, numbers = glimpse.node, glimpse.numbers
    connections = {what: _whole(node.issues if what == "issues" else node.pull_requests) for what in sizes.of}
    checked = _whole(node.heads) if sizes.heads else None
    read = Page({}, progress)
    for what, each in connections.items():
        items = await _items(session, known, what, each, progress.position(what), numbers, glimpse.observed_at, until)
        read = _with_items(read, what, each, items, until)
    if checked:
        _tell_hidden(session, known, checked, numbers)
        read = _with_heads(read, checked, glimpse.observed_at, until)
    return read


def _whole(shown: Connection | None) -> Connection:
    """What is shown, if little of it is missing: that is found out before anything of the page is read."""
    if shown is None or shown.nodes.count(None) > HOLES:
        raise TooHeavy("GitHub answered a part of the page.")
    return shown


async def _items(
    session: Session,
    known: KnownRepository,
    what: What,
    shown: answers.ConnectionPage,
    position: Position,
    numbers: answers.Numbers,
    observed_at: datetime,
    until: Until | None,
) -> list[Conversation | int | None]:
    """What a page shows of one kind: conversations, numbers of what cannot be read, None for what nobody can name."""
    there = [one for one in shown.nodes if one]
    nodes = await reviews.with_reviewers(session, known, there, position.shown, page.listed(position, until))
    items: list[Conversation | int | None] = [await page.read(session, known, one, observed_at) for one in nodes]
    return items + await Holes(session, known, what, position, until).fill(shown, numbers)


def _with_items(
    read: Page,
    what: What,
    shown: answers.ConnectionPage,
    items: Sequence[Conversation | int | None],
    until: Until | None,
) -> Page:
    """The page with one kind more, and with how far that is now."""
    found = [one for one in items if isinstance(one, Conversation)]
    before = read.progress.position(what)
    position = structs.replace(
        before.reaching(max(page.changes(found), default=None)),
        after=shown.page_info.end_cursor,
        total=shown.total_count,
        shown=before.shown + len(shown.nodes),
        last=next((one.number for one in reversed(shown.nodes) if one), before.last),
        partial=before.partial or None in items,
    )
    if not shown.page_info.has_next_page or page.reaches(found, until, what):
        position = position.over()
    unread = [one for one in items if isinstance(one, int)]
    progress = read.progress.at(what, position)
    return replace(read, shown=read.shown | {what: found}, progress=progress, unread=[*read.unread, *unread])


def _with_heads(read: Page, shown: Heads, observed_at: datetime, until: Until | None) -> Page:
    """The page with heads, and with how far these are now."""
    position = structs.replace(
        read.progress.heads,
        after=shown.page_info.end_cursor,
        # Of what changed the first page is enough: checks move no time by which they could be found.
        ended=until is not None or not shown.page_info.has_next_page,
    )
    found = heads.shown([head for head in shown.nodes if head], observed_at)
    return replace(read, heads=found, progress=structs.replace(read.progress, heads=position))


def _tell_hidden(session: Session, known: KnownRepository, shown: Heads, numbers: answers.Numbers) -> None:
    """Tell of heads that GraphQL does not show."""
    for place, head in enumerate(shown.nodes):
        if head is None:
            hidden = UnreadableAnswer("GraphQL does not show them; they are asked for again later.")
            page.note_head(session, known, numbers.get(("heads", place)), hidden)
