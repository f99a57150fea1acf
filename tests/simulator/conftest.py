"""A simulated GitHub with one organization, one repository and the App installed."""

from dataclasses import dataclass

import pytest

from ghsync.simulator.account import Account
from ghsync.simulator.actions import installations, repositories
from ghsync.simulator.app import Installation
from ghsync.simulator.repository import Repository
from ghsync.simulator.world import World
from tests.simulator import sent


@dataclass
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
    world = World(seed=7)
    ada, ben = world.add_account("ada"), world.add_account("ben")
    organization = world.add_organization("lighthouse", "Keeps the lamp lit", (ada,))
    repository = repositories.create(world, organization, "lamp", by=ada)
    installation = installations.create(world, organization, by=ada)
    scene = Scene(world, organization, ada, ben, repository, installation)
    scene.sent()
    return scene
