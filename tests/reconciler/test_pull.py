"""`ghsync serve --pull`: no webhook arrives, and the mirror is as GitHub is all the same, seconds later."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from ghsync.simulator.actions import comments, conversations, issues
from ghsync.simulator.sender import Sender
from ghsync.simulator.traffic import Traffic
from tests import service
from tests.reconciler.conftest import Lab

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

SECONDS = 30
NOWHERE = "http://127.0.0.1:1/webhooks/github"


@asynccontextmanager
async def sending(lab: Lab) -> AsyncIterator[None]:
    """Have GitHub try to deliver whatever arises, to where nobody listens."""
    lab.site.hook.url = NOWHERE
    async with Sender(lab.site) as sender:
        running = asyncio.create_task(sender.run())
        try:
            yield
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


@asynccontextmanager
async def pulling(lab: Lab, database_url: str, log: Path, **settings: object) -> AsyncIterator[service.Receiver]:
    """`ghsync serve --pull`, which has no secret, and sweeps once only, when it starts."""
    assert lab.settings.private_key is not None
    async with service.serving(
        database_url,
        log,
        command="serve --pull",
        webhook_secrets="",
        app_id=lab.settings.app_id,
        private_key=lab.settings.private_key.get_secret_value(),
        api_url=lab.settings.api_url,
        operations_port=service.free_port(),
        **{"pull_seconds": 0.5, "poll_seconds": 0.5, "sweep_seconds": 3600, "audit_seconds": 3600} | settings,
    ) as receiver:
        yield receiver


async def until_equal(lab: Lab) -> None:
    """Wait until the mirror is as GitHub is; some seconds have to do."""
    with suppress(TimeoutError):
        async with asyncio.timeout(SECONDS):
            while lab.differences():  # noqa: ASYNC110 (another process tells nobody)
                await asyncio.sleep(0.2)
    assert lab.differences() == []


async def scraped(receiver: service.Receiver, name: str) -> float:
    """A figure of `/metrics`."""
    return service.sample((await receiver.operations.get("/metrics")).text, name)


async def readyz(receiver: service.Receiver) -> dict[str, Any]:
    """What `/readyz` answers, which is 200 all the time."""
    answer = await receiver.operations.get("/readyz")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def test_the_delivery_log_alone_tells_what_people_do(lab: Lab, database_url: str, tmp_path: Path) -> None:
    world, repository, ada = lab.world, lab.repository, lab.repository.owner
    async with sending(lab), pulling(lab, database_url, tmp_path / "log") as receiver:
        await until_equal(lab)
        issue = issues.open_issue(world, repository, "The lamp flickers", by=ada)
        comments.create(world, issue, "Told by nobody.", by=ada)
        pull = next(each for each in repository.pull_requests.values() if each.issue.state == "open")
        conversations.edit(world, pull, by=ada, title="Brighter")
        await until_equal(lab)
        issues.close(world, issue, by=ada)
        issues.delete(world, issue, by=ada)
        await until_equal(lab)
        assert (await readyz(receiver))["stale"] is False
        for name, expected in (("ghsync_leader", 1), ('ghsync_stale{reason="github"}', 0)):
            assert await scraped(receiver, name) == expected
        for kind in ("sweep", "heal"):
            assert await scraped(receiver, f'ghsync_last_success_timestamp_seconds{{run="{kind}"}}') > 0
        assert receiver.told("warning", "error", "critical") == []
    arrived = lab.connection.execute("SELECT DISTINCT sync_source, status FROM webhook_deliveries").fetchall()
    assert arrived == [("reconcile", "processed")]
    assert {attempt.outcome.status_code for attempt in lab.site.hook_log.attempts} == {502}
    assert lab.connection.execute("SELECT count(*) FROM sync_runs WHERE kind = 'sweep'").fetchone() == (1,)


async def test_with_sweeps_it_is_equal_whatever_happens(lab: Lab, database_url: str, tmp_path: Path) -> None:
    traffic = Traffic(lab.world, seed=5, pauses=(0.0, 0.01))
    async with sending(lab), pulling(lab, database_url, tmp_path / "log", sweep_seconds=1, complete_seconds=1):
        for _ in range(3):
            for _ in range(50):
                traffic.act()
                await asyncio.sleep(0.01)
            await until_equal(lab)


async def test_what_happened_while_it_was_away_is_there_seconds_later(
    lab: Lab, database_url: str, tmp_path: Path
) -> None:
    async with sending(lab):
        async with pulling(lab, database_url, tmp_path / "log"):
            await until_equal(lab)
        for number in range(150):  # more than a page of the log
            issues.open_issue(lab.world, lab.repository, f"Lost {number}", by=lab.repository.owner)
        assert lab.differences() != []
        async with pulling(lab, database_url, tmp_path / "log"):
            await until_equal(lab)


async def test_a_github_that_fails_is_told_by_readyz_and_forgotten_when_it_is_back(
    lab: Lab, database_url: str, tmp_path: Path
) -> None:
    async with sending(lab), pulling(lab, database_url, tmp_path / "log") as receiver:
        await until_equal(lab)

        async def stale() -> bool:
            return bool((await readyz(receiver))["stale"])

        async def fresh() -> bool:
            return not await stale()

        await service.until(fresh, "it is fresh")
        lab.site.faults.api = {"bad_gateway": 1.0}
        await service.until(stale, "it is stale")
        (reason,) = (await readyz(receiver))["reasons"]
        assert reason.startswith("The last heal failed: GitHub answered ")

        async def told() -> bool:
            return await scraped(receiver, 'ghsync_stale{reason="github"}') == 1

        await service.until(told, "the metrics tell it")
        lab.site.faults.api = {}
        await service.until(fresh, "it is fresh again")
        await until_equal(lab)
