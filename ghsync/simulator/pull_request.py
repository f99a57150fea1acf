"""Pull requests: what they have beyond an issue."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ghsync.simulator.identity import node_id
from ghsync.simulator.payload import Json, iso, iso_or_null

if TYPE_CHECKING:
    from datetime import datetime

    from ghsync.simulator.account import Account, Team
    from ghsync.simulator.commit import Commit
    from ghsync.simulator.issue import Issue
    from ghsync.simulator.repository import Repository
    from ghsync.simulator.review import Review
    from ghsync.simulator.review_comment import ReviewComment, ReviewThread

CLOSING_REFERENCE = re.compile(r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):? +#(\d+)", re.IGNORECASE)

MergeMethod = Literal["merge", "squash", "rebase"]
MergeableState = Literal["clean", "blocked", "behind", "dirty", "unstable", "draft", "unknown"]


@dataclass(frozen=True)
class AutoMerge:
    """The order to merge a pull request as soon as its requirements are met."""

    enabled_by: Account
    merge_method: MergeMethod = "squash"
    commit_title: str | None = None
    commit_message: str | None = None

    def as_json(self) -> Json:
        """The order as the pull request carries it."""
        return {
            "enabled_by": self.enabled_by.as_json(),
            "merge_method": self.merge_method,
            "commit_title": self.commit_title,
            "commit_message": self.commit_message,
        }


@dataclass(eq=False)
class PullRequest:
    """A pull request; `issue` holds its title, state, labels and all that an issue has too.

    `ready_state` is what GitHub's background job will find about merging, and `mergeability_known_at` when: until
    then payloads say null and `unknown`. The base's commit is that of the last time the head or the base was set: it
    does not follow the base branch.
    """

    id: int
    issue: Issue
    head_repository: Repository
    head_branch: str
    head_commit: Commit
    base_branch: str
    base_commit: Commit
    mergeability_known_at: datetime
    ready_state: MergeableState = "clean"
    draft: bool = False
    requested_reviewers: list[Account] = field(default_factory=list)
    requested_teams: list[Team] = field(default_factory=list)
    auto_merge: AutoMerge | None = None
    commits: list[Commit] = field(default_factory=list)
    merged_at: datetime | None = None
    merged_by: Account | None = None
    merge_commit: Commit | None = None
    test_merge_commit_sha: str | None = None
    reviews: list[Review] = field(default_factory=list)
    threads: list[ReviewThread] = field(default_factory=list)

    @property
    def repository(self) -> Repository:
        """The repository of the base."""
        return self.issue.repository

    @property
    def number(self) -> int:
        """The number, which the issue has too."""
        return self.issue.number

    @property
    def api_url(self) -> str:
        """The pull request's address in the API."""
        return f"{self.repository.api_url}/pulls/{self.number}"

    @property
    def node_id(self) -> str:
        """The pull request's node id."""
        return node_id("PR", self.repository.id, self.id)

    @property
    def closing_references(self) -> list[Issue]:
        """The issues that its text says it closes; it says so only to the default branch."""
        if self.base_branch != self.repository.default_branch:
            return []
        numbers = CLOSING_REFERENCE.findall(self.issue.body or "")
        found = (self.repository.issues.get(int(number)) for number in dict.fromkeys(numbers))
        return [issue for issue in found if issue is not None and issue.pull_request is None]

    @property
    def review_comments(self) -> list[ReviewComment]:
        """The comments of all threads, in the order in which they were made."""
        return sorted((each for thread in self.threads for each in thread.visible), key=lambda each: each.id)

    @property
    def additions(self) -> int:
        """The lines that its commits add."""
        return sum(change.additions for commit in self.commits for change in commit.changes)

    @property
    def deletions(self) -> int:
        """The lines that its commits take away."""
        return sum(change.deletions for commit in self.commits for change in commit.changes)

    @property
    def changed_files(self) -> int:
        """The files that its commits touch."""
        return len({change.path for commit in self.commits for change in commit.changes})

    def mergeable_state(self, now: datetime) -> MergeableState:
        """What a payload rendered now says about merging."""
        if self.merged_at is not None or now < self.mergeability_known_at:
            return "unknown"
        return "draft" if self.draft and self.ready_state == "clean" else self.ready_state

    def as_link_json(self) -> Json:
        """The part of an issue that says it is a pull request."""
        html_url = self.issue.html_url
        return {
            "draft": self.draft,
            "pull_request": {
                "url": self.api_url,
                "html_url": html_url,
                "diff_url": f"{html_url}.diff",
                "patch_url": f"{html_url}.patch",
                "merged_at": iso_or_null(self.merged_at),
            },
        }

    def as_json(self, now: datetime) -> Json:
        """The pull request as `pull_request` events carry it."""
        state = self.mergeable_state(now)
        mergeable = None if state == "unknown" else state != "dirty"
        return {
            **self.as_short_json(now),
            "merged": self.merged_at is not None,
            "mergeable": mergeable,
            "rebaseable": mergeable,
            "mergeable_state": state,
            "merged_by": None if self.merged_by is None else self.merged_by.as_json(),
            "comments": len(self.issue.comments),
            "review_comments": len(self.review_comments),
            "maintainer_can_modify": self.head_repository is not self.repository,
            "commits": len(self.commits),
            "additions": self.additions,
            "deletions": self.deletions,
            "changed_files": self.changed_files,
        }

    @property
    def requested_users(self) -> list[Account]:
        """Those asked for review as REST and payloads show them: without bots, which GraphQL alone shows."""
        return [account for account in self.requested_reviewers if account.type != "Bot"]

    def as_short_json(self, now: datetime) -> Json:
        """The pull request as reviews and lists carry it: without what costs GitHub a look into git."""
        issue, repository = self.issue, self.repository
        assignees = [account.as_json() for account in issue.assignees]
        return {
            "url": self.api_url,
            "id": self.id,
            "node_id": self.node_id,
            "html_url": issue.html_url,
            "diff_url": f"{issue.html_url}.diff",
            "patch_url": f"{issue.html_url}.patch",
            "issue_url": issue.api_url,
            "number": issue.number,
            "state": issue.state,
            "locked": issue.locked,
            "title": issue.title,
            "user": issue.author.as_json(),
            "body": issue.body,
            "created_at": iso(issue.created_at),
            "updated_at": iso(issue.updated_at),
            "closed_at": iso_or_null(issue.closed_at),
            "merged_at": iso_or_null(self.merged_at),
            "merge_commit_sha": self._merge_commit_sha(now),
            "assignees": assignees,
            "requested_reviewers": [account.as_json() for account in self.requested_users],
            "requested_teams": [team.as_json() for team in self.requested_teams],
            "labels": [label.as_json() for label in issue.labels],
            "milestone": None if issue.milestone is None else issue.milestone.as_json(),
            "draft": self.draft,
            "commits_url": f"{self.api_url}/commits",
            "review_comments_url": f"{self.api_url}/comments",
            "review_comment_url": f"{repository.api_url}/pulls/comments{{/number}}",
            "comments_url": f"{issue.api_url}/comments",
            "statuses_url": f"{repository.api_url}/statuses/{self.head_commit.sha}",
            "head": _side(self.head_repository, self.head_branch, self.head_commit),
            "base": _side(repository, self.base_branch, self.base_commit),
            "_links": self._links(),
            "author_association": issue.author_association,
            "auto_merge": None if self.auto_merge is None else self.auto_merge.as_json(),
            "assignee": assignees[0] if assignees else None,
            "active_lock_reason": issue.lock_reason,
            "stack": None,
        }

    def as_check_json(self) -> Json:
        """The pull request as a check mentions it."""
        return {
            "url": self.api_url,
            "id": self.id,
            "number": self.number,
            "head": _short_side(self.head_repository, self.head_branch, self.head_commit),
            "base": _short_side(self.repository, self.base_branch, self.base_commit),
        }

    def _merge_commit_sha(self, now: datetime) -> str | None:
        """Until it is merged, that of the merge which the background job has tried."""
        if self.merged_at is not None:
            return None if self.merge_commit is None else self.merge_commit.sha
        return None if self.mergeable_state(now) in ("unknown", "dirty") else self.test_merge_commit_sha

    def _links(self) -> Json:
        addresses = {
            "self": self.api_url,
            "html": self.issue.html_url,
            "issue": self.issue.api_url,
            "comments": f"{self.issue.api_url}/comments",
            "review_comments": f"{self.api_url}/comments",
            "review_comment": f"{self.repository.api_url}/pulls/comments{{/number}}",
            "commits": f"{self.api_url}/commits",
            "statuses": f"{self.repository.api_url}/statuses/{self.head_commit.sha}",
        }
        return {name: {"href": address} for name, address in addresses.items()}


def _side(repository: Repository, branch: str, commit: Commit) -> Json:
    return {
        "label": f"{repository.owner.login}:{branch}",
        "ref": branch,
        "sha": commit.sha,
        "user": repository.owner.as_json(),
        "repo": None if repository.deleted else repository.as_branch_json(),
    }


def _short_side(repository: Repository, branch: str, commit: Commit) -> Json:
    return {
        "ref": branch,
        "sha": commit.sha,
        "repo": {"id": repository.id, "url": repository.api_url, "name": repository.name},
    }
