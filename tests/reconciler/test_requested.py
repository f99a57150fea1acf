"""A repository that somebody asked to have read is, by whoever leads, and what was asked is done once."""

import asyncio

import pytest

from ghsync import jobs, processes
from ghsync.actor import Actor
from ghsync.administration import requests
from ghsync.database import transaction
from ghsync.errors import NotFound, Permanent
from ghsync.reconciler import requested
from ghsync.reconciler.schedule import Intervals
from ghsync.simulator.actions import issues
from tests.reconciler.conftest import Lab
from tests.reconciler.test_schedule import scheduled

pytestmark = pytest.mark.anyio

SELDOM = Intervals(refetch=60, heal=60, sweep=60, audit=60, complete=86_400)

RUNS = "SELECT status, rows_written > 0 FROM sync_runs WHERE kind = 'resync' ORDER BY started_at"


async def ask(lab: Lab, *, full: bool = False, name: str | None = None) -> str:
    async with transaction(lab.engine) as conn:
        return await requests.resync(conn, name or lab.repository.full_name, full=full, actor=Actor("a test"))


async def lead(lab: Lab) -> None:
    """Somebody reads."""
    await processes.Process("serve").lead(lab.engine)


async def test_it_is_read_and_the_request_is_done(lab: Lab) -> None:
    await lab.discover()
    await lab.resync()
    await lead(lab)
    issues.open_issue(lab.world, lab.repository, "Told by nobody", by=lab.repository.owner)
    assert await ask(lab) == lab.repository.full_name
    assert await ask(lab) == lab.repository.full_name  # once more, before anybody came to it
    assert await requested.do_next(lab.reconciler)
    assert not await requested.do_next(lab.reconciler)
    assert lab.connection.execute(RUNS).fetchall()[1:] == [("succeeded", True)]


async def test_in_full_it_overrules_what_the_rows_hold(lab: Lab) -> None:
    await lab.discover()
    await lab.resync()
    await lead(lab)
    lab.connection.execute("UPDATE github_issues SET title = 'A lie', observed_at = now() + interval '1 hour'")
    await ask(lab, full=True)
    assert await requested.do_next(lab.reconciler)
    assert lab.connection.execute(
        "SELECT count(*) FROM github_issues i JOIN github_repositories r ON r.id = i.repository_id "
        "WHERE title = 'A lie' AND r.github_id = %s",
        [str(lab.repository.id)],
    ).fetchone() == (0,)


async def test_what_cannot_be_read_is_asked_again_and_told(lab: Lab) -> None:
    await lab.discover()
    await lead(lab)
    await ask(lab)
    lab.connection.execute(
        "UPDATE github_repositories SET github_id = '999999' WHERE github_id = %s", [str(lab.repository.id)]
    )
    assert await requested.do_next(lab.reconciler)
    async with transaction(lab.engine) as conn:
        (failing,) = await jobs.failing(conn, 5)
    assert (failing["kind"], failing["attempts"]) == ("resync", 1)


async def test_nothing_is_asked_of_nobody(lab: Lab) -> None:
    await lab.discover()
    with pytest.raises(Permanent, match="Nobody reads GitHub's API at present"):
        await ask(lab)
    await lead(lab)
    with pytest.raises(NotFound):
        await ask(lab, name="acme/none")
    lab.connection.execute("UPDATE github_repositories SET removed_at = now()")
    with pytest.raises(Permanent, match="is removed: GitHub does not show it any more"):
        await ask(lab)


async def test_who_leads_comes_to_it_at_once(lab: Lab, database_url: str) -> None:
    async def until(statement: str) -> None:
        async with asyncio.timeout(30):
            while not lab.connection.execute(statement.encode()).fetchall():  # noqa: ASYNC110 (nobody sets an event)
                await asyncio.sleep(0.05)

    await lab.discover()
    await lab.resync()
    async with scheduled(lab, database_url, SELDOM):
        await until("SELECT FROM sync_processes WHERE leading_since IS NOT NULL")
        await until("SELECT FROM sync_runs WHERE kind = 'sweep' AND status = 'succeeded'")
        issues.open_issue(lab.world, lab.repository, "Told by nobody", by=lab.repository.owner)
        await ask(lab)
        await until("SELECT FROM github_issues WHERE title = 'Told by nobody'")
