from datetime import UTC, datetime

import anyio
import httpx
import pytest

from ghsync.simulator.keys import Keys, public_key
from ghsync.simulator.server import create_server
from ghsync.simulator.serving import serving
from tests.simulator.conftest import Scene

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("keeps_time", [False, True])
async def test_time_goes_on_by_itself_only_if_it_is_told_to(scene: Scene, private_key: str, keeps_time: bool) -> None:
    scene.world.clock.advance_to(datetime.now(UTC))
    app = create_server(scene.world, Keys(public_key(private_key), "secret"), keeps_time=keeps_time)
    async with serving(app) as url, httpx.AsyncClient(base_url=url, trust_env=False) as http:
        before = scene.world.now()
        await http.get("/meta")
        await anyio.sleep(0.01)
        await http.get("/meta")
        passed = (scene.world.now() - before).total_seconds()
    assert (passed >= 0.01) is keeps_time


async def test_a_clock_that_is_set_wrong_stays_wrong_by_as_much(scene: Scene, private_key: str) -> None:
    app = create_server(scene.world, Keys(public_key(private_key), "secret"), keeps_time=True)
    scene.world.clock.advance_to(datetime.now(UTC))
    scene.world.clock.advance(minutes=2)
    app.state.site.keep_time()
    assert 119 < (scene.world.now() - datetime.now(UTC)).total_seconds() < 121
