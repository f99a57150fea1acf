"""What hooks tell, of all that is true."""

from ghsync.simulator.world import World
from tests import truth
from tests.truth import verdicts
from tests.truth.values import Tables


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
