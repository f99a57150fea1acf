import asyncio
from collections.abc import AsyncIterator

import pytest

from ghsync.demo.scene import Scene
from ghsync.errors import Permanent

pytestmark = pytest.mark.anyio


async def test_a_scene_tells_what_happens_and_how_it_ended() -> None:
    going_on = asyncio.Event()

    async def play() -> AsyncIterator[str]:
        yield "It begins."
        await going_on.wait()
        yield "It went well."

    scene = Scene("A scene", play)
    assert (scene.state, scene.said, scene.seconds) == ("waiting", "", 0)
    playing = asyncio.create_task(scene.happen())
    await asyncio.sleep(0)
    assert (scene.state, scene.said) == ("happening", "It begins.")
    going_on.set()
    await playing
    assert (scene.state, scene.said) == ("done", "It went well.")
    assert scene.seconds > 0
    assert scene.seconds == scene.seconds


async def test_a_scene_that_fails_says_so_and_raises() -> None:
    async def play() -> AsyncIterator[str]:
        yield "It begins."
        raise Permanent("It went wrong.")

    scene = Scene("A scene", play)
    with pytest.raises(Permanent, match=r"It went wrong\."):
        await scene.happen()
    assert (scene.state, scene.said) == ("failed", "It begins.")


async def test_a_scene_in_which_somebody_presses_ctrl_c_has_not_failed() -> None:
    async def play() -> AsyncIterator[str]:
        yield "It begins."
        await asyncio.Event().wait()

    scene = Scene("A scene", play)
    playing = asyncio.create_task(scene.happen())
    await asyncio.sleep(0)
    playing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await playing
    assert (scene.state, scene.said) == ("stopped", "It begins.")
