"""A simulated GitHub of any size behind a real server, and a reconciler that reads it into a real database."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import jobs
from ghsync.database import transaction
from ghsync.github.client import GitHub
from ghsync.reconciler import places, refetch
from ghsync.reconciler.installations import refresh
from ghsync.reconciler.places import Place
from ghsync.reconciler.reconciler import Reconciler
from ghsync.reconciler.resync import resync
from ghsync.reconciler.runs import Run
from ghsync.settings import Settings
from ghsync.simulator.app import EVERY_EVENT
from ghsync.simulator.generator import Plan, generate
from ghsync.simulator.keys import Keys, new_private_key, public_key
from ghsync.simulator.repository import Repository
from ghsync.simulator.server import create_server
from ghsync.simulator.serving import serving
from ghsync.simulator.site import Site
from ghsync.simulator.world import World
from tests import truth
from tests.faulty import Faulty
from tests.rows import Rows

SECRET = "a lamp that turns"
SMALL = Plan(repositories=3, people=8, conversations=90, pull_request_share=0.5)


@pytest.fixture(scope="session")
def private_key() -> str:
    return new_private_key()


@dataclass
class Lab:
    """A GitHub, and what reads it."""

    site: Site
    reconciler: Reconciler
    settings: Settings
    connection: psycopg.Connection

    @property
    def world(self) -> World:
        return self.site.world

    @property
    def engine(self) -> AsyncEngine:
        return self.reconciler.engine

    @property
    def repository(self) -> Repository:
        """The largest of all."""
        return max(self.world.repositories.values(), key=lambda each: len(each.issues))

    async def discover(self) -> None:
        """Find out what the App may see."""
        await refresh(self.reconciler, self.reconciler.app_session("reconcile", "interactive"))

    async def place(self, repository: Repository | None = None) -> Place:
        """A repository as the mirror knows it."""
        github_id = str((repository or self.repository).id)
        async with transaction(self.engine) as conn:
            statement = sa.text("SELECT id::text FROM github_repositories WHERE github_id = :github_id")
            ours = await conn.scalar(statement, {"github_id": github_id})
            (found,) = await places.these(conn, [ours])
        return found

    async def resync(self, repository: Repository | None = None, *, kind: str = "resync", full: bool = False) -> Run:
        """Bring one repository up to GitHub."""
        place = await self.place(repository)
        return await resync(self.reconciler, place, kind=kind, full=full, priority="interactive")

    async def resync_all(self, *, full: bool = True) -> list[Run]:
        """Bring all of them up to GitHub."""
        return [
            await self.resync(each, full=full)
            for each in self.world.repositories.values()
            if truth.visible(self.world, each)
        ]

    def differences(self) -> list[str]:
        """Where the mirror is not as GitHub is."""
        return [str(each) for each in truth.differences(self.world, self.connection)]

    def due(self) -> dict[str, int]:
        """Make due at once what would be in some seconds; answers how many jobs of each kind there are."""
        self.connection.execute("UPDATE sync_jobs SET due_at = now()")
        return dict(self.connection.execute("SELECT kind, count(*)::int FROM sync_jobs GROUP BY kind").fetchall())

    async def settle(self) -> None:
        """Do what is due, and let time pass, until nothing is."""
        for _ in range(20):
            if not {kind for kind in self.due() if kind.startswith("refetch")}:
                return
            self.world.clock.advance(1)
            await refetch.do_due(self.reconciler)
        raise AssertionError(f"something is always due: {self.due()}")

    def passes(self, **time: float) -> None:
        """Let so much time go by, on GitHub and here."""
        self.world.clock.advance(**time)
        self.connection.execute(
            "UPDATE sync_budgets SET resets_at = resets_at - %(by)s, blocked_until = blocked_until - %(by)s",
            {"by": timedelta(**time)},
        )

    def changes(self) -> int:
        """How many changes the feed has told of."""
        row = self.connection.execute("SELECT count(*) FROM change_events").fetchone()
        assert row is not None
        return int(row[0])


class Broken(Lab):
    """A lab whose GitHub may answer wrongly."""

    faulty: Faulty

    async def unread(self) -> list[str]:
        """What is told of what cannot be read."""
        async with transaction(self.engine) as conn:
            return [one["error"] for one in await jobs.failing(conn, 100)]

    def tombstones(self) -> int:
        """How much is said to be gone."""
        tables = ("github_issues", "github_pull_requests", "github_labels", "github_milestones", "github_comments")
        counts = (self.connection.execute(f"SELECT count(deleted_at) FROM {table}").fetchone() for table in tables)
        return sum(row[0] for row in counts if row)

    def number_of_a_pull_request(self) -> int:
        """That of the newest."""
        return max(self.repository.pull_requests)


Open = Callable[[Plan], Awaitable[Lab]]
OpenBroken = Callable[[int], Awaitable[Broken]]


@asynccontextmanager
async def opened(
    engine: AsyncEngine, connection: psycopg.Connection, private_key: str, plan: Plan
) -> AsyncIterator[Lab]:
    """A lab on a world after a plan, in which it is now."""
    world = generate(plan, events=EVERY_EVENT)
    world.clock.advance_to(datetime.now(UTC))
    app = create_server(world, Keys(public_key(private_key), SECRET), keeps_time=True)
    async with serving(app) as url:
        settings = Settings(
            app_id=str(world.app.id), private_key=SecretStr(private_key), api_url=url, webhook_secrets=(SECRET,)
        )
        async with GitHub(engine, settings) as github:
            yield Lab(app.state.site, Reconciler(engine, github), settings, connection)


@pytest.fixture
async def open_lab(engine: AsyncEngine, connection: psycopg.Connection, private_key: str) -> AsyncIterator[Open]:
    """Opens a lab on a world after a plan."""
    async with AsyncExitStack() as stack:

        async def open_one(plan: Plan) -> Lab:
            return await stack.enter_async_context(opened(engine, connection, private_key, plan))

        yield open_one


@pytest.fixture
async def lab(open_lab: Open) -> Lab:
    """A small organization, of which nothing is known yet."""
    return await open_lab(SMALL)


async def read_once(lab: Lab, readings: dict[tuple[str, Plan], Rows], name: str, plan: Plan) -> None:
    """Mirror all that the App sees, or put back what that left the first time; there is a token either way."""
    key = name, plan
    if key in readings:
        readings[key].put_back(lab.connection)
        github = lab.reconciler.github
        for installation in lab.world.installations.values():
            await github.token(await github.credential_for(installation.id))
        return
    await lab.discover()
    await lab.resync_all()
    assert lab.differences() == []
    readings[key] = Rows(lab.connection)


@pytest.fixture
async def mirrored(lab: Lab, readings: dict[tuple[str, Plan], Rows]) -> Lab:
    """A small organization, all of it mirrored."""
    await read_once(lab, readings, "lab", SMALL)
    return lab


async def at_once(_: float) -> None:
    """Wait for nothing."""


@pytest.fixture
async def broken(
    engine: AsyncEngine, connection: psycopg.Connection, private_key: str, readings: dict[tuple[str, Plan], Rows]
) -> AsyncIterator[Broken]:
    """One repository, mirrored."""
    async with _broken(engine, connection, private_key, readings, repositories=1) as lab:
        yield lab


@pytest.fixture
async def several_broken(
    engine: AsyncEngine, connection: psycopg.Connection, private_key: str, readings: dict[tuple[str, Plan], Rows]
) -> AsyncIterator[Broken]:
    """Several repositories of one installation, mirrored."""
    async with _broken(engine, connection, private_key, readings, repositories=3) as lab:
        yield lab


@pytest.fixture
async def open_broken(
    engine: AsyncEngine, connection: psycopg.Connection, private_key: str, readings: dict[tuple[str, Plan], Rows]
) -> AsyncIterator[OpenBroken]:
    """Opens a lab of so many repositories, mirrored."""
    async with AsyncExitStack() as stack:

        async def open_one(repositories: int) -> Broken:
            opened = _broken(engine, connection, private_key, readings, repositories=repositories)
            return await stack.enter_async_context(opened)

        yield open_one


@asynccontextmanager
async def _broken(
    engine: AsyncEngine,
    connection: psycopg.Connection,
    private_key: str,
    readings: dict[tuple[str, Plan], Rows],
    *,
    repositories: int,
) -> AsyncIterator[Broken]:
    plan = Plan(
        repositories=repositories, people=6, conversations=10, pull_request_share=0.5, comments_each=1,
        security_alerts=True,
    )  # fmt: skip
    world = generate(plan, seed=2, events=EVERY_EVENT)
    world.clock.advance_to(datetime.now(UTC))
    app = create_server(world, Keys(public_key(private_key), SECRET), keeps_time=True)
    faulty = Faulty(app)
    async with serving(faulty) as url:
        settings = Settings(
            app_id=str(world.app.id), private_key=SecretStr(private_key), api_url=url, webhook_secrets=(SECRET,)
        )
        async with GitHub(engine, settings, sleep=at_once) as github:
            lab = Broken(app.state.site, Reconciler(engine, github), settings, connection)
            lab.faulty = faulty
            await read_once(lab, readings, "broken", plan)
            faulty.mend()
            yield lab
