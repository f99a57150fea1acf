"""What people do with their accounts."""

from ghsync.simulator import prose
from ghsync.simulator.actions import organizations
from ghsync.simulator.deeds.stage import Impossible, Kinds, Stage


def rename_person(stage: Stage) -> str:
    """Take another login: all that one has written is under it from now on, and no time of change moves."""
    person = stage.anyone()
    old, login = person.login, f"{stage.random.choice(prose.NAMES)}-{stage.random.randint(1, 999)}"
    if any(each.login == login for each in stage.world.accounts.values()):
        raise Impossible
    organizations.rename(stage.world, person, login, by=person)
    return f"{old} is {login} now"


RARE: Kinds = {"rename_person": (0, rename_person)}
"""Done only where somebody gives it a weight: nobody is told of it."""
