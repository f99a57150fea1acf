"""What is done to issues.

An issue that others count as theirs is neither closed, moved nor deleted: GitHub changes what it shows of those others
and tells nobody.
"""

from ghsync.simulator import prose
from ghsync.simulator.actions import issues
from ghsync.simulator.deeds.stage import Impossible, Kinds, Stage, name_of
from ghsync.simulator.issue import Issue, StateReason

MOST_PINNED = 3
REASONS: tuple[StateReason, ...] = ("completed", "completed", "not_planned", "duplicate")


def open_issue(stage: Stage) -> str:
    """Open an issue, perhaps with labels and someone to do it."""
    repository, by = stage.repository(), stage.anyone()
    issue = issues.open_issue(
        stage.world,
        repository,
        prose.complaint(stage.random),
        by=by,
        body=prose.report(stage.random),
        labels=stage.random.sample(repository.labels, k=min(len(repository.labels), stage.random.randint(0, 2))),
        assignees=[stage.member(repository.owner)] if stage.random.random() < 0.3 else [],
    )
    return f"{by.login} opened {name_of(issue)}"


def close(stage: Stage) -> str:
    """Close an issue, for one reason or another."""
    issue = stage.issue(lambda each: each.state == "open" and _stands_alone(each))
    by = stage.member(issue.repository.owner)
    issues.close(stage.world, issue, by=by, reason=stage.random.choice(REASONS))
    return f"{by.login} closed {name_of(issue)}"


def reopen(stage: Stage) -> str:
    """Open a closed issue again."""
    issue = stage.issue(lambda each: each.state == "closed" and _stands_alone(each))
    by = stage.member(issue.repository.owner)
    issues.reopen(stage.world, issue, by=by)
    return f"{by.login} reopened {name_of(issue)}"


def pin(stage: Stage) -> str:
    """Show an issue at the top."""
    issue = stage.issue(lambda each: not each.pinned)
    if sum(each.pinned for each in issue.repository.issues.values()) >= MOST_PINNED:
        raise Impossible
    by = stage.member(issue.repository.owner)
    issues.pin(stage.world, issue, by=by)
    return f"{by.login} pinned {name_of(issue)}"


def unpin(stage: Stage) -> str:
    """Show an issue where it belongs."""
    repository = stage.repository()
    issue = stage.pick(each for each in repository.issues.values() if each.pinned)
    by = stage.member(repository.owner)
    issues.unpin(stage.world, issue, by=by)
    return f"{by.login} unpinned {name_of(issue)}"


def set_type(stage: Stage) -> str:
    """Give an issue a type."""
    issue = stage.issue(lambda each: each.type is None)
    by = stage.member(issue.repository.owner)
    issues.set_type(stage.world, issue, stage.issue_type(issue.repository.owner), by=by)
    return f"{by.login} typed {name_of(issue)}"


def unset_type(stage: Stage) -> str:
    """Take the type from an issue."""
    issue = stage.issue(lambda each: each.type is not None)
    by = stage.member(issue.repository.owner)
    issues.unset_type(stage.world, issue, by=by)
    return f"{by.login} untyped {name_of(issue)}"


def transfer(stage: Stage) -> str:
    """Move an issue to another repository."""
    issue = stage.issue(_stands_alone)
    by, source = stage.member(issue.repository.owner), name_of(issue)
    others = (each for each in stage.repositories() if each.owner is issue.repository.owner)
    target = stage.pick(each for each in others if each is not issue.repository)
    moved = issues.transfer(stage.world, issue, target, by=by)
    return f"{by.login} moved {source} to {name_of(moved)}"


def delete(stage: Stage) -> str:
    """Delete an issue."""
    issue = stage.issue(_stands_alone)
    by = stage.member(issue.repository.owner)
    issues.delete(stage.world, issue, by=by)
    return f"{by.login} deleted {name_of(issue)}"


def add_sub_issue(stage: Stage) -> str:
    """Make an issue part of another."""
    parent, child = _two(stage)
    by = stage.member(parent.repository.owner)
    issues.add_sub_issue(stage.world, parent, child, by=by)
    return f"{by.login} made {name_of(child)} part of {name_of(parent)}"


def remove_sub_issue(stage: Stage) -> str:
    """Make an issue stand alone again."""
    child = stage.issue(lambda each: each.parent is not None)
    by, parent = stage.member(child.repository.owner), child.parent
    if parent is None:
        raise Impossible
    issues.remove_sub_issue(stage.world, parent, child, by=by)
    return f"{by.login} took {name_of(child)} out of {name_of(parent)}"


def add_dependency(stage: Stage) -> str:
    """Say that an issue waits for another."""
    blocked, blocking = _two(stage)
    by = stage.member(blocked.repository.owner)
    issues.add_dependency(stage.world, blocked, blocking, by=by)
    return f"{by.login} said that {name_of(blocked)} waits for {name_of(blocking)}"


def remove_dependency(stage: Stage) -> str:
    """Say that an issue no longer waits for another."""
    blocked = stage.issue(lambda each: bool(each.blocked_by))
    by, blocking = stage.member(blocked.repository.owner), stage.pick(blocked.blocked_by)
    issues.remove_dependency(stage.world, blocked, blocking, by=by)
    return f"{by.login} said that {name_of(blocked)} no longer waits for {name_of(blocking)}"


def _stands_alone(issue: Issue) -> bool:
    return not (issue.parent or issue.children or issue.blocked_by or issue.blocking)


def _two(stage: Stage) -> tuple[Issue, Issue]:
    """Two issues of one repository that stand alone."""
    one = stage.issue(_stands_alone)
    repository = one.repository
    other = stage.one(
        repository.issues,
        repository.last_number,
        lambda each: each is not one and each.pull_request is None and _stands_alone(each),
    )
    return one, other


KINDS: Kinds = {
    "open_issue": (60, open_issue),
    "close_issue": (40, close),
    "reopen_issue": (10, reopen),
    "pin_issue": (3, pin),
    "unpin_issue": (3, unpin),
    "type_issue": (4, set_type),
    "untype_issue": (3, unset_type),
    "transfer_issue": (4, transfer),
    "delete_issue": (4, delete),
    "add_sub_issue": (4, add_sub_issue),
    "remove_sub_issue": (3, remove_sub_issue),
    "add_dependency": (3, add_dependency),
    "remove_dependency": (3, remove_dependency),
}
