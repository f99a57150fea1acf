"""Refetches settle what payloads could not: coalesced, many in one request, and again where GitHub is not ready."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from ghsync import jobs
from ghsync.database import transaction
from ghsync.inbox.recorder import Recorder
from ghsync.jobs import Job
from ghsync.projector.events import HANDLED
from ghsync.receiver import envelope
from ghsync.reconciler import refetch
from ghsync.simulator.actions import branches, comments, conversations, issues, labels
from ghsync.simulator.commit import Change
from ghsync.simulator.delivery import Delivery
from ghsync.worker import Worker
from tests.projector.test_origin import version_1
from tests.reconciler.conftest import Lab

pytestmark = pytest.mark.anyio


async def want(lab: Lab, kind: str, *numbers: object) -> None:
    """Make refetches due now."""
    place = await lab.place()
    wanted = [Job(kind, f"{place.id}#{number}" if number else place.id, place.id) for number in numbers]
    async with transaction(lab.engine) as conn:
        await jobs.schedule(conn, wanted, delay_seconds=0)


def waiting(lab: Lab) -> list[tuple[str, int, str | None]]:
    """The jobs that are left."""
    return lab.connection.execute("SELECT kind, attempts, last_error FROM sync_jobs").fetchall()


async def test_many_issues_are_read_again_in_one_request(mirrored: Lab) -> None:
    numbers = [number for number, issue in mirrored.repository.issues.items() if issue.pull_request is None][:20]
    for number in numbers:
        issue = mirrored.repository.issues[number]
        conversations.edit(mirrored.world, issue, by=mirrored.repository.owner, title=f"{number}, brighter")
    await want(mirrored, "refetch_issue", *numbers)
    before = mirrored.site.answered
    assert await refetch.do_due(mirrored.reconciler) == 20
    assert mirrored.site.answered - before == 1
    assert mirrored.differences() == []
    assert waiting(mirrored) == []


async def test_a_pull_request_without_a_verdict_is_asked_again_later(mirrored: Lab) -> None:
    pull = next(each for each in mirrored.repository.pull_requests.values() if each.issue.state == "open")
    pull.mergeability_known_at = mirrored.world.now().replace(year=2030)
    await want(mirrored, "refetch_pull_request", pull.number)
    await refetch.do_due(mirrored.reconciler)
    assert waiting(mirrored) == [("refetch_pull_request", 1, "GitHub has not computed mergeable yet")]
    pull.mergeability_known_at = mirrored.world.now()
    assert mirrored.due() == {"refetch_pull_request": 1}
    await refetch.do_due(mirrored.reconciler)
    assert waiting(mirrored) == []
    assert mirrored.differences() == []


async def test_what_is_gone_when_it_is_asked_for_becomes_a_tombstone(mirrored: Lab) -> None:
    issue = next(each for each in mirrored.repository.issues.values() if each.pull_request is None)
    issues.delete(mirrored.world, issue, by=mirrored.repository.owner)
    await want(mirrored, "refetch_issue", issue.number)
    await refetch.do_due(mirrored.reconciler)
    assert mirrored.differences() == []


async def test_a_comment_is_read_with_its_conversation(mirrored: Lab) -> None:
    issue = next(each for each in mirrored.repository.issues.values() if len(each.comments) > 1)
    edited, deleted = issue.comments[:2]
    comments.edit(mirrored.world, edited, "Much brighter", by=mirrored.repository.owner)
    comments.delete(mirrored.world, deleted, by=mirrored.repository.owner)
    await want(mirrored, "refetch_comment", edited.id)
    await refetch.do_due(mirrored.reconciler)
    assert mirrored.differences() == []
    assert waiting(mirrored) == []


async def test_a_repository_is_read_with_its_labels(mirrored: Lab) -> None:
    labels.create(mirrored.world, mirrored.repository, "brand new", by=mirrored.repository.owner)
    mirrored.repository.description = "Described anew"
    mirrored.repository.updated_at = mirrored.world.now()
    await want(mirrored, "refetch_repository", None)
    await refetch.do_due(mirrored.reconciler)
    assert mirrored.differences() == []


@pytest.mark.slow
async def test_a_refetch_that_fails_is_tried_again_later(mirrored: Lab) -> None:
    mirrored.site.faults.plan("failure", times=1000)
    await want(mirrored, "refetch_issue", next(iter(mirrored.repository.issues)))
    await refetch.do_due(mirrored.reconciler)
    ((kind, attempts, error),) = waiting(mirrored)
    assert (kind, attempts) == ("refetch_issue", 1)
    assert error is not None
    mirrored.site.faults.planned.clear()
    mirrored.due()
    await refetch.do_due(mirrored.reconciler)
    assert waiting(mirrored) == []


async def test_what_may_not_be_seen_is_not_asked_for(mirrored: Lab) -> None:
    async with transaction(mirrored.engine) as conn:
        await conn.execute(sa.text("UPDATE github_installations SET suspended_at = now()"))
    mirrored.connection.execute("DELETE FROM sync_jobs")
    place_id = mirrored.connection.execute(
        "SELECT id::text FROM github_repositories WHERE github_id = %s", [str(mirrored.repository.id)]
    ).fetchone()
    assert place_id is not None
    async with transaction(mirrored.engine) as conn:
        await jobs.schedule(conn, [Job("refetch_issue", f"{place_id[0]}#1", place_id[0])], delay_seconds=0)
    before = mirrored.site.answered
    await refetch.do_due(mirrored.reconciler)
    assert (waiting(mirrored), mirrored.site.answered) == ([], before)


COST = """
SELECT count(*) < 3, sum(requests), sum(points) > 0, sum(rows_seen), sum(rows_written),
       bool_and(started_at = date_trunc('hour', started_at)), bool_and(status = 'succeeded')
FROM sync_runs WHERE kind = 'refetch'
"""


async def test_what_refetches_cost_adds_up_by_the_hour(mirrored: Lab) -> None:
    mirrored.connection.execute("DELETE FROM sync_runs")
    numbers = [number for number, issue in mirrored.repository.issues.items() if issue.pull_request is None][:6]
    for start in (0, 2, 4):
        issue = mirrored.repository.issues[numbers[start]]
        conversations.edit(mirrored.world, issue, by=mirrored.repository.owner, title="Brighter")
        await want(mirrored, "refetch_issue", *numbers[start : start + 2])
        await refetch.do_due(mirrored.reconciler)
    assert mirrored.connection.execute(COST).fetchall() == [(True, 3, True, 6, 3, True, True)]


@pytest.mark.slow
async def test_a_round_that_asks_nothing_is_no_run_and_one_in_vain_is(mirrored: Lab) -> None:
    await refetch.do_due(mirrored.reconciler)
    ran = "SELECT requests FROM sync_runs WHERE kind = 'refetch'"
    assert mirrored.connection.execute(ran).fetchall() == []
    mirrored.site.faults.plan("failure", times=1000)
    await want(mirrored, "refetch_repository", None)
    await refetch.do_due(mirrored.reconciler)
    ((requests,),) = mirrored.connection.execute(ran).fetchall()
    assert requests > 0


async def test_a_burst_of_hooks_is_one_refetch_of_each(mirrored: Lab) -> None:
    world, repository = mirrored.world, mirrored.repository
    waits = [pull for pull in repository.pull_requests.values() if pull.issue.state == "open"]
    assert waits != []
    told = len(world.deliveries)
    for number in range(10):
        commit = branches.commit(world, repository.owner, f"Brighter by {number}", Change("lamp.c", 1))
        branches.push(world, repository, "main", commit, by=repository.owner)
    await deliver(mirrored, world.deliveries[told:])
    assert mirrored.due() == {"refetch_pull_request": len(waits)}
    world.clock.advance(60)
    before = mirrored.site.answered
    await refetch.do_due(mirrored.reconciler)
    assert mirrored.site.answered - before == 1
    assert waiting(mirrored) == []
    assert mirrored.differences() == []


@pytest.mark.slow
async def test_an_echo_within_the_second_of_the_last_change_is_put_right(mirrored: Lab) -> None:
    first, _ = await two_in_a_second(mirrored)
    mirrored.world.clock.advance(120)
    await deliver(mirrored, [echo(first, mirrored.world.now())])
    assert mirrored.differences() != []
    assert mirrored.due() == {"refetch_issue": 1}
    mirrored.world.clock.advance(120)
    await refetch.do_due(mirrored.reconciler)
    assert mirrored.differences() == []


@pytest.mark.slow
async def test_an_echo_whose_guid_claims_a_time_beside_the_last_change_is_put_right_by_a_complete_reading(
    mirrored: Lab,
) -> None:
    first, moment = await two_in_a_second(mirrored)
    await deliver(mirrored, [echo(first, moment + timedelta(milliseconds=1))])
    assert mirrored.due() == {}
    assert mirrored.differences() != []
    mirrored.world.clock.advance(120)
    await mirrored.resync_all()
    assert mirrored.differences() == []


async def two_in_a_second(lab: Lab) -> tuple[Delivery, datetime]:
    """Change an issue twice within a second, and let both arrive; answers the first delivery, and the time of both."""
    world, told = lab.world, len(lab.world.deliveries)
    issue = next(each for each in lab.repository.issues.values() if each.pull_request is None)
    world.clock.advance_to(world.now().replace(microsecond=0) + timedelta(seconds=1))
    for title in ("One lamp", "Two lamps"):
        conversations.edit(world, issue, by=lab.repository.owner, title=title)
    sent = world.deliveries[told:]
    await deliver(lab, sent)
    assert lab.differences() == []
    return sent[0], world.now()


def echo(sent: Delivery, made_at: datetime) -> Delivery:
    """The same signed body under a GUID of another time."""
    return replace(sent, headers={**sent.headers, "X-GitHub-Delivery": version_1(made_at)})


async def deliver(lab: Lab, deliveries: Sequence[Delivery]) -> None:
    """Let deliveries arrive, and be projected one by one."""
    recorder = Recorder(lab.engine, timeout_seconds=5)
    for sent in deliveries:
        headers = {name.lower(): value for name, value in sent.headers.items()}
        await recorder.record(envelope.opened(envelope.address(headers), sent.body, handled=HANDLED))
    await recorder.close()
    await Worker(lab.engine, batch_size=1, poll_seconds=1, max_attempts=1).drain()
