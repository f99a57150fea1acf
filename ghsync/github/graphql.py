"""What GraphQL answers, read into the same payloads that hooks and REST bring.

Names, capitals and shapes differ from REST's, and some things are missing. A label and a milestone have no numeric id,
so a `Catalog` (read through REST) knows them. A bot's login has no ``[bot]``. An empty body is "" where REST says null.
Somebody who has deleted the account is null where REST names the ghost. Whether an issue or a pull request is open is
read from ``closed``: their ``state`` has two types, which one query may not ask for under one name.
https://docs.github.com/en/graphql/reference/objects
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from ghsync.mirror import comment, issue, label, milestone, pull_request
from ghsync.mirror.user import Team, User

GHOST = User(10_137, "ghost")
"""Who stands for all that have deleted their accounts: https://github.com/ghost"""


@dataclass(frozen=True, slots=True)
class Catalog:
    """A repository's labels by node id, and its milestones by number."""

    labels: dict[str, label.Payload] = field(default_factory=dict)
    milestones: dict[int, milestone.Payload] = field(default_factory=dict)


class UnknownLabel(LookupError):
    """A label or milestone that the catalog does not have: it was made since, so read the catalog anew."""


class Answered(Struct, frozen=True, rename="camel"):
    """Part of an answer: snake case here, camel case on the wire."""


class PageInfo(Answered, frozen=True):
    """Where a connection goes on."""

    has_next_page: bool = False
    end_cursor: str | None = None


class Count(Answered, frozen=True):
    """A connection of which only the size was asked."""

    total_count: int = 0


class Person(Answered, frozen=True):
    """An account, or a team asked for review, which has a slug instead of a login."""

    typename: str = msgspec.field(default="User", name="__typename")
    login: str = ""
    slug: str = ""
    database_id: int | None = None

    @property
    def user(self) -> User:
        """As REST shows it."""
        bot = self.typename == "Bot" and not self.login.endswith("[bot]")
        return User(self.database_id or 0, f"{self.login}[bot]" if bot else self.login, self.typename)


class Reference(Answered, frozen=True):
    """Something of which only the node id was asked."""

    id: str


class Labels(Answered, frozen=True):
    """The labels of one issue."""

    nodes: list[Reference] = []
    page_info: PageInfo = PageInfo()


class People(Answered, frozen=True):
    """The people assigned."""

    nodes: list[Person] = []
    page_info: PageInfo = PageInfo()


class Request(Answered, frozen=True):
    """Somebody asked for review; null if the account is gone."""

    requested_reviewer: Person | None = None


class Requests(Answered, frozen=True):
    """Everybody asked for review."""

    nodes: list[Request] = []
    page_info: PageInfo = PageInfo()


class MilestoneNumber(Answered, frozen=True):
    """A milestone, by its number."""

    number: int


class Comment(Answered, frozen=True):
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
            user=_user(self.author),
            created_at=self.created_at,
            updated_at=self.updated_at,
        )


class Comments(Answered, frozen=True):
    """The first comments of a conversation, and how many there are."""

    total_count: int = 0
    nodes: list[Comment] = []
    page_info: PageInfo = PageInfo()


class Conversation(Answered, frozen=True, kw_only=True):
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
            "user": _user(self.author),
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
        """Whether a list inside it goes on after its first page, so that this is not all of it."""
        pages = (self.labels.page_info if self.labels else PageInfo(), self.assignees.page_info)
        return any(page.has_next_page for page in pages)


class IssueType(Answered, frozen=True):
    """The type of an issue."""

    name: str
    color: str


class SubIssuesSummary(Answered, frozen=True):
    """How far the sub-issues are."""

    total: int
    completed: int
    percent_completed: int


class DependenciesSummary(Answered, frozen=True):
    """How many issues block this one, and are blocked by it."""

    blocked_by: int
    blocking: int
    total_blocked_by: int
    total_blocking: int


class ParentRepository(Answered, frozen=True):
    """Where a parent lives."""

    name_with_owner: str


class Parent(Answered, frozen=True):
    """The issue that this one is part of."""

    number: int
    repository: ParentRepository


class Issue(Conversation, frozen=True, kw_only=True, tag_field="__typename", tag="Issue"):
    """https://docs.github.com/en/graphql/reference/objects#issue"""

    state_reason: str | None = None
    issue_type: IssueType | None = None
    sub_issues_summary: SubIssuesSummary | None = None
    issue_dependencies_summary: DependenciesSummary | None = None
    parent: Parent | None = None

    def payload(self, catalog: Catalog, api_url: str) -> issue.Payload:
        """As REST shows it; ``api_url`` is where REST is, which its links begin with."""
        parent = self.parent
        return issue.Payload(
            **self._shared(catalog),
            state_reason=self.state_reason.lower() if self.state_reason else None,
            type={"name": self.issue_type.name, "color": self.issue_type.color.lower()} if self.issue_type else None,
            sub_issues_summary=_plain(self.sub_issues_summary),
            issue_dependencies_summary=_plain(self.issue_dependencies_summary),
            parent_issue_url=f"{api_url}/repos/{parent.repository.name_with_owner}/issues/{parent.number}"
            if parent
            else UNSET,
        )


class Oid(Answered, frozen=True):
    """A commit, by its hash."""

    oid: str


class HeadRepository(Answered, frozen=True):
    """The repository of the head."""

    database_id: int


class BranchName(Answered, frozen=True):
    """A branch, by its name."""

    name: str


class BaseRepository(Answered, frozen=True):
    """The repository of the base; an empty one has no default branch."""

    database_id: int
    default_branch_ref: BranchName | None = None


class AutoMerge(Answered, frozen=True):
    """The order to merge when it may be."""

    merge_method: str
    enabled_by: Person | None = None


class Thread(Answered, frozen=True):
    """A review thread, of which only the number of comments was asked."""

    comments: Count


class Threads(Answered, frozen=True):
    """The review threads."""

    nodes: list[Thread] = []
    page_info: PageInfo = PageInfo()


class PullRequest(Conversation, frozen=True, kw_only=True, tag_field="__typename", tag="PullRequest"):
    """https://docs.github.com/en/graphql/reference/objects#pullrequest"""

    is_draft: bool
    merged_at: datetime | None = None
    merged_by: Person | None = None
    merge_commit: Oid | None = None
    mergeable: str = "UNKNOWN"
    merge_state_status: str = "UNKNOWN"
    head_ref_name: str
    head_ref_oid: str
    head_repository: HeadRepository | None = None
    base_ref_name: str
    base_ref_oid: str
    base_repository: BaseRepository | None = None
    additions: int
    deletions: int
    changed_files: int
    commits: Count
    auto_merge_request: AutoMerge | None = None
    review_requests: Requests | None = None
    review_threads: Threads = Threads()

    @property
    def cut(self) -> bool:
        """Whether a list inside it goes on after its first page, so that this is not all of it."""
        requests = self.review_requests or Requests()
        return super().cut or requests.page_info.has_next_page or self.review_threads.page_info.has_next_page

    def payload(self, catalog: Catalog) -> pull_request.Payload:
        """As REST shows it."""
        asked = [request.requested_reviewer for request in (self.review_requests or Requests()).nodes]
        head = self.head_repository
        auto = self.auto_merge_request
        return pull_request.Payload(
            **self._shared(catalog),
            draft=self.is_draft,
            merged_at=self.merged_at,
            merged_by=_user(self.merged_by) if self.merged_at else None,
            merge_commit_sha=self.merge_commit.oid if self.merge_commit else None,
            mergeable={"MERGEABLE": True, "CONFLICTING": False}.get(self.mergeable),
            mergeable_state=self.merge_state_status.lower(),
            head=pull_request.Branch(
                self.head_ref_name,
                self.head_ref_oid,
                pull_request.BranchRepository(head.database_id) if head else None,
            ),
            base=pull_request.Branch(self.base_ref_name, self.base_ref_oid, _base(self.base_repository)),
            additions=self.additions,
            deletions=self.deletions,
            changed_files=self.changed_files,
            commits=self.commits.total_count,
            review_comments=sum(thread.comments.total_count for thread in self.review_threads.nodes),
            auto_merge=pull_request.AutoMerge(auto.merge_method.lower(), _user(auto.enabled_by)) if auto else None,
            requested_reviewers=[person.user for person in asked if person and person.typename != "Team"],
            requested_teams=[
                Team(person.database_id or 0, person.slug) for person in asked if person and person.typename == "Team"
            ],
        )


def _user(person: Person | None) -> User:
    """Who did something."""
    return person.user if person else GHOST


def _base(repository: BaseRepository | None) -> pull_request.BranchRepository | None:
    if repository is None:
        return None
    default = repository.default_branch_ref
    return pull_request.BranchRepository(repository.database_id, default.name if default else None)


def _plain(summary: Answered | None) -> dict[str, int] | None:
    return msgspec.structs.asdict(summary) if summary else None


def _labels(labels: Labels | None, catalog: Catalog) -> list[label.Payload]:
    try:
        return [catalog.labels[reference.id] for reference in (labels or Labels()).nodes]
    except KeyError as error:
        raise UnknownLabel(str(error)) from None


def _milestone(shown: MilestoneNumber | None, catalog: Catalog) -> milestone.Payload | None:
    try:
        return catalog.milestones[shown.number] if shown else None
    except KeyError as error:
        raise UnknownLabel(str(error)) from None


class Page(Answered, frozen=True):
    """A page of a repository's issues or pull requests, and how many there are; null is what took GitHub too long."""

    total_count: int
    page_info: PageInfo
    nodes: Sequence[Issue | PullRequest | None]


class Conversations(Answered, frozen=True):
    """The pages of one repository; what was not asked for is None."""

    issues: Page | None = None
    pull_requests: Page | None = None


class ConversationsAnswer(Answered, frozen=True):
    """``data`` of ``conversations``; the node is null where the repository cannot be seen."""

    node: Conversations | None = None


class RefetchAnswer(Answered, frozen=True):
    """``data`` of ``refetch``; what cannot be seen is null in its place."""

    nodes: list[Issue | PullRequest | None]


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
