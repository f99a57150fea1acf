"""The same facts give the same links, whatever arrives first (I5)."""

from itertools import permutations

import pytest

from ghsync.database import transaction
from ghsync.tasks import links
from ghsync.tasks.item import Item
from tests.mirror.reports import empty
from tests.tasks.world import World

pytestmark = pytest.mark.anyio

TASK = "0f8fad5b-d9cb-469f-a165-70867728950e"


class Place:
    """One project with two repositories, in which nothing has happened yet."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def begin(self) -> None:
        """Forget everything and begin anew."""
        await empty(self.world.engine, "organizations")
        self.project = await self.world.project("acme")
        self.app = await self.world.repository("acme/app", self.project, github_id="1")
        self.hub = await self.world.repository("acme/hub", self.project, github_id="2")

    async def task(self) -> None:
        await self.world.task(self.project, TASK)

    async def linked_task(self) -> None:
        await self.task()
        await self.world.link(TASK, self.app, "issue", 5)

    async def issue(self) -> None:
        await self.world.says(self.app, "issue", 5, body=f"Task-ID: {TASK}")

    async def branch(self) -> None:
        await self.world.says(self.app, "pull_request", 7, branch="task/0f8fad5b")

    async def pull_request(self) -> None:
        await self.world.says(self.hub, "pull_request", 8, body="Closes acme/application#5, see acme/app#5")

    async def rename(self) -> None:
        await self.world.rename(self.app, "acme/application", minutes=30)

    async def transfer(self) -> None:
        await self.world.transfer((self.app, 5), "3", 50)

    async def new_repository(self) -> None:
        await self.world.repository("acme/lib", self.project, github_id="3", minutes=40)

    async def everything_again(self) -> None:
        """Derive everything once more; it must not matter."""
        async with transaction(self.world.engine) as conn:
            items = [Item(self.app, "issue", 5), Item(self.app, "pull_request", 7), Item(self.hub, "pull_request", 8)]
            assert await links.derive(conn, items, [TASK]) == []
            assert await links.adopt(conn, [TASK]) == []


@pytest.fixture
def place(world: World) -> Place:
    """Where facts arrive."""
    return Place(world)


@pytest.mark.slow
async def test_a_task_an_issue_a_pull_request_and_a_name(world: World, place: Place) -> None:
    for order in permutations((Place.task, Place.issue, Place.pull_request, Place.rename)):
        await place.begin()
        for fact in order:
            await fact(place)
        await place.everything_again()
        assert await world.links() == {
            (TASK, "acme/app", 5, "task_trailer"),
            (TASK, "acme/hub", 8, "closing_keyword"),
            (TASK, "acme/hub", 8, "cross_reference"),
        }, order
        assert await world.numbers(TASK) == (5, 8), order
        assert await world.jobs() == 0, order


async def test_a_task_and_its_branch(world: World, place: Place) -> None:
    for order in permutations((Place.task, Place.branch)):
        await place.begin()
        for fact in order:
            await fact(place)
        await place.everything_again()
        assert await world.links() == {(TASK, "acme/app", 7, "branch")}, order
        assert await world.numbers(TASK) == (None, 7), order


@pytest.mark.slow
async def test_a_linked_issue_that_is_transferred_to_a_new_repository(world: World, place: Place) -> None:
    for order in permutations((Place.linked_task, Place.pull_request, Place.transfer, Place.new_repository)):
        await place.begin()
        for fact in order:
            await fact(place)
        await place.everything_again()
        assert await world.links() == {
            (TASK, "acme/lib", 50, "manual"),
            (TASK, "acme/hub", 8, "cross_reference"),
        }, order
        assert await world.numbers(TASK) == (50, None), order


async def test_pull_requests_that_close_one_issue(world: World, place: Place) -> None:
    for order in permutations((11, 9, 10)):
        await place.begin()
        await place.linked_task()
        for number in order:
            await world.says(place.app, "pull_request", number, body="Closes #5")
        assert await world.numbers(TASK) == (5, 9), order
