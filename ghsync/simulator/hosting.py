"""A whole simulated GitHub on this machine: an App with its key, the API, a hook, and people who do things."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from ghsync.simulator.app import EVERY_EVENT
from ghsync.simulator.generator import Plan, generate
from ghsync.simulator.keys import Keys, new_private_key, public_key
from ghsync.simulator.sender import Sender
from ghsync.simulator.serving import serving
from ghsync.simulator.site import Site

if TYPE_CHECKING:
    from ghsync.simulator.delivery import Delivery
    from ghsync.simulator.repository import Repository
    from ghsync.simulator.traffic import Deed, Traffic
    from ghsync.simulator.world import World

PERSONAL_TOKEN = "ghp_" + "0" * 36

HARMLESS = dict.fromkeys(
    ("suspend", "unsuspend", "uninstall", "install", "lose_access", "regain_access", "rename_organization",
     "rename_repository"), 0.0,
)  # fmt: skip
"""Deeds that are not done: they would take away what is tried, or the name under which it is."""


@dataclass(frozen=True)
class Hosted:
    """A simulated GitHub at an address; the key of its App is a file."""

    site: Site
    address: str
    key_path: Path

    @property
    def world(self) -> World:
        """Who and what is there."""
        return self.site.world

    @property
    def repositories(self) -> list[Repository]:
        """What the App may see."""
        return [each for installation in self.world.installations.values() for each in installation.repositories]

    @property
    def settings(self) -> Mapping[str, str]:
        """What ghsync has to be told to read it, and to believe its webhooks."""
        return {
            "GHSYNC_API_URL": self.address,
            "GHSYNC_APP_ID": str(self.world.app.id),
            "GHSYNC_PRIVATE_KEY_PATH": str(self.key_path),
            "GHSYNC_WEBHOOK_SECRETS": self.site.keys.webhook_secret,
        }

    async def send(self, watch: Callable[[Delivery], None] | None = None) -> None:
        """Deliver whatever arises, until cancelled; ``watch`` is told of each attempt when it begins."""
        async with Sender(self.site, watch=watch) as sender:
            await sender.run()

    async def live(self, traffic: Traffic, a_minute: float) -> AsyncIterator[Deed]:
        """What people do, as they do it: so many things a minute, at any moment."""
        random = Random(traffic.seed)
        while a_minute:
            await asyncio.sleep(random.expovariate(a_minute / 60))
            self.site.keep_time()
            yield traffic.act()


def _kept(path: Path) -> str:
    """The key in a file; where there is none that can be read, a new one, which is put there for its owner alone."""
    try:
        key = path.read_text()
        public_key(key)
    except (OSError, ValueError, TypeError):
        key = new_private_key()
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(key)
    return key


def _secret(seed: int, key: str) -> str:
    """What deliveries are signed with: the same again, and unknown to whoever has not the key."""
    return hashlib.sha256(f"{seed}:{key}".encode()).hexdigest()[:32]


@asynccontextmanager
async def hosting(plan: Plan, seed: int, folder: Path, *, hook: str, port: int = 0) -> AsyncIterator[Hosted]:
    """Make a GitHub and answer for it, at a port or at any; its App's key is in ``folder``, or put there.

    With the same seed and key it is the same for whoever was told its settings before.

    Raises `OSError` where nothing can listen there.
    """
    # Deferred: the API's schema is parsed when this is imported.
    from ghsync.simulator.server import create_server

    world = generate(plan, seed=seed, events=EVERY_EVENT)
    world.clock.advance_to(datetime.now(UTC))
    world.app.hook_url = hook
    key_path = folder / "private-key.pem"
    key = _kept(key_path)
    member = next(iter(world.members[next(iter(world.repositories.values())).owner]))
    keys = Keys(public_key(key), _secret(seed, key), {PERSONAL_TOKEN: member})
    app = create_server(world, keys, keeps_time=True)
    async with serving(app, port) as address:
        site: Site = app.state.site
        site.api_url = address
        yield Hosted(site, address, key_path)
