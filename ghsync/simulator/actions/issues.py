"""Issues: what pull requests do not have, and their life from opening to transfer or deletion."""

from collections.abc import Iterable

from ghsync.simulator.account import Account
from ghsync.simulator.actions import conversations
from ghsync.simulator.issue import Comment, Issue, IssueType, StateReason
from ghsync.simulator.label import Label
from ghsync.simulator.milestone import Milestone
from ghsync.simulator.repository import Repository
from ghsync.simulator.world import World


def open_issue(
    world: World,
    repository: Repository,
    title: str,
    *,
    by: Account,
    body: str | None = None,
    labels: Iterable[Label] = (),
    assignees: Iterable[Account] = (),
) -> Issue:
    """Open an issue; what it is opened with is in the first event, and told again one by one."""
    issue = Issue(
        id=world.identities.next_id("issue"),
        repository=repository,
        number=repository.next_number(),
        title=title,
        author=by,
        author_association=world.association(by, repository),
        created_at=world.now(),
        updated_at=world.now(),
        body=body,
        labels=list(labels),
        assignees=list(assignees),
    )
    repository.issues[issue.number] = issue
    conversations.send(world, "opened", issue, by)
    for label in issue.labels:
        conversations.send(world, "labeled", issue, by, label=label.as_json())
    for assignee in issue.assignees:
        conversations.send(world, "assigned", issue, by, assignee=assignee.as_json())
    return issue


def close(world: World, issue: Issue, *, by: Account, reason: StateReason = "completed") -> None:
    """Close the issue."""
    issue.state, issue.state_reason = "closed", reason
    issue.closed_at = world.now()
    conversations.touch(world, issue)
    conversations.send(world, "closed", issue, by)


def reopen(world: World, issue: Issue, *, by: Account) -> None:
    """Open the issue again."""
    issue.state, issue.state_reason = "open", "reopened"
    issue.closed_at = None
    conversations.touch(world, issue)
    conversations.send(world, "reopened", issue, by)


def pin(world: World, issue: Issue, *, by: Account) -> None:
    """Show the issue at the top of the list; its time of change stays as it was."""
    issue.pinned = True
    conversations.send(world, "pinned", issue, by)


def unpin(world: World, issue: Issue, *, by: Account) -> None:
    """Show the issue where it belongs."""
    issue.pinned = False
    conversations.send(world, "unpinned", issue, by)


def set_type(world: World, issue: Issue, issue_type: IssueType, *, by: Account) -> None:
    """Give the issue a type."""
    issue.type = issue_type
    conversations.touch(world, issue)
    conversations.send(world, "typed", issue, by, type=issue_type.as_json())


def unset_type(world: World, issue: Issue, *, by: Account) -> None:
    """Take the type from the issue."""
    old, issue.type = issue.type, None
    if old is None:
        raise ValueError(f"{issue.html_url} has no type")
    conversations.touch(world, issue)
    conversations.send(world, "untyped", issue, by, type=old.as_json())


def delete(world: World, issue: Issue, *, by: Account) -> None:
    """Delete the issue; its comments go with it, and nothing is sent about them."""
    conversations.send(world, "deleted", issue, by)
    _depart(issue, None)


def transfer(world: World, issue: Issue, repository: Repository, *, by: Account) -> Issue:
    """Move the issue to another repository of the same owner: it gets another id and another number.

    Labels and the milestone stay where the other repository has the like: labels of that name, a milestone of that
    title and date.

    https://docs.github.com/en/issues/tracking-your-work-with-issues/administering-issues/transferring-an-issue-to-another-repository
    """
    if repository.owner is not issue.repository.owner:
        raise ValueError("GitHub transfers issues only between repositories of one owner")
    names = {label.name for label in issue.labels}
    moved = Issue(
        id=world.identities.next_id("issue"),
        repository=repository,
        number=repository.next_number(),
        title=issue.title,
        author=issue.author,
        author_association=world.association(issue.author, repository),
        created_at=issue.created_at,
        updated_at=world.now(),
        body=issue.body,
        labels=[label for label in repository.labels if label.name in names],
        assignees=list(issue.assignees),
        milestone=_like(issue.milestone, repository.milestones),
        type=issue.type,
    )
    repository.issues[moved.number] = moved
    for comment in issue.comments:
        _copy_comment(world, comment, moved)
    changes = {"new_issue": moved.as_json(), "new_repository": repository.as_json()}
    conversations.send(world, "transferred", issue, by, changes=changes)
    changes = {"old_issue": issue.as_json(), "old_repository": issue.repository.as_json()}
    _depart(issue, moved)
    conversations.send(world, "opened", moved, by, changes=changes)
    return moved


def add_sub_issue(world: World, parent: Issue, child: Issue, *, by: Account) -> None:
    """Make an issue part of another."""
    child.parent = parent
    parent.children.append(child)
    _send_relation(world, "sub_issue_added", "parent_issue_added", parent, child, by)


def remove_sub_issue(world: World, parent: Issue, child: Issue, *, by: Account) -> None:
    """Make an issue stand alone again."""
    child.parent = None
    parent.children.remove(child)
    _send_relation(world, "sub_issue_removed", "parent_issue_removed", parent, child, by)


def add_dependency(world: World, blocked: Issue, blocking: Issue, *, by: Account) -> None:
    """Say that an issue waits for another."""
    blocked.blocked_by.append(blocking)
    blocking.blocking.append(blocked)
    _send_dependency(world, "added", blocked, blocking, by)


def remove_dependency(world: World, blocked: Issue, blocking: Issue, *, by: Account) -> None:
    """Say that an issue no longer waits for another."""
    blocked.blocked_by.remove(blocking)
    blocking.blocking.remove(blocked)
    _send_dependency(world, "removed", blocked, blocking, by)


def _send_relation(world: World, of_parent: str, of_child: str, parent: Issue, child: Issue, by: Account) -> None:
    conversations.touch(world, parent)
    conversations.touch(world, child)
    about_child = {"sub_issue_id": child.id, "sub_issue": child.as_json()}
    about_parent = {"parent_issue_id": parent.id, "parent_issue": parent.as_json()}
    world.send_about_repository(
        "sub_issues",
        of_parent,
        parent.repository,
        by,
        **about_child,
        sub_issue_repo=child.repository.as_json(),
        **about_parent,
    )
    world.send_about_repository(
        "sub_issues",
        of_child,
        child.repository,
        by,
        **about_parent,
        parent_issue_repo=parent.repository.as_json(),
        **about_child,
    )


def _send_dependency(world: World, change: str, blocked: Issue, blocking: Issue, by: Account) -> None:
    conversations.touch(world, blocked)
    conversations.touch(world, blocking)
    both = {
        "blocked_issue_id": blocked.id,
        "blocked_issue": blocked.as_json(),
        "blocking_issue_id": blocking.id,
        "blocking_issue": blocking.as_json(),
    }
    world.send_about_repository(
        "issue_dependencies",
        f"blocked_by_{change}",
        blocked.repository,
        by,
        **both,
        blocking_issue_repo=blocking.repository.as_json(),
    )
    world.send_about_repository(
        "issue_dependencies",
        f"blocking_{change}",
        blocking.repository,
        by,
        **both,
        blocked_issue_repo=blocked.repository.as_json(),
    )


def _depart(issue: Issue, moved: Issue | None) -> None:
    """Take the issue out of its repository, and out of its relations to others."""
    del issue.repository.issues[issue.number]
    issue.repository.departed[issue.number] = moved
    if issue.parent is not None:
        issue.parent.children.remove(issue)
    for child in issue.children:
        child.parent = None
    for blocked in issue.blocking:
        blocked.blocked_by.remove(issue)
    for blocking in issue.blocked_by:
        blocking.blocking.remove(issue)


def _like(milestone: Milestone | None, others: list[Milestone]) -> Milestone | None:
    if milestone is None:
        return None
    same = (other for other in others if (other.title, other.due_on) == (milestone.title, milestone.due_on))
    return next(same, None)


def _copy_comment(world: World, comment: Comment, issue: Issue) -> None:
    copy = Comment(
        id=world.identities.next_id("comment"),
        issue=issue,
        author=comment.author,
        author_association=comment.author_association,
        body=comment.body,
        created_at=comment.created_at,
        updated_at=comment.updated_at,
    )
    issue.comments.append(copy)
