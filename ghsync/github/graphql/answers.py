"""The answers to the documents in ``ghsync/github/queries``, and their decoders."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from ghsync.github.graphql.answered import Answered, PageInfo
from ghsync.github.graphql.checks import Head, Heads
from ghsync.github.graphql.conversations import Issue
from ghsync.github.graphql.pull_requests import PullRequest
from ghsync.github.graphql.reviews import Threads


class Page(Answered, frozen=True):
    """A page of a repository's issues or pull requests, and how many there are; null is what took GitHub too long."""

    total_count: int
    page_info: PageInfo
    nodes: Sequence[Issue | PullRequest | None]


class Conversations(Answered, frozen=True):
    """The pages of one repository; what was not asked for is None."""

    issues: Page | None = None
    pull_requests: Page | None = None
    heads: Heads | None = None


class ConversationsAnswer(Answered, frozen=True):
    """``data`` of ``conversations``; the node is null where the repository cannot be seen."""

    node: Conversations | None = None


class RefetchAnswer(Answered, frozen=True):
    """``data`` of ``refetch``; what cannot be seen is null in its place."""

    nodes: list[Issue | PullRequest | None]


class ThreadsOf(Answered, frozen=True):
    """The threads of one pull request."""

    review_threads: Threads


class ThreadsAnswer(Answered, frozen=True):
    """``data`` of ``threads``."""

    node: ThreadsOf | None = None


class HeadsAnswer(Answered, frozen=True):
    """``data`` of ``heads``; what cannot be seen is null in its place."""

    nodes: list[Head | None]


class Changed(Answered, frozen=True):
    """When something last changed."""

    updated_at: datetime


class Latest(Answered, frozen=True):
    """The most recently changed of many, and how many there are."""

    total_count: int
    nodes: list[Changed]

    @property
    def changed_at(self) -> datetime | None:
        """When the latest change was, None where there is nothing."""
        return self.nodes[0].updated_at if self.nodes else None


class Newest(Answered, frozen=True):
    """What changed last in a repository."""

    id: str
    database_id: int
    name_with_owner: str
    updated_at: datetime
    issues: Latest
    pull_requests: Latest


class NewestAnswer(Answered, frozen=True):
    """``data`` of ``newest``; what cannot be seen is null in its place."""

    nodes: list[Newest | None]


conversations_decoder = msgspec.json.Decoder(ConversationsAnswer, strict=False)
refetch_decoder = msgspec.json.Decoder(RefetchAnswer, strict=False)
newest_decoder = msgspec.json.Decoder(NewestAnswer, strict=False)
threads_decoder = msgspec.json.Decoder(ThreadsAnswer, strict=False)
heads_decoder = msgspec.json.Decoder(HeadsAnswer, strict=False)
