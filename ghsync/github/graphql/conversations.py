"""Issues, and what pull requests have in common with them, read into the payloads that hooks and REST bring.

An empty body is "" where REST says null. Whether an issue or a pull request is open is read from ``closed``: their
``state`` has two types, which one query may not ask for under one name.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from ghsync.github.graphql.answered import (
    AnswerPart,
    Catalog,
    PageInfo,
    Person,
    UnknownLabel,
    lower,
    user,
)
from ghsync.mirror import comment, issue, label, milestone


class Label(AnswerPart, frozen=True):
    """A label, by its node id and its name."""

    id: str
    name: str = ""


class Labels(AnswerPart, frozen=True):
    """The labels of one issue."""

    nodes: tuple[Label, ...] = ()
    page_info: PageInfo = PageInfo()


class People(AnswerPart, frozen=True):
    """The people assigned."""

    nodes: tuple[Person, ...] = ()
    page_info: PageInfo = PageInfo()


class MilestoneNumber(AnswerPart, frozen=True):
    """A milestone, by its number."""

    number: int


class Comment(AnswerPart, frozen=True):
    """A comment on a conversation."""

    full_database_id: int
    id: str
    body: str
    url: str
    created_at: datetime
    updated_at: datetime
    author: Person | None = None

    @property
    def payload(self) -> comment.Payload:
        """As REST shows it."""
        return comment.Payload(
            id=self.full_database_id,
            node_id=self.id,
            body=self.body,
            html_url=self.url,
            user=user(self.author),
            created_at=self.created_at,
            updated_at=self.updated_at,
        )


class Comments(AnswerPart, frozen=True):
    """The first comments of a conversation, and how many there are."""

    total_count: int = 0
    nodes: tuple[Comment, ...] = ()
    page_info: PageInfo = PageInfo()


class ConversationNode(AnswerPart, frozen=True, kw_only=True):
    """What issues and pull requests have in common."""

    full_database_id: int
    id: str
    number: int
    title: str
    body: str
    closed: bool
    url: str
    locked: bool
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None = None
    author: Person | None = None
    labels: Labels | None = None
    assignees: People = People()
    milestone: MilestoneNumber | None = None
    comments: Comments = Comments()

    def _shared(self, catalog: Catalog) -> dict[str, Any]:
        return {
            "id": self.full_database_id,
            "node_id": self.id,
            "number": self.number,
            "title": self.title,
            "body": self.body or None,
            "state": "closed" if self.closed else "open",
            "html_url": self.url,
            "locked": self.locked,
            "user": user(self.author),
            "labels": _labels(self.labels, catalog),
            "assignees": [person.user for person in self.assignees.nodes],
            "milestone": _milestone(self.milestone, catalog),
            "comments": self.comments.total_count,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "closed_at": self.closed_at,
        }

    @property
    def cut(self) -> bool:
        """Whether a list inside it goes on after its first page, or names people without ids: this is not all of it."""
        pages = (self.labels.page_info if self.labels else PageInfo(), self.assignees.page_info)
        return any(page.has_next_page for page in pages) or lacks_ids(self.assignees.nodes)


class IssueType(AnswerPart, frozen=True):
    """The type of an issue."""

    name: str
    color: str


class SubIssuesSummary(AnswerPart, frozen=True):
    """How far the sub-issues are."""

    total: int
    completed: int
    percent_completed: int


class DependenciesSummary(AnswerPart, frozen=True):
    """How many issues block this one, and are blocked by it; an older server does not tell the totals."""

    blocked_by: int
    blocking: int
    total_blocked_by: int | UnsetType = UNSET
    total_blocking: int | UnsetType = UNSET


class ParentRepository(AnswerPart, frozen=True):
    """Where a parent lives."""

    name_with_owner: str


class Parent(AnswerPart, frozen=True):
    """The issue that this one is part of."""

    number: int
    repository: ParentRepository


_LOCK_REASONS = {"OFF_TOPIC": "off-topic", "TOO_HEATED": "too heated"}
"""Those that REST does not merely write in small letters."""


class IssueNode(ConversationNode, frozen=True, kw_only=True, tag_field="__typename", tag="Issue"):
    """https://docs.github.com/en/graphql/reference/objects#issue"""

    state_reason: str | None = None
    active_lock_reason: str | None = None
    issue_type: IssueType | UnsetType | None = UNSET
    sub_issues_summary: SubIssuesSummary | UnsetType | None = UNSET
    issue_dependencies_summary: DependenciesSummary | UnsetType | None = UNSET
    parent: Parent | UnsetType | None = UNSET

    @property
    def untold(self) -> frozenset[str]:
        """What was left out of the question, by its name in REST: whole, or a part of it."""
        told = {
            "type": self.issue_type,
            "sub_issues_summary": self.sub_issues_summary,
            "issue_dependencies_summary": self.issue_dependencies_summary,
            "parent_issue_url": self.parent,
        }
        summary = self.issue_dependencies_summary
        half = isinstance(summary, DependenciesSummary) and UNSET in (summary.total_blocked_by, summary.total_blocking)
        return frozenset(name for name, value in told.items() if value is UNSET) | (
            {"issue_dependencies_summary"} if half else frozenset()
        )

    def payload(self, catalog: Catalog, api_url: str) -> issue.Payload:
        """As REST shows it; ``api_url`` is where REST is, which its links begin with."""
        parent = self.parent or None
        return issue.Payload(
            **self._shared(catalog),
            state_reason=lower(self.state_reason),
            active_lock_reason=_LOCK_REASONS.get(self.active_lock_reason or "", lower(self.active_lock_reason)),
            type={"name": self.issue_type.name, "color": self.issue_type.color.lower()} if self.issue_type else None,
            sub_issues_summary=_plain(self.sub_issues_summary),
            issue_dependencies_summary=_plain(self.issue_dependencies_summary),
            parent_issue_url=f"{api_url}/repos/{parent.repository.name_with_owner}/issues/{parent.number}"
            if parent
            else UNSET,
        )


def lacks_ids(people: Iterable[Person]) -> bool:
    """Whether somebody is named without the id, by which the mirror knows people: GraphQL need not tell it."""
    return any(person.database_id is None for person in people)


def _plain(summary: AnswerPart | UnsetType | None) -> dict[str, int] | None:
    if not isinstance(summary, AnswerPart):
        return None
    return {name: value for name, value in msgspec.structs.asdict(summary).items() if value is not UNSET}


def _labels(labels: Labels | None, catalog: Catalog) -> list[label.Payload]:
    try:
        return [catalog.label(reference.id, reference.name) for reference in (labels or Labels()).nodes]
    except KeyError as error:
        raise UnknownLabel(str(error)) from None


def _milestone(shown: MilestoneNumber | None, catalog: Catalog) -> milestone.Payload | None:
    try:
        return catalog.milestones[shown.number] if shown else None
    except KeyError as error:
        raise UnknownLabel(str(error)) from None
