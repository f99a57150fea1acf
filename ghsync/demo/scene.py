"""A scene: something that happens on the stage, told in sentences while it does."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Literal

State = Literal["waiting", "happening", "done", "failed", "stopped"]

Play = Callable[[], AsyncIterator[str]]
"""Lets it happen; each sentence replaces the one before, and the last says how it ended."""


@dataclass(slots=True)
class Scene:
    """How far it is."""

    title: str
    play: Play
    state: State = "waiting"
    said: str = ""
    _began: float = field(default=0.0, init=False)
    _seconds: float = field(default=0.0, init=False)

    @property
    def seconds(self) -> float:
        """How long it took, or takes by now."""
        return time.monotonic() - self._began if self.state == "happening" else self._seconds

    async def happen(self) -> None:
        """Play it; whatever it raises is raised."""
        self.state, self._began = "happening", time.monotonic()
        try:
            async for sentence in self.play():
                self.said = sentence
        except (asyncio.CancelledError, KeyboardInterrupt):
            self._end("stopped")
            raise
        except BaseException:
            self._end("failed")
            raise
        self._end("done")

    def _end(self, state: State) -> None:
        self._seconds = self.seconds
        self.state = state
