"""What each event means: which nouns its payload carries.

`EVENTS` is the list. An event that is not in it is kept as ignored, but its repository, issue and pull request,
where it carries one, still heal the mirror.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from ghsync.errors import MalformedPayload
from ghsync.mirror import (
    branch,
    check_run,
    check_suite,
    comment,
    commit_status,
    installation,
    issue,
    label,
    member,
    milestone,
    pull_request,
    release,
    review,
    review_thread,
    security_alert,
    workflow_run,
)
from ghsync.mirror.installation import Account
from ghsync.mirror.installation import Payload as Installation
from ghsync.mirror.noun import Noun, Origin, Row, Thing
from ghsync.mirror.repository import Owner
from ghsync.mirror.repository import Payload as Repository
from ghsync.projector.batch import Batch
from ghsync.projector.payloads import (
    AlertEvent,
    AnyEvent,
    CheckRunEvent,
    CheckSuiteEvent,
    CommentEvent,
    EventPayload,
    InstallationEvent,
    InstallationTargetEvent,
    IssueEvent,
    MemberEvent,
    OrganizationEvent,
    PullRequestEvent,
    PushEvent,
    RelatedIssuesEvent,
    RepositoryChanges,
    RepositoryEvent,
    ReviewCommentEvent,
    ReviewEvent,
    StatusEvent,
    ThreadEvent,
    WorkflowRunEvent,
    of_thing,
)
from ghsync.salvage import UnreadableValue

Projection = Callable[[Any, Origin, Batch], None]


def _repository(event: EventPayload) -> Repository:
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


def _review(event: ReviewEvent, origin: Origin, batch: Batch) -> None:
    _pull_request(event, origin, batch)
    if not event.review.pending:
        batch.add(review.noun, _repository(event).id, review.row(event.review, event.pull_request.number, origin))


def _review_comment(event: ReviewCommentEvent, origin: Origin, batch: Batch) -> None:
    _pull_request(event, origin, batch)
    number, deleted = event.pull_request.number, event.action == "deleted"
    batch.add(comment.noun, _repository(event).id, comment.review_row(event.comment, number, origin, deleted=deleted))


def _review_thread(event: ThreadEvent, origin: Origin, batch: Batch) -> None:
    _pull_request(event, origin, batch)
    repository_id, number = _repository(event).id, event.pull_request.number
    thread = msgspec.structs.replace(event.thread, updated_at=event.thread.updated_at or event.updated_at)
    row = review_thread.row(thread, number, origin, resolved=event.action == "resolved", by=event.sender)
    batch.add(review_thread.noun, repository_id, row)
    for each in thread.comments:
        batch.add(comment.noun, repository_id, comment.review_row(each, number, origin))


def _status(event: StatusEvent, origin: Origin, batch: Batch) -> None:
    status = commit_status.Payload(
        id=event.id,
        context=event.context,
        state=event.state,
        description=event.description,
        target_url=event.target_url,
        creator=event.sender,
        created_at=event.created_at,
        updated_at=event.updated_at,
    )
    batch.add(commit_status.noun, _repository(event).id, commit_status.row(status, event.sha, origin))


def _checked(name: str, noun: Noun, row: Callable[[Any, Origin], Row]) -> Projection:
    """Of an event about what was checked of a commit, which it carries under ``name``: its row."""

    def add(event: EventPayload, origin: Origin, batch: Batch) -> None:
        batch.add(noun, _repository(event).id, row(getattr(event, name), origin))

    return add


def _alert(kind: str) -> Projection:
    def add(event: AlertEvent, origin: Origin, batch: Batch) -> None:
        batch.add(security_alert.noun, _repository(event).id, security_alert.row(event.alert, kind, origin))

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
            batch.see(seen if seen.owner else msgspec.structs.replace(seen, owner=owner), origin)
            batch.allow(seen.id, installed.id, origin, removed=removed)


def _owner(installed: Installation) -> Owner | None:
    account = installed.account
    return Owner(id=account.id, login=account.login, type=account.type) if account else None


def _account(event: InstallationTargetEvent, origin: Origin, batch: Batch) -> None:
    if event.account:
        _know_account(event.account, origin, batch)
    if event.installation and event.account:
        batch.rename_account(installation.account_row(event.installation.id, event.account, origin))


def _organization(event: OrganizationEvent, origin: Origin, batch: Batch) -> None:
    if event.organization and event.installation:
        account = Account(event.organization.id, event.organization.login, type="Organization")
        batch.rename_account(installation.account_row(event.installation.id, account, origin))
    _know(event, origin, batch)
    if event.organization and event.membership and event.membership.user and event.action != "member_invited":
        row = member.row(event.membership.user, event.membership.role, origin, removed=event.action == "member_removed")
        batch.members.append(row | {"account": str(event.organization.id)})


def _know_account(account: Account, origin: Origin, batch: Batch) -> None:
    login = account.login or account.slug
    if login:
        batch.know(account.id, login, account.type, origin.observed_at)


def _know(event: EventPayload, origin: Origin, batch: Batch) -> None:
    """A payload that names an organization is enough to know it."""
    if event.organization:
        batch.know(event.organization.id, event.organization.login, "Organization", origin.observed_at)


def _member(event: MemberEvent, origin: Origin, batch: Batch) -> None:
    _know(event, origin, batch)
    if event.member:
        role = event.changes.role if event.changes else None
        row = member.row(event.member, role, origin, removed=event.action == "removed")
        batch.members.append(row | {"repository": str(_repository(event).id)})


def _team_member(event: MemberEvent, origin: Origin, batch: Batch) -> None:
    _know(event, origin, batch)
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
    """How an event's payload is decoded, what it adds to a batch, and the permission that GitHub sends it for.

    Events without one are sent to every App. https://docs.github.com/en/webhooks/webhook-events-and-payloads
    """

    decoder: msgspec.json.Decoder[EventPayload]
    project: Projection
    permission: str | None


def _event(payload: type[EventPayload], project: Projection, permission: str | None = None) -> Event:
    return Event(msgspec.json.Decoder(payload), project, permission)


def _thing(thing: Thing, permission: str) -> Event:
    """An event about one thing of a repository: its row, gone if it was deleted."""

    def add(event: EventPayload, origin: Origin, batch: Batch) -> None:
        deleted = event.action == "deleted"
        row = thing.row(getattr(event, thing.noun.word), origin, deleted=deleted)
        batch.add(thing.noun, _repository(event).id, row)

    return _event(of_thing(thing), add, permission)


EVENTS: dict[str, Event] = {
    "check_run": _event(CheckRunEvent, _checked("check_run", check_run.noun, check_run.row), "checks"),
    "check_suite": _event(CheckSuiteEvent, _checked("check_suite", check_suite.noun, check_suite.row), "checks"),
    "code_scanning_alert": _event(AlertEvent, _alert("code_scanning"), "security_events"),
    "dependabot_alert": _event(AlertEvent, _alert("dependabot"), "vulnerability_alerts"),
    "installation": _event(InstallationEvent, _installation),
    "installation_repositories": _event(InstallationEvent, _installation),
    "installation_target": _event(InstallationTargetEvent, _account),
    "issue_comment": _event(CommentEvent, _comment, "issues"),
    "issue_dependencies": _event(RelatedIssuesEvent, _related_issues, "issues"),
    "issues": _event(IssueEvent, _issue, "issues"),
    "label": _thing(label, "metadata"),
    "member": _event(MemberEvent, _member, "members"),
    "membership": _event(MemberEvent, _team_member, "members"),
    "milestone": _thing(milestone, "issues"),
    "organization": _event(OrganizationEvent, _organization, "members"),
    "pull_request": _event(PullRequestEvent, _pull_request, "pull_requests"),
    "pull_request_review": _event(ReviewEvent, _review, "pull_requests"),
    "pull_request_review_comment": _event(ReviewCommentEvent, _review_comment, "pull_requests"),
    "pull_request_review_thread": _event(ThreadEvent, _review_thread, "pull_requests"),
    "push": _event(PushEvent, _push, "contents"),
    "release": _thing(release, "contents"),
    "repository": _event(RepositoryEvent, _repository_event, "metadata"),
    "secret_scanning_alert": _event(AlertEvent, _alert("secret_scanning"), "secret_scanning_alerts"),
    "status": _event(StatusEvent, _status, "statuses"),
    "sub_issues": _event(RelatedIssuesEvent, _related_issues, "issues"),
    "workflow_run": _event(WorkflowRunEvent, _checked("workflow_run", workflow_run.noun, workflow_run.row), "actions"),
}

_LIFE = frozenset({"created", "edited", "deleted"})

ACTIONS: Mapping[str, frozenset[str]] = {
    "check_run": frozenset({"completed", "created", "requested_action", "rerequested"}),
    "check_suite": frozenset({"completed", "requested", "rerequested"}),
    "code_scanning_alert": frozenset(
        {"appeared_in_branch", "closed_by_user", "created", "fixed", "reopened", "reopened_by_user",
         "updated_assignment"}
    ),
    "dependabot_alert": frozenset(
        {"assignees_changed", "auto_dismissed", "auto_reopened", "created", "dismissed", "fixed", "reintroduced",
         "reopened"}
    ),
    "installation": frozenset({"created", "deleted", "new_permissions_accepted", "suspend", "unsuspend"}),
    "installation_repositories": frozenset({"added", "removed"}),
    "installation_target": frozenset({"renamed"}),
    "issue_comment": _LIFE | {"pinned", "unpinned"},
    "issue_dependencies": frozenset(
        {"blocked_by_added", "blocked_by_removed", "blocking_added", "blocking_removed"}
    ),
    "issues": frozenset(
        {"assigned", "closed", "deleted", "demilestoned", "edited", "labeled", "locked", "milestoned", "opened",
         "pinned", "reopened", "transferred", "typed", "unassigned", "unlabeled", "unlocked", "unpinned", "untyped"}
    ),
    "label": _LIFE,
    "member": frozenset({"added", "edited", "removed"}),
    "membership": frozenset({"added", "removed"}),
    "milestone": _LIFE | {"closed", "opened"},
    "organization": frozenset({"deleted", "member_added", "member_invited", "member_removed", "renamed"}),
    "pull_request": frozenset(
        {"assigned", "auto_merge_disabled", "auto_merge_enabled", "closed", "converted_to_draft", "demilestoned",
         "dequeued", "edited", "enqueued", "labeled", "locked", "milestoned", "opened", "ready_for_review", "reopened",
         "review_request_removed", "review_requested", "synchronize", "unassigned", "unlabeled", "unlocked"}
    ),
    "pull_request_review": frozenset({"dismissed", "edited", "submitted"}),
    "pull_request_review_comment": _LIFE,
    "pull_request_review_thread": frozenset({"resolved", "unresolved"}),
    "release": _LIFE | {"prereleased", "published", "released", "unpublished"},
    "repository": _LIFE | {"archived", "privatized", "publicized", "renamed", "transferred", "unarchived"},
    "secret_scanning_alert": frozenset(
        {"assigned", "created", "publicly_leaked", "reopened", "resolved", "revoked", "unassigned", "validated"}
    ),
    "sub_issues": frozenset(
        {"parent_issue_added", "parent_issue_removed", "sub_issue_added", "sub_issue_removed"}
    ),
    "workflow_run": frozenset({"completed", "in_progress", "requested"}),
}  # fmt: skip
"""The actions that GitHub documents; any other is projected all the same, and counted.

https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""


def knows(event: str, action: str | None) -> bool:
    """Whether an action is one that GitHub documented when this was written; of other events nothing is asked."""
    return action is None or event not in ACTIONS or action in ACTIONS[event]


OPTIONAL = frozenset({"secret_scanning_alerts", "security_events", "vulnerability_alerts"})
"""Permissions without which only alerts of some kind lack."""

OTHER = _event(AnyEvent, _anything)
HANDLED = frozenset(EVENTS)


# Parts that other nouns than the event's own are read from; `changes` says how things were.
_OF_OTHERS = frozenset({"repository", "installation", "organization", "changes"})


def lacks(lost: Iterable[UnreadableValue]) -> bool:
    """Whether something is missing of what an event is about, and not only of what stands around it."""
    return any(part.path.split(".")[1] not in _OF_OTHERS for part in lost)


def project(event: Event, payload: EventPayload, origin: Origin, batch: Batch) -> None:
    """Add all that a payload says to the batch; `MalformedPayload` names the path of what is missing."""
    if payload.repository is not None:
        here = payload.repository.id
        batch.see(payload.repository, origin)
        batch.hear(here, origin, installed=payload.installation is not None)
        if payload.installation is not None:
            batch.allow(here, payload.installation.id, origin)
    event.project(payload, origin, batch)
