"""The client and the simulated GitHub, over real HTTP: its clock stands in the past, and it checks what it is shown."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import msgspec
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.database import transaction
from ghsync.errors import BadCredentials, NotFound, TooHeavy
from ghsync.github import etags
from ghsync.github.client import GitHub, Meter
from ghsync.github.documents import document
from ghsync.github.graphql import answers
from ghsync.simulator.actions import issues
from ghsync.simulator.keys import Keys, new_private_key, public_key
from ghsync.simulator.server import create_server
from ghsync.simulator.serving import serving
from ghsync.simulator.site import Site
from ghsync.simulator.world import World
from tests.github.answers import get
from tests.github.conftest import KEY, Make
from tests.simulator.conftest import Scene, assemble

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Simulated:
    """A GitHub with issues, and the App's client of it."""

    scene: Scene
    site: Site
    github: GitHub

    @property
    def installation(self) -> int:
        return self.scene.installation.id


@pytest.fixture
async def simulated(client: Make, private_key: str) -> AsyncIterator[Simulated]:
    scene = assemble(World(seed=7))
    for number in range(3):
        issues.open_issue(scene.world, scene.repository, f"Issue {number}", by=scene.ben)
    keys = Keys(public_key(private_key), "secret")
    application = create_server(scene.world, keys)
    async with serving(application) as url:
        app = scene.world.app
        github = client(api_url=url, app_id=str(app.id), private_key=private_key, encryption_keys=(KEY,))
        yield Simulated(scene, application.state.site, github)


async def test_the_app_is_known_although_the_clocks_are_months_apart(simulated: Simulated) -> None:
    answer = await get(simulated.github, "/app", credential=simulated.github.app)

    assert msgspec.json.decode(answer.body)["slug"] == simulated.scene.world.app.slug
    assert abs((answer.observed_at - simulated.scene.world.now()).total_seconds()) < 2


async def test_another_key_is_not_accepted(simulated: Simulated, client: Make) -> None:
    app_id, url = str(simulated.scene.world.app.id), simulated.github.api_url
    other = client(api_url=url, app_id=app_id, private_key=new_private_key())

    with pytest.raises(BadCredentials, match="does not accept the App's key"):
        await get(other, "/app", credential=other.app)


async def test_an_installation_reads_pages(simulated: Simulated) -> None:
    github, meter = simulated.github, Meter()
    credential = await github.credential_for(simulated.installation)
    path = f"/repos/{simulated.scene.repository.full_name}/issues"
    pages = github.pages(credential, path, params={"per_page": 2}, priority="sweep", meter=meter)
    numbers = [[issue["number"] for issue in msgspec.json.decode(page.body)] async for page in pages]

    assert numbers == [[3, 2], [1]]
    assert meter.requests == 2
    with pytest.raises(NotFound):
        await get(github, f"{path}/99", installation=simulated.installation)


async def test_a_token_that_expired_is_replaced(simulated: Simulated) -> None:
    path = f"/repos/{simulated.scene.repository.full_name}"
    await get(simulated.github, path, installation=simulated.installation)
    simulated.scene.world.clock.advance(hours=2)

    answer = await get(simulated.github, path, installation=simulated.installation)

    assert answer.status == 200
    assert len(simulated.site.tokens.grants) == 2


async def test_what_has_not_changed_is_free(simulated: Simulated, engine: AsyncEngine) -> None:
    path = f"/repos/{simulated.scene.repository.full_name}"
    first = await get(simulated.github, path, installation=simulated.installation, conditional=True)
    assert first.etag
    async with transaction(engine) as conn:
        await etags.keep(conn, first.etag)
    again = await get(simulated.github, path, installation=simulated.installation, conditional=True)

    assert (first.unchanged, again.unchanged) == (False, True)


async def test_graphql_is_answered_with_its_cost_and_its_limits(simulated: Simulated) -> None:
    credential = await simulated.github.credential_for(simulated.installation)
    asked = {"ids": [simulated.scene.repository.node_id]}
    meter = Meter()
    answer = await simulated.github.graphql(credential, document("newest"), asked, priority="sweep", meter=meter)

    [newest] = answers.newest_decoder.decode(answer.data).nodes
    assert newest is not None
    assert newest.issues.total_count == 3
    assert (meter.requests, meter.points) == (1, answer.cost)

    simulated.site.faults.plan("bad_gateway", "graphql")
    with pytest.raises(TooHeavy):
        await simulated.github.graphql(credential, document("newest"), asked, priority="sweep", meter=meter)
