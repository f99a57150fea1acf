"""Reviews, review threads and comments on lines, read into the payloads that hooks and REST bring."""

from collections.abc import Iterator
from datetime import datetime

from ghsync.github.graphql.answered import AnswerPart, Numbered, Oid, PageInfo, Person, user
from ghsync.mirror import review
from ghsync.mirror.comment import ReviewComment
from ghsync.mirror.review_thread import Payload as Thread


class Review(AnswerPart, frozen=True):
    """https://docs.github.com/en/graphql/reference/objects#pullrequestreview"""

    full_database_id: int
    id: str
    state: str
    body: str
    url: str
    updated_at: datetime
    author: Person | None = None
    author_association: str | None = None
    author_can_push_to_repository: bool | None = None
    commit: Oid | None = None
    submitted_at: datetime | None = None

    @property
    def payload(self) -> review.Payload:
        """As hooks show it, and whether its author may write, which they do not tell."""
        return review.Payload(
            id=self.full_database_id,
            node_id=self.id,
            state=self.state.lower(),
            user=user(self.author),
            body=self.body,
            html_url=self.url,
            commit_id=self.commit.oid if self.commit else None,
            author_association=self.author_association,
            author_can_push=self.author_can_push_to_repository,
            submitted_at=self.submitted_at,
            updated_at=self.updated_at,
        )


class Reviews(AnswerPart, frozen=True):
    """The first reviews of a pull request."""

    nodes: tuple[Review, ...] = ()
    page_info: PageInfo = PageInfo()


class ThreadComment(AnswerPart, frozen=True):
    """https://docs.github.com/en/graphql/reference/objects#pullrequestreviewcomment"""

    full_database_id: int
    id: str
    state: str
    body: str
    url: str
    path: str
    created_at: datetime
    updated_at: datetime
    author: Person | None = None
    original_line: int | None = None
    original_commit: Oid | None = None
    pull_request_review: Numbered | None = None
    reply_to: Numbered | None = None

    @property
    def payload(self) -> ReviewComment:
        """As hooks and REST show it."""
        return ReviewComment(
            id=self.full_database_id,
            node_id=self.id,
            body=self.body,
            html_url=self.url,
            user=user(self.author),
            created_at=self.created_at,
            updated_at=self.updated_at,
            pull_request_review_id=self.pull_request_review.full_database_id if self.pull_request_review else None,
            in_reply_to_id=self.reply_to.full_database_id if self.reply_to else None,
            path=self.path,
            original_line=self.original_line,
            original_commit_id=self.original_commit.oid if self.original_commit else None,
        )


class ThreadComments(AnswerPart, frozen=True):
    """The first comments of a thread, and how many there are."""

    total_count: int = 0
    nodes: tuple[ThreadComment, ...] = ()
    page_info: PageInfo = PageInfo()


class ReviewThread(AnswerPart, frozen=True):
    """https://docs.github.com/en/graphql/reference/objects#pullrequestreviewthread"""

    id: str
    is_resolved: bool
    path: str
    comments: ThreadComments
    original_line: int | None = None
    resolved_by: Person | None = None

    @property
    def submitted(self) -> list[ReviewComment]:
        """Its comments that all can see."""
        return [each.payload for each in self.comments.nodes if each.state == "SUBMITTED"]

    @property
    def payload(self) -> Thread:
        """As hooks show it."""
        return Thread(self.id, self.submitted, self.path, self.original_line)


class Threads(AnswerPart, frozen=True):
    """The first threads of a pull request."""

    nodes: tuple[ReviewThread, ...] = ()
    page_info: PageInfo = PageInfo()

    def comments(self) -> Iterator[ReviewComment]:
        """The comments that all can see."""
        for thread in self.nodes:
            yield from thread.submitted

    @property
    def cut(self) -> bool:
        """Whether a thread goes on after its first comments."""
        return any(thread.comments.page_info.has_next_page for thread in self.nodes)
