"""What is done to labels and milestones: those who carry them are told nothing."""

from datetime import timedelta

from ghsync.simulator import prose
from ghsync.simulator.actions import labels, milestones
from ghsync.simulator.deeds.stage import Impossible, Kinds, Stage

COLORS = ("b60205", "d93f0b", "fbca04", "0e8a16", "006b75", "1d76db", "5319e7")


def create_label(stage: Stage) -> str:
    """Make a label."""
    repository = stage.repository()
    by, name = stage.member(repository.owner), _free_name(stage, [label.name for label in repository.labels])
    labels.create(stage.world, repository, name, by=by, color=stage.random.choice(COLORS))
    return f"{by.login} made the label {name} in {repository.full_name}"


def edit_label(stage: Stage) -> str:
    """Give a label another name, color or description."""
    repository = stage.repository()
    by, label = stage.member(repository.owner), stage.pick(repository.labels)
    old, chance = label.name, stage.random.random()
    if chance < 0.5:
        name = _free_name(stage, [each.name for each in repository.labels])
        labels.edit(stage.world, label, by=by, name=name)
    elif chance < 0.8:
        labels.edit(stage.world, label, by=by, color=stage.random.choice(COLORS))
    else:
        labels.edit(stage.world, label, by=by, description=prose.deed(stage.random))
    return f"{by.login} edited the label {old} of {repository.full_name}"


def delete_label(stage: Stage) -> str:
    """Delete a label, which drops from all that carries it."""
    repository = stage.repository()
    by, label = stage.member(repository.owner), stage.pick(repository.labels)
    labels.delete(stage.world, label, by=by)
    return f"{by.login} deleted the label {label.name} of {repository.full_name}"


def create_milestone(stage: Stage) -> str:
    """Make a milestone."""
    repository = stage.repository()
    by, title = stage.member(repository.owner), f"{repository.last_milestone_number + 1}.0"
    due_on = (stage.world.now() + timedelta(days=30)).replace(hour=7, minute=0, second=0, microsecond=0)
    milestones.create(stage.world, repository, title, by=by, due_on=due_on)
    return f"{by.login} made the milestone {title} in {repository.full_name}"


def edit_milestone(stage: Stage) -> str:
    """Give a milestone another title."""
    repository = stage.repository()
    by, milestone = stage.member(repository.owner), stage.pick(repository.milestones)
    title = f"{milestone.number}.{stage.random.randint(1, 99)} {stage.random.choice(prose.THINGS)}"
    milestones.edit(stage.world, milestone, by=by, title=title)
    return f"{by.login} named a milestone of {repository.full_name} {title}"


def close_milestone(stage: Stage) -> str:
    """Close a milestone."""
    repository = stage.repository()
    by = stage.member(repository.owner)
    milestone = stage.pick(each for each in repository.milestones if each.state == "open")
    milestones.close(stage.world, milestone, by=by)
    return f"{by.login} closed the milestone {milestone.title} of {repository.full_name}"


def reopen_milestone(stage: Stage) -> str:
    """Open a milestone again."""
    repository = stage.repository()
    by = stage.member(repository.owner)
    milestone = stage.pick(each for each in repository.milestones if each.state == "closed")
    milestones.reopen(stage.world, milestone, by=by)
    return f"{by.login} reopened the milestone {milestone.title} of {repository.full_name}"


def delete_milestone(stage: Stage) -> str:
    """Delete a milestone, which drops from all that was in it."""
    repository = stage.repository()
    by, milestone = stage.member(repository.owner), stage.pick(repository.milestones)
    milestones.delete(stage.world, milestone, by=by)
    return f"{by.login} deleted the milestone {milestone.title} of {repository.full_name}"


def _free_name(stage: Stage, taken: list[str]) -> str:
    name = f"{stage.random.choice(prose.THINGS)} {stage.random.randint(1, 999)}"
    if name in taken:
        raise Impossible
    return name


KINDS: Kinds = {
    "create_label": (4, create_label),
    "edit_label": (5, edit_label),
    "delete_label": (3, delete_label),
    "create_milestone": (4, create_milestone),
    "edit_milestone": (4, edit_milestone),
    "close_milestone": (3, close_milestone),
    "reopen_milestone": (3, reopen_milestone),
    "delete_milestone": (3, delete_milestone),
}
