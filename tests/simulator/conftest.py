"""A simulated GitHub with one organization, one repository and the App installed."""

from dataclasses import dataclass

import pytest

from ghsync.simulator.account import Account
from ghsync.simulator.actions import branches, installations, pull_requests, repositories
from ghsync.simulator.app import EVERY_EVENT, Installation
from ghsync.simulator.commit import Change
from ghsync.simulator.pull_request import PullRequest
from ghsync.simulator.repository import Repository
from ghsync.simulator.world import World
from tests.simulator import sent


@dataclass(repr=False)
class Scene:
    """What most tests need."""

    world: World
    organization: Account
    ada: Account
    ben: Account
    repository: Repository
    installation: Installation

    def sent(self) -> list[sent.Sent]:
        """What has been sent since this was last asked."""
        deliveries, self.world.deliveries = self.world.deliveries, []
        return [sent.read(delivery) for delivery in deliveries]


@pytest.fixture
def scene() -> Scene:
    """The App is installed on all repositories; its first delivery has been taken away."""
    return assemble(World(seed=7))


@pytest.fixture
def attentive_scene() -> Scene:
    """The same, with an App that has subscribed to everything."""
    return assemble(World(seed=7, events=EVERY_EVENT))


@pytest.fixture
def pull_request(attentive_scene: Scene) -> PullRequest:
    """Ben's pull request in the attentive scene; what was sent about it has been taken away."""
    scene = attentive_scene
    commit = branches.commit(scene.world, scene.ben, "Brighter", Change("lamp.c", 10, 2))
    branches.create(scene.world, scene.repository, "brighter", commit, by=scene.ben)
    opened = pull_requests.open_pull_request(scene.world, scene.repository, "brighter", "Brighter", by=scene.ben)
    scene.sent()
    return opened


def assemble(world: World) -> Scene:
    """An organization with one repository, and the App installed on it."""
    ada, ben = world.add_account("ada"), world.add_account("ben")
    organization = world.add_organization("lighthouse", "Keeps the lamp lit", (ada,))
    repository = repositories.create(world, organization, "lamp", by=ada)
    installation = installations.create(world, organization, by=ada)
    scene = Scene(world, organization, ada, ben, repository, installation)
    scene.sent()
    return scene
