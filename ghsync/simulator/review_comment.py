"""Comments on lines of a pull request, and the threads they stand in.

https://docs.github.com/en/rest/pulls/comments
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ghsync.simulator.identity import node_id
from ghsync.simulator.payload import Json, iso, no_reactions

if TYPE_CHECKING:
    from datetime import datetime

    from ghsync.simulator.account import Account
    from ghsync.simulator.commit import Commit
    from ghsync.simulator.pull_request import PullRequest
    from ghsync.simulator.review import Review


@dataclass(eq=False)
class ReviewThread:
    """A place in the changes that is talked about, until someone says it is settled."""

    id: int
    pull_request: PullRequest
    path: str
    line: int
    commit: Commit
    side: Literal["LEFT", "RIGHT"] = "RIGHT"
    comments: list[ReviewComment] = field(default_factory=list)
    resolved_by: Account | None = None

    @property
    def node_id(self) -> str:
        """The thread's node id; the REST API has no other id for it."""
        return node_id("PRRT", self.pull_request.repository.id, self.id)

    @property
    def outdated(self) -> bool:
        """Whether the commit it is about was pushed away."""
        return all(commit is not self.commit for commit in self.pull_request.commits)

    @property
    def visible(self) -> list[ReviewComment]:
        """The comments that others than their authors can see."""
        return [comment for comment in self.comments if comment.review.state != "PENDING"]

    def as_json(self) -> Json:
        """The thread as its own events carry it."""
        return {"node_id": self.node_id, "comments": [comment.as_json() for comment in self.visible]}


@dataclass(eq=False)
class ReviewComment:
    """A comment in a thread. Every one belongs to a review, if need be to one made for it."""

    id: int
    thread: ReviewThread
    review: Review
    author: Account
    author_association: str
    body: str
    created_at: datetime
    updated_at: datetime
    reply_to: ReviewComment | None = None

    @property
    def node_id(self) -> str:
        """The comment's node id."""
        return node_id("PRRC", self.thread.pull_request.repository.id, self.id)

    @property
    def api_url(self) -> str:
        """The comment's address in the API."""
        return f"{self.thread.pull_request.repository.api_url}/pulls/comments/{self.id}"

    @property
    def html_url(self) -> str:
        """The comment on the page of its pull request."""
        return f"{self.thread.pull_request.issue.html_url}#discussion_r{self.id}"

    @property
    def commit(self) -> Commit:
        """The commit that the comment is shown at: the newest, as long as its place is still there."""
        return self.thread.commit if self.thread.outdated else self.thread.pull_request.head_commit

    @property
    def diff_hunk(self) -> str:
        """The lines of the change down to that which is talked about."""
        line = self.thread.line
        return f"@@ -{line},0 +{line},1 @@\n+line {line} of {self.thread.path}"

    def as_json(self) -> Json:
        """The comment, in events and in the REST API."""
        thread, pull_request = self.thread, self.thread.pull_request
        line = None if thread.outdated else thread.line
        addresses = {"self": self.api_url, "html": self.html_url, "pull_request": pull_request.api_url}
        return {
            "url": self.api_url,
            "pull_request_review_id": self.review.id,
            "id": self.id,
            "node_id": self.node_id,
            "diff_hunk": self.diff_hunk,
            "path": thread.path,
            "commit_id": self.commit.sha,
            "original_commit_id": thread.commit.sha,
            "user": self.author.as_json(),
            "body": self.body,
            "created_at": iso(self.created_at),
            "updated_at": iso(self.updated_at),
            "html_url": self.html_url,
            "pull_request_url": pull_request.api_url,
            "_links": {name: {"href": address} for name, address in addresses.items()},
            "reactions": no_reactions(self.api_url),
            "start_line": None,
            "original_start_line": None,
            "start_side": None,
            "line": line,
            "original_line": thread.line,
            "side": thread.side,
            "author_association": self.author_association,
            "original_position": 1,
            "position": None if line is None else 1,
            "subject_type": "line",
            **({} if self.reply_to is None else {"in_reply_to_id": self.reply_to.id}),
        }
