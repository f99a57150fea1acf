"""What payloads carry, event by event: the parts that are read, and nothing else.

https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""

from typing import Any, cast

import msgspec
from msgspec import Struct

from ghsync.mirror.check_run import Payload as CheckRun
from ghsync.mirror.check_suite import Payload as CheckSuite
from ghsync.mirror.comment import Payload as Comment
from ghsync.mirror.comment import ReviewComment
from ghsync.mirror.installation import Account
from ghsync.mirror.installation import Payload as Installation
from ghsync.mirror.issue import Payload as Issue
from ghsync.mirror.issue import Transfer
from ghsync.mirror.noun import Thing
from ghsync.mirror.pull_request import Payload as PullRequest
from ghsync.mirror.repository import Payload as Repository
from ghsync.mirror.review import Payload as Review
from ghsync.mirror.review_thread import Payload as Thread
from ghsync.mirror.security_alert import Payload as Alert
from ghsync.mirror.user import Id, Name, Time, User, Word
from ghsync.mirror.workflow_run import Payload as WorkflowRun


class Organization(Struct, frozen=True):
    """The ``organization`` object."""

    id: Id
    login: Name


class EventPayload(Struct, frozen=True):
    """What every payload may carry."""

    action: Any = None  # one that we do not know, or that is no text, is none: it refuses nothing
    repository: Repository | None = None
    installation: Installation | None = None
    organization: Organization | None = None


class AnyEvent(EventPayload, frozen=True, kw_only=True):
    """An event without effects of its own."""

    issue: Issue | None = None
    pull_request: PullRequest | None = None


class IssueEvent(EventPayload, frozen=True, kw_only=True):
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#issues"""

    issue: Issue
    changes: Transfer | None = None


class CommentEvent(EventPayload, frozen=True, kw_only=True):
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#issue_comment"""

    issue: Issue
    comment: Comment


class PullRequestEvent(EventPayload, frozen=True, kw_only=True):
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request"""

    pull_request: PullRequest


class ReviewEvent(PullRequestEvent, frozen=True, kw_only=True):
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request_review"""

    review: Review


class ReviewCommentEvent(PullRequestEvent, frozen=True, kw_only=True):
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request_review_comment"""

    comment: ReviewComment


class ThreadEvent(PullRequestEvent, frozen=True, kw_only=True):
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request_review_thread"""

    thread: Thread
    sender: User | None = None
    updated_at: Time = None


class CheckRunEvent(EventPayload, frozen=True, kw_only=True):
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#check_run"""

    check_run: CheckRun


class CheckSuiteEvent(EventPayload, frozen=True, kw_only=True):
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#check_suite"""

    check_suite: CheckSuite


class WorkflowRunEvent(EventPayload, frozen=True, kw_only=True):
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#workflow_run"""

    workflow_run: WorkflowRun


class StatusEvent(EventPayload, frozen=True, kw_only=True):
    """`status`, whose payload is the status itself; ``sender`` is who set it.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#status
    """

    id: Id
    sha: str
    context: str = "default"
    state: str = "pending"
    description: str | None = None
    target_url: str | None = None
    sender: User | None = None
    created_at: Time = None
    updated_at: Time = None


class AlertEvent(EventPayload, frozen=True, kw_only=True):
    """`code_scanning_alert`, `dependabot_alert` and `secret_scanning_alert`."""

    alert: Alert


class PushEvent(EventPayload, frozen=True, kw_only=True):
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#push"""

    ref: str
    after: str | None = None
    deleted: bool = False


class OtherRepository(Struct, frozen=True):
    """The repository of one of two issues; one whose id cannot be read is not taken for this one."""

    id: Id | None = None


class RelatedIssuesEvent(EventPayload, frozen=True, kw_only=True):
    """`sub_issues` and `issue_dependencies`: two issues, of which one may live in another repository."""

    parent_issue: Issue | None = None
    parent_issue_repo: OtherRepository | None = None
    sub_issue: Issue | None = None
    sub_issue_repo: OtherRepository | None = None
    blocked_issue: Issue | None = None
    blocked_issue_repo: OtherRepository | None = None
    blocking_issue: Issue | None = None
    blocking_issue_repo: OtherRepository | None = None


class OldValue(Struct, frozen=True):
    """An old value."""

    was: Name | None = msgspec.field(default=None, name="from")


class OldName(Struct, frozen=True):
    """``changes.repository`` of a rename."""

    name: OldValue | None = None


class OldAccount(Struct, frozen=True):
    """The account a repository came from."""

    user: User | None = None
    organization: User | None = None


class OldOwner(Struct, frozen=True):
    """``changes.owner`` of a transfer."""

    was: OldAccount | None = msgspec.field(default=None, name="from")


class RepositoryChanges(Struct, frozen=True):
    """``changes`` of a `repository` event."""

    repository: OldName | None = None
    owner: OldOwner | None = None


class RepositoryEvent(EventPayload, frozen=True, kw_only=True):
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#repository"""

    changes: RepositoryChanges | None = None


class InstallationEvent(EventPayload, frozen=True, kw_only=True):
    """`installation` and `installation_repositories`."""

    repositories: list[Repository] | None = None
    repositories_added: list[Repository] | None = None
    repositories_removed: list[Repository] | None = None


class InstallationTargetEvent(EventPayload, frozen=True, kw_only=True):
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#installation_target"""

    account: Account | None = None


class Membership(Struct, frozen=True):
    """``membership`` of an organization event."""

    user: User | None = None
    role: Word | None = None


class OrganizationEvent(EventPayload, frozen=True, kw_only=True):
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#organization"""

    membership: Membership | None = None


class NewValue(Struct, frozen=True):
    """A new value."""

    to: Word | None = None


class MemberChanges(Struct, frozen=True):
    """``changes`` of a `member` event: ``permission`` knows fewer roles than ``role_name``."""

    role_name: NewValue | None = None
    permission: NewValue | None = None

    @property
    def role(self) -> str | None:
        """The role that the member has now, if it is told."""
        told = (change.to for change in (self.role_name, self.permission) if change)
        return next(filter(None, told), None)


class MemberEvent(EventPayload, frozen=True, kw_only=True):
    """`member` (of a repository) and `membership` (of a team)."""

    member: User | None = None
    changes: MemberChanges | None = None


def of_thing(thing: Thing) -> type[EventPayload]:
    """The payload of an event about one thing of a repository, which carries it under the word for it."""
    word = thing.noun.word
    fields = [(word, thing.Payload)]
    made = msgspec.defstruct(f"{word.capitalize()}Event", fields, bases=(EventPayload,), frozen=True, kw_only=True)
    return cast(type[EventPayload], made)
