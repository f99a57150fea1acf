"""Runs: one process at a time goes on with a listing, and whoever lost it stops without doing harm."""

import asyncio
from dataclasses import dataclass, field

import pytest
from msgspec import structs

from ghsync.database import transaction
from ghsync.errors import TakenOver
from ghsync.github.client import GitHub
from ghsync.reconciler import runs
from ghsync.reconciler.progress import Position, Progress
from ghsync.reconciler.reconciler import Reconciler
from ghsync.reconciler.resync import resync
from ghsync.reconciler.runs import Run
from ghsync.simulator.actions import issues
from ghsync.simulator.generator import Plan
from tests import truth
from tests.mirror.reports import NOON
from tests.reconciler.conftest import Lab, Open

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@dataclass
class Straggler:
    """A process whose next request in vain is not sent again before it is let go on."""

    lab: Lab
    stuck: asyncio.Event = field(default_factory=asyncio.Event)
    free: asyncio.Event = field(default_factory=asyncio.Event)

    async def pause(self, _: float) -> None:
        """Wait to be let go on, whatever time that takes."""
        self.stuck.set()
        await self.free.wait()

    async def resync(self, within: str) -> Run:
        """Read everything; after the first page, the first request with this text is in vain."""

        def watch(run: Run) -> None:
            if not self.stuck.is_set():
                self.lab.site.faults.planned.clear()
                self.lab.site.faults.plan("failure", within)

        place = await self.lab.place()
        async with GitHub(self.lab.engine, self.lab.settings, sleep=self.pause) as github:
            reconciler = Reconciler(self.lab.engine, github)
            return await resync(reconciler, place, kind="resync", full=True, priority="interactive", watch=watch)


@pytest.fixture
async def large(open_lab: Open) -> Lab:
    """One repository that takes several pages, all of it mirrored."""
    lab = await open_lab(Plan(repositories=1, people=8, conversations=500, pull_request_share=0.3))
    await lab.discover()
    await lab.resync(kind="backfill", full=True)
    assert lab.differences() == []
    return lab


@pytest.mark.parametrize("stuck_at", ["graphql", "/issues/"])
async def test_of_two_runs_over_one_listing_the_one_that_lost_it_stops(large: Lab, stuck_at: str) -> None:
    gone = next(issue for issue in large.repository.issues.values() if issue.pull_request is None)
    issues.delete(large.world, gone, by=large.repository.owner)
    straggler = Straggler(large)
    slower = asyncio.create_task(straggler.resync(stuck_at))
    await straggler.stuck.wait()

    faster = await large.resync(full=True)
    served = len(large.site.journal)
    straggler.free.set()
    with pytest.raises(TakenOver) as told:
        await slower

    name = large.repository.full_name
    assert str(told.value) == f"Another process has taken over this run of {name}; it goes on there."
    runs = large.connection.execute(
        "SELECT id::text, status, last_error FROM sync_runs WHERE kind = 'resync'"
    ).fetchall()
    assert runs == [(faster.id, "succeeded", None)]
    assert len(list(large.site.journal)[served:]) == 1
    assert truth.gone(large.connection, "github_issues") == {(str(large.repository.id), gone.number)}
    assert large.differences() == []


async def test_a_run_that_was_lost_and_then_fails_leaves_the_other_alone(large: Lab) -> None:
    straggler = Straggler(large)
    slower = asyncio.create_task(straggler.resync("graphql"))
    await straggler.stuck.wait()
    await large.resync(full=True)
    slower.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slower
    assert large.connection.execute("SELECT status FROM sync_runs WHERE kind = 'resync'").fetchall() == [("succeeded",)]


@pytest.mark.parametrize(("hours", "goes_on"), [(23, True), (25, False)])
async def test_a_run_that_was_stopped_is_gone_on_with_for_a_day(mirrored: Lab, hours: int, goes_on: bool) -> None:
    place = await mirrored.place()
    async with transaction(mirrored.engine) as conn:
        stopped = await runs.start(conn, "resync", Progress(NOON, complete=True), place.id)
    age = "UPDATE sync_runs SET started_at = now() - make_interval(hours => %s) WHERE id = %s"
    mirrored.connection.execute(age, [hours, stopped.id])
    async with transaction(mirrored.engine) as conn:
        again = await runs.resume(conn, "resync", place.id)
    assert (again.id if again else None) == (stopped.id if goes_on else None)


def test_what_follows_what_is_open_goes_on_with_what_is_known_of_it() -> None:
    is_open = Position("open", of=10, after="a", through=NOON, total=4, shown=4, last=3, partial=True)
    rest = is_open.over()
    assert rest == Position("closed", of=10, through=NOON, total=6, partial=True)
    assert (is_open.open, rest.open, rest.left) == (4, 4, 6)
    assert rest.over() == structs.replace(rest, ended=True)
    assert (Position("open").over().left, Position("closed").open) == (None, None)
