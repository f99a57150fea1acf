"""Issues and pull requests with all that was said of them, page by page: through GraphQL, or REST where that fails."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.errors import GraphQLDenied, GraphQLUnavailable, TooHeavy
from ghsync.github.graphql import answers
from ghsync.github.graphql.answered import UnknownLabel
from ghsync.github.graphql.conversations import Issue
from ghsync.github.graphql.pull_requests import PullRequest
from ghsync.mirror import comment, issue, pull_request
from ghsync.mirror.user import time
from ghsync.projector.batch import Batch
from ghsync.reconciler import heads, reviews
from ghsync.reconciler.catalog import Known
from ghsync.reconciler.heads import Shown
from ghsync.reconciler.reviews import Said
from ghsync.reconciler.runs import Progress, What
from ghsync.reconciler.session import Session

Payload = issue.Payload | pull_request.Payload

LARGEST_PAGE = 100
HEADS_AT_ONCE = 20  # each is charged for all the suites that it could have
FIRST_PAGE_OF_CHANGES = 20  # few change between two sweeps, and a page is charged for what it could hold
HEADS_OF_CHANGES = 10
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
    """What one request showed: conversations by kind, those that it was asked for, and heads of open pull requests."""

    shown: dict[What, list[Conversation]]
    heads: list[Shown] = field(default_factory=list)


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
    """When each of them changed last."""
    return filter(None, (time(conversation.payload.updated_at) for conversation in conversations))


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
        size = min(LARGEST_PAGE, size + size // 2 + 1)
    if denied:
        raise next(iter(denied.values()))  # they have not ended


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
    node = answers.conversations_decoder.decode(answer.data).node
    if node is None:
        raise GraphQLUnavailable("GitHub's GraphQL does not show this repository; REST is asked instead.")
    shown: dict[What, list[Conversation]] = {}
    pages: list[tuple[What, answers.Page]] = []
    for what in sizes:
        page = node.issues if what == "issues" else node.pull_requests
        if page is None or None in page.nodes:
            raise TooHeavy("GitHub answered a part of the page.")
        nodes = await reviews.with_reviewers(
            session, known, [one for one in page.nodes if one], progress.position(what).shown, newest_first=newest_first
        )
        shown[what] = [await read(session, known, one, answer.observed_at) for one in nodes]
        pages.append((what, page))
    checked: list[Shown] = []
    if heads_size:
        if node.heads is None or None in node.heads.nodes:
            raise TooHeavy("GitHub answered a part of the page.")
        checked = heads.shown([head for head in node.heads.nodes if head], answer.observed_at)
        progress.heads.after = node.heads.page_info.end_cursor
        # Of what changed the first page is enough: checks move no time by which they could be found.
        progress.heads.ended = newest_first or not node.heads.page_info.has_next_page
    for what, page in pages:  # only now that all could be read
        position = progress.position(what)
        position.after, position.ended = page.page_info.end_cursor, not page.page_info.has_next_page
        position.total, position.shown = page.total_count, position.shown + len(page.nodes)
        position.reach(max(changes(shown[what]), default=None))
    return Page(shown, checked)


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
    except UnknownLabel:
        return await one(session, known, node.number, pull=pull)
    comments = [shown.payload for shown in node.comments.nodes]
    if node.comments.page_info.has_next_page:
        comments = await _comments(session, known, node.number)
    return Conversation(told, observed_at, comments, len(comments) == node.comments.total_count, said, untold)


_STORED = sa.text("""
SELECT number, metadata FROM github_issues WHERE repository_id = :repository AND number = ANY(:numbers)
""")


async def completed(engine: AsyncEngine, known: Known, read: Sequence[Conversation]) -> list[Conversation]:
    """The same, with what GraphQL was not asked for as the mirror has it: who does not ask learns nothing of it."""
    numbers = [each.payload.number for each in read if each.untold]
    if not numbers:
        return list(read)
    async with engine.connect() as conn:
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
    told: Payload = (_pull_request if pull else _issue).decode(answer.body)
    return await _with_comments(session, known, told, answer.observed_at)


async def listed(
    session: Session, known: Known, progress: Progress, kinds: Iterable[What], *, newest_first: bool = False
) -> AsyncIterator[Page]:
    """The same through REST, from the start: a request a page, and one for each pull request, whose lists lack much."""
    order = {"sort": "updated", "direction": "desc"} if newest_first else {"sort": "created", "direction": "asc"}
    pulls_ended = progress.pull_requests.ended
    for what in kinds:
        position = progress.position(what)
        if position.ended:
            continue
        pull = what == "pull_requests"
        path = known.place.path("pulls" if pull else "issues")
        async for found, observed_at in session.listing(path, issue.Payload, state="all", **order):
            if pull:
                read = [await one(session, known, told.number, pull=True) for told in found]
            else:
                issues = [told for told in found if told.pull_request is None]
                read = [await _with_comments(session, known, told, observed_at) for told in issues]
            position.reach(max(changes(read), default=None))
            pulls = [each.payload for each in read if isinstance(each.payload, pull_request.Payload)]
            yield Page({what: read}, heads.listed(pulls, observed_at))
            if position.ended:  # the reader has what it wants
                break
        position.ended = True
    if pulls_ended and not progress.heads.ended:
        async for opened, observed_at in session.listing(known.place.path("pulls"), pull_request.Payload, state="open"):
            yield Page({}, heads.listed(opened, observed_at))
    progress.heads.ended = True


async def _with_comments(session: Session, known: Known, told: Payload, observed_at: datetime) -> Conversation:
    comments = await _comments(session, known, told.number) if told.comments else []
    said = await reviews.listed(session, known, told) if isinstance(told, pull_request.Payload) else Said()
    return Conversation(told, observed_at, comments, len(comments) == (told.comments or 0), said)


async def _comments(session: Session, known: Known, number: int) -> list[comment.Payload]:
    path = known.place.path("issues", number, "comments")
    return [one async for found, _ in session.listing(path, comment.Payload) for one in found]
