"""Labels. Issues that carry a label are not told when it changes: GitHub sends `label` and nothing else."""

from ghsync.simulator.account import Account
from ghsync.simulator.label import Label
from ghsync.simulator.repository import Repository
from ghsync.simulator.world import World


def create(
    world: World,
    repository: Repository,
    name: str,
    *,
    by: Account,
    color: str = "ededed",
    description: str | None = None,
) -> Label:
    """Create a label."""
    label = Label(world.identities.next_id("label"), repository, name, color, description)
    repository.labels.append(label)
    _send(world, "created", label, by)
    return label


def edit(
    world: World,
    label: Label,
    *,
    by: Account,
    name: str | None = None,
    color: str | None = None,
    description: str | None = None,
) -> None:
    """Change what is given; each change is told with the old value."""
    changes = {}
    for field, value in {"name": name, "color": color, "description": description}.items():
        if value is not None:
            changes[field] = {"from": getattr(label, field) or ""}
            setattr(label, field, value)
    _send(world, "edited", label, by, changes=changes)


def delete(world: World, label: Label, *, by: Account) -> None:
    """Delete a label; it drops from every issue, whose time of change stays as it was."""
    label.repository.labels.remove(label)
    for issue in label.repository.issues.values():
        if label in issue.labels:
            issue.labels.remove(label)
    _send(world, "deleted", label, by)


def _send(world: World, action: str, label: Label, by: Account, **fields: object) -> None:
    world.send_about_repository("label", action, label.repository, by, label=label.as_json(), **fields)
