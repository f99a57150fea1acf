"""Reviews of pull requests.

https://docs.github.com/en/rest/pulls/reviews
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ghsync.simulator.identity import node_id
from ghsync.simulator.payload import Json, iso, iso_or_null

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ghsync.simulator.account import Account
    from ghsync.simulator.commit import Commit
    from ghsync.simulator.pull_request import PullRequest

ReviewState = Literal["APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED", "PENDING"]

OPINIONS = ("APPROVED", "CHANGES_REQUESTED", "DISMISSED")
"""The states that replace what a reviewer said before; a comment does not."""

WRITERS = ("OWNER", "MEMBER", "COLLABORATOR")
"""The associations of those who may write here; who hides their membership is shown as something less."""


@dataclass(eq=False)
class Review:
    """A review. While it is pending, only its author sees it; one of an author who cannot push decides nothing."""

    id: int
    pull_request: PullRequest
    author: Account
    author_association: str
    state: ReviewState
    commit: Commit
    created_at: datetime
    updated_at: datetime
    body: str | None = None
    submitted_at: datetime | None = None
    author_can_push: bool = True

    @property
    def node_id(self) -> str:
        """The review's node id."""
        return node_id("PRR", self.pull_request.repository.id, self.id)

    @property
    def html_url(self) -> str:
        """The review on the page of its pull request."""
        return f"{self.pull_request.issue.html_url}#pullrequestreview-{self.id}"

    def as_json(self) -> Json:
        """The review as events carry it: its state in small letters."""
        return {
            "id": self.id,
            "node_id": self.node_id,
            "user": self.author.as_json(),
            "body": self.body,
            "commit_id": self.commit.sha,
            "submitted_at": iso_or_null(self.submitted_at),
            "updated_at": iso(self.updated_at),
            "state": self.state.lower(),
            **self._links(),
        }

    def as_rest_json(self) -> Json:
        """The review as the REST API shows it: its state in capitals, and no null for an empty text."""
        submitted = {} if self.submitted_at is None else {"submitted_at": iso(self.submitted_at)}
        return {
            "id": self.id,
            "node_id": self.node_id,
            "user": self.author.as_json(),
            "body": self.body or "",
            "state": self.state,
            **self._links(),
            **submitted,
            "commit_id": self.commit.sha,
        }

    def _links(self) -> Json:
        return {
            "html_url": self.html_url,
            "pull_request_url": self.pull_request.api_url,
            "author_association": self.author_association,
            "_links": {"html": {"href": self.html_url}, "pull_request": {"href": self.pull_request.api_url}},
        }


def submitted(reviews: Iterable[Review]) -> list[Review]:
    """The reviews that others than their authors can see."""
    return [review for review in reviews if review.state != "PENDING"]


def latest_opinions(pull_request: PullRequest) -> list[Review]:
    """Each reviewer's newest approval or request for changes, unless it was dismissed; the author's do not count."""
    newest = {
        review.author: review
        for review in pull_request.reviews
        if review.state in OPINIONS and review.author_can_push and review.author is not pull_request.issue.author
    }
    return [review for review in newest.values() if review.state != "DISMISSED"]
