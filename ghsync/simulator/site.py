"""The simulated GitHub as it is met over HTTP: its world, and what only the API and the hook know of."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ghsync.simulator.budgets import Budgets
from ghsync.simulator.faults import Faults
from ghsync.simulator.graphql.limits import Limits
from ghsync.simulator.hook_log import Hook, HookLog
from ghsync.simulator.payload import API_URL
from ghsync.simulator.tokens import Tokens

if TYPE_CHECKING:
    from ghsync.simulator.keys import Keys
    from ghsync.simulator.rest.inquiry import Result
    from ghsync.simulator.viewer import Viewer
    from ghsync.simulator.world import World

REMEMBERED = 16
NOTED = 100_000


@dataclass(frozen=True)
class Served:
    """A request that was answered."""

    method: str
    address: str
    status: int
    at: datetime


@dataclass(repr=False)
class Site:
    """Everything behind one server.

    All time is the world's. With `keeps_time` it goes on as fast as real time does, from wherever it is; else it
    stands still until somebody advances it. The journal has the newest requests, for whoever counts them.
    `graphql_lacks` is what GraphQL's schema does not know yet, or no more. `api_url` is what deliveries call the API;
    answers call it as they were asked.
    """

    world: World
    keys: Keys
    faults: Faults = field(default_factory=Faults)
    graphql_limits: Limits = field(default_factory=Limits)
    graphql_lacks: frozenset[str] = frozenset()
    keeps_time: bool = False
    api_url: str = API_URL
    tokens: Tokens = field(init=False)
    budgets: Budgets = field(init=False)
    hook: Hook = field(init=False)
    hook_log: HookLog = field(init=False)
    limited_until: dict[str, datetime] = field(default_factory=dict)
    journal: deque[Served] = field(default_factory=lambda: deque(maxlen=NOTED))
    answered: int = 0
    _past: dict[tuple[str, str], deque[tuple[datetime, Result]]] = field(default_factory=dict)
    _looked_at: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.tokens = Tokens(self.world, self.keys)
        self.budgets = Budgets(self.world.clock)
        self.hook = Hook(self.world.app.hook_url, self.keys.webhook_secret)
        self.hook_log = HookLog(self.world.clock)

    def keep_time(self) -> None:
        """Let the world's clock go on, if it goes on by itself."""
        now = time.monotonic()
        if self.keeps_time:
            self.world.clock.advance(now - self._looked_at)
        self._looked_at = now

    def note(self, method: str, address: str, status: int) -> int:
        """Write an answer into the journal; answers how many requests there have been."""
        self.journal.append(Served(method, address, status, self.world.now()))
        self.answered += 1
        return self.answered

    def limit(self, viewer: Viewer) -> None:
        """Want to be left alone by someone for a while."""
        self.limited_until[viewer.name] = self.world.now() + timedelta(seconds=self.faults.retry_after_seconds)

    def remember(self, viewer: Viewer, question: str, result: Result) -> None:
        """Keep an answer, if stale ones are to be given."""
        if self.faults.stale_seconds:
            past = self._past.setdefault((viewer.name, question), deque(maxlen=REMEMBERED))
            past.append((self.world.now(), result))

    def stale(self, viewer: Viewer, question: str) -> Result | None:
        """The newest answer that is old enough for a replica that lags behind."""
        limit = self.world.now() - timedelta(seconds=self.faults.stale_seconds)
        past = self._past.get((viewer.name, question), ())
        return next((result for moment, result in reversed(past) if moment <= limit), None)
