"""Pull requests: what they have beyond an issue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import GraphQLResolveInfo

from ghsync.simulator.commit import Commit
from ghsync.simulator.graphql import commits, issues, lists, request, reviews
from ghsync.simulator.graphql.accounts import actor
from ghsync.simulator.graphql.commits import CommitIn, find_branch
from ghsync.simulator.graphql.connections import AS_THEY_STAND, Connection, connect
from ghsync.simulator.graphql.fields import Fields, Resolver, value
from ghsync.simulator.identity import node_id

if TYPE_CHECKING:
    from ghsync.simulator.account import Account
    from ghsync.simulator.pull_request import AutoMerge, PullRequest
    from ghsync.simulator.repository import Repository

MERGEABLE = {"unknown": "UNKNOWN", "dirty": "CONFLICTING"}


@dataclass(frozen=True)
class AutoMergeRequest:
    """The order to merge, with what it is about."""

    pull_request: PullRequest
    order: AutoMerge


@dataclass(frozen=True)
class PullRequestCommit:
    """A commit as part of a pull request."""

    pull_request: PullRequest
    commit: CommitIn

    @property
    def node_id(self) -> str:
        """The node id of the commit's part in the pull request."""
        return node_id("PURC", self.pull_request.repository.id, self.pull_request.id, self.commit.commit.sha)

    @property
    def html_url(self) -> str:
        """The commit's page within the pull request."""
        return f"{self.pull_request.issue.html_url}/commits/{self.commit.commit.sha}"


def _head(pull_request: PullRequest) -> CommitIn:
    return CommitIn(pull_request.repository, pull_request.head_commit)


def _auto_merge(pull_request: PullRequest) -> AutoMergeRequest | None:
    order = pull_request.auto_merge
    return None if order is None else AutoMergeRequest(pull_request, order)


def _closes(pull_request: PullRequest, info: GraphQLResolveInfo, **page: object) -> Connection:
    return connect(info, pull_request.closing_references, AS_THEY_STAND, **lists.bounds(page))


def _commits(pull_request: PullRequest, info: GraphQLResolveInfo, **page: object) -> Connection:
    found = [PullRequestCommit(pull_request, CommitIn(pull_request.repository, each)) for each in pull_request.commits]
    return connect(info, found, AS_THEY_STAND, **lists.bounds(page))


def _head_repository(pull_request: PullRequest, info: GraphQLResolveInfo) -> Repository | None:
    asked = request.of(info)
    return asked.visible(asked.world.repositories.get(pull_request.head_repository.id))


def _head_owner(pull_request: PullRequest, info: GraphQLResolveInfo) -> Account | None:
    repository = _head_repository(pull_request, info)
    return None if repository is None else repository.owner


def _merge_commit(pull_request: PullRequest) -> CommitIn | None:
    commit = pull_request.merge_commit
    return None if commit is None else CommitIn(pull_request.repository, commit)


def _mergeable(pull_request: PullRequest, info: GraphQLResolveInfo) -> str:
    """Whether it can be merged: unknown until the background job has found out, and again once it is merged."""
    state = pull_request.mergeable_state(request.of(info).world.now())
    return MERGEABLE.get(state, "MERGEABLE")


def _merge_state(pull_request: PullRequest, info: GraphQLResolveInfo) -> str:
    return pull_request.mergeable_state(request.of(info).world.now()).upper()


def _potential_merge_commit(pull_request: PullRequest, info: GraphQLResolveInfo) -> CommitIn | None:
    """The merge that the background job has tried."""
    known = pull_request.mergeable_state(request.of(info).world.now()) not in ("unknown", "dirty")
    sha = pull_request.test_merge_commit_sha
    if not known or sha is None:
        return None
    message = f"Merge {pull_request.head_commit.sha} into {pull_request.base_commit.sha}"
    tried = Commit(sha, sha, message, pull_request.issue.author, pull_request.mergeability_known_at)
    return CommitIn(pull_request.repository, tried)


def _rollup(pull_request: PullRequest, info: GraphQLResolveInfo) -> CommitIn | None:
    return commits.rollup(_head(pull_request), info)


def _shared(how: str | Resolver) -> Resolver | str:
    return f"issue.{how}" if isinstance(how, str) else issues.of_issue(how)


PULL_REQUEST: Fields = {
    **{name: _shared(how) for name, how in issues.CONVERSATION.items()},
    "additions": "additions",
    "autoMergeRequest": value(_auto_merge),
    "baseRef": value(lambda pull_request: find_branch(pull_request.repository, pull_request.base_branch)),
    "baseRefName": "base_branch",
    "baseRefOid": "base_commit.sha",
    "baseRepository": "repository",
    "changedFiles": "changed_files",
    "checksUrl": value(lambda pull_request: f"{pull_request.issue.html_url}/checks"),
    "closingIssuesReferences": _closes,
    "commits": _commits,
    "databaseId": "id",
    "deletions": "deletions",
    "fullDatabaseId": "id",
    "headRef": value(lambda pull_request: find_branch(pull_request.head_repository, pull_request.head_branch)),
    "headRefName": "head_branch",
    "headRefOid": "head_commit.sha",
    "headRepository": _head_repository,
    "headRepositoryOwner": _head_owner,
    "id": "node_id",
    "isCrossRepository": value(lambda pull_request: pull_request.head_repository is not pull_request.repository),
    "isDraft": "draft",
    "latestOpinionatedReviews": reviews.opinions,
    "latestReviews": reviews.latest,
    "maintainerCanModify": value(lambda pull_request: pull_request.head_repository is not pull_request.repository),
    "mergeCommit": value(_merge_commit),
    "mergeStateStatus": _merge_state,
    "mergeable": _mergeable,
    "merged": value(lambda pull_request: pull_request.merged_at is not None),
    "mergedAt": "merged_at",
    "mergedBy": value(lambda pull_request: actor(pull_request.merged_by)),
    "permalink": "issue.html_url",
    "potentialMergeCommit": _potential_merge_commit,
    "reviewDecision": value(reviews.decision),
    "reviewRequests": reviews.requests,
    "reviewThreads": reviews.threads,
    "reviews": reviews.reviews,
    "state": value(lists.pull_request_state),
    "statusCheckRollup": _rollup,
    "totalCommentsCount": value(lambda each: len(each.issue.comments) + len(each.review_comments)),
}

AUTO_MERGE_REQUEST: Fields = {
    "commitBody": "order.commit_message",
    "commitHeadline": "order.commit_title",
    "enabledBy": value(lambda request: actor(request.order.enabled_by)),
    "mergeMethod": value(lambda request: request.order.merge_method.upper()),
    "pullRequest": "pull_request",
}

PULL_REQUEST_COMMIT: Fields = {
    "commit": "commit",
    "id": "node_id",
    "pullRequest": "pull_request",
    "url": "html_url",
}
