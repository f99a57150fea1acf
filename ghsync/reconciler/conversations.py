"""Issues and pull requests with all that was said of them, page by page: through GraphQL, or REST where that fails."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.database import transaction
from ghsync.errors import GhsyncError, GraphQLDenied, GraphQLUnavailable, TooHeavy, UnreadableAnswer
from ghsync.github.client import MOST_PAGES
from ghsync.github.decoding import decoded
from ghsync.github.graphql import answers
from ghsync.github.graphql.answered import UnknownLabel
from ghsync.github.graphql.conversations import Issue
from ghsync.github.graphql.pull_requests import PullRequest
from ghsync.github.partial import HOLES
from ghsync.mirror import comment, issue, pull_request
from ghsync.mirror.noun import CLOCKS_DIFFER_BY
from ghsync.mirror.user import time
from ghsync.projector.batch import Batch
from ghsync.reconciler import heads, parts, reviews, unread
from ghsync.reconciler.catalog import Known
from ghsync.reconciler.heads import Shown
from ghsync.reconciler.reviews import Said
from ghsync.reconciler.runs import Position, Progress, What
from ghsync.reconciler.session import Session, Wrong

Payload = issue.Payload | pull_request.Payload

LARGEST_PAGE = 100
HEADS_AT_ONCE = 20  # each is charged for all the suites that it could have
FIRST_PAGE_OF_CHANGES = 20  # few change between two sweeps, and a page is charged for what it could hold
HEADS_OF_CHANGES = 10
PAGES_FOR_A_NUMBER = 3
STANDSTILL = 3  # so many pages in a row may show nothing new: things move while they are listed
_OLDEST_FIRST = {"field": "CREATED_AT", "direction": "ASC"}
_NEWEST_FIRST = {"field": "UPDATED_AT", "direction": "DESC"}

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Conversation:
    """One issue or pull request, whole, with its comments; ``comments_complete`` says that there are no others.

    ``untold`` is what GraphQL was not asked for: see `completed`.
    """

    payload: Payload
    observed_at: datetime
    comments: list[comment.Payload] = field(default_factory=list)
    comments_complete: bool = False
    said: Said = field(default_factory=Said)
    untold: frozenset[str] = frozenset()

    @property
    def parent(self) -> issue.Payload:
        """What a comment's row tells of the conversation that it belongs to."""
        told = self.payload
        return issue.Payload(told.id, told.number, comments=told.comments, updated_at=told.updated_at)


@dataclass(frozen=True, slots=True)
class Page:
    """What one request showed: conversations by kind, those that it was asked for, and heads of open pull requests.

    ``unread`` are there too, and could not be read.
    """

    shown: dict[What, list[Conversation]]
    heads: list[Shown] = field(default_factory=list)
    unread: list[int] = field(default_factory=list)


def add(session: Session, batch: Batch, repository_id: int, conversation: Conversation) -> None:
    """Add a conversation's rows to a batch."""
    origin = session.origin(conversation.observed_at)
    told = conversation.payload
    if isinstance(told, pull_request.Payload):
        batch.add(pull_request.noun, repository_id, pull_request.row(told, origin))
    else:
        batch.add(issue.noun, repository_id, issue.row(told, origin))
    for one in conversation.comments:
        batch.add(comment.noun, repository_id, comment.row(one, conversation.parent, origin))
    reviews.add(batch, repository_id, told.number, conversation.said, origin)


def changes(conversations: Iterable[Conversation]) -> Iterator[datetime]:
    """When each of them changed last; a time that cannot be yet would hide all that changes until then."""
    for conversation in conversations:
        changed_at = time(conversation.payload.updated_at)
        if changed_at and changed_at <= conversation.observed_at + CLOCKS_DIFFER_BY:
            yield changed_at


async def pages(
    session: Session, known: Known, progress: Progress, kinds: Iterable[What], *, newest_first: bool = False
) -> AsyncIterator[Page]:
    """All conversations of these kinds, from where ``progress`` is, which is moved on before each page.

    One request asks for a page of each kind, and with pull requests for a page of open heads, none larger than what is
    left: GitHub charges for what a page could hold. Pages are halved when GitHub cannot make them in time, and grow
    again. Where GraphQL shows one kind no more, the others are read to their end first. Raises `GraphQLUnavailable`,
    `TooHeavy` or `RateLimited` where GraphQL cannot go on: see `listed`.
    """
    denied: dict[str, GraphQLDenied] = {}
    size = FIRST_PAGE_OF_CHANGES if newest_first else LARGEST_PAGE
    if "pull_requests" not in kinds or not any(heads.variables(known).values()):
        progress.heads.ended = True
    moving = _Moving()
    while True:
        positions = {what: progress.position(what) for what in kinds if what not in denied}
        if all(each.ended for each in positions.values()) and (progress.heads.ended or "heads" in denied):
            break
        sizes = {what: _within(size, each.left) for what, each in positions.items() if not each.ended}
        most = HEADS_OF_CHANGES if newest_first else HEADS_AT_ONCE
        heads_ended = progress.heads.ended or "heads" in denied
        heads_size = 0 if heads_ended else _within(min(most, size), progress.pull_requests.total)
        try:
            shown = await _ask(session, known, progress, sizes, heads_size, newest_first=newest_first)
        except TooHeavy:
            largest = max([heads_size, *sizes.values()])
            if largest == 1:
                raise
            size = largest // 2
            continue
        except GraphQLDenied as error:
            kept_back = _kept_back(error) & {*sizes, *(("heads",) if heads_size else ())}
            if not kept_back:
                raise
            log.warning("not_shown", repository=known.place.full_name, kinds=sorted(kept_back), error=str(error))
            denied |= dict.fromkeys(kept_back, error)
            continue
        yield shown
        moving.note(progress, shown)
        size = min(LARGEST_PAGE, size + size // 2 + 1)
    if denied:
        raise next(iter(denied.values()))  # they have not ended


@dataclass(slots=True)
class _Moving:
    """Whether pages move on: neither to where they were, nor to what they have shown, nor for ever."""

    cursors: set[tuple[str | None, ...]] = field(default_factory=set)
    shown: set[tuple[str, int]] = field(default_factory=set)
    standstill: int = 0

    def note(self, progress: Progress, page: Page) -> None:
        """Take note of a page; raises `GraphQLUnavailable` where pages do not move on."""
        cursor = (progress.issues.after, progress.pull_requests.after, progress.heads.after)
        numbers: set[tuple[str, int]] = {
            (what, each.payload.number) for what in page.shown for each in page.shown[what]
        }
        numbers |= {("heads", each.number) for each in page.heads} | {("unread", number) for number in page.unread}
        self.standstill = 0 if numbers - self.shown else self.standstill + 1
        if cursor in self.cursors or self.standstill > STANDSTILL or len(self.cursors) >= MOST_PAGES:
            raise GraphQLUnavailable("GraphQL's pages do not move on; REST is asked instead.")
        self.cursors.add(cursor)
        self.shown |= numbers


_CONNECTIONS = {"issues": "issues", "pullRequests": "pull_requests", "heads": "heads"}


def _kept_back(error: GraphQLDenied) -> set[str]:
    """The kinds of which GraphQL shows no page, or not all of one, by the paths of what it denies."""
    paths = (problem.path for problem in error.problems)
    return {_CONNECTIONS[str(path[1])] for path in paths if len(path) > 1 and path[1] in _CONNECTIONS}


def _within(largest: int, there: int | None) -> int:
    return largest if there is None else max(1, min(largest, there))


async def _ask(
    session: Session, known: Known, progress: Progress, sizes: dict[What, int], heads_size: int, *, newest_first: bool
) -> Page:
    answer = await session.graphql(
        "conversations",
        repository=known.place.node_id,
        order=_NEWEST_FIRST if newest_first else _OLDEST_FIRST,
        issues="issues" in sizes,
        issuesSize=sizes.get("issues", 1),
        afterIssue=progress.issues.after,
        pullRequests="pull_requests" in sizes,
        pullRequestsSize=sizes.get("pull_requests", 1),
        afterPullRequest=progress.pull_requests.after,
        heads=heads_size > 0,
        headsSize=heads_size or 1,
        afterHead=progress.heads.after,
        **heads.variables(known),
    )
    node, numbers = answers.conversations(answer.data)
    if node is None:
        raise GraphQLUnavailable("GitHub's GraphQL does not show this repository; REST is asked instead.")
    pages: dict[What, answers.Page] = {}
    for what in sizes:
        page = node.issues if what == "issues" else node.pull_requests
        if page is None or page.nodes.count(None) > HOLES:
            raise TooHeavy("GitHub answered a part of the page.")
        pages[what] = page
    shown: dict[What, list[Conversation]] = {}
    unread_numbers: list[int] = []
    for what, page in pages.items():
        position = progress.position(what)
        nodes = await reviews.with_reviewers(
            session, known, [one for one in page.nodes if one], position.shown, newest_first=newest_first
        )
        told: list[Conversation | int | None] = [await _read(session, known, one, answer.observed_at) for one in nodes]
        holes = _Holes(session, known, what, position, newest_first=newest_first)
        told += [await holes.fill(page, place, numbers) for place, one in enumerate(page.nodes) if one is None]
        shown[what] = [one for one in told if isinstance(one, Conversation)]
        unread_numbers += [one for one in told if isinstance(one, int)]
    checked: list[Shown] = []
    if heads_size:
        if node.heads is None or node.heads.nodes.count(None) > HOLES:
            raise TooHeavy("GitHub answered a part of the page.")
        checked = heads.shown([head for head in node.heads.nodes if head], answer.observed_at)
        for place, head in enumerate(node.heads.nodes):
            if head is None:
                hidden = UnreadableAnswer("GraphQL does not show them; they are asked for again later.")
                _note_head(session, known, numbers.get(("heads", place)), hidden)
        progress.heads.after = node.heads.page_info.end_cursor
        # Of what changed the first page is enough: checks move no time by which they could be found.
        progress.heads.ended = newest_first or not node.heads.page_info.has_next_page
    for what, page in pages.items():  # only now that all could be read
        position = progress.position(what)
        position.after, position.ended = page.page_info.end_cursor, not page.page_info.has_next_page
        position.total, position.shown = page.total_count, position.shown + len(page.nodes)
        position.last = next((one.number for one in reversed(page.nodes) if one), position.last)
        position.reach(max(changes(shown[what]), default=None))
    return Page(shown, checked, unread_numbers)


async def _read(session: Session, known: Known, node: Issue | PullRequest, observed_at: datetime) -> Conversation | int:
    """A conversation; its number where it cannot be read, which is told."""
    pull = isinstance(node, PullRequest)
    try:
        return await read(session, known, node, observed_at)
    except GhsyncError as error:
        return _noted(session, known, node.number, error, pull=pull)


async def _one(session: Session, known: Known, number: int, *, pull: bool) -> Conversation | int:
    """A conversation as REST shows it; its number where that cannot be read, which is told, or could not lately."""
    if session.unread.waits(unread.conversation(known.place.id, number, pull=pull)):
        return number
    try:
        return await one(session, known, number, pull=pull)
    except GhsyncError as error:
        return _noted(session, known, number, error, pull=pull)


def _noted(session: Session, known: Known, number: int, error: GhsyncError, *, pull: bool) -> int:
    if not unread.is_of_one(error):
        raise error
    job = unread.conversation(known.place.id, number, pull=pull)
    session.unread.note_or_raise(job, f"{known.place.full_name}#{number}", error)
    return number


def _note_head(session: Session, known: Known, number: int | None, error: UnreadableAnswer) -> None:
    place = known.place
    if number is None:
        session.unread.note_or_raise(
            unread.parts(place.id), f"The checks of a pull request of {place.full_name}", error
        )
    else:
        session.unread.note_or_raise(
            unread.checks(place.id, number), f"The checks of {place.full_name}#{number}", error
        )


class _Number(msgspec.Struct, frozen=True):
    number: int
    pull_request: object = None


@dataclass(frozen=True, slots=True)
class _Holes:
    """What GraphQL leaves out of a page: REST's list, in the same order, tells its number."""

    session: Session
    known: Known
    what: What
    position: Position
    newest_first: bool

    async def fill(self, page: answers.Page, place: int, numbers: answers.Numbers) -> Conversation | int | None:
        """The conversation in this place; its number where it cannot be read, None where nobody can name it."""
        pull = self.what == "pull_requests"
        number = numbers.get(("pullRequests" if pull else "issues", place)) or await self._number(page, place)
        if number is not None:
            return await _one(self.session, self.known, number, pull=pull)
        self.position.partial = True
        there, kind = self.known.place, "A pull request" if pull else "An issue"
        error = UnreadableAnswer("GitHub does not even tell its number; it is asked for again later.")
        self.session.unread.note_or_raise(unread.parts(there.id), f"{kind} of {there.full_name}", error)
        return None

    async def _number(self, page: answers.Page, place: int) -> int | None:
        pull = self.what == "pull_requests"
        before = next((one.number for one in reversed(page.nodes[:place]) if one), self.position.last)
        shown = {one.number for one in page.nodes if one}
        index, passed = self.position.shown + place, before is None
        path = self.known.place.path("pulls" if pull else "issues")
        first, looked_at = index // LARGEST_PAGE + 1, 0
        try:
            async for listed in self.session.listing(
                path, _Number, state="all", page=first, **_order(newest_first=self.newest_first)
            ):
                for one in listed.items:
                    if pull or one.pull_request is None:
                        if passed and one.number not in shown:
                            return one.number
                        passed = passed or one.number == before
                looked_at += 1
                if looked_at == PAGES_FOR_A_NUMBER:
                    return None
        except GhsyncError as error:
            if not unread.is_of_one(error):
                raise
        return None


async def read(session: Session, known: Known, node: Issue | PullRequest, observed_at: datetime) -> Conversation:
    """A conversation as GraphQL shows it; one that it cuts off, or whose labels are new, is read through REST."""
    pull = isinstance(node, PullRequest)
    if node.cut:
        return await one(session, known, node.number, pull=pull)
    said, untold = Said(), frozenset[str]()
    try:
        if isinstance(node, PullRequest):
            node = await reviews.whole(session, await reviews.with_reviewers_of_one(session, known, node))
            told: Payload = node.payload(known.catalog)
            said = await reviews.shown(session, known, node)
        else:
            told, untold = node.payload(known.catalog, session.github.api_url), node.untold
    except (UnknownLabel, GraphQLUnavailable, TooHeavy):  # or its threads are not shown to their end
        return await one(session, known, node.number, pull=pull)
    comments = [shown.payload for shown in node.comments.nodes]
    if node.comments.page_info.has_next_page:
        comments, _ = await _comments(session, known, node.number, pull=pull)
    return Conversation(told, observed_at, comments, len(comments) == node.comments.total_count, said, untold)


_STORED = sa.text("""
SELECT number, metadata FROM github_issues WHERE repository_id = :repository AND number = ANY(:numbers)
""")


async def completed(engine: AsyncEngine, known: Known, read: Sequence[Conversation]) -> list[Conversation]:
    """The same, with what GraphQL was not asked for as the mirror has it: who does not ask learns nothing of it."""
    numbers = [each.payload.number for each in read if each.untold]
    if not numbers:
        return list(read)
    async with transaction(engine) as conn:
        rows = await conn.execute(_STORED, {"repository": known.place.id, "numbers": numbers})
        stored = {row.number: row.metadata or {} for row in rows}
    return [_filled(each, stored.get(each.payload.number, {})) for each in read]


def _filled(conversation: Conversation, stored: dict[str, Any]) -> Conversation:
    there = {name: stored[name] for name in conversation.untold if name in stored}
    if not there:
        return conversation
    told = {name: getattr(conversation.payload, name) for name in there}
    merged = {name: {**value, **told[name]} if isinstance(told[name], dict) else value for name, value in there.items()}
    return replace(conversation, payload=msgspec.structs.replace(conversation.payload, **merged))


_issue = msgspec.json.Decoder(issue.Payload)
_pull_request = msgspec.json.Decoder(pull_request.Payload)


async def one(session: Session, known: Known, number: int, *, pull: bool) -> Conversation:
    """A conversation as REST shows it."""
    answer = await session.get(known.place.path("pulls" if pull else "issues", number))
    name = f"{known.place.full_name}#{number}"
    told: Payload = decoded(answer.body, _pull_request, name) if pull else decoded(answer.body, _issue, name)
    if told.number != number:
        raise UnreadableAnswer("GitHub answered with another number; it is asked again later.")
    return await _with_comments(session, known, told, answer.observed_at)


async def listed(
    session: Session, known: Known, progress: Progress, kinds: Iterable[What], *, newest_first: bool = False
) -> AsyncIterator[Page]:
    """The same through REST, from the start: a request a page, and one for each pull request, whose lists lack much."""
    order = _order(newest_first=newest_first)
    pulls_ended = progress.pull_requests.ended
    for what in kinds:
        position = progress.position(what)
        if position.ended:
            continue
        pull = what == "pull_requests"
        path = known.place.path("pulls" if pull else "issues")
        async for page in session.listing(path, issue.Payload, state="all", **order):
            told: list[Conversation | int | None]
            if pull:
                told = [await _one(session, known, each.number, pull=True) for each in page.items]
            else:
                issues = [each for each in page.items if each.pull_request is None]
                told = [await _with_comments(session, known, each, page.observed_at) for each in issues]
            told += [await _wrong(session, known, position, each, pull=pull) for each in page.wrong]
            read = [each for each in told if isinstance(each, Conversation)]
            position.reach(max(changes(read), default=None))
            pulls = [each.payload for each in read if isinstance(each.payload, pull_request.Payload)]
            numbers = [each for each in told if isinstance(each, int)]
            yield Page({what: read}, heads.listed(pulls, page.observed_at), numbers)
            if position.ended:  # the reader has what it wants
                break
        position.ended = True
    if pulls_ended and not progress.heads.ended:
        async for opened in session.listing(known.place.path("pulls"), pull_request.Payload, state="open"):
            for wrong in opened.wrong:
                _note_head(session, known, wrong.number, wrong.error)
            yield Page({}, heads.listed(opened.items, opened.observed_at))
    progress.heads.ended = True


def _order(*, newest_first: bool) -> dict[str, str]:
    """The order of REST's lists, as GraphQL is asked for it."""
    return {"sort": "updated", "direction": "desc"} if newest_first else {"sort": "created", "direction": "asc"}


async def _wrong(
    session: Session, known: Known, position: Position, item: Wrong, *, pull: bool
) -> Conversation | int | None:
    """One that its list shows so that it cannot be read: by itself it may be, and may be none of its kind."""
    if item.number is not None:
        found = await _one(session, known, item.number, pull=pull)
        told = found.payload if isinstance(found, Conversation) else None
        return None if isinstance(told, issue.Payload) and told.pull_request is not None else found
    position.partial = True
    place, kind = known.place, "A pull request" if pull else "An issue"
    session.unread.note_or_raise(unread.parts(place.id), f"{kind} of {place.full_name}", item.error)
    return None


async def _with_comments(session: Session, known: Known, told: Payload, observed_at: datetime) -> Conversation:
    pull = isinstance(told, pull_request.Payload)
    comments, _ = await _comments(session, known, told.number, pull=pull) if told.comments else ([], True)
    said = await reviews.listed(session, known, told) if isinstance(told, pull_request.Payload) else Said()
    return Conversation(told, observed_at, comments, len(comments) == (told.comments or 0), said)


async def _comments(session: Session, known: Known, number: int, *, pull: bool) -> tuple[list[comment.Payload], bool]:
    place = known.place
    name, job = f"The comments of {place.full_name}#{number}", unread.conversation(place.id, number, pull=pull)
    return await parts.read(session, place, ("issues", number, "comments"), comment.Payload, name, job)
