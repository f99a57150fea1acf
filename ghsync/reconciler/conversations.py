"""One issue or pull request with all that was said of it: as GraphQL shows it, or REST where that cuts it off."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.database import transaction
from ghsync.errors import GraphQLUnavailable, TooHeavy, UnreadableAnswer
from ghsync.github.decoding import decoded
from ghsync.github.graphql.answered import UnknownLabel
from ghsync.github.graphql.conversations import IssueNode
from ghsync.github.graphql.pull_requests import PullRequestNode
from ghsync.mirror import comment, issue, pull_request
from ghsync.projector.batch import Batch
from ghsync.reconciler import parts, reviews, unread
from ghsync.reconciler.catalog import KnownRepository
from ghsync.reconciler.reviews import Discussion
from ghsync.reconciler.session import Session

Payload = issue.Payload | pull_request.Payload


@dataclass(frozen=True, slots=True)
class Conversation:
    """One issue or pull request, whole, with its comments; ``comments_complete`` says that there are no others.

    ``untold`` is what GraphQL was not asked for: see `completed`.
    """

    payload: Payload
    observed_at: datetime
    comments: list[comment.Payload] = field(default_factory=list)
    comments_complete: bool = False
    said: Discussion = field(default_factory=Discussion)
    untold: frozenset[str] = frozenset()

    @property
    def parent(self) -> issue.Payload:
        """What a comment's row tells of the conversation that it belongs to."""
        told = self.payload
        return issue.Payload(told.id, told.number, comments=told.comments, updated_at=told.updated_at)


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


async def read(
    session: Session, known: KnownRepository, node: IssueNode | PullRequestNode, observed_at: datetime
) -> Conversation:
    """A conversation as GraphQL shows it; one that it cuts off, or whose labels are new, is read through REST."""
    pull = isinstance(node, PullRequestNode)
    if node.cut:
        return await one(session, known, node.number, pull=pull)
    said, untold = Discussion(), frozenset[str]()
    try:
        if isinstance(node, PullRequestNode):
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


async def completed(engine: AsyncEngine, known: KnownRepository, read: Sequence[Conversation]) -> list[Conversation]:
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


async def one(session: Session, known: KnownRepository, number: int, *, pull: bool) -> Conversation:
    """A conversation as REST shows it."""
    answer = await session.get(known.place.path("pulls" if pull else "issues", number))
    name = f"{known.place.full_name}#{number}"
    told: Payload = decoded(answer.body, _pull_request, name) if pull else decoded(answer.body, _issue, name)
    if told.number != number:
        raise UnreadableAnswer("GitHub answered with another number; it is asked again later.")
    return await with_comments(session, known, told, answer.observed_at)


async def with_comments(session: Session, known: KnownRepository, told: Payload, observed_at: datetime) -> Conversation:
    """The conversation of an issue or pull request that REST has shown."""
    pull = isinstance(told, pull_request.Payload)
    comments, _ = await _comments(session, known, told.number, pull=pull) if told.comments else ([], True)
    said = await reviews.listed(session, known, told) if isinstance(told, pull_request.Payload) else Discussion()
    return Conversation(told, observed_at, comments, len(comments) == (told.comments or 0), said)


async def _comments(
    session: Session, known: KnownRepository, number: int, *, pull: bool
) -> tuple[list[comment.Payload], bool]:
    place = known.place
    name, job = f"The comments of {place.full_name}#{number}", unread.conversation(place.id, number, pull=pull)
    return await parts.read(session, place, ("issues", number, "comments"), comment.Payload, name, job)
