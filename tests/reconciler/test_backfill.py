"""Reading a whole repository: everything is there, once more writes nothing, and what is gone becomes a tombstone."""

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa

from ghsync.database import transaction
from ghsync.errors import AccessLost, GitHubUnavailable, NotFound, Suspended
from ghsync.mirror import label
from ghsync.projector.batch import Batch
from ghsync.reconciler import absentees, catalog, listings, refetch, rest_pages, reviews
from ghsync.reconciler import graphql_pages as reading
from ghsync.reconciler.absentees import Absentee
from ghsync.reconciler.gate import Rehearsal
from ghsync.reconciler.installations import refresh
from ghsync.reconciler.places import Place
from ghsync.reconciler.progress import Progress
from ghsync.reconciler.resync import resync
from ghsync.reconciler.runs import Run
from ghsync.reconciler.sweep import sweep
from ghsync.simulator.actions import (
    comments,
    conversations,
    installations,
    issues,
    labels,
    milestones,
    repositories,
    review_threads,
)
from ghsync.simulator.faults import ApiFault
from ghsync.simulator.generator import Plan
from ghsync.simulator.graphql.limits import Limits
from ghsync.simulator.issue import Issue
from ghsync.simulator.repository import Repository
from tests import truth
from tests.reconciler.conftest import Lab, Open

pytestmark = pytest.mark.anyio


def an_issue(lab: Lab, *, commented: bool = False) -> Issue:
    """One of the largest repository's issues."""
    return next(
        issue
        for issue in lab.repository.issues.values()
        if issue.pull_request is None and issue.state == "open" and (len(issue.comments) > 1 or not commented)
    )


def nothing_is_gone(lab: Lab) -> bool:
    """Whether there is no tombstone at all."""
    return not any(truth.gone(lab.connection, table) for table in truth.KEYS)


async def test_a_second_reconcile_writes_nothing(mirrored: Lab) -> None:
    newest = "SELECT greatest(max(synced_at), max(verified_at)) FROM github_issues"
    changes, written = mirrored.changes(), mirrored.connection.execute(newest).fetchone()
    assert [run.rows_written for run in await mirrored.resync_all()] == [0, 0, 0]
    assert mirrored.changes() == changes
    assert mirrored.connection.execute(newest).fetchone() == written


async def test_what_changed_without_a_hook_is_put_right(mirrored: Lab) -> None:
    world, repository = mirrored.world, mirrored.repository
    ada = repository.owner
    issue = an_issue(mirrored, commented=True)
    conversations.edit(world, issue, by=ada, title="Brighter", body="")
    issues.close(world, issue, by=ada)
    comments.delete(world, issue.comments[0], by=ada)
    labels.edit(world, repository.labels[0], by=ada, name="renamed")
    labels.delete(world, repository.labels[1], by=ada)
    milestones.delete(world, repository.milestones[-1], by=ada)
    repositories.rename(world, repository, "renamed", by=ada)
    assert mirrored.differences() != []
    await mirrored.resync_all()
    assert mirrored.differences() == []


async def test_an_issue_that_is_gone_becomes_a_tombstone_and_nothing_else_does(mirrored: Lab) -> None:
    issue = an_issue(mirrored)
    issues.delete(mirrored.world, issue, by=mirrored.repository.owner)
    await mirrored.resync(full=True)
    assert truth.gone(mirrored.connection, "github_issues") == {(str(mirrored.repository.id), issue.number)}
    assert mirrored.differences() == []


def others(lab: Lab) -> list[Repository]:
    """The repositories to which an issue of the largest one may be transferred."""
    here = lab.repository
    return [each for each in lab.world.repositories.values() if each is not here and each.owner is here.owner]


def destinations(lab: Lab) -> dict[int, dict[str, str | int] | None]:
    """Where the tombstones of the largest repository's issues say that these are now, by number."""
    statement = """
    SELECT i.number, i.transferred_to FROM github_issues i JOIN github_repositories r ON r.id = i.repository_id
    WHERE i.deleted_at IS NOT NULL AND r.github_id = %s
    """
    return dict(lab.connection.execute(statement, [str(lab.repository.id)]).fetchall())


def address(issue: Issue) -> dict[str, str | int]:
    """Where an issue is, as a tombstone says it."""
    return {"repository_github_id": str(issue.repository.id), "github_id": str(issue.id), "number": issue.number}


def hide(lab: Lab, repository: Repository) -> None:
    """Let the App no longer see a repository."""
    (installation,) = lab.world.installations.values()
    repository.visibility = "private"
    installations.remove_repositories(lab.world, installation, [repository], by=repository.owner)


async def test_an_issue_that_was_transferred_says_where_it_is(mirrored: Lab) -> None:
    issue, (there, *_) = an_issue(mirrored), others(mirrored)
    moved = issues.transfer(mirrored.world, issue, there, by=mirrored.repository.owner)
    await mirrored.resync(full=True)
    assert destinations(mirrored) == {issue.number: address(moved)}


async def test_an_issue_that_was_transferred_on_says_where_it_is_in_the_end(mirrored: Lab) -> None:
    here, issue, (there, further) = mirrored.repository, an_issue(mirrored), others(mirrored)
    moved = issues.transfer(mirrored.world, issue, there, by=here.owner)
    last = issues.transfer(mirrored.world, moved, further, by=here.owner)
    await mirrored.resync(full=True)
    assert destinations(mirrored) == {issue.number: address(last)}


async def test_an_issue_that_was_deleted_where_it_was_transferred_to_is_gone(mirrored: Lab) -> None:
    here, issue, (there, *_) = mirrored.repository, an_issue(mirrored), others(mirrored)
    moved = issues.transfer(mirrored.world, issue, there, by=here.owner)
    issues.delete(mirrored.world, moved, by=here.owner)
    await mirrored.resync(full=True)
    assert destinations(mirrored) == {issue.number: None}
    assert [line for line in mirrored.differences() if str(here.id) in line] == []


@pytest.mark.parametrize("moves", [1, 2])
async def test_an_issue_that_was_transferred_out_of_our_sight_is_gone(mirrored: Lab, moves: int) -> None:
    here, issue, there = mirrored.repository, an_issue(mirrored), others(mirrored)
    moved = issue
    for each in there[:moves]:
        moved = issues.transfer(mirrored.world, moved, each, by=here.owner)
    hide(mirrored, moved.repository)
    await mirrored.resync(full=True)
    assert destinations(mirrored) == {issue.number: None}


async def test_an_issue_that_was_transferred_to_where_github_has_blocked_all_is_gone(mirrored: Lab) -> None:
    here, issue, (there, *_) = mirrored.repository, an_issue(mirrored), others(mirrored)
    issues.transfer(mirrored.world, issue, there, by=here.owner)
    mirrored.site.faults.blocked.add(there.id)
    await mirrored.resync(full=True)
    assert destinations(mirrored) == {issue.number: None}


@pytest.mark.slow
async def test_an_issue_that_is_moved_on_endlessly_is_followed_for_a_while(mirrored: Lab) -> None:
    here, issue, (there, *_) = mirrored.repository, an_issue(mirrored), others(mirrored)
    moved = issues.transfer(mirrored.world, issue, there, by=here.owner)
    del there.issues[moved.number]
    there.departed[moved.number] = moved
    before = mirrored.site.answered
    await mirrored.resync(full=True)
    assert destinations(mirrored) == {issue.number: None}
    assert mirrored.site.answered - before < absentees.MOST_MOVES + 10


@pytest.mark.slow
async def test_a_listing_that_is_cut_short_buries_nothing(mirrored: Lab) -> None:
    mirrored.site.faults.plan("failure", "graphql", times=100)  # so REST is asked
    mirrored.site.faults.plan("short_listing", "/issues?", times=100)
    mirrored.site.faults.plan("short_listing", "/pulls?", times=100)
    mirrored.site.faults.plan("short_listing", "/labels", times=100)
    await mirrored.resync(full=True)
    assert nothing_is_gone(mirrored)


@pytest.mark.slow
async def test_a_listing_that_breaks_off_buries_nothing_and_is_gone_on_with(mirrored: Lab) -> None:
    mirrored.site.faults.plan("failure", "graphql", times=100)
    mirrored.site.faults.plan("failure", "/issues?", times=100)
    with pytest.raises(GitHubUnavailable):
        await mirrored.resync(full=True)
    assert nothing_is_gone(mirrored)
    mirrored.site.faults.planned.clear()
    await mirrored.resync(full=True)
    assert mirrored.differences() == []


@pytest.mark.slow
async def test_through_rest_a_kind_that_was_read_to_its_end_is_not_read_again(mirrored: Lab) -> None:
    place = await mirrored.place()
    session = await mirrored.reconciler.session(place.installation, "backfill", "sweep")
    known = await catalog.read(session, mirrored.engine, place)
    begun = Progress(mirrored.reconciler.github.now())
    pages = [page async for page in rest_pages.pages(session, known, begun, ("issues", "pull_requests"))]
    later = [page.progress for page in pages if "pull_requests" in page.shown]
    assert later
    assert all(progress.issues.ended for progress in later)


@pytest.mark.slow
async def test_rest_takes_over_where_graphql_fails(lab: Lab) -> None:
    await lab.discover()
    lab.site.faults.plan("failure", "graphql", times=1000)
    await lab.resync()
    told = [line for line in lab.differences() if str(lab.repository.id) in line]
    assert [line for line in told if not line.startswith("github_review_threads")] == []  # REST knows no threads
    lab.site.faults.planned.clear()
    repositories.rename(lab.world, lab.repository, "renamed", by=lab.repository.owner)  # so that all addresses change
    lab.world.clock.advance(1)
    await lab.resync(full=True)
    assert [line for line in lab.differences() if str(lab.repository.id) in line] == []


@pytest.mark.slow
async def test_pages_that_lead_on_and_on_are_left_to_rest(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LARGEST_PAGE", 5)
    monkeypatch.setattr(reading, "MOST_PAGES", 2)
    await lab.discover()
    await lab.resync(full=True)
    told = [line for line in lab.differences() if str(lab.repository.id) in line]
    assert [line for line in told if not line.startswith("github_review_threads")] == []  # REST knows no threads
    assert len([each for each in lab.site.journal if each.address.endswith("graphql")]) <= 4


@pytest.mark.slow
async def test_threads_that_lead_on_and_on_are_left_to_rest(mirrored: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reviews, "MOST_PAGES", 1)
    pull = max(mirrored.repository.pull_requests.values(), key=lambda each: each.number)
    for line in range(200):
        review_threads.start(mirrored.world, pull, "lamp.c", line + 1, "Why?", by=mirrored.repository.owner)
    mirrored.site.journal.clear()
    await mirrored.resync()
    assert [line for line in mirrored.differences() if not line.startswith("github_review_threads")] == []
    assert len([each for each in mirrored.site.journal if each.address.endswith("graphql")]) <= 4


@pytest.mark.slow
async def test_a_pull_request_with_more_review_threads_than_a_page_shows_is_asked_for_the_others(mirrored: Lab) -> None:
    pull = next(iter(mirrored.repository.pull_requests.values()))
    for line in range(61):
        review_threads.start(mirrored.world, pull, "lamp.c", line + 1, "Why?", by=mirrored.repository.owner)
    assert mirrored.differences() != []
    await mirrored.resync()
    assert mirrored.differences() == []
    assert not any(each.address.endswith(f"/pulls/{pull.number}") for each in mirrored.site.journal)


@pytest.mark.slow
async def test_a_page_that_takes_too_long_is_halved_until_it_does_not(lab: Lab) -> None:
    await lab.discover()
    lab.site.graphql_limits = Limits(timeout_seconds=1)
    await lab.resync()
    assert [line for line in lab.differences() if str(lab.repository.id) in line] == []
    (run,) = lab.connection.execute("SELECT points FROM sync_runs WHERE kind = 'resync'").fetchall()
    assert run[0] > 0


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "times"), [("bad_gateway", 1), ("failure", 1000)])
async def test_heads_are_read_to_the_end_where_github_fails_after_their_pull_requests(
    open_lab: Open, monkeypatch: pytest.MonkeyPatch, fault: ApiFault, times: int
) -> None:
    monkeypatch.setattr(reading, "HEADS_AT_ONCE", 4)
    lab = await open_lab(Plan(repositories=1, people=8, conversations=80, pull_request_share=1.0))
    await lab.discover()
    opened = sum(pull.issue.state == "open" for pull in lab.repository.pull_requests.values())
    assert 4 < opened <= len(lab.repository.issues) <= 100  # one page of pull requests, several of heads
    read: list[int] = []

    def watch(run: Run) -> None:
        if not read:
            lab.site.faults.plan(fault, "graphql", times=times)
        read.append(run.rows_seen)

    await resync(lab.reconciler, await lab.place(), kind="backfill", full=True, priority="sweep", watch=watch)
    assert read[0] == read[-1] == len(lab.repository.issues)
    assert lab.differences() == []


@pytest.mark.slow
@pytest.mark.parametrize("pages", [1, 2, 3])
async def test_a_run_that_was_stopped_goes_on_where_it_was(open_lab: Open, pages: int) -> None:
    lab = await open_lab(Plan(repositories=1, people=8, conversations=500))
    await lab.discover()
    whole = await lab.resync(kind="backfill", full=True)
    lab.connection.execute("TRUNCATE github_issues, github_pull_requests, github_comments CASCADE")
    lab.connection.execute("DELETE FROM sync_runs")
    lab.connection.execute("DELETE FROM sync_marks")

    place = await lab.place()
    killed = asyncio.create_task(stopping_after(lab, place, pages=pages))
    with pytest.raises(asyncio.CancelledError):
        await killed
    before = lab.site.answered
    run = await lab.resync(kind="backfill", full=True)
    again = lab.site.answered - before
    assert lab.differences() == []
    assert run.rows_seen == whole.rows_seen == len(lab.repository.issues)
    assert again <= whole.meter.requests - pages + 1


@pytest.mark.slow
async def test_what_goes_on_with_more_permissions_was_read_with_those_it_began_with(open_lab: Open) -> None:
    lab = await open_lab(Plan(repositories=1, people=8, conversations=150))
    (installation,) = lab.world.installations.values()
    installations.lose_permissions(lab.world, installation, "checks")
    await lab.discover()
    killed = asyncio.create_task(stopping_after(lab, await lab.place(), pages=2))
    with pytest.raises(asyncio.CancelledError):
        await killed

    by = lab.repository.owner
    installations.accept_permissions(lab.world, installation, by=by, **lab.world.app.permissions)
    lab.site.tokens.grants.clear()
    await lab.discover()
    await lab.resync(kind="backfill", full=True)
    lab.connection.execute("UPDATE sync_marks SET complete_at = complete_at - interval '11 minutes'")
    await sweep(lab.reconciler, complete_every=timedelta(days=1))
    assert lab.differences() == []


async def stopping_after(lab: Lab, place: Place, *, pages: int) -> None:
    """A backfill that is cancelled, as a killed one ends, after some pages."""
    seen: list[int] = []

    def watch(run: Run) -> None:
        seen.append(run.rows_seen)
        if len(seen) == pages:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()

    await resync(lab.reconciler, place, kind="backfill", full=True, priority="interactive", watch=watch)


async def test_a_rehearsal_tells_the_difference_and_writes_nothing(mirrored: Lab) -> None:
    issue = an_issue(mirrored)
    conversations.edit(mirrored.world, issue, by=mirrored.repository.owner, title="Brighter")
    changes, rehearsal = mirrored.changes(), Rehearsal(mirrored.engine)
    noted = (
        "SELECT (SELECT count(*) FROM sync_runs), (SELECT count(*) FROM sync_seen), (SELECT count(*) FROM sync_jobs)"
    )
    before = mirrored.connection.execute(noted).fetchall()
    place = await mirrored.place()
    await resync(mirrored.reconciler, place, kind="resync", full=True, priority="interactive", gate=rehearsal)
    told = [(event.entity_type, event.number) for event in rehearsal.differences]
    assert told == [("github_issues", issue.number)]
    assert mirrored.changes() == changes
    assert mirrored.connection.execute(noted).fetchall() == before
    assert mirrored.differences() != []


async def test_a_repository_that_is_not_seen_any_more_is_hidden_and_not_buried(mirrored: Lab) -> None:
    repository = mirrored.repository
    repository.visibility = "private"
    (installation,) = mirrored.world.installations.values()
    installations.remove_repositories(mirrored.world, installation, [repository], by=repository.owner)
    with pytest.raises(NotFound):
        await mirrored.resync(full=True)
    assert mirrored.due() == {"refetch_installation": 1}
    await refetch.do_due(mirrored.reconciler)
    shown = mirrored.connection.execute(
        "SELECT removed_at IS NOT NULL, deleted_at FROM github_repositories WHERE github_id = %s", [str(repository.id)]
    ).fetchall()
    assert shown == [(True, None)]
    assert truth.gone(mirrored.connection, "github_issues") == set()
    assert mirrored.differences() == []


@pytest.mark.parametrize("heard_at", [None, "2999-01-01"], ids=["never heard", "heard when it cannot have been"])
async def test_a_public_repository_that_left_its_installation_is_hidden_though_any_token_reads_it(
    mirrored: Lab, heard_at: str | None
) -> None:
    mirrored.connection.execute("UPDATE github_repositories SET heard_at = %s", [heard_at])
    repository = mirrored.repository
    repository.visibility = "public"
    (installation,) = mirrored.world.installations.values()
    installation.repositories.remove(repository)  # and the webhook is lost
    await refresh(mirrored.reconciler, mirrored.reconciler.app_session("resync", "interactive"))
    hidden = mirrored.connection.execute("SELECT github_id FROM github_repositories WHERE removed_at IS NOT NULL")
    assert hidden.fetchall() == [(str(repository.id),)]


@pytest.mark.parametrize("heard_at", [None, "2999-01-01"], ids=["never heard", "heard when it cannot have been"])
async def test_what_shows_of_an_installation_that_is_known_to_be_gone_is_hidden(
    mirrored: Lab, heard_at: str | None
) -> None:
    mirrored.connection.execute("UPDATE github_repositories SET heard_at = %s", [heard_at])
    mirrored.connection.execute("UPDATE github_installations SET deleted_at = now()")
    mirrored.world.installations.clear()
    await refresh(mirrored.reconciler, mirrored.reconciler.app_session("resync", "interactive"))
    shown = mirrored.connection.execute("SELECT count(*) FROM github_repositories WHERE removed_at IS NULL")
    assert shown.fetchall() == [(0,)]


async def test_access_that_is_lost_in_the_middle_buries_nothing(mirrored: Lab) -> None:
    repository = mirrored.repository
    repository.visibility = "private"
    issue = an_issue(mirrored)
    (installation,) = mirrored.world.installations.values()
    place = await mirrored.place()
    session = await mirrored.reconciler.session(place.installation, "resync", "interactive")
    known = await catalog.read(session, mirrored.engine, place)
    installation.repositories.remove(repository)
    batch = known.batch()
    with pytest.raises(AccessLost, match="not to be seen any more"):
        await absentees.settle(session, known, Absentee(absentees.NOUNS["issues"], issue.number), batch)
    assert batch.gone == {}


async def test_an_installation_that_is_suspended_while_an_issue_is_followed_buries_nothing(mirrored: Lab) -> None:
    here, issue, (there, *_) = mirrored.repository, an_issue(mirrored), others(mirrored)
    moved = issues.transfer(mirrored.world, issue, there, by=here.owner)
    (installation,) = mirrored.world.installations.values()
    place = await mirrored.place()
    session = await mirrored.reconciler.session(place.installation, "resync", "interactive")
    installations.suspend(mirrored.world, installation, by=here.owner)
    with pytest.raises(Suspended):
        await absentees._destination(session, f"/repositories/{there.id}/issues/{moved.number}")


async def test_a_label_that_is_missing_because_access_was_lost_is_not_buried(mirrored: Lab) -> None:
    repository = mirrored.repository
    repository.visibility = "private"
    (installation,) = mirrored.world.installations.values()
    place = await mirrored.place()
    session = await mirrored.reconciler.session(place.installation, "resync", "interactive")
    batch = Batch()
    installation.repositories.remove(repository)
    with pytest.raises(AccessLost, match="not to be seen any more"):
        await listings.bury(session, mirrored.engine, batch, place, label, [])
    assert batch.gone == {}


@pytest.mark.slow
async def test_a_repository_that_is_renamed_meanwhile_is_read_all_the_same(mirrored: Lab) -> None:
    issue = an_issue(mirrored)
    place = await mirrored.place()
    conversations.edit(mirrored.world, issue, by=mirrored.repository.owner, title="Brighter")
    repositories.rename(mirrored.world, mirrored.repository, "brighter", by=mirrored.repository.owner)
    mirrored.site.faults.plan("failure", "graphql", times=3)
    await resync(mirrored.reconciler, place, kind="resync", full=True, priority="interactive")
    assert mirrored.differences() == []


async def test_statements_stay_prepared_from_one_reading_to_the_next(mirrored: Lab) -> None:
    for _ in range(3):
        await mirrored.resync(full=True)
    async with transaction(mirrored.engine) as conn:
        assert int(await conn.scalar(sa.text("SELECT count(*) FROM pg_prepared_statements")) or 0) > 10
