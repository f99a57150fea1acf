"""Issues and their comments. A pull request is an issue too, with more to it: see `pull_request`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ghsync.simulator.identity import node_id
from ghsync.simulator.payload import Json, iso, iso_or_null, no_reactions

if TYPE_CHECKING:
    from datetime import datetime

    from ghsync.simulator.account import Account
    from ghsync.simulator.label import Label
    from ghsync.simulator.milestone import Milestone
    from ghsync.simulator.pull_request import PullRequest
    from ghsync.simulator.repository import Repository

StateReason = Literal["completed", "not_planned", "duplicate", "reopened"]
LockReason = Literal["resolved", "off-topic", "too heated", "spam"]

TALLIED = frozenset(("state", "milestone"))
"""What repositories and milestones count their issues by."""


@dataclass(frozen=True)
class IssueType:
    """A type of issue, which belongs to an organization."""

    id: int
    organization: Account
    name: str
    description: str
    color: str
    created_at: datetime

    @property
    def node_id(self) -> str:
        """The type's node id."""
        return node_id("IT", self.organization.id, self.id)

    def as_json(self) -> Json:
        """The type, on its own or on an issue."""
        return {
            "id": self.id,
            "node_id": self.node_id,
            "name": self.name,
            "description": self.description,
            "color": self.color,
            "created_at": iso(self.created_at),
            "updated_at": iso(self.created_at),
            "is_enabled": True,
        }


@dataclass(eq=False)
class Issue:
    """An issue, or what a pull request has in common with one."""

    id: int
    repository: Repository
    number: int
    title: str
    author: Account
    author_association: str
    created_at: datetime
    updated_at: datetime
    body: str | None = None
    state: Literal["open", "closed"] = "open"
    state_reason: StateReason | None = None
    closed_at: datetime | None = None
    labels: list[Label] = field(default_factory=list)
    assignees: list[Account] = field(default_factory=list)
    milestone: Milestone | None = None
    locked: bool = False
    lock_reason: LockReason | None = None
    type: IssueType | None = None
    pinned: bool = False
    parent: Issue | None = None
    children: list[Issue] = field(default_factory=list)
    blocked_by: list[Issue] = field(default_factory=list)
    blocking: list[Issue] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    pull_request: PullRequest | None = None

    def __setattr__(self, name: str, value: object) -> None:
        """Set an attribute; repositories and milestones then count anew."""
        if name in TALLIED:
            self.repository.forget_tally()
        object.__setattr__(self, name, value)

    @property
    def node_id(self) -> str:
        """The node id: a pull request's is its own, though its issue has an id of another kind."""
        if self.pull_request is not None:
            return self.pull_request.node_id
        return node_id("I", self.repository.id, self.id)

    @property
    def api_url(self) -> str:
        """The issue's address in the API."""
        return f"{self.repository.api_url}/issues/{self.number}"

    @property
    def html_url(self) -> str:
        """The page of the issue or the pull request."""
        kind = "issues" if self.pull_request is None else "pull"
        return f"{self.repository.html_url}/{kind}/{self.number}"

    def as_json(self) -> Json:
        """The issue as events carry it."""
        repository = self.repository
        assignees = [account.as_json() for account in self.assignees]
        return {
            "url": self.api_url,
            "repository_url": repository.api_url,
            "labels_url": f"{self.api_url}/labels{{/name}}",
            "comments_url": f"{self.api_url}/comments",
            "events_url": f"{self.api_url}/events",
            "html_url": self.html_url,
            "id": self.id,
            "node_id": self.node_id,
            "number": self.number,
            "title": self.title,
            "user": self.author.as_json(),
            "labels": [label.as_json() for label in self.labels],
            "state": self.state,
            "locked": self.locked,
            "assignees": assignees,
            "milestone": None if self.milestone is None else self.milestone.as_json(),
            "comments": len(self.comments),
            "created_at": iso(self.created_at),
            "updated_at": iso(self.updated_at),
            "closed_at": iso_or_null(self.closed_at),
            "assignee": assignees[0] if assignees else None,
            "author_association": self.author_association,
            "issue_field_values": [],
            "type": None if self.type is None else self.type.as_json(),
            "active_lock_reason": self.lock_reason,
            **self._relations(),
            "body": self.body,
            "reactions": no_reactions(self.api_url),
            "timeline_url": f"{self.api_url}/timeline",
            "performed_via_github_app": None,
            "state_reason": self.state_reason,
            "pinned_comment": None,
        }

    def sub_issues_summary(self) -> dict[str, int]:
        """How many issues are part of this one, and how many of those are closed."""
        total, completed = len(self.children), sum(child.state == "closed" for child in self.children)
        percent = completed * 100 // total if total else 0
        return {"total": total, "completed": completed, "percent_completed": percent}

    def dependencies_summary(self) -> dict[str, int]:
        """How many issues this one waits for, and how many wait for it: those that are open, and all."""
        return {
            "blocked_by": sum(other.state == "open" for other in self.blocked_by),
            "total_blocked_by": len(self.blocked_by),
            "blocking": sum(other.state == "open" for other in self.blocking),
            "total_blocking": len(self.blocking),
        }

    def _relations(self) -> Json:
        if self.pull_request is not None:
            return self.pull_request.as_link_json()
        return {
            "sub_issues_summary": self.sub_issues_summary(),
            "issue_dependencies_summary": self.dependencies_summary(),
            **({} if self.parent is None else {"parent_issue_url": self.parent.api_url}),
        }


@dataclass(eq=False)
class Comment:
    """A comment on an issue or a pull request."""

    id: int
    issue: Issue
    author: Account
    author_association: str
    body: str
    created_at: datetime
    updated_at: datetime

    @property
    def node_id(self) -> str:
        """The comment's node id."""
        return node_id("IC", self.issue.repository.id, self.id)

    @property
    def html_url(self) -> str:
        """The comment on the page of what it is about."""
        return f"{self.issue.html_url}#issuecomment-{self.id}"

    def as_json(self) -> Json:
        """The comment as `issue_comment` carries it."""
        url = f"{self.issue.repository.api_url}/issues/comments/{self.id}"
        return {
            "url": url,
            "html_url": self.html_url,
            "issue_url": self.issue.api_url,
            "id": self.id,
            "node_id": self.node_id,
            "user": self.author.as_json(),
            "created_at": iso(self.created_at),
            "updated_at": iso(self.updated_at),
            "body": self.body,
            "author_association": self.author_association,
            "pin": None,
            "minimized": None,
            "reactions": no_reactions(url),
            "performed_via_github_app": None,
        }
