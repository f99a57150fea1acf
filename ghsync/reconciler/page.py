"""A page of issues and pull requests: what one request showed of them, and how far the reading is after it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from msgspec import structs

from ghsync.errors import GhsyncError, UnreadableAnswer
from ghsync.github.graphql.conversations import IssueNode
from ghsync.github.graphql.pull_requests import PullRequestNode
from ghsync.mirror.noun import CLOCKS_DIFFER_BY
from ghsync.mirror.user import time
from ghsync.reconciler import conversations, heads, unread
from ghsync.reconciler.catalog import KnownRepository
from ghsync.reconciler.conversations import Conversation
from ghsync.reconciler.heads import PullRequestHead
from ghsync.reconciler.progress import Position, Progress, What
from ghsync.reconciler.session import Session

Until = Mapping[What, datetime]
"""Of what changed last, the newest first: each kind ends with the page that reaches its moment, if it has one."""


@dataclass(frozen=True, slots=True)
class Page:
    """What one request showed: conversations by kind, those that it was asked for, and heads of open pull requests.

    ``unread`` are there too, and could not be read. ``progress`` is how far the reading is once all of it is written.
    """

    shown: dict[What, list[Conversation]]
    progress: Progress
    heads: list[PullRequestHead] = field(default_factory=list)
    unread: list[int] = field(default_factory=list)


def changes(read: Iterable[Conversation]) -> Iterator[datetime]:
    """When each of them changed last; a time that cannot be yet would hide all that changes until then."""
    for conversation in read:
        changed_at = time(conversation.payload.updated_at)
        if changed_at and changed_at <= conversation.observed_at + CLOCKS_DIFFER_BY:
            yield changed_at


def reaches(read: Iterable[Conversation], until: Until | None, what: What) -> bool:
    """Whether a page goes back as far as is asked for."""
    moment, oldest = (until or {}).get(what), min(changes(read), default=None)
    return bool(moment and oldest and oldest < moment)


def begun(known: KnownRepository, progress: Progress, kinds: Iterable[What]) -> Progress:
    """The same, without heads where these are not asked for, or not to be seen."""
    if "pull_requests" in kinds and any(heads.variables(known.place).values()):
        return progress
    return progress.at("heads", structs.replace(progress.heads, ended=True))


def left(progress: Progress, kinds: Iterable[What], *, pause: bool) -> list[What]:
    """The kinds of which there may be more to list; before a ``pause`` that is what is open."""
    positions = {what: progress.position(what) for what in kinds}
    return [what for what, each in positions.items() if not each.ended and not (pause and each.state == "closed")]


def listed(position: Position, until: Until | None) -> dict[str, str]:
    """What REST's lists are asked for, and in which order, as GraphQL is."""
    state = position.state or "all"
    if until is None:
        return {"state": state, "sort": "created", "direction": "asc"}
    return {"state": state, "sort": "updated", "direction": "desc"}


async def read(
    session: Session, known: KnownRepository, node: IssueNode | PullRequestNode, observed_at: datetime
) -> Conversation | int:
    """A conversation; its number where it cannot be read, which is told."""
    pull = isinstance(node, PullRequestNode)
    try:
        return await conversations.read(session, known, node, observed_at)
    except GhsyncError as error:
        return _noted(session, known, node.number, error, pull=pull)


async def one(session: Session, known: KnownRepository, number: int, *, pull: bool) -> Conversation | int:
    """A conversation as REST shows it; its number where that cannot be read, which is told, or could not lately."""
    if session.unread.waits(unread.conversation(known.place.id, number, pull=pull)):
        return number
    try:
        return await conversations.one(session, known, number, pull=pull)
    except GhsyncError as error:
        return _noted(session, known, number, error, pull=pull)


def _noted(session: Session, known: KnownRepository, number: int, error: GhsyncError, *, pull: bool) -> int:
    if not unread.is_of_one(error):
        raise error
    job = unread.conversation(known.place.id, number, pull=pull)
    session.unread.note_or_raise(job, f"{known.place.full_name}#{number}", error)
    return number


def note_head(session: Session, known: KnownRepository, number: int | None, error: UnreadableAnswer) -> None:
    """Tell that what is checked of a pull request could not be read, with its number where that is known."""
    place = known.place
    if number is None:
        session.unread.note_or_raise(
            unread.parts(place.id), f"The checks of a pull request of {place.full_name}", error
        )
    else:
        session.unread.note_or_raise(
            unread.checks(place.id, number), f"The checks of {place.full_name}#{number}", error
        )
