"""The answers to the documents in ``ghsync/github/queries``, and their decoders."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from ghsync.errors import GraphQLUnavailable
from ghsync.github import decoding
from ghsync.github.graphql.answered import AnswerPart, Count, PageInfo
from ghsync.github.graphql.catalog import LabelNode, MilestoneNode
from ghsync.github.graphql.checks import Head, Heads
from ghsync.github.graphql.conversations import IssueNode
from ghsync.github.graphql.pull_requests import PullRequestNode
from ghsync.github.graphql.reviews import Threads
from ghsync.mirror import release

T = TypeVar("T")


Item = IssueNode | PullRequestNode


class ConnectionPage(AnswerPart, frozen=True):
    """A page of a repository's issues or pull requests, and how many there are; null is what took GitHub too long."""

    total_count: int
    page_info: PageInfo
    nodes: Sequence[Item | None]


class Conversations(AnswerPart, frozen=True):
    """The pages of one repository; what was not asked for is None."""

    issues: ConnectionPage | None = None
    pull_requests: ConnectionPage | None = None
    heads: Heads | None = None


class ConversationsAnswer(AnswerPart, frozen=True):
    """``data`` of ``conversations``; the node is null where the repository cannot be seen."""

    node: Conversations | None = None


class RefetchAnswer(AnswerPart, frozen=True):
    """``data`` of ``refetch``; what cannot be seen is null in its place."""

    nodes: list[IssueNode | PullRequestNode | None]


class ThreadsOf(AnswerPart, frozen=True):
    """The threads of one pull request."""

    review_threads: Threads


class ThreadsAnswer(AnswerPart, frozen=True):
    """``data`` of ``threads``."""

    node: ThreadsOf | None = None


class HeadsAnswer(AnswerPart, frozen=True):
    """``data`` of ``heads``; what cannot be seen is null in its place."""

    nodes: list[Head | None]


class ChangeTime(AnswerPart, frozen=True):
    """When something last changed."""

    updated_at: datetime


class LatestChange(AnswerPart, frozen=True):
    """The most recently changed of many, and how many there are."""

    total_count: int
    nodes: list[ChangeTime]

    @property
    def changed_at(self) -> datetime | None:
        """When the latest change was, None where there is nothing."""
        return self.nodes[0].updated_at if self.nodes else None


class NewestChanges(AnswerPart, frozen=True):
    """What changed last in a repository, and how many ``releases`` there are, where that is told."""

    id: str
    database_id: int
    name_with_owner: str
    updated_at: datetime
    issues: LatestChange
    pull_requests: LatestChange
    releases: Count | None = None


class NewestAnswer(AnswerPart, frozen=True):
    """``data`` of ``newest``; what cannot be seen is null in its place."""

    nodes: list[NewestChanges | None]


class Things(AnswerPart, Generic[T], frozen=True):
    """A page of what a repository's listing shows, and how many there are; see `Noun.listing`."""

    total_count: int
    page_info: PageInfo
    nodes: Sequence[T | None]


class ThingsOf(AnswerPart, Generic[T], frozen=True):
    """The things of one repository."""

    things: Things[T] | None = None


class SmallRepository(Conversations, frozen=True, kw_only=True):
    """All that a small repository has; what was not asked for, or is not told, is None."""

    database_id: int
    name_with_owner: str
    updated_at: datetime
    has_issues_enabled: bool
    labels: Things[LabelNode] | None = None
    milestones: Things[MilestoneNode] | None = None
    releases: Things[release.Payload] | None = None


class BulkAnswer(AnswerPart, frozen=True):
    """``data`` of ``bulk``; what cannot be seen is null in its place."""

    nodes: list[SmallRepository | None]


class ListingAnswer(AnswerPart, Generic[T], frozen=True):
    """``data`` of a document that a listing names; the node is null where the repository cannot be seen."""

    node: ThingsOf[T] | None = None


conversations_decoder = msgspec.json.Decoder(ConversationsAnswer, strict=False)
refetch_decoder = msgspec.json.Decoder(RefetchAnswer, strict=False)
newest_decoder = msgspec.json.Decoder(NewestAnswer, strict=False)
threads_decoder = msgspec.json.Decoder(ThreadsAnswer, strict=False)
heads_decoder = msgspec.json.Decoder(HeadsAnswer, strict=False)
bulk_decoder = msgspec.json.Decoder(BulkAnswer, strict=False)
_anything = msgspec.json.Decoder()

Items = Mapping[tuple[str, ...], Any]
"""The types of items, by where their connection is."""

Numbers = dict[tuple[str, int], int]
"""Numbers of what could not be read, by the connection and the place in it."""


def conversations(data: bytes) -> tuple[Conversations | None, Numbers]:
    """``data`` of ``conversations``; items that cannot be read are null, as those that GitHub cannot show."""
    items: Items = {("node", "issues"): IssueNode, ("node", "pullRequests"): PullRequestNode, ("node", "heads"): Head}
    answer, numbers = _salvaged(data, conversations_decoder, ConversationsAnswer, items)
    return answer.node, numbers


def refetch(data: bytes) -> Sequence[IssueNode | PullRequestNode | None]:
    """The nodes of ``refetch``; those that cannot be read are null."""
    return _salvaged(data, refetch_decoder, RefetchAnswer, {(): IssueNode | PullRequestNode})[0].nodes


def newest(data: bytes) -> Sequence[NewestChanges | None]:
    """The nodes of ``newest``; those that cannot be read are null."""
    return _salvaged(data, newest_decoder, NewestAnswer, {(): NewestChanges})[0].nodes


def bulk(data: bytes) -> Sequence[SmallRepository | None]:
    """The nodes of ``bulk``; those that cannot be read, or have something in them that cannot, are null."""
    return _salvaged(data, bulk_decoder, BulkAnswer, {(): SmallRepository})[0].nodes


def heads(data: bytes) -> Sequence[Head | None]:
    """The nodes of ``heads``; those that cannot be read are null."""
    return _salvaged(data, heads_decoder, HeadsAnswer, {(): Head})[0].nodes


def listing(data: bytes, thing: type[T]) -> Things[T]:
    """``data`` of a document that a listing names; raises `GraphQLUnavailable` where the repository is not shown."""
    answer = ListingAnswer[thing]  # type: ignore[valid-type]
    found, _ = _salvaged(data, msgspec.json.Decoder(answer, strict=False), answer, {("node", "things"): thing})
    if found.node is None or found.node.things is None:
        raise GraphQLUnavailable("GitHub's GraphQL does not show this repository; REST is asked instead.")
    return found.node.things


def threads(data: bytes) -> ThreadsAnswer:
    """``data`` of ``threads``."""
    return _salvaged(data, threads_decoder, ThreadsAnswer, {})[0]


def _salvaged(data: bytes, decoder: msgspec.json.Decoder[T], answer: type[T], items: Items) -> tuple[T, Numbers]:
    """An answer without those of its items that cannot be read; raises `GraphQLUnavailable` where none can."""
    try:
        return decoding.read(data, decoder), {}
    except (msgspec.MsgspecError, ValueError):
        pass
    numbers: Numbers = {}
    try:
        found = decoding.read(data, _anything)
        for path, item in items.items():
            for place, node in enumerate(nodes := _nodes(found, path)):
                if node is not None and not _is_readable(node, item):
                    nodes[place] = None
                    if isinstance(node, dict) and isinstance(number := node.get("number"), int):
                        numbers[(path[-1] if path else "", place)] = number
        return msgspec.convert(found, answer, strict=False), numbers
    except (msgspec.MsgspecError, ValueError) as error:
        raise GraphQLUnavailable(
            f"GraphQL's answer is not what was asked for ({decoding.reason(error)}); REST is asked instead."
        ) from None


def _nodes(found: Any, path: tuple[str, ...]) -> list[Any]:
    for name in (*path, "nodes"):
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, list) else []


def _is_readable(node: Any, item: Any) -> bool:
    try:
        msgspec.convert(node, item, strict=False)
    except (msgspec.MsgspecError, ValueError):
        return False
    return True
