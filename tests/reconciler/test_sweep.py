"""The sweep: it costs next to nothing when nothing changed, and brings what no hook told."""

from datetime import timedelta

import pytest

from ghsync.errors import UnavailableForLegalReasons
from ghsync.reconciler.sweep import sweep
from ghsync.simulator.actions import conversations, issues, labels, repositories
from ghsync.simulator.traffic import Traffic
from tests.reconciler.conftest import Lab

pytestmark = pytest.mark.anyio

DAILY = timedelta(days=1)
ALWAYS = timedelta(0)


async def test_a_first_sweep_reads_everything(lab: Lab) -> None:
    await lab.discover()
    run = await sweep(lab.reconciler, complete_every=DAILY)
    assert lab.differences() == []
    assert run.rows_seen == sum(len(each.issues) for each in lab.world.repositories.values())


async def test_an_idle_sweep_is_one_request(mirrored: Lab) -> None:
    before, changes = mirrored.site.answered, mirrored.changes()
    await sweep(mirrored.reconciler, complete_every=DAILY)
    assert mirrored.site.answered - before == 1
    assert mirrored.changes() == changes


async def test_a_sweep_reads_only_what_moved(mirrored: Lab) -> None:
    world, repository = mirrored.world, mirrored.repository
    issue = issues.open_issue(world, repository, "Seen by no hook", by=repository.owner)
    pull = next(each for each in repository.pull_requests.values() if each.issue.state == "open")
    world.clock.advance(5)
    conversations.edit(world, pull, by=repository.owner, title="Seen by no hook either")
    assert mirrored.differences() != []
    await sweep(mirrored.reconciler, complete_every=DAILY)
    assert mirrored.differences() == []
    runs = mirrored.connection.execute(
        "SELECT r.full_name, s.kind FROM sync_runs s JOIN github_repositories r ON r.id = s.repository_id "
        "WHERE s.kind = 'sweep'"
    ).fetchall()
    assert runs == [(repository.full_name, "sweep")]
    assert issue.number in repository.issues


async def test_without_graphql_an_idle_sweep_is_free(mirrored: Lab) -> None:
    mirrored.site.faults.plan("failure", "graphql", times=1000)
    await sweep(mirrored.reconciler, complete_every=DAILY)
    spent, served = mirrored.site.budgets.spent("core"), len(mirrored.site.journal)
    await sweep(mirrored.reconciler, complete_every=DAILY)
    asked = [one.status for one in list(mirrored.site.journal)[served:] if "graphql" not in one.address]
    assert asked == [304] * 3
    assert mirrored.site.budgets.spent("core") == spent


async def test_without_graphql_a_sweep_finds_what_moved(mirrored: Lab) -> None:
    mirrored.site.faults.plan("failure", "graphql", times=1000)
    await sweep(mirrored.reconciler, complete_every=DAILY)
    mirrored.world.clock.advance(5)
    issues.open_issue(mirrored.world, mirrored.repository, "Seen by no hook", by=mirrored.repository.owner)
    await sweep(mirrored.reconciler, complete_every=DAILY)
    assert mirrored.differences() == []


async def test_a_rename_that_no_hook_told_is_found(mirrored: Lab) -> None:
    repositories.rename(mirrored.world, mirrored.repository, "brighter", by=mirrored.repository.owner)
    await sweep(mirrored.reconciler, complete_every=DAILY)
    assert mirrored.differences() == []


async def test_a_complete_sweep_finds_what_moves_no_time(mirrored: Lab) -> None:
    labels.edit(mirrored.world, mirrored.repository.labels[0], by=mirrored.repository.owner, name="renamed")
    await sweep(mirrored.reconciler, complete_every=DAILY)
    assert mirrored.differences() != []
    await sweep(mirrored.reconciler, complete_every=ALWAYS)
    assert mirrored.differences() == []


async def test_sweeps_alone_follow_whatever_happens(mirrored: Lab) -> None:
    traffic = Traffic(mirrored.world, seed=7, pauses=(0.0, 0.02))
    for _ in range(3):
        for _ in range(150):
            traffic.act()
        await mirrored.discover()
        await sweep(mirrored.reconciler, complete_every=ALWAYS)
    await mirrored.settle()
    assert mirrored.differences() == []


async def test_a_repository_that_cannot_be_read_holds_up_no_other(mirrored: Lab) -> None:
    first = min(mirrored.world.repositories.values(), key=lambda each: each.full_name)
    others = [each for each in mirrored.world.repositories.values() if each is not first and each.fork_of is None]
    mirrored.site.faults.blocked.add(first.id)
    mirrored.world.clock.advance(5)
    for each in (first, *others):
        issues.open_issue(mirrored.world, each, "New", by=each.owner)
    with pytest.raises(UnavailableForLegalReasons):
        await sweep(mirrored.reconciler, complete_every=DAILY)
    left = mirrored.differences()
    assert left != []
    assert all(str(first.id) in line for line in left)
    ((status, error),) = mirrored.connection.execute(
        "SELECT status, last_error FROM sync_runs WHERE kind = 'sweep' AND repository_id IS NULL"
    ).fetchall()
    assert status == "failed"
    assert "for legal reasons" in error


async def test_mergeability_that_github_computes_late_is_known_after_a_refetch(mirrored: Lab) -> None:
    pull = next(each for each in mirrored.repository.pull_requests.values() if each.issue.state == "open")
    pull.mergeability_known_at = mirrored.world.now() + timedelta(seconds=1)
    pull.ready_state = "dirty" if pull.ready_state != "dirty" else "clean"
    await sweep(mirrored.reconciler, complete_every=ALWAYS)
    assert mirrored.due() == {"refetch_pull_request": 1}
    mirrored.world.clock.advance(2)
    await mirrored.settle()
    assert mirrored.differences() == []
