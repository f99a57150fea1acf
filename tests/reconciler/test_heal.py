"""Healing from the delivery log: what was sent and never arrived gets into the inbox, once."""

from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from ghsync.errors import RateLimited
from ghsync.inbox.recorder import Recorder
from ghsync.reconciler import refetch
from ghsync.reconciler.heal import HealReport, heal
from ghsync.reconciler.installations import make_due
from ghsync.simulator.actions import issues, repositories, review_threads
from ghsync.simulator.deeds import NOT_TOLD
from ghsync.simulator.faults import HookFault
from ghsync.simulator.sender import Sender
from ghsync.simulator.traffic import Traffic
from ghsync.worker import Worker
from tests import truth
from tests.reconciler.conftest import Lab
from tests.truth.hooks import told

pytestmark = pytest.mark.anyio


@pytest.fixture
async def recorder(lab: Lab) -> AsyncIterator[Recorder]:
    recorder = Recorder(lab.engine, timeout_seconds=5)
    yield recorder
    await recorder.close()


async def lose(lab: Lab, fault: HookFault = "dropped") -> None:
    """Let all that was told since be lost on its way."""
    lab.site.faults.hook = {fault: 1.0}
    async with Sender(lab.site, from_the_start=True) as sender:
        await sender.flush(early=True)


async def healed(lab: Lab, recorder: Recorder) -> HealReport:
    """Heal, and project what that has brought."""
    _, found = await heal(lab.reconciler, recorder)
    await recorder.close()
    await Worker(lab.engine, batch_size=100, poll_seconds=1, max_attempts=1).drain()
    return found


@pytest.mark.slow
async def test_what_was_lost_is_read_from_the_log(mirrored: Lab, recorder: Recorder) -> None:
    traffic = Traffic(mirrored.world, seed=3, weights=dict.fromkeys(NOT_TOLD, 0.0), pauses=(0.0, 0.01))
    mirrored.world.clock.advance(1)  # what was read is older than all that follows
    for _ in range(100):
        traffic.act()
    sent = len(mirrored.world.deliveries)
    await lose(mirrored)
    found = await healed(mirrored, recorder)
    assert found.missing == found.recorded > 50
    assert found.attempts >= sent
    await mirrored.settle()
    parked = mirrored.connection.execute("SELECT last_error FROM webhook_deliveries WHERE status = 'parked'").fetchall()
    assert parked == []
    assert truth.compare(told(mirrored.world), mirrored.world, mirrored.connection) == []
    sources = mirrored.connection.execute("SELECT DISTINCT sync_source FROM webhook_deliveries").fetchall()
    assert sources == [("reconcile",)]


async def test_comments_on_lines_that_were_lost_are_counted_with_one_refetch(mirrored: Lab, recorder: Recorder) -> None:
    world, ada = mirrored.world, mirrored.repository.owner
    pull = next(each for each in mirrored.repository.pull_requests.values() if each.issue.state == "open")
    world.clock.advance(1)
    thread = review_threads.start(world, pull, "lamp.c", 3, "Why?", by=ada)
    review_threads.reply(world, thread, "Why not?", by=ada)
    await lose(mirrored)
    await healed(mirrored, recorder)
    assert mirrored.due() == {"refetch_pull_request": 1}
    await mirrored.settle()
    review_threads.delete(world, thread.comments[1], by=ada)
    await lose(mirrored)
    await healed(mirrored, recorder)
    await mirrored.settle()
    assert mirrored.differences() == []


async def test_a_deletion_that_was_lost_leaves_a_tombstone(mirrored: Lab, recorder: Recorder) -> None:
    repository = mirrored.repository
    repositories.delete(mirrored.world, repository, by=repository.owner)
    await lose(mirrored)
    await healed(mirrored, recorder)
    assert truth.gone(mirrored.connection, "github_repositories") == {(str(repository.id),)}
    assert mirrored.differences() == []


async def test_a_second_look_brings_nothing_and_reads_little(mirrored: Lab, recorder: Recorder) -> None:
    for number in range(30):
        issues.open_issue(mirrored.world, mirrored.repository, f"Lost {number}", by=mirrored.repository.owner)
    await lose(mirrored)
    assert (await healed(mirrored, recorder)).recorded == 30
    before = mirrored.site.answered
    assert await healed(mirrored, recorder) == HealReport(attempts=30, missing=0, recorded=0)
    assert mirrored.site.answered - before == 3  # the App, failures, and all


async def test_what_arrived_is_not_missing(mirrored: Lab, recorder: Recorder) -> None:
    issues.open_issue(mirrored.world, mirrored.repository, "Lost", by=mirrored.repository.owner)
    await lose(mirrored)
    await healed(mirrored, recorder)
    issues.open_issue(mirrored.world, mirrored.repository, "Lost too", by=mirrored.repository.owner)
    await lose(mirrored)
    assert (await healed(mirrored, recorder)).recorded == 1
    assert mirrored.connection.execute("SELECT count(*) FROM webhook_deliveries").fetchone() == (2,)


async def test_a_delivery_that_names_no_hook_is_not_missing(mirrored: Lab, recorder: Recorder) -> None:
    mirrored.world.clock.advance(1)
    issues.open_issue(mirrored.world, mirrored.repository, "Told once", by=mirrored.repository.owner)
    await lose(mirrored)
    found = await healed(mirrored, recorder)
    mirrored.connection.execute("UPDATE webhook_deliveries SET hook_target = 'unnamed'")  # as a proxy had left it
    assert found.recorded == found.missing > 0
    assert (await healed(mirrored, recorder)).missing == 0


@pytest.mark.slow
async def test_a_delivery_that_cannot_be_read_is_asked_for_again(mirrored: Lab, recorder: Recorder) -> None:
    issues.open_issue(mirrored.world, mirrored.repository, "Lost", by=mirrored.repository.owner)
    await lose(mirrored)
    mirrored.site.faults.plan("malformed", "GET /app/hook/deliveries/", times=10)
    found = await healed(mirrored, recorder)
    assert (found.missing, found.recorded) == (1, 0)
    assert len(mirrored.site.hook_log.wanted_again) == 1


async def test_what_is_older_than_the_log_is_left_to_the_sweep(mirrored: Lab, recorder: Recorder) -> None:
    issues.open_issue(mirrored.world, mirrored.repository, "Lost", by=mirrored.repository.owner)
    await lose(mirrored, "lost")
    assert await healed(mirrored, recorder) == HealReport()


@pytest.mark.slow
async def test_a_long_outage_leaves_the_app_what_everything_else_needs(lab: Lab, recorder: Recorder) -> None:
    lab.site.budgets.limits = {"core": 100}
    await lab.discover()
    await lab.resync_all()
    lab.world.clock.advance(1)
    for number in range(150):
        issues.open_issue(lab.world, lab.repository, f"Lost {number}", by=lab.repository.owner)
    await lose(lab)
    with pytest.raises(RateLimited, match=r"3\d of 100 are left, which are kept for more urgent requests"):
        await heal(lab.reconciler, recorder)
    in_the_inbox = lab.connection.execute("SELECT count(*) FROM webhook_deliveries").fetchone()
    heals = "SELECT rows_written FROM sync_runs WHERE kind = 'heal'"
    assert lab.connection.execute(heals).fetchone() == in_the_inbox != (0,)
    await make_due(lab.reconciler, str(next(iter(lab.world.installations))))
    assert lab.due()["refetch_installation"] == 1
    await refetch.do_due(lab.reconciler)
    assert "refetch_installation" not in lab.due()
    brought = []
    for _ in range(2):
        lab.passes(hours=1)
        with suppress(RateLimited):
            brought.append((await healed(lab, recorder)).recorded)
    assert 0 < sum(brought) < 100
    await lab.settle()
    assert lab.differences() == []
