"""One mirror of a small world, and what becomes of whoever reads it while one request is answered wrongly."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psycopg
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import database
from ghsync.errors import GhsyncError
from ghsync.github.client import GitHub
from ghsync.reconciler.reconciler import Reconciler
from ghsync.settings import Settings
from ghsync.simulator.keys import Keys, new_private_key, public_key
from ghsync.simulator.server import create_server
from tests.faulty import Answer, Faulty
from tests.matrix import world
from tests.matrix.doers import DOERS, Doer, Stage
from tests.matrix.mirror import Stale
from tests.matrix.wire import ADDRESS, Asked, Wire

SECRET = "a lamp that turns"
TOKEN = "ghp_ada"
PATIENCE_SECONDS = 0.02
"""Nobody waits longer for an answer: those that come at all come at once."""

_TOLD = """
SELECT coalesce((SELECT last_error FROM sync_runs WHERE last_error IS NOT NULL ORDER BY started_at DESC LIMIT 1),
                (SELECT string_agg(last_error, ' ' ORDER BY kind, key) FROM sync_jobs))
"""


@dataclass(frozen=True)
class Outcome:
    """What became of it: tables left stale, tables in which something is gone, requests, and what was told."""

    unread: frozenset[str]
    gone: frozenset[str]
    requests: int
    told: tuple[str, ...]


@dataclass(frozen=True)
class Bench:
    """The wire to the world, the mirror, and the settings of an App and of a person."""

    engine: AsyncEngine
    wire: Wire
    stale: Stale
    app: Settings
    person: Settings

    async def outcome(self, doer: Doer, broken: Asked | None = None, answer: Answer | None = None) -> Outcome:
        """Let it do its work, while one request is answered wrongly."""
        self.stale.restore()
        self.wire.begin(doer.always, {broken: answer} if broken and answer else {})
        try:
            told = await self.run(doer)
        except GhsyncError as error:
            told = [str(error)]
        told = told or list(filter(None, [self.stale.one(_TOLD)]))
        unread, gone = self.stale.look()
        return Outcome(unread, gone, sum(self.wire.asked.values()), tuple(map(_plain, told)))

    async def run(self, doer: Doer) -> list[str]:
        """Let it do its work; answers what it tells of by itself."""
        settings = self.person if doer.as_person else self.app
        async with GitHub(self.engine, settings, sleep=_at_once, transport=self.wire) as github:
            return await doer.do(Stage(Reconciler(self.engine, github), settings, self.stale))


def _plain(told: str) -> str:
    """Without what differs between two runs, or two codes."""
    told = told.replace(ADDRESS, "API")
    told = re.sub(r"\d\d:\d\d:\d\d UTC", "TIME", told)
    told = re.sub(r"\bwith \d{3}\b", "with STATUS", told)
    told = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "GUID", told)
    return re.sub(r"[0-9a-f]{40}", "SHA", told)


@asynccontextmanager
async def bench(url: str) -> AsyncIterator[Bench]:
    """A bench on a migrated, otherwise empty database."""
    key = new_private_key()
    small = world.small()
    ada = next(each for each in small.accounts.values() if each.login == "ada")
    server = create_server(small, Keys(public_key(key), SECRET, {TOKEN: ada}), keeps_time=True)
    world.lose(server.state.site)
    limits = {"api_url": ADDRESS, "api_patience_seconds": 0, "api_timeout_seconds": PATIENCE_SECONDS}
    app = Settings(app_id=str(small.app.id), private_key=SecretStr(key), **limits)
    person = Settings(token=SecretStr(TOKEN), **limits)
    engine = database.create_engine(url, pool_size=2, planned_once=True)
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            made = Bench(engine, Wire(Faulty(server)), Stale(connection), app, person)
            for name in ("discovery", "reading"):
                await made.run(DOERS[name])
            made.stale.make()
            yield made
    finally:
        await engine.dispose()


async def _at_once(_: float) -> None:
    """Wait for nothing."""
