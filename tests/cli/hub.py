"""A simulated GitHub behind a real server, and the real commands that read it."""

import asyncio
import os
import pty
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg
from starlette.applications import Starlette

from ghsync.simulator.account import Account
from ghsync.simulator.app import EVERY_EVENT
from ghsync.simulator.generator import Plan, generate
from ghsync.simulator.keys import Keys, public_key
from ghsync.simulator.repository import Repository
from ghsync.simulator.server import create_server
from ghsync.simulator.serving import serving
from ghsync.simulator.site import Site
from ghsync.simulator.world import World
from tests import forked, truth
from tests.cli.result import Result
from tests.github.keys import private_key

SMALL = Plan(repositories=3, people=8, conversations=60, pull_request_share=0.5)
PERSONAL_TOKEN = "ghp_" + "0" * 36
PATIENCE_SECONDS = 60


class Command:
    """A command under way; what it says is read meanwhile."""

    def __init__(self, arguments: list[str], environment: dict[str, str]) -> None:
        pipes = os.pipe(), os.pipe()
        (stdout, stderr) = (theirs for _, theirs in pipes)
        self._process = forked.start(arguments, environment, stdout=stdout, stderr=stderr)
        for theirs in (stdout, stderr):
            os.close(theirs)
        self._said = [asyncio.create_task(asyncio.to_thread(_drained, ours)) for ours, _ in pipes]

    def send_signal(self, which: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(which)

    async def ended(self) -> Result:
        """What it has said, when it has ended."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            stdout, stderr = await asyncio.gather(*self._said)
            return Result(await self._process.wait(), stdout, stderr)


def _drained(pipe: int) -> str:
    with open(pipe) as stream:
        return stream.read()


@dataclass
class Hub:
    """A GitHub, the settings with which ghsync reads it, and the mirror's database."""

    app: Starlette
    environment: dict[str, str]
    connection: psycopg.Connection[Any]
    _serving: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def site(self) -> Site:
        found: Site = self.app.state.site
        return found

    @property
    def world(self) -> World:
        return self.site.world

    @property
    def repository(self) -> Repository:
        """The largest of all."""
        return max(self.world.repositories.values(), key=lambda each: len(each.issues))

    @property
    def owner(self) -> Account:
        """Who may do everything there."""
        return self.repository.owner

    def names(self) -> list[str]:
        """The full names of all repositories that the App sees, in order."""
        seen = (each for each in self.world.repositories.values() if truth.visible(self.world, each))
        return sorted(each.full_name for each in seen)

    def differences(self) -> list[str]:
        """Where the mirror is not as GitHub is."""
        return [str(each) for each in truth.differences(self.world, self.connection)]

    def rows(self, statement: str, *values: object) -> list[Any]:
        """What a statement answers."""
        return self.connection.execute(statement, values or None).fetchall()

    async def serve(self, port: int = 0) -> None:
        """Begin to answer, at a port or at any."""
        self.environment["GHSYNC_API_URL"] = await self._serving.enter_async_context(serving(self.app, port))

    async def stop(self) -> None:
        """Answer no more."""
        await self._serving.aclose()

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """Be away for a while, and then at the same address again."""
        await self.stop()
        yield
        await self.serve(int(self.environment["GHSYNC_API_URL"].rpartition(":")[2]))

    def settings(self) -> dict[str, str]:
        """The environment as settings."""
        return {name.removeprefix("GHSYNC_").lower(): value for name, value in self.environment.items()}

    def start(self, *arguments: object, **settings: str) -> Command:
        """Start a command."""
        return Command(list(map(str, arguments)), {**os.environ, **self.environment, **settings})

    async def run(self, *arguments: object, **settings: str) -> Result:
        """Call a command, and wait for its end."""
        return await self.start(*arguments, **settings).ended()

    async def run_on_a_terminal(self, *arguments: object) -> Result:
        """Call a command as people do: with a new interpreter, and a terminal for what is not output."""
        ours, theirs = pty.openpty()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "ghsync", *map(str, arguments),
                env={**os.environ, **self.environment, "TERM": "xterm"},
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=theirs,
            )  # fmt: skip
            os.close(theirs)
            shown = asyncio.create_task(asyncio.to_thread(_read, ours))
            async with asyncio.timeout(PATIENCE_SECONDS):
                stdout, _ = await process.communicate()
            assert process.returncode is not None
            return Result(process.returncode, stdout.decode(), await shown)
        finally:
            os.close(ours)


def _read(terminal: int) -> str:
    """All that is shown on a terminal until nobody writes to it any more."""
    shown = b""
    while True:
        try:
            part = os.read(terminal, 65_536)
        except OSError:  # Linux says so when the other side is closed
            part = b""
        if not part:
            return shown.decode()
        shown += part


@asynccontextmanager
async def opened(plan: Plan, environment: Mapping[str, str], connection: psycopg.Connection[Any]) -> AsyncIterator[Hub]:
    """A GitHub of today after a plan, which the settings name."""
    world = generate(plan, events=EVERY_EVENT)
    world.clock.advance_to(datetime.now(UTC))
    member = next(iter(world.members[next(iter(world.repositories.values())).owner]))
    keys = Keys(public_key(private_key()), environment["GHSYNC_WEBHOOK_SECRETS"], {PERSONAL_TOKEN: member})
    app_settings = {"GHSYNC_APP_ID": str(world.app.id), "GHSYNC_PRIVATE_KEY": private_key()}
    hub = Hub(create_server(world, keys, keeps_time=True), {**environment, **app_settings}, connection)
    await hub.serve()
    try:
        yield hub
    finally:
        await hub.stop()
