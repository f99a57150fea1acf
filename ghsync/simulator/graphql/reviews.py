"""Reviews, review threads and their comments, review requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import GraphQLResolveInfo

from ghsync.simulator.account import Team
from ghsync.simulator.graphql import lists, request
from ghsync.simulator.graphql.accounts import actor
from ghsync.simulator.graphql.commits import CommitIn
from ghsync.simulator.graphql.connections import AS_THEY_STAND, Connection, connect
from ghsync.simulator.graphql.fields import Fields, always, value
from ghsync.simulator.identity import node_id
from ghsync.simulator.review import latest_opinions, submitted

if TYPE_CHECKING:
    from ghsync.simulator.account import Account
    from ghsync.simulator.pull_request import PullRequest
    from ghsync.simulator.review import Review
    from ghsync.simulator.review_comment import ReviewComment, ReviewThread


@dataclass(frozen=True)
class ReviewRequest:
    """That someone is asked to review."""

    pull_request: PullRequest
    reviewer: Account | Team

    @property
    def node_id(self) -> str:
        """The request's node id."""
        return node_id("RR", self.pull_request.repository.id, self.pull_request.id, self.reviewer.id)


def requests(pull_request: PullRequest, info: GraphQLResolveInfo, **page: object) -> Connection:
    """Those who are asked, users before teams."""
    asked: list[Account | Team] = [*pull_request.requested_reviewers, *pull_request.requested_teams]
    found = [ReviewRequest(pull_request, reviewer) for reviewer in asked]
    return connect(info, found, AS_THEY_STAND, **lists.bounds(page))


def reviews(
    pull_request: PullRequest,
    info: GraphQLResolveInfo,
    *,
    author: str | None = None,
    states: list[str] | None = None,
    **page: object,
) -> Connection:
    """The reviews that were submitted."""
    kept = [
        review
        for review in submitted(pull_request.reviews)
        if author in (None, review.author.login) and (states is None or review.state in states)
    ]
    return connect(info, kept, AS_THEY_STAND, **lists.bounds(page))


def latest(pull_request: PullRequest, info: GraphQLResolveInfo, **page: object) -> Connection:
    """The newest review of each reviewer who is not asked anew."""
    newest = {review.author: review for review in submitted(pull_request.reviews)}
    kept = [review for author, review in newest.items() if author not in pull_request.requested_reviewers]
    return connect(info, kept, AS_THEY_STAND, **lists.bounds(page))


def opinions(pull_request: PullRequest, info: GraphQLResolveInfo, **page: object) -> Connection:
    """The newest approval or request for changes of each reviewer."""
    return connect(info, latest_opinions(pull_request), AS_THEY_STAND, **lists.bounds(page))


def decision(pull_request: PullRequest) -> str | None:
    """What the reviews come to; null where the repository requires none."""
    required = pull_request.repository.required_approvals
    if not required:
        return None
    states = [review.state for review in latest_opinions(pull_request)]
    if "CHANGES_REQUESTED" in states:
        return "CHANGES_REQUESTED"
    return "APPROVED" if len(states) >= required else "REVIEW_REQUIRED"


def threads(pull_request: PullRequest, info: GraphQLResolveInfo, **page: object) -> Connection:
    """The threads in which there is something to see."""
    kept = [thread for thread in pull_request.threads if thread.visible]
    return connect(info, kept, AS_THEY_STAND, **lists.bounds(page))


def _comments_of_review(review: Review, info: GraphQLResolveInfo, **page: object) -> Connection:
    kept = [comment for comment in review.pull_request.review_comments if comment.review is review]
    return connect(info, kept, AS_THEY_STAND, **lists.bounds(page))


def _comments_of_thread(thread: ReviewThread, info: GraphQLResolveInfo, **page: object) -> Connection:
    return connect(info, thread.visible, AS_THEY_STAND, **lists.bounds(page))


def _commit(comment: ReviewComment) -> CommitIn:
    return CommitIn(comment.thread.pull_request.repository, comment.commit)


def _original_commit(comment: ReviewComment) -> CommitIn:
    return CommitIn(comment.thread.pull_request.repository, comment.thread.commit)


def _requested_reviewer(asking: ReviewRequest, info: GraphQLResolveInfo) -> Account | Team | None:
    """Who is asked; a team is shown only to those who may see the organization's members."""
    if isinstance(asking.reviewer, Team):
        request.of(info).require("members")
        return asking.reviewer
    return actor(asking.reviewer)


REVIEW_REQUEST: Fields = {
    "asCodeOwner": always(False),
    "id": "node_id",
    "pullRequest": "pull_request",
    "requestedReviewer": _requested_reviewer,
}

REVIEW: Fields = {
    "author": value(lambda review: actor(review.author)),
    "authorAssociation": "author_association",
    "authorCanPushToRepository": "author_can_push",
    "body": value(lambda review: review.body or ""),
    "bodyText": value(lambda review: review.body or ""),
    "comments": _comments_of_review,
    "commit": value(lambda review: CommitIn(review.pull_request.repository, review.commit)),
    "createdAt": "created_at",
    "databaseId": "id",
    "fullDatabaseId": "id",
    "id": "node_id",
    "publishedAt": "submitted_at",
    "pullRequest": "pull_request",
    "repository": "pull_request.repository",
    "state": "state",
    "submittedAt": "submitted_at",
    "updatedAt": "updated_at",
    "url": "html_url",
}

THREAD: Fields = {
    "comments": _comments_of_thread,
    "diffSide": "side",
    "id": "node_id",
    "isCollapsed": value(lambda thread: thread.resolved_by is not None),
    "isOutdated": "outdated",
    "isResolved": value(lambda thread: thread.resolved_by is not None),
    "line": value(lambda thread: None if thread.outdated else thread.line),
    "originalLine": "line",
    "path": "path",
    "pullRequest": "pull_request",
    "repository": "pull_request.repository",
    "resolvedBy": value(lambda thread: actor(thread.resolved_by)),
    "subjectType": always("LINE"),
}

REVIEW_COMMENT: Fields = {
    "author": value(lambda comment: actor(comment.author)),
    "authorAssociation": "author_association",
    "body": "body",
    "bodyText": "body",
    "commit": value(_commit),
    "createdAt": "created_at",
    "databaseId": "id",
    "diffHunk": "diff_hunk",
    "fullDatabaseId": "id",
    "id": "node_id",
    "isMinimized": always(False),
    "line": value(lambda comment: None if comment.thread.outdated else comment.thread.line),
    "originalCommit": value(_original_commit),
    "originalLine": "thread.line",
    "outdated": "thread.outdated",
    "path": "thread.path",
    "publishedAt": "review.submitted_at",
    "pullRequest": "thread.pull_request",
    "pullRequestReview": "review",
    "replyTo": "reply_to",
    "repository": "thread.pull_request.repository",
    "state": value(lambda comment: "PENDING" if comment.review.state == "PENDING" else "SUBMITTED"),
    "subjectType": always("LINE"),
    "updatedAt": "updated_at",
    "url": "html_url",
}
