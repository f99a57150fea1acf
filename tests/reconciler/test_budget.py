"""Whole runs within GitHub's limits: where they stop, where they go on, and who shares what."""

import asyncio
from collections.abc import Awaitable, Iterator
from itertools import pairwise

import pytest

from ghsync import database
from ghsync.errors import RateLimited
from ghsync.github.client import GitHub
from ghsync.reconciler.reconciler import Reconciler
from ghsync.reconciler.resync import resync
from ghsync.reconciler.runs import Run
from ghsync.simulator.budgets import Pool, Resource
from ghsync.simulator.generator import Plan
from ghsync.simulator.repository import Repository
from ghsync.simulator.site import Served
from ghsync.simulator.viewer import InstallationViewer, Integration
from tests.reconciler.conftest import Lab, Open

pytestmark = pytest.mark.anyio

LARGE = Plan(repositories=1, people=8, conversations=600)
"""Five pages of issues, two of pull requests, and two of the heads of those that are open."""

BOTH, REST, ISSUES, RELEASES = 24, 19, 3, 1
"""Points of a page of both kinds with heads, of one with the rest of the pull requests, of issues, and of releases."""


def pool(lab: Lab, resource: Resource, repository: Repository | None = None) -> Pool:
    """What GitHub says that the installation at a repository has left."""
    installation = lab.world.installation_on((repository or lab.repository).owner)
    assert installation is not None
    return lab.site.budgets.pool(InstallationViewer(lab.world, installation, {}), resource)


def asked(lab: Lab, address: str = "") -> list[Served]:
    """The requests that GitHub has answered, of those that begin so."""
    return [each for each in lab.site.journal if each.address.startswith(address)]


def refused(lab: Lab) -> Iterator[tuple[Served, Served]]:
    """Requests that a limit refused, each with the one after it."""
    return ((one, then) for one, then in pairwise(lab.site.journal) if one.status in (403, 429))


def originals(lab: Lab) -> list[Repository]:
    """The repositories that are nobody's fork."""
    return [each for each in lab.world.repositories.values() if each.fork_of is None]


async def backfill(lab: Lab, reconciler: Reconciler | None = None, repository: Repository | None = None) -> Run:
    """Read one repository as a sweep does."""
    place = await lab.place(repository)
    return await resync(reconciler or lab.reconciler, place, kind="backfill", full=True, priority="sweep")


async def stopped(run: Awaitable[Run]) -> RateLimited:
    """How a limit stopped a run."""
    with pytest.raises(RateLimited) as stop:
        await run
    return stop.value


@pytest.mark.slow
async def test_a_backfill_stops_at_its_floor_and_goes_on_after_the_reset_where_it_was(open_lab: Open) -> None:
    lab = await open_lab(LARGE)
    lab.repository.releases.clear()
    # Two pages of both, and REST for the catalog only; the rest is kept for what is more urgent.
    lab.site.budgets.limits = {"graphql": RELEASES + BOTH + REST + 12, "core": 9}
    await lab.discover()
    stop = await stopped(backfill(lab))
    told = lab.connection.execute(
        "SELECT resets_at FROM sync_budgets WHERE resource = 'core' AND credential LIKE 'installation:%'"
    ).fetchall()
    assert told == [(stop.retry_at,)]
    assert (pool(lab, "graphql").remaining, pool(lab, "core").remaining) == (12, 3)
    await lab.discover()  # what people ask for may still be spent
    assert pool(lab, "core").remaining == 0

    lab.passes(hours=1)
    read = len(asked(lab, "/graphql"))
    run = await backfill(lab)
    assert len(asked(lab, "/graphql")) - read == 4
    points = 2 * RELEASES + BOTH + REST + 2 * ISSUES + 1
    assert (run.rows_seen, run.meter.points) == (len(lab.repository.issues), points)
    assert lab.connection.execute("SELECT status, last_error FROM sync_runs").fetchall() == [("succeeded", None)]
    assert list(refused(lab)) == []
    assert lab.differences() == []


@pytest.mark.slow
@pytest.mark.parametrize("points", [0, BOTH, BOTH + ISSUES - 1])
async def test_rest_takes_over_where_graphql_s_points_are_spent(open_lab: Open, points: int) -> None:
    lab = await open_lab(Plan(repositories=1, people=8, conversations=300))
    lab.site.budgets.limits = {"graphql": points}
    await lab.discover()
    await lab.resync()
    # REST knows no threads.
    assert [line for line in lab.differences() if not line.startswith("github_review_threads")] == []
    assert len(asked(lab, "/graphql")) <= 3  # one of these for releases
    assert len(asked(lab, "/repos")) > 100
    # Too few points are no reason to leave GitHub alone altogether.
    assert lab.connection.execute("SELECT FROM sync_budgets WHERE blocked_until IS NOT NULL").fetchall() == []


@pytest.mark.slow
async def test_a_secondary_limit_in_the_middle_is_obeyed_to_the_second(open_lab: Open) -> None:
    lab = await open_lab(LARGE)
    await lab.discover()
    lab.site.faults.retry_after_seconds = 3
    seen: list[int] = []

    def watch(run: Run) -> None:
        if not seen:
            lab.site.faults.plan("secondary", "graphql")
        seen.append(run.rows_seen)

    await resync(lab.reconciler, await lab.place(), kind="backfill", full=True, priority="sweep", watch=watch)
    ((one, then),) = refused(lab)
    assert 3 <= (then.at - one.at).total_seconds() < 30
    assert (then.address, then.status) == (one.address, 200)
    assert len(seen) == 5
    assert lab.differences() == []


async def test_the_app_and_each_installation_have_a_limit_of_their_own(open_lab: Open) -> None:
    lab = await open_lab(Plan(organizations=2, repositories=2, people=8, conversations=120))
    first, second = originals(lab)
    lab.site.budgets.limits = {"graphql": 100, "core": 20}
    await lab.discover()
    pool(lab, "graphql", first).spend(100)
    await stopped(lab.resync(first))
    assert [pool(lab, "core", each).remaining for each in (first, second)] == [0, 17]

    app = lab.reconciler.app_session("reconcile", "interactive")
    while lab.site.budgets.pool(Integration(lab.world.app), "core").remaining:
        await app.get("/app")
    with pytest.raises(RateLimited):
        await app.get("/app")
    await lab.resync(second)
    assert {line for line in lab.differences() if str(second.id) in line} == set()
    assert list(refused(lab)) == []


async def test_two_reconcilers_share_one_budget(open_lab: Open, database_url: str) -> None:
    lab = await open_lab(Plan(repositories=2, people=8, conversations=400))
    lab.site.budgets.limits = {"graphql": 0, "core": 100}
    await lab.discover()
    engine = database.create_engine(database_url)
    try:
        async with GitHub(engine, lab.settings) as github:
            other = Reconciler(engine, github)
            first, second = originals(lab)
            await asyncio.gather(
                stopped(backfill(lab, lab.reconciler, first)),
                stopped(backfill(lab, other, second)),
            )
    finally:
        await engine.dispose()
    assert pool(lab, "core").remaining == 30
    assert list(refused(lab)) == []
    spent = lab.connection.execute("SELECT requests FROM sync_runs ORDER BY requests").fetchall()
    assert spent[0][0] > 15  # of 70, whoever is quicker
