"""What hooks tell, of all that is true."""

from ghsync.simulator import deeds
from ghsync.simulator.world import World
from tests import truth
from tests.truth import verdicts
from tests.truth.values import Tables

# GitHub tells nobody what happened while the App could not see it, of no row that its address is another now, and of no
# issue that one which it needs was closed.
NOT_TOLD = (
    *deeds.installations.KINDS, *deeds.installations.RARE, *deeds.people.RARE,
    "add_dependency", "add_sub_issue", "rename_organization", "rename_repository", "transfer_issue",
    "transfer_repository",
)  # fmt: skip


def told(world: World) -> Tables:
    """What is true, without the suites that are not over, and without verdicts that hang on whether somebody may push.

    No hook tells of these: a contributor may be a member who does not show it.
    """
    expected = truth.of(world)
    suites = expected["github_check_suites"]
    expected["github_check_suites"] = {key: suites[key] for key in suites if suites[key]["status"] == "completed"}
    for repository in world.repositories.values():
        for number, pull in repository.pull_requests.items():
            if any(review.author_association == "CONTRIBUTOR" for review in pull.reviews):
                expected[verdicts.TABLE].pop((str(repository.id), number), None)
    return expected
