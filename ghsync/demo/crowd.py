"""The people of the simulated GitHub: they do things until they are to rest."""

import asyncio

from ghsync.demo.stage import Stage
from ghsync.simulator.deeds import NOT_TOLD
from ghsync.simulator.traffic import Traffic

A_MINUTE, A_MINUTE_AFTERWARDS = 120, 30

STANDING = ("add_member", "remove_member", "add_collaborator", "remove_collaborator")
"""No hook tells what these change: who may push, and so whose reviews count."""

LEFT_OUT = dict.fromkeys((*NOT_TOLD, *STANDING, "create_repository", "delete_repository"), 0.0)
"""Deeds that are not done: of most only the next complete reading would tell, for which the demo is too short."""


class Crowd:
    """Does things everywhere but where the scenes are."""

    def __init__(self, stage: Stage) -> None:
        self._github = stage.github
        self._traffic = Traffic(stage.github.world, weights=LEFT_OUT, pauses=(0.0,))
        self._traffic.stage.spared.append(stage.repository)
        self._acting: asyncio.Task[None] | None = None

    def act(self, a_minute: float = A_MINUTE) -> None:
        """Do so many things a minute, unless they do things already."""
        if self._acting is None:
            self._acting = asyncio.create_task(self._act(a_minute))

    async def rest(self) -> None:
        """Do nothing any more; raises what they stumbled over."""
        acting, self._acting = self._acting, None
        if acting is not None:
            acting.cancel()
            await asyncio.wait([acting])
            if not acting.cancelled():
                acting.result()

    async def _act(self, a_minute: float) -> None:
        async for _ in self._github.live(self._traffic, a_minute):
            pass
