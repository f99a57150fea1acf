"""What it takes to read GitHub's API: requests, points, time and memory, first and again.

A simulated GitHub in a process of its own is read over HTTP by a reconciler in another, into the embedded PostgreSQL.
So the memory is the reader's alone; the time is that of all three, which share the processors. Every size gets a
GitHub, a database and a reader of its own. The simulated GitHub counts the requests, tokens among them, and charges
points as GitHub does, without an end to them: what the hourly 5,000 would allow is said beside.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import cast

import sqlalchemy as sa
import uvloop
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import database, embedded, log, migrate
from ghsync.github.client import GitHub
from ghsync.reconciler import places
from ghsync.reconciler.installations import refresh
from ghsync.reconciler.reconciler import Reconciler
from ghsync.reconciler.resync import resync
from ghsync.reconciler.sweep import sweep
from ghsync.settings import Settings
from ghsync.simulator.app import EVERY_EVENT
from ghsync.simulator.generator import Plan, generate
from ghsync.simulator.keys import Keys, new_private_key, public_key
from ghsync.simulator.server import create_server
from ghsync.simulator.serving import serving
from tests.benchmarks import beside
from tests.benchmarks.figures import Figure
from tests.benchmarks.fresh import MIB, forget_peak, peak_bytes

POINTS_AN_HOUR = 5_000
ENOUGH = 1_000_000_000  # requests and points: nothing is to stop a run
SIZES = (1_000, 10_000)
SPREAD = Plan(repositories=10, conversations=10_000)
MANY = Plan(repositories=1_000, conversations=2_000, milestones_each=0, releases=False)
MORE = replace(MANY, milestones_each=Plan.milestones_each, releases=True)
"""Of some of these only REST tells: when a milestone is due, and the bot that published a release."""
DAILY = timedelta(days=1)

REPEATED = ("idle sweep", "resync", "resync full")


@dataclass(frozen=True)
class Simulated:
    """A GitHub in another process, which answers through the pipe how many requests it has answered."""

    url: str
    app_id: str
    private_key: str
    counts: Connection

    def answered(self) -> int:
        """How many requests it has answered so far."""
        self.counts.send(None)
        return cast("int", self.counts.recv())


@dataclass(frozen=True)
class Step:
    """One thing that the reader did, and what it took."""

    name: str
    read: int
    rows: int
    requests: int
    points: int
    seconds: float
    own_seconds: float
    peak: int

    @property
    def requests_per_thousand(self) -> float:
        """Requests per 1,000 issues and pull requests that were read."""
        return self.requests / self.read * 1000


def simulate(plan: Plan, private_key: str, counts: Connection) -> None:
    """Be a GitHub after a plan until the process is terminated."""
    uvloop.run(_simulate(plan, private_key, counts))


async def _simulate(plan: Plan, private_key: str, counts: Connection) -> None:
    world = generate(plan, events=EVERY_EVENT)
    world.clock.advance_to(datetime.now(UTC))
    app = create_server(world, Keys(public_key(private_key), "benchmark"), keeps_time=True)
    site = app.state.site
    site.budgets.limits = {"core": ENOUGH, "graphql": ENOUGH}

    def tell() -> None:
        counts.recv()
        counts.send(site.answered)

    async with serving(app) as url:
        counts.send((url, str(world.app.id)))
        asyncio.get_running_loop().add_reader(counts.fileno(), tell)
        await asyncio.Event().wait()


@contextmanager
def simulated(plan: Plan) -> Iterator[Simulated]:
    """A GitHub after a plan."""
    private_key = new_private_key()
    with beside.process(simulate, plan, private_key) as counts:
        url, app_id = counts.recv()
        yield Simulated(url, app_id, private_key, counts)


def read(github: Simulated, url: str, repeats: bool, answer: Connection) -> None:
    """Read a GitHub into an empty database, then once more, and tell what it took."""
    log.configure("json", "warning")
    answer.send(uvloop.run(_read(github, url, repeats)))


async def _read(simulated: Simulated, url: str, repeats: bool) -> list[Step]:
    settings = Settings(app_id=simulated.app_id, private_key=SecretStr(simulated.private_key), api_url=simulated.url)
    engine = database.create_engine(url)
    try:
        async with GitHub(engine, settings) as github:
            reconciler = Reconciler(engine, github)
            meter = Meter(engine, simulated)
            await meter.measure("discover", refresh(reconciler, reconciler.app_session("reconcile", "interactive")))
            await meter.measure("backfill", sweep(reconciler, complete_every=DAILY))
            await meter.measure("idle sweep", sweep(reconciler, complete_every=DAILY))
            if repeats:
                await meter.measure("resync", again(reconciler, full=False))
                await meter.measure("resync full", again(reconciler, full=True))
            return meter.steps
    finally:
        await engine.dispose()


async def again(reconciler: Reconciler, *, full: bool) -> None:
    """Read every repository once more, as `ghsync resync --all` does."""
    async with database.transaction(reconciler.engine) as conn:
        known = await places.everything(conn)
    for place in known:
        await resync(reconciler, place, kind="resync", full=full, priority="interactive")


class Meter:
    """Measures what the reader does, step by step."""

    def __init__(self, engine: AsyncEngine, simulated: Simulated) -> None:
        self.steps: list[Step] = []
        self._engine = engine
        self._simulated = simulated

    async def measure(self, name: str, doing: Awaitable[object]) -> None:
        """Do something and note what it took."""
        before, answered = await self._recorded(), self._simulated.answered()
        forget_peak(os.getpid())
        started, own = time.perf_counter(), time.process_time()
        await doing
        seconds, own_seconds = time.perf_counter() - started, time.process_time() - own
        peak = peak_bytes(os.getpid())
        read, rows, points = (now - then for now, then in zip(await self._recorded(), before, strict=True))
        requests = self._simulated.answered() - answered
        self.steps.append(Step(name, read, rows, requests, points, seconds, own_seconds, peak))

    async def _recorded(self) -> tuple[int, int, int]:
        """What all runs have recorded: issues and pull requests read, rows changed, points spent."""
        async with self._engine.connect() as conn:
            return (await conn.execute(_RECORDED)).one()._tuple()


# The run of a sweep adds up the rows of the runs over its repositories, but not their points.
_RECORDED = sa.text("""
SELECT coalesce(sum(rows_seen) FILTER (WHERE repository_id IS NOT NULL), 0)::int,
       (SELECT count(*) FROM change_events)::int, coalesce(sum(points), 0)::int
FROM sync_runs
""")


def measured(plan: Plan, *, repeats: bool = True) -> dict[str, Step]:
    """Read one GitHub, and once more; prints what it took."""
    with (
        tempfile.TemporaryDirectory(prefix="ghsync-bench-") as folder,
        embedded.running(Path(folder)) as url,
        simulated(plan) as github,
    ):
        migrate.upgrade(url)
        with beside.process(read, github, url, repeats) as reading:
            steps: list[Step] = reading.recv()
    report(plan, steps)
    return {step.name: step for step in steps}


ROW = "{:12} {:>7} {:>8} {:>9} {:>7} {:>8} {:>8} {:>9} {:>12} {:>9} {:>8}"
HEAD = ROW.format(
    "", "read", "requests", "per 1,000", "points", "seconds", "own CPU", "a second", "rows changed", "a second", "peak"
)


def report(plan: Plan, steps: Sequence[Step]) -> None:
    """Print what one GitHub took."""
    print(f"\n{plan.conversations:,} issues and pull requests, repositories: {plan.repositories:,}\n{HEAD}")
    for step in steps:
        print(
            ROW.format(
                step.name,
                f"{step.read:,}",
                f"{step.requests:,}",
                f"{step.requests_per_thousand:.1f}" if step.read else "",
                f"{step.points:,}",
                f"{step.seconds:.1f}",
                f"{step.own_seconds:.1f}",
                f"{step.read / step.seconds:,.0f}",
                f"{step.rows:,}",
                f"{step.rows / step.seconds:,.0f}",
                f"{step.peak / MIB:.0f} MiB",
            ),
            flush=True,
        )


def figures(_url: str, _folder: Path, *, short: bool) -> list[Figure]:
    """Of first readings, second ones, and of a sweep that finds nothing; each prints what it took."""
    sizes = SIZES[:1] if short else SIZES
    backfills = {n: measured(Plan(repositories=1, conversations=n)) for n in sizes}
    if short:
        return _told_of(backfills)
    spread, many, more = measured(SPREAD), measured(MANY, repeats=False), measured(MORE, repeats=False)
    first = {n: steps["backfill"].requests for n, steps in backfills.items()}
    return [
        *_told_of({**backfills, 0: spread}),
        Figure("one of 10,000", "requests for a first reading of one of 10,000", first[10_000], at_most=74),
        Figure(
            "ten of 1,000",
            "requests for a first reading of ten of 1,000",
            spread["backfill"].requests,
            at_most=107,
        ),
        Figure(
            "small ones",
            "requests for 2,000 in 1,000, no milestones or releases",
            _first(many),
            at_most=200,
            note="in 1,000 repositories, of which few have many; one more for each with a bot's release or a milestone "
            "that is due; three for alerts, or three each",
        ),
        Figure("small ones with more", "requests for 2,000 in 1,000, milestones and releases too", _first(more)),
        Figure(
            "idle sweep", "requests for an idle sweep over 1,000 repositories", many["idle sweep"].requests, at_most=20
        ),
    ]


def _first(steps: Mapping[str, Step]) -> int:
    """Requests until all is there: those that find the repositories too."""
    return steps["discover"].requests + steps["backfill"].requests


def _told_of(readings: Mapping[int, Mapping[str, Step]]) -> list[Figure]:
    backfills = [steps["backfill"] for steps in readings.values()]
    again = sum(step.rows for steps in readings.values() for name, step in steps.items() if name in REPEATED)
    largest = max(readings)
    hourly = min(POINTS_AN_HOUR * step.read / step.points for step in backfills)
    return [
        Figure(
            "requests for 1,000",
            "requests per 1,000 issues and pull requests",
            max(step.requests_per_thousand for step in backfills),
            at_most=11,
            note="with comments, reviews, threads and checks, at the most",
        ),
        Figure("second reading", "rows that a second reading changes", again, at_most=0),
        Figure("points", "issues and pull requests for 5,000 GraphQL points", hourly),
        Figure(
            "reader's memory",
            f"memory of reading {largest:,} as a share of reading 1,000",
            readings[largest]["backfill"].peak / readings[SIZES[0]]["backfill"].peak,
            "x",
            at_most=1.1,
        ),
    ]
