"""The schedule: one process at a time does what is due, and another takes over when it dies."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from ghsync import locks
from ghsync.errors import BadCredentials, GitHubUnavailable, RateLimited
from ghsync.inbox.recorder import Recorder
from ghsync.processes import Process
from ghsync.reconciler import schedule
from ghsync.reconciler.schedule import Intervals, Schedule
from ghsync.simulator.actions import issues
from tests.reconciler.conftest import Lab

pytestmark = pytest.mark.anyio

OFTEN = Intervals(refetch=0.2, heal=0.2, sweep=0.2, audit=60, complete=86_400)

LEADERS = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND granted"


@asynccontextmanager
async def scheduled(lab: Lab, url: str, intervals: Intervals = OFTEN) -> AsyncIterator[asyncio.Task[None]]:
    """A schedule that runs, until the end."""
    recorder = Recorder(lab.engine, timeout_seconds=5)
    running = asyncio.create_task(Schedule(lab.reconciler, recorder, intervals, Process("work")).run(url))
    try:
        yield running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await recorder.close()


async def until_equal(lab: Lab) -> None:
    """Wait until the mirror is as GitHub is."""
    async with asyncio.timeout(30):
        while lab.differences():  # noqa: ASYNC110 (the mirror sets no event)
            await asyncio.sleep(0.1)


def leaders(connection: psycopg.Connection) -> list[int]:
    """The server processes of those who lead."""
    return [pid for (pid,) in connection.execute(LEADERS, [locks.LEADER & 0xFFFFFFFF])]


@pytest.mark.slow
async def test_a_new_mirror_fills_itself_and_stays_equal(lab: Lab, database_url: str) -> None:
    async with scheduled(lab, database_url):
        await until_equal(lab)
        issues.open_issue(lab.world, lab.repository, "Told by nobody", by=lab.repository.owner)
        assert lab.differences() != []
        await until_equal(lab)


@pytest.mark.slow
async def test_a_public_repository_that_left_the_app_untold_is_hidden_as_often_as_all_is_read(
    lab: Lab, database_url: str
) -> None:
    left = next(each for each in lab.world.repositories.values() if each.visibility == "public")
    (installation,) = lab.world.installations.values()
    async with scheduled(lab, database_url, replace(OFTEN, complete=0.5)):
        await until_equal(lab)
        installation.repositories.remove(left)
        assert lab.differences() != []
        await until_equal(lab)


@pytest.mark.slow
async def test_there_is_one_leader_and_another_takes_over(
    lab: Lab, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "RETRY_SECONDS", 0.1)
    async with scheduled(lab, database_url), scheduled(lab, database_url):
        await until_equal(lab)
        (first,) = leaders(lab.connection)
        lab.connection.execute("SELECT pg_terminate_backend(%s)", [first])
        async with asyncio.timeout(10):
            while leaders(lab.connection) in ([], [first]):  # noqa: ASYNC110 (PostgreSQL tells nobody)
                await asyncio.sleep(0.05)
        issues.open_issue(lab.world, lab.repository, "Told by nobody", by=lab.repository.owner)
        await until_equal(lab)


@pytest.mark.slow
async def test_github_may_fail_and_come_back(lab: Lab, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "LONGEST_PAUSE_SECONDS", 0.2)
    lab.site.faults.api = {"bad_gateway": 1.0}
    async with scheduled(lab, database_url):
        failed = "SELECT FROM sync_runs WHERE status = 'failed'"
        async with asyncio.timeout(30):
            while not lab.connection.execute(failed).fetchall():  # noqa: ASYNC110 (PostgreSQL tells nobody)
                await asyncio.sleep(0.1)
        lab.site.faults.api = {}
        await until_equal(lab)


@pytest.mark.slow
async def test_a_leader_that_loses_its_connection_leads_again(
    lab: Lab, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "RETRY_SECONDS", 0.1)
    async with scheduled(lab, database_url):
        for _ in range(3):
            async with asyncio.timeout(10):
                while not (found := leaders(lab.connection)):  # noqa: ASYNC110 (PostgreSQL tells nobody)
                    await asyncio.sleep(0.05)
            lab.connection.execute("SELECT pg_terminate_backend(%s)", found)
        await until_equal(lab)


@pytest.mark.slow
async def test_who_has_the_lock_and_not_the_lead_gives_the_lock_back(
    lab: Lab, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that went on late may have taken the lead from one that has the lock by now."""
    monkeypatch.setattr(schedule, "RETRY_SECONDS", 0.1)
    async with scheduled(lab, database_url):
        await until_equal(lab)
        late = Process("work")
        await late.lead(lab.engine)
        await late.resign(lab.engine)
        issues.open_issue(lab.world, lab.repository, "Told by nobody", by=lab.repository.owner)
        await until_equal(lab)
        assert lab.connection.execute("SELECT count(leading_since) FROM sync_processes").fetchone() == (1,)


async def test_what_is_too_old_of_the_history_is_forgotten(lab: Lab, database_url: str) -> None:
    lab.connection.execute(
        "INSERT INTO sync_runs (kind, status, started_at) VALUES ('audit', 'interrupted', now() - interval '31 days')"
    )
    async with scheduled(lab, database_url):
        old = "SELECT FROM sync_runs WHERE started_at < now() - interval '30 days'"
        async with asyncio.timeout(30):
            while lab.connection.execute(old).fetchall():  # noqa: ASYNC110 (PostgreSQL tells nobody)
                await asyncio.sleep(0.1)


@pytest.mark.parametrize("error", [BadCredentials("no"), GitHubUnavailable("no"), ValueError("no")])
@pytest.mark.parametrize(
    ("seconds", "pauses"),
    [(5.0, [5, 8, 16, 32, 64, 128, 256, 300, 300]), (86_400.0, [300] * 9)],
)
async def test_whatever_ends_a_turn_is_waited_for_longer_each_time(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, error: Exception, seconds: float, pauses: list[float]
) -> None:
    waited: list[float] = []

    async def sleep(pause: float) -> None:
        waited.append(pause)
        if len(waited) == len(pauses):
            raise asyncio.CancelledError

    async def fail() -> None:
        raise error

    planned = Schedule(lab.reconciler, Recorder(lab.engine, timeout_seconds=5), OFTEN, Process("work"))
    monkeypatch.setattr(asyncio, "sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        await planned._turns("heal", seconds, fail)
    monkeypatch.undo()
    assert waited == pauses


@pytest.mark.parametrize("off", [timedelta(days=365), timedelta(days=-365)], ids=["a year on", "a year back"])
async def test_a_limit_is_waited_for_as_long_as_it_lasts_whatever_the_host_s_clock_says(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, off: timedelta
) -> None:
    waited: list[float] = []

    async def sleep(pause: float) -> None:
        waited.append(pause)
        raise asyncio.CancelledError

    async def fail() -> None:
        raise RateLimited("no", datetime.now(UTC) + off, 40)

    planned = Schedule(lab.reconciler, Recorder(lab.engine, timeout_seconds=5), OFTEN, Process("work"))
    monkeypatch.setattr(asyncio, "sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        await planned._turns("sweep", 5, fail)
    monkeypatch.undo()
    assert waited == [40]
