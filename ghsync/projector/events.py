"""What each event means: which nouns its payload carries.

`EVENTS` is the list. An event that is not in it is kept as ignored, but its repository, issue and pull request,
where it carries one, still heal the mirror.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Struct

from ghsync.errors import MalformedPayload
from ghsync.mirror import branch, comment, installation, issue, label, member, milestone, pull_request
from ghsync.mirror.comment import Payload as Comment
from ghsync.mirror.installation import Account
from ghsync.mirror.installation import Payload as Installation
from ghsync.mirror.issue import Payload as Issue
from ghsync.mirror.issue import Transfer
from ghsync.mirror.label import Payload as Label
from ghsync.mirror.milestone import Payload as Milestone
from ghsync.mirror.noun import Noun, Origin, Row
from ghsync.mirror.pull_request import Payload as PullRequest
from ghsync.mirror.repository import Owner
from ghsync.mirror.repository import Payload as Repository
from ghsync.mirror.user import User
from ghsync.projector.batch import Batch


class Organization(Struct, frozen=True):
    """The ``organization`` object."""

    id: int
    login: str


class Envelope(Struct, frozen=True):
    """What every payload may carry."""

    action: Any = None  # one that we do not know, or that is no text, is none: it refuses nothing
    repository: Repository | None = None
    installation: Installation | None = None
    organization: Organization | None = None


class AnyEvent(Envelope, frozen=True, kw_only=True):
    """An event without effects of its own."""

    issue: Issue | None = None
    pull_request: PullRequest | None = None


class IssueEvent(Envelope, frozen=True, kw_only=True):
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#issues"""

    issue: Issue
    changes: Transfer | None = None


class CommentEvent(Envelope, frozen=True, kw_only=True):
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#issue_comment"""

    issue: Issue
    comment: Comment


class PullRequestEvent(Envelope, frozen=True, kw_only=True):
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request"""

    pull_request: PullRequest


class LabelEvent(Envelope, frozen=True, kw_only=True):
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#label"""

    label: Label


class MilestoneEvent(Envelope, frozen=True, kw_only=True):
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#milestone"""

    milestone: Milestone


class PushEvent(Envelope, frozen=True, kw_only=True):
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#push"""

    ref: str
    after: str | None = None
    deleted: bool = False


class RelatedIssuesEvent(Envelope, frozen=True, kw_only=True):
    """`sub_issues` and `issue_dependencies`: two issues, of which one may live in another repository."""

    parent_issue: Issue | None = None
    parent_issue_repo: Repository | None = None
    sub_issue: Issue | None = None
    sub_issue_repo: Repository | None = None
    blocked_issue: Issue | None = None
    blocked_issue_repo: Repository | None = None
    blocking_issue: Issue | None = None
    blocking_issue_repo: Repository | None = None


class Was(Struct, frozen=True):
    """An old value."""

    was: str | None = msgspec.field(default=None, name="from")


class OldName(Struct, frozen=True):
    """``changes.repository`` of a rename."""

    name: Was | None = None


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


class RepositoryEvent(Envelope, frozen=True, kw_only=True):
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#repository"""

    changes: RepositoryChanges | None = None


class InstallationEvent(Envelope, frozen=True, kw_only=True):
    """`installation` and `installation_repositories`."""

    repositories: list[Repository] | None = None
    repositories_added: list[Repository] | None = None
    repositories_removed: list[Repository] | None = None


class InstallationTargetEvent(Envelope, frozen=True, kw_only=True):
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#installation_target"""

    account: Account | None = None


class Membership(Struct, frozen=True):
    """``membership`` of an organization event."""

    user: User | None = None
    role: str | None = None


class OrganizationEvent(Envelope, frozen=True, kw_only=True):
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#organization"""

    membership: Membership | None = None


class MemberEvent(Envelope, frozen=True, kw_only=True):
    """`member` (of a repository) and `membership` (of a team)."""

    member: User | None = None


Projection = Callable[[Any, Origin, Batch], None]


def _repository(event: Envelope) -> Repository:
    if event.repository is None:
        raise MalformedPayload("Object missing required field `repository` - at `$`")
    return event.repository


def _issue(event: IssueEvent, origin: Origin, batch: Batch) -> None:
    if event.issue.pull_request is not None:
        return
    gone = event.action in ("deleted", "transferred")
    transfer = event.changes if event.action == "transferred" else None
    row = issue.row(event.issue, origin, deleted=gone, transfer=transfer)
    batch.add(issue.noun, _repository(event).id, row)


def _comment(event: CommentEvent, origin: Origin, batch: Batch) -> None:
    repository_id = _repository(event).id
    row = comment.row(event.comment, event.issue, origin, deleted=event.action == "deleted")
    batch.add(comment.noun, repository_id, row)
    if event.issue.pull_request is None:
        batch.add(issue.noun, repository_id, issue.row(event.issue, origin))
    elif event.issue.comments is not None:
        batch.add_counter(pull_request.COMMENTS, repository_id, pull_request.comments_row(event.issue, origin))


def _pull_request(event: PullRequestEvent, origin: Origin, batch: Batch) -> None:
    batch.add(pull_request.noun, _repository(event).id, pull_request.row(event.pull_request, origin))


def _thing(name: str, noun: Noun, row: Callable[..., Row]) -> Projection:
    """Of an event about one thing of a repository, which it carries under ``name``: its row, gone if it was deleted."""

    def add(event: Envelope, origin: Origin, batch: Batch) -> None:
        deleted = event.action == "deleted"
        batch.add(noun, _repository(event).id, row(getattr(event, name), origin, deleted=deleted))

    return add


def _push(event: PushEvent, origin: Origin, batch: Batch) -> None:
    if event.ref.startswith(branch.PREFIX):
        row = branch.row(event.ref, event.after, origin, deleted=event.deleted)
        batch.add(branch.noun, _repository(event).id, row)


def _related_issues(event: RelatedIssuesEvent, origin: Origin, batch: Batch) -> None:
    here = _repository(event).id
    for found, elsewhere in (
        (event.parent_issue, event.parent_issue_repo),
        (event.sub_issue, event.sub_issue_repo),
        (event.blocked_issue, event.blocked_issue_repo),
        (event.blocking_issue, event.blocking_issue_repo),
    ):
        # The other repository tells its own hook, and may be one that we may not see.
        if found is not None and (elsewhere is None or elsewhere.id == here):
            batch.add(issue.noun, here, issue.row(found, origin))


def _repository_event(event: RepositoryEvent, origin: Origin, batch: Batch) -> None:
    seen = _repository(event)
    batch.see(seen, origin, deleted=event.action == "deleted")
    changes = event.changes or RepositoryChanges()
    owner, _, name = seen.full_name.partition("/")
    if changes.repository and changes.repository.name and changes.repository.name.was:
        batch.sight(seen.id, f"{owner}/{changes.repository.name.was}", origin)
    if changes.owner and changes.owner.was:
        account = changes.owner.was.user or changes.owner.was.organization
        if account:
            batch.sight(seen.id, f"{account.login}/{name}", origin)


def _installation(event: InstallationEvent, origin: Origin, batch: Batch) -> None:
    installed = event.installation
    if installed is None:
        raise MalformedPayload("Object missing required field `installation` - at `$`")
    batch.install(installation.row(installed, origin, deleted=event.action == "deleted"))
    owner = _owner(installed)
    gone = event.action == "deleted"
    for found, removed in (
        (event.repositories, gone),
        (event.repositories_added, False),
        (event.repositories_removed, True),
    ):
        for seen in found or ():
            row = batch.see(seen if seen.owner else msgspec.structs.replace(seen, owner=owner), origin)
            batch.allow(row, installed.id, origin, removed=removed)


def _owner(installed: Installation) -> Owner | None:
    account = installed.account
    return Owner(id=account.id, login=account.login, type=account.type) if account else None


def _account(event: InstallationTargetEvent, origin: Origin, batch: Batch) -> None:
    if event.installation and event.account:
        batch.rename_account(installation.account_row(event.installation.id, event.account, origin))


def _organization(event: OrganizationEvent, origin: Origin, batch: Batch) -> None:
    if event.organization and event.installation:
        account = Account(event.organization.id, event.organization.login, type="Organization")
        batch.rename_account(installation.account_row(event.installation.id, account, origin))
    if event.organization and event.membership and event.membership.user and event.action != "member_invited":
        row = member.row(event.membership.user, event.membership.role, origin, removed=event.action == "member_removed")
        batch.members.append(row | {"account": str(event.organization.id)})


def _member(event: MemberEvent, origin: Origin, batch: Batch) -> None:
    if event.member:
        row = member.row(event.member, None, origin, removed=event.action == "removed")
        batch.members.append(row | {"repository": str(_repository(event).id)})


def _team_member(event: MemberEvent, origin: Origin, batch: Batch) -> None:
    # Who leaves a team stays in the organization.
    if event.member and event.organization and event.action == "added":
        row = member.row(event.member, None, origin, removed=False)
        batch.members.append(row | {"account": str(event.organization.id)})


def _anything(event: AnyEvent, origin: Origin, batch: Batch) -> None:
    if event.repository and event.issue and event.issue.pull_request is None:
        batch.add(issue.noun, event.repository.id, issue.row(event.issue, origin))
    if event.repository and event.pull_request:
        batch.add(pull_request.noun, event.repository.id, pull_request.row(event.pull_request, origin))


@dataclass(frozen=True, slots=True)
class Event:
    """How an event's payload is decoded, and what it adds to a batch."""

    decoder: msgspec.json.Decoder[Envelope]
    project: Projection


def _event(payload: type[Envelope], project: Projection) -> Event:
    return Event(msgspec.json.Decoder(payload), project)


EVENTS: dict[str, Event] = {
    "installation": _event(InstallationEvent, _installation),
    "installation_repositories": _event(InstallationEvent, _installation),
    "installation_target": _event(InstallationTargetEvent, _account),
    "issue_comment": _event(CommentEvent, _comment),
    "issue_dependencies": _event(RelatedIssuesEvent, _related_issues),
    "issues": _event(IssueEvent, _issue),
    "label": _event(LabelEvent, _thing("label", label.noun, label.row)),
    "member": _event(MemberEvent, _member),
    "membership": _event(MemberEvent, _team_member),
    "milestone": _event(MilestoneEvent, _thing("milestone", milestone.noun, milestone.row)),
    "organization": _event(OrganizationEvent, _organization),
    "pull_request": _event(PullRequestEvent, _pull_request),
    "push": _event(PushEvent, _push),
    "repository": _event(RepositoryEvent, _repository_event),
    "sub_issues": _event(RelatedIssuesEvent, _related_issues),
}

OTHER = _event(AnyEvent, _anything)
HANDLED = frozenset(EVENTS)


def project(event: Event, payload: Envelope, origin: Origin, batch: Batch) -> None:
    """Add all that a payload says to the batch; `MalformedPayload` names the path of what is missing."""
    if payload.repository is not None:
        row = batch.see(payload.repository, origin)
        if payload.installation is not None:
            batch.allow(row, payload.installation.id, origin)
    event.project(payload, origin, batch)
