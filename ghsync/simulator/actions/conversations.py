"""What can be done to issues and to pull requests alike."""

from ghsync.simulator.account import Account
from ghsync.simulator.issue import Issue, LockReason
from ghsync.simulator.label import Label
from ghsync.simulator.milestone import Milestone
from ghsync.simulator.pull_request import PullRequest
from ghsync.simulator.world import World

Conversation = Issue | PullRequest


def edit(
    world: World, conversation: Conversation, *, by: Account, title: str | None = None, body: str | None = None
) -> None:
    """Change the title, the body or both."""
    issue = issue_of(conversation)
    changes = {}
    if title is not None:
        changes["title"] = {"from": issue.title}
        issue.title = title
    if body is not None:
        changes["body"] = {"from": issue.body or ""}
        issue.body = body
    touch(world, conversation)
    send(world, "edited", conversation, by, changes=changes)


def add_labels(world: World, conversation: Conversation, *labels: Label, by: Account) -> None:
    """Put labels on; GitHub tells of each by itself, when all are on."""
    issue_of(conversation).labels.extend(labels)
    touch(world, conversation)
    for each in labels:
        send(world, "labeled", conversation, by, label=each.as_json())


def remove_label(world: World, conversation: Conversation, label: Label, *, by: Account) -> None:
    """Take a label off."""
    issue_of(conversation).labels.remove(label)
    touch(world, conversation)
    send(world, "unlabeled", conversation, by, label=label.as_json())


def assign(world: World, conversation: Conversation, user: Account, *, by: Account) -> None:
    """Give it to someone."""
    issue_of(conversation).assignees.append(user)
    touch(world, conversation)
    send(world, "assigned", conversation, by, assignee=user.as_json())


def unassign(world: World, conversation: Conversation, user: Account, *, by: Account) -> None:
    """Take it from someone."""
    issue_of(conversation).assignees.remove(user)
    touch(world, conversation)
    send(world, "unassigned", conversation, by, assignee=user.as_json())


def set_milestone(world: World, conversation: Conversation, milestone: Milestone, *, by: Account) -> None:
    """Put it into a milestone."""
    issue_of(conversation).milestone = milestone
    touch(world, conversation)
    send(world, "milestoned", conversation, by, milestone=milestone.as_json())


def unset_milestone(world: World, conversation: Conversation, *, by: Account) -> None:
    """Take it out of its milestone."""
    issue = issue_of(conversation)
    old, issue.milestone = issue.milestone, None
    if old is None:
        raise ValueError(f"{issue.html_url} has no milestone")
    touch(world, conversation)
    send(world, "demilestoned", conversation, by, milestone=old.as_json())


def lock(world: World, conversation: Conversation, *, by: Account, reason: LockReason | None = None) -> None:
    """Let only members comment."""
    issue = issue_of(conversation)
    issue.locked, issue.lock_reason = True, reason
    touch(world, conversation)
    send(world, "locked", conversation, by)


def unlock(world: World, conversation: Conversation, *, by: Account) -> None:
    """Let everyone comment again."""
    issue = issue_of(conversation)
    issue.locked, issue.lock_reason = False, None
    touch(world, conversation)
    send(world, "unlocked", conversation, by)


def issue_of(conversation: Conversation) -> Issue:
    """The issue, or the issue part of a pull request."""
    return conversation.issue if isinstance(conversation, PullRequest) else conversation


def touch(world: World, conversation: Conversation) -> None:
    """Note that it has changed now."""
    issue_of(conversation).updated_at = world.now()


def send(world: World, action: str, conversation: Conversation, by: Account, **fields: object) -> None:
    """Send an `issues` or a `pull_request` event, whichever it is."""
    repository = conversation.repository
    if isinstance(conversation, PullRequest):
        rendered = conversation.as_json(world.now())
        world.send_about_repository(
            "pull_request",
            action,
            repository,
            by,
            number=conversation.number,
            pull_request=rendered,
            **fields,
        )
    else:
        world.send_about_repository("issues", action, repository, by, issue=conversation.as_json(), **fields)
