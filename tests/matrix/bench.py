"""A small world, a mirror of it, and readings of which each makes some of the requests that ghsync makes.

All cells share one database: between two of them the mirror is made stale, and what the reconciler remembers is
forgotten. So what a reading leaves stale is what it has not read.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import database
from ghsync.database import transaction
from ghsync.errors import GhsyncError
from ghsync.github.client import GitHub
from ghsync.reconciler import installations, places
from ghsync.reconciler.reconciler import Reconciler
from ghsync.reconciler.resync import resync
from ghsync.settings import Settings
from ghsync.simulator.app import EVERY_EVENT
from ghsync.simulator.generator import Plan, generate
from ghsync.simulator.keys import Keys, new_private_key, public_key
from ghsync.simulator.server import create_server
from ghsync.simulator.serving import serving
from tests.faulty import Answer, Faulty
from tests.matrix.ways import WAYS

SECRET = "a lamp that turns"
PLAN = Plan(repositories=1, people=4, conversations=4, pull_request_share=0.5, comments_each=1, security_alerts=True)
SEED = 14

STALE: Mapping[str, str] = {
    "github_repositories": "description",
    "github_labels": "description",
    "github_milestones": "description",
    "github_issues": "title",
    "github_pull_requests": "title",
    "github_comments": "body",
    "github_reviews": "body",
    "github_check_runs": "html_url",
    "github_check_suites": "app_slug",
    "github_workflow_runs": "name",
    "github_commit_statuses": "description",
}
"""What is made stale of each table."""

FORGOTTEN = ("sync_jobs", "sync_seen", "sync_runs", "sync_budgets", "sync_etags", "change_events")


@dataclass(frozen=True)
class Outcome:
    """What became of a reading: tables left stale, how many requests it took, and what was told."""

    unread: tuple[str, ...]
    requests: int
    told: str

    def __str__(self) -> str:
        read = f"all but {', '.join(self.unread)}" if self.unread else "all"
        return f"read: {read} | requests: {self.requests} | told: {self.told or 'nothing'}"


@dataclass
class Bench:
    """The world, and the mirror."""

    faulty: Faulty
    reconciler: Reconciler
    connection: psycopg.Connection
    settings: Settings

    async def outcome(self, door: str, kind: str | None = None, answer: Answer | None = None) -> Outcome:
        """Read through a door while one kind of request is answered wrongly; every wrong tombstone is an error."""
        self._begin()
        if door == "REST":
            self.faulty.break_("GraphQL Conversations", WAYS["404"])
        if kind and answer:
            self.faulty.break_(kind, answer)
        told = ""
        try:
            await DOORS[door](self)
        except GhsyncError as error:
            told = str(error)
        told = told or self._told()
        assert self._buried() == 0, f"{kind}: something was buried"
        stale = tuple(
            table for table in STALE if self._count(f"SELECT count(*) FROM {table} WHERE {STALE[table]} = '?'")
        )
        return Outcome(stale, sum(self.faulty.asked.values()), self._plain(told))

    def _begin(self) -> None:
        self.faulty.mend()
        for table in FORGOTTEN:
            self.connection.execute(f"DELETE FROM {table}")
        for table, column in STALE.items():
            self.connection.execute(f"UPDATE {table} SET {column} = '?' WHERE {column} IS NOT NULL")

    def _told(self) -> str:
        query = "SELECT last_error FROM sync_runs WHERE last_error IS NOT NULL ORDER BY started_at DESC LIMIT 1"
        row = self.connection.execute(query).fetchone()
        return row[0] if row else ""

    def _buried(self) -> int:
        return sum(self._count(f"SELECT count(*) FROM {table} WHERE deleted_at IS NOT NULL") for table in STALE)

    def _count(self, query: str) -> int:
        row = self.connection.execute(query).fetchone()
        return int(row[0]) if row else 0

    def _plain(self, told: str) -> str:
        """Without what differs between two runs."""
        told = told.replace(self.settings.api_url, "API")
        told = re.sub(r"\d\d:\d\d:\d\d UTC", "TIME", told)
        return re.sub(r"[0-9a-f]{40}", "SHA", told)


async def _discover(bench: Bench) -> None:
    await installations.refresh(bench.reconciler, bench.reconciler.app_session("reconcile", "interactive"))


async def _resync(bench: Bench) -> None:
    async with transaction(bench.reconciler.engine) as conn:
        (place,) = await places.everything(conn)
    await resync(bench.reconciler, place, kind="resync", full=True, priority="interactive")


DOORS: Mapping[str, Callable[[Bench], Awaitable[None]]] = {"GraphQL": _resync, "REST": _resync}
"""Readings by name, the cheapest first: a kind of request is broken in the first that makes it."""


@asynccontextmanager
async def bench(url: str) -> AsyncIterator[Bench]:
    """A bench on a migrated, otherwise empty database."""
    key = new_private_key()
    world = generate(PLAN, seed=SEED, events=EVERY_EVENT)
    world.clock.advance_to(datetime.now(UTC))
    faulty = Faulty(create_server(world, Keys(public_key(key), SECRET), keeps_time=True))
    engine: AsyncEngine = database.create_engine(url)
    try:
        async with serving(faulty) as api_url:
            settings = Settings(
                app_id=str(world.app.id), private_key=SecretStr(key), api_url=api_url, api_patience_seconds=0
            )
            with psycopg.connect(url, autocommit=True) as connection:
                async with GitHub(engine, settings, sleep=_at_once) as github:
                    made = Bench(faulty, Reconciler(engine, github), connection, settings)
                    await _discover(made)
                    await _resync(made)
                    yield made
    finally:
        await engine.dispose()


async def _at_once(_: float) -> None:
    """Wait for nothing."""
