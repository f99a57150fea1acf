"""The sweep: it costs next to nothing when nothing changed, and brings what no hook told."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from ghsync import jobs
from ghsync.database import transaction
from ghsync.doctor import permissions
from ghsync.errors import GitHubUnavailable, RateLimited
from ghsync.github.parts import PARTS
from ghsync.jobs import Job
from ghsync.mirror.nouns import LISTED
from ghsync.reconciler import alerts, bulk, places, refetch
from ghsync.reconciler import sweep as sweeps
from ghsync.reconciler.places import Place
from ghsync.reconciler.reconciler import Reconciler
from ghsync.reconciler.resync import resync
from ghsync.reconciler.runs import Run
from ghsync.reconciler.sweep import sweep
from ghsync.simulator.actions import conversations, installations, issues, labels, repositories
from ghsync.simulator.generator import Plan
from ghsync.simulator.repository import Repository
from ghsync.simulator.traffic import Traffic
from tests import truth
from tests.reconciler.conftest import Lab, Open

pytestmark = pytest.mark.anyio

DAILY = timedelta(days=1)
ALWAYS = timedelta(0)

SHARED = Plan(organizations=2, repositories=2, people=6, conversations=12)


@pytest.mark.slow
async def test_a_first_sweep_reads_everything(lab: Lab) -> None:
    await lab.discover()
    run = await sweep(lab.reconciler, complete_every=DAILY)
    assert lab.differences() == []
    assert run.rows_seen == sum(len(each.issues) for each in lab.world.repositories.values())


@pytest.mark.slow
@pytest.mark.parametrize(("pull_request_share", "enough"), [(0.5, 50), (0.0, 30)])
async def test_small_repositories_are_read_for_few_points(
    open_lab: Open, pull_request_share: float, enough: int
) -> None:
    lab = await open_lab(Plan(repositories=20, people=8, conversations=200, pull_request_share=pull_request_share))
    await lab.discover()
    run = await sweep(lab.reconciler, complete_every=DAILY)
    assert lab.differences() == []
    read = "SELECT count(*) FILTER (WHERE kind = 'backfill'), sum(points)::int FROM sync_runs"
    ((repositories, points),) = lab.connection.execute(read).fetchall()
    assert (run.rows_seen, repositories) == (200, 20)
    enough += sum(bool(each.releases) for each in lab.world.repositories.values())
    assert points <= enough  # a page that could hold a hundred of each costs 24


async def test_what_came_since_the_size_was_told_is_read_too(lab: Lab) -> None:
    await lab.discover()
    place = replace(await lab.place(), issues=0, pull_requests=1)
    run = await resync(lab.reconciler, place, kind="backfill", full=True, priority="sweep")
    assert run.rows_seen == len(lab.repository.issues) > 20
    assert [line for line in lab.differences() if str(lab.repository.id) in line] == []


@pytest.mark.slow
@pytest.mark.parametrize("away", ["when it was read first", "for a while"])
async def test_what_may_be_seen_since_is_read_with_the_next_sweep(lab: Lab, away: str) -> None:
    (installation,) = lab.world.installations.values()
    await lab.discover()
    if away == "for a while":
        await sweep(lab.reconciler, complete_every=DAILY)
    installations.lose_permissions(lab.world, installation, "checks")
    await sweep(lab.reconciler, complete_every=ALWAYS, discover=True)
    lab.connection.execute("DELETE FROM github_check_runs")

    by = lab.repository.owner
    installations.accept_permissions(lab.world, installation, by=by, **lab.world.app.permissions)
    await sweep(lab.reconciler, complete_every=DAILY, discover=True)
    assert lab.differences() != []  # it was read completely just now
    lab.connection.execute("UPDATE sync_marks SET complete_at = complete_at - interval '11 minutes'")
    await sweep(lab.reconciler, complete_every=DAILY)
    assert lab.differences() == []

    before = lab.site.answered
    await sweep(lab.reconciler, complete_every=DAILY)
    assert lab.site.answered - before == 1


@pytest.mark.slow
async def test_what_tokens_go_on_to_lack_is_not_read_for_ever(mirrored: Lab) -> None:
    await sweep(mirrored.reconciler, complete_every=ALWAYS)
    later = "UPDATE sync_marks SET complete_at = complete_at - interval '11 minutes'"
    said = "UPDATE github_installations SET permissions = permissions || %s"
    for granted in ({"security_events": "read"}, {"deployments": "read"}):
        mirrored.connection.execute(said, [Jsonb(granted)])
    costs = []
    for _ in range(5):
        mirrored.connection.execute(later)
        before = mirrored.site.answered
        await sweep(mirrored.reconciler, complete_every=DAILY)
        costs.append(mirrored.site.answered - before)
    assert costs[-1] == 1
    assert sum(costs) <= len(costs) + 2  # tokens


async def test_what_the_app_sees_is_known_though_some_of_it_cannot_be_read(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object, **__: object) -> None:
        raise GitHubUnavailable("Not today.")

    monkeypatch.setattr("ghsync.reconciler.sweep.resync", fails)
    discovered: list[None] = []
    with pytest.raises(GitHubUnavailable):
        await sweep(lab.reconciler, complete_every=DAILY, discover=True, discovered=lambda: discovered.append(None))
    assert discovered == [None]


async def test_an_idle_sweep_is_one_request(mirrored: Lab) -> None:
    before, changes = mirrored.site.answered, mirrored.changes()
    await sweep(mirrored.reconciler, complete_every=DAILY)
    assert mirrored.site.answered - before == 1
    assert mirrored.changes() == changes


@pytest.mark.slow
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


@pytest.mark.slow
async def test_without_graphql_an_idle_sweep_is_free(mirrored: Lab) -> None:
    mirrored.site.faults.plan("failure", "graphql", times=1000)
    await sweep(mirrored.reconciler, complete_every=DAILY)
    spent, served = mirrored.site.budgets.spent("core"), len(mirrored.site.journal)
    await sweep(mirrored.reconciler, complete_every=DAILY)
    asked = [one.status for one in list(mirrored.site.journal)[served:] if "graphql" not in one.address]
    assert asked == [304] * 3
    assert mirrored.site.budgets.spent("core") == spent


@pytest.mark.slow
async def test_without_graphql_a_sweep_finds_what_moved(mirrored: Lab) -> None:
    mirrored.site.faults.plan("failure", "graphql", times=1000)
    await sweep(mirrored.reconciler, complete_every=DAILY)
    mirrored.world.clock.advance(5)
    issues.open_issue(mirrored.world, mirrored.repository, "Seen by no hook", by=mirrored.repository.owner)
    await sweep(mirrored.reconciler, complete_every=DAILY)
    assert mirrored.differences() == []


@pytest.mark.slow
async def test_a_rename_that_no_hook_told_is_found(mirrored: Lab) -> None:
    repositories.rename(mirrored.world, mirrored.repository, "brighter", by=mirrored.repository.owner)
    await sweep(mirrored.reconciler, complete_every=DAILY)
    assert mirrored.differences() == []


@pytest.mark.slow
@pytest.mark.parametrize("mark", ["issues_through", "pull_requests_through", "complete_at"])
async def test_a_mark_of_a_time_that_cannot_be_yet_hides_nothing(mirrored: Lab, mark: str) -> None:
    mirrored.connection.execute(f"UPDATE sync_marks SET {mark} = '2999-01-01'")
    mirrored.world.clock.advance(5)
    issues.open_issue(mirrored.world, mirrored.repository, "Told by nobody", by=mirrored.repository.owner)
    await sweep(mirrored.reconciler, complete_every=DAILY)
    assert mirrored.differences() == []
    await mirrored.resync_all()
    future = f"SELECT FROM sync_marks WHERE {mark} > '2100-01-01'"
    assert mirrored.connection.execute(future).fetchall() == []


async def test_a_complete_sweep_finds_what_moves_no_time(mirrored: Lab) -> None:
    labels.edit(mirrored.world, mirrored.repository.labels[0], by=mirrored.repository.owner, name="renamed")
    await sweep(mirrored.reconciler, complete_every=DAILY)
    assert mirrored.differences() != []
    await sweep(mirrored.reconciler, complete_every=ALWAYS)
    assert mirrored.differences() == []


@pytest.mark.slow
async def test_sweeps_alone_follow_whatever_happens(mirrored: Lab) -> None:
    traffic = Traffic(mirrored.world, seed=7, pauses=(0.0, 0.02))
    for _ in range(3):
        for _ in range(150):
            traffic.act()
        await mirrored.discover()
        await sweep(mirrored.reconciler, complete_every=ALWAYS)
    await mirrored.settle()
    assert mirrored.differences() == []


@pytest.mark.slow
async def test_a_repository_that_cannot_be_read_holds_up_no_other(mirrored: Lab) -> None:
    first, others = told_by_nobody(mirrored)
    mirrored.site.faults.plan("failure", f"repositories/{first.id}", times=1000)
    with pytest.raises(GitHubUnavailable):
        await sweep(mirrored.reconciler, complete_every=DAILY)
    assert others != []
    assert differ(mirrored) == {str(first.id)}
    ((status, error),) = mirrored.connection.execute(OF_ALL).fetchall()
    assert status == "failed"
    assert f"/repositories/{first.id}" in error


def to_share(lab: Lab) -> list[list[str]]:
    """The repositories of each installation, by GitHub's ids."""
    return [[str(each.id) for each in one.repositories] for one in lab.world.installations.values()]


async def test_an_installation_that_takes_long_holds_up_no_other(
    open_lab: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = await open_lab(SHARED)
    await lab.discover()
    (slow, *_), others = to_share(lab)
    read, done = sweeps.resync, asyncio.Event()

    async def late(reconciler: Reconciler, place: Place, **options: Any) -> Run:
        if str(place.github_id) == slow:
            await asyncio.wait_for(done.wait(), 30)
        run = await read(reconciler, place, **options)
        if str(place.github_id) in others:
            done.set()
        return run

    monkeypatch.setattr(sweeps, "resync", late)
    await sweep(lab.reconciler, complete_every=DAILY)
    assert done.is_set()
    assert lab.differences() == []


async def test_what_is_open_in_all_installations_comes_before_anybodys_history(
    open_lab: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = await open_lab(SHARED)
    await lab.discover()
    read, order = sweeps.resync, list[str]()

    async def noted(reconciler: Reconciler, place: Place, **options: Any) -> Run:
        order.append("open" if options["pause"] else "rest")
        return await read(reconciler, place, **options)

    for size in ("MOST_ISSUES", "MOST_PULL_REQUESTS"):
        monkeypatch.setattr(bulk, size, 0)  # all are large
    monkeypatch.setattr(sweeps, "AT_ONCE", 1)
    monkeypatch.setattr(sweeps, "resync", noted)
    await sweep(lab.reconciler, complete_every=DAILY)
    assert order == ["open", "open", "rest", "rest"]
    assert lab.differences() == []


@pytest.mark.parametrize("limited", [1, 2])
async def test_a_sweep_waits_for_a_limit_only_where_all_installations_have_one(open_lab: Open, limited: int) -> None:
    lab = await open_lab(SHARED)
    await lab.discover()
    until = "UPDATE sync_budgets SET blocked_until = %s WHERE credential = %s"
    reached = [datetime.now(UTC) + timedelta(minutes=30 - place) for place in range(limited)]
    for moment, installation in zip(reached, lab.world.installations, strict=False):
        lab.connection.execute(until, [moment, f"installation:{installation}"])
    with pytest.raises(RateLimited) as stop:
        await sweep(lab.reconciler, complete_every=DAILY)
    assert stop.value.retry_at == (reached[1] if limited == 2 else None)
    assert differ(lab) == {key for one in to_share(lab)[:limited] for key in one}


@pytest.mark.slow
@pytest.mark.parametrize("graphql", [True, False])
async def test_a_repository_that_github_has_blocked_is_no_failure_of_the_sweep(mirrored: Lab, graphql: bool) -> None:
    first, _ = told_by_nobody(mirrored)
    mirrored.site.faults.blocked.add(first.id)
    mirrored.site.faults.plan("failure", "graphql", times=0 if graphql else 1000)
    await sweep(mirrored.reconciler, complete_every=DAILY)
    assert differ(mirrored) == {str(first.id)}
    assert mirrored.connection.execute(OF_ALL).fetchall() == [("succeeded", None)]
    ((status, error),) = mirrored.connection.execute(OF_FIRST, [str(first.id)]).fetchall()
    assert status == "failed"
    assert "for legal reasons" in error
    assert not any(truth.gone(mirrored.connection, table) for table in truth.KEYS)


@pytest.mark.slow
async def test_a_blocked_repository_is_asked_for_only_with_the_next_complete_reading(mirrored: Lab) -> None:
    first, _ = told_by_nobody(mirrored)
    mirrored.site.faults.blocked.add(first.id)
    await sweep(mirrored.reconciler, complete_every=DAILY)
    place = next(each for each in await known(mirrored) if each.github_id == first.id)
    wanted = [Job("refetch_issue", f"{place.id}#1", place.id), Job("refetch_repository", place.id, place.id)]
    async with transaction(mirrored.engine) as conn:
        await jobs.schedule(conn, wanted, delay_seconds=0)
    served = len(mirrored.site.journal)
    await sweep(mirrored.reconciler, complete_every=DAILY)
    await refetch.do_due(mirrored.reconciler)
    assert [one.address for one in list(mirrored.site.journal)[served:] if str(first.id) in one.address] == []
    await sweep(mirrored.reconciler, complete_every=ALWAYS)
    assert mirrored.connection.execute(OF_ALL).fetchall() == [("succeeded", None)] * 3
    assert differ(mirrored) == {str(first.id)}

    mirrored.site.faults.blocked.clear()
    await sweep(mirrored.reconciler, complete_every=DAILY)
    assert differ(mirrored) == {str(first.id)}
    await sweep(mirrored.reconciler, complete_every=ALWAYS)
    assert mirrored.differences() == []
    assert [each.blocked_at for each in await known(mirrored)] == [None] * 3


OF_ALL = "SELECT status, last_error FROM sync_runs WHERE kind = 'sweep' AND repository_id IS NULL"
OF_FIRST = """
SELECT status, last_error FROM sync_runs s JOIN github_repositories r ON r.id = s.repository_id
WHERE r.github_id = %s AND s.kind = 'sweep'
"""


def told_by_nobody(lab: Lab) -> tuple[Repository, list[Repository]]:
    """Let something happen in several repositories; answers the one that is read first, and the others."""
    first = min(lab.world.repositories.values(), key=lambda each: each.full_name)
    others = [each for each in lab.world.repositories.values() if each is not first and each.fork_of is None]
    lab.world.clock.advance(5)
    for each in (first, *others):
        issues.open_issue(lab.world, each, "New", by=each.owner)
    return first, others


def differ(lab: Lab) -> set[str]:
    """The repositories (GitHub's ids) in which something differs."""
    ids = [str(each) for each in lab.world.repositories]
    return {next((each for each in ids if each in line), line) for line in lab.differences()}


async def known(lab: Lab) -> list[Place]:
    """All repositories, as the mirror knows them."""
    async with transaction(lab.engine) as conn:
        return await places.everything(conn)


def test_what_shows_something_is_what_its_readers_and_hooks_need() -> None:
    read = {part.permission for part in PARTS.values() if part.permission}
    read |= {permission for permission, *_ in alerts.LISTINGS.values()}
    read |= {thing.noun.listing.permission for thing in LISTED} - {None}
    told = {*permissions.EVENTS.values()} - {"contents"}  # of a push only its hook tells
    assert read | told == places.SHOWING


async def test_mergeability_that_github_computes_late_is_known_after_a_refetch(mirrored: Lab) -> None:
    pull = next(each for each in mirrored.repository.pull_requests.values() if each.issue.state == "open")
    pull.mergeability_known_at = mirrored.world.now() + timedelta(minutes=1)
    pull.ready_state = "dirty" if pull.ready_state != "dirty" else "clean"
    await sweep(mirrored.reconciler, complete_every=ALWAYS)
    assert mirrored.due() == {"refetch_pull_request": 1}
    mirrored.world.clock.advance(60)
    await mirrored.settle()
    assert mirrored.differences() == []
