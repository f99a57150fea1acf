"""The demo under way: its scenes one after another, the people meanwhile, and what is seen of the mirror."""

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial

import httpx

from ghsync.cli import tail
from ghsync.database import transaction
from ghsync.demo import arrivals, comparison, figures, first_reading, lost_hook, parked_delivery, queries, task
from ghsync.demo.arrivals import Arrivals
from ghsync.demo.crowd import A_MINUTE_AFTERWARDS, Crowd
from ghsync.demo.figures import Figures
from ghsync.demo.patience import PATIENCE_SECONDS
from ghsync.demo.queries import Answer
from ghsync.demo.scene import Scene
from ghsync.demo.stage import Stage
from ghsync.reports.feed import Feed

COUNT_SECONDS = 0.5
NEWEST_CHANGES = 100


class Show:
    """Everything that a screen shows; `look` brings it up to date."""

    def __init__(self, stage: Stage, seen: Arrivals, operations: httpx.AsyncClient) -> None:
        self.stage = stage
        self.crowd = Crowd(stage)
        self.scenes = (
            Scene("First reading", partial(first_reading.play, stage)),
            Scene("A task", partial(task.play, stage)),
            Scene("A lost webhook", partial(lost_hook.play, stage)),
            Scene("A parked delivery", partial(parked_delivery.play, stage)),
            Scene("Comparison", partial(comparison.play, stage, self.crowd)),
        )
        self.figures = Figures(reasons=("nobody has looked yet.",))
        self.answers: list[Answer] = []
        self.changes: deque[str] = deque(maxlen=NEWEST_CHANGES)
        self._seen = seen
        self._operations = operations
        self._feed = Feed(stage.engine)
        self._counted_at = -math.inf
        self._compared_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        """Whether all scenes are done."""
        return all(scene.state == "done" for scene in self.scenes)

    @property
    def verdict(self) -> str:
        """Whether the mirror is fresh, and true as far as it was compared, in one sentence."""
        if self.figures.is_fresh and self._compared_at is not None:
            return f"Fresh and true: all that GitHub has sent is visible; compared at {self._compared_at:%H:%M:%S}Z."
        return self.figures.verdict

    @property
    def freshness(self) -> str:
        """How soon deliveries were visible, in a line."""
        return figures.freshness(self._seen.seconds, self.figures.brought_in)

    async def play(self) -> AsyncIterator[Scene]:
        """Play the scenes; each is answered when it has ended."""
        for scene in self.scenes:
            await scene.happen()
            self.crowd.act()
            yield scene
        self._compared_at = datetime.now(UTC)
        await self.crowd.rest()
        self.crowd.act(A_MINUTE_AFTERWARDS)

    async def look(self, *, closely: bool = False) -> None:
        """Read what changed, and count twice a second, or now if ``closely``."""
        while events := await self._feed.read():
            self.changes.extend(f"[dim]{event['created_at']:%H:%M:%S}[/] {tail.gist(event)}" for event in events)
        if closely or time.monotonic() - self._counted_at >= COUNT_SECONDS:
            self.figures = await figures.read(self.stage, self._operations)
            async with transaction(self.stage.engine) as conn:
                self.answers = await queries.answers(conn)
            self._counted_at = time.monotonic()


@asynccontextmanager
async def on(stage: Stage) -> AsyncIterator[Show]:
    """A show whose deliveries are sent and watched."""
    async with (
        arrivals.watching(stage.database_url) as watcher,
        httpx.AsyncClient(base_url=stage.operations, trust_env=False, timeout=PATIENCE_SECONDS) as operations,
    ):
        seen = Arrivals(watcher)
        show = Show(stage, seen, operations)
        sending = asyncio.create_task(stage.github.send(seen.expect))
        try:
            yield show
        finally:
            sending.cancel()
            await asyncio.wait([sending])
            await show.crowd.rest()
