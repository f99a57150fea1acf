"""Milestones. As with labels, issues are not told when theirs changes."""

from datetime import datetime

from ghsync.simulator.account import Account
from ghsync.simulator.milestone import Milestone
from ghsync.simulator.payload import iso
from ghsync.simulator.repository import Repository
from ghsync.simulator.world import World


def create(
    world: World,
    repository: Repository,
    title: str,
    *,
    by: Account,
    description: str | None = None,
    due_on: datetime | None = None,
) -> Milestone:
    """Create a milestone."""
    repository.last_milestone_number += 1
    milestone = Milestone(
        id=world.identities.next_id("milestone"),
        repository=repository,
        number=repository.last_milestone_number,
        title=title,
        creator=by,
        created_at=world.now(),
        updated_at=world.now(),
        description=description,
        due_on=due_on,
    )
    repository.milestones.append(milestone)
    _send(world, "created", milestone, by)
    return milestone


def edit(
    world: World,
    milestone: Milestone,
    *,
    by: Account,
    title: str | None = None,
    description: str | None = None,
    due_on: datetime | None = None,
) -> None:
    """Change what is given; each change is told with the old value."""
    changes = {}
    for field, value in {"title": title, "description": description, "due_on": due_on}.items():
        if value is not None:
            old = getattr(milestone, field)
            changes[field] = {"from": iso(old) if isinstance(old, datetime) else old or ""}
            setattr(milestone, field, value)
    _send(world, "edited", milestone, by, changes=changes)


def close(world: World, milestone: Milestone, *, by: Account) -> None:
    """Close the milestone."""
    milestone.state = "closed"
    milestone.closed_at = world.now()
    _send(world, "closed", milestone, by)


def reopen(world: World, milestone: Milestone, *, by: Account) -> None:
    """Open the milestone again."""
    milestone.state = "open"
    milestone.closed_at = None
    _send(world, "opened", milestone, by)


def delete(world: World, milestone: Milestone, *, by: Account) -> None:
    """Delete the milestone; it drops from every issue, whose time of change stays as it was."""
    milestone.repository.milestones.remove(milestone)
    _send(world, "deleted", milestone, by)
    for issue in milestone.repository.issues.values():
        if issue.milestone is milestone:
            issue.milestone = None


def _send(world: World, action: str, milestone: Milestone, by: Account, **fields: object) -> None:
    milestone.updated_at = world.now()
    world.send_about_repository("milestone", action, milestone.repository, by, milestone=milestone.as_json(), **fields)
