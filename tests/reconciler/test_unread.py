"""What could not be read is asked for again by itself, after a pause that only reading it ends (I12)."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ghsync import jobs
from ghsync.database import transaction
from ghsync.errors import GitHubUnavailable
from ghsync.inbox.recorder import Recorder
from ghsync.jobs import Job
from ghsync.reconciler import installations, refetch, unread
from ghsync.reconciler.heal import heal
from ghsync.reconciler.resync import resync
from ghsync.simulator.actions import issues
from ghsync.simulator.sender import Sender
from tests.faulty import Answer, Given
from tests.reconciler.answers import REPOSITORY, body, edited, hide, status
from tests.reconciler.conftest import Broken

pytestmark = pytest.mark.anyio

PULL_REQUEST = f"{REPOSITORY}/pulls/{{number:int}}"


def hide_for_good(broken: Broken, *numbers: int) -> None:
    """Let pull requests be read through neither door."""
    for query in ("Conversations", "Refetch"):
        broken.faulty.break_(f"GraphQL {query}", together(hide(number) for number in numbers))
    broken.faulty.break_(PULL_REQUEST, of(numbers, status(500)))


def together(answers: Iterable[Answer]) -> Answer:
    """All that is wrong with each."""
    several = list(answers)

    def answer(given: Given) -> Given:
        for each in several:
            given = each(given)
        return given

    return answer


def of(numbers: Iterable[int], wrong: Answer) -> Answer:
    """Wrong of these alone, by the last part of the path."""
    ends = {str(number) for number in numbers}
    return lambda given: wrong(given) if given.url.partition("?")[0].rpartition("/")[2] in ends else given


def pause(broken: Broken) -> timedelta:
    """How long the pull request's pause is."""
    row = broken.connection.execute(
        "SELECT due_at - now() FROM sync_jobs WHERE kind = 'refetch_pull_request'"
    ).fetchone()
    assert row is not None
    found: timedelta = row[0]
    return found


async def waited_for(broken: Broken) -> None:
    """Let a pull request have been asked for in vain a few times."""
    hide_for_good(broken, broken.number_of_a_pull_request())
    await broken.resync(full=True)
    for _ in range(5):
        broken.due()
        await refetch.do_due(broken.reconciler)
    assert pause(broken) > timedelta(seconds=10)


@pytest.mark.slow
async def test_a_run_that_breaks_before_it_looks_ends_no_pause(broken: Broken) -> None:
    await waited_for(broken)
    broken.faulty.break_(REPOSITORY, status(500))
    with pytest.raises(GitHubUnavailable):
        await broken.resync()
    assert pause(broken) > timedelta(seconds=10)


@pytest.mark.slow
async def test_a_run_that_looks_elsewhere_ends_no_pause(broken: Broken) -> None:
    await waited_for(broken)
    place = await broken.place()
    await resync(broken.reconciler, place, kind="sweep", full=False, priority="sweep", kinds=("issues",))
    assert pause(broken) > timedelta(seconds=10)


async def test_to_have_read_it_ends_its_pause(broken: Broken) -> None:
    await waited_for(broken)
    broken.faulty.mend()
    await broken.resync(full=True)
    assert pause(broken) <= timedelta(0)
    await refetch.do_due(broken.reconciler)
    assert await broken.unread() == []


async def test_a_parked_job_that_then_cannot_be_read_is_asked_for_again(broken: Broken) -> None:
    number, place = broken.number_of_a_pull_request(), await broken.place()
    job = unread.conversation(place.id, number, pull=True)
    async with transaction(broken.engine) as conn:
        await jobs.schedule(conn, [job])
        await jobs.postpone(conn, job.kind, [job.key], jobs.UNDECIDED, max_attempts=1)
    hide_for_good(broken, number)
    await broken.resync(full=True)
    assert any(f"#{number} could not be read" in told for told in await broken.unread())
    assert broken.connection.execute("SELECT count(*) FROM sync_jobs WHERE parked_at IS NOT NULL").fetchone() == (0,)


async def test_a_refetch_that_cannot_be_stored_stops_no_other(broken: Broken) -> None:
    bad, good = sorted(broken.repository.issues.keys() - broken.repository.pull_requests.keys())[:2]
    place = await broken.place()
    broken.connection.execute("UPDATE github_issues SET title = 'stale'")
    async with transaction(broken.engine) as conn:
        await jobs.schedule(conn, [Job("refetch_issue", f"{place.id}#{number}", place.id) for number in (bad, good)])

    def overflow(content: dict[str, Any]) -> None:
        for each in content["data"]["nodes"]:
            if each and each["number"] == bad:
                each["comments"].update(totalCount=10**12)

    broken.faulty.break_("GraphQL Refetch", edited(overflow))
    broken.due()
    await refetch.do_due(broken.reconciler)
    (told,) = await broken.unread()
    assert "cannot be stored" in told
    stale = broken.connection.execute("SELECT number FROM github_issues WHERE title = 'stale'").fetchall()
    assert (bad,) in stale
    assert (good,) not in stale


async def test_more_than_may_fail_at_once_are_got_past_in_the_end(
    broken: Broken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unread, "MOST", 2)
    hide_for_good(broken, *sorted(broken.repository.pull_requests)[:3])
    with pytest.raises(GitHubUnavailable):
        await broken.resync(full=True)
    run = await broken.resync(full=True)
    assert run.unread is not None
    assert len({told.partition(" ")[0] for told in await broken.unread()}) >= 3


async def test_what_was_not_read_keeps_a_repository_from_being_complete(broken: Broken) -> None:
    told = "SELECT complete, refetches_failing, stale FROM sync_health"
    assert broken.connection.execute(told).fetchall() == [(True, 0, False)]
    waiting = unread.conversation((await broken.place()).id, broken.number_of_a_pull_request(), pull=True)
    async with transaction(broken.engine) as conn:  # what GitHub is still at could be read
        await jobs.schedule(conn, [waiting])
        await jobs.postpone(conn, waiting.kind, [waiting.key], jobs.UNDECIDED)
    assert broken.connection.execute(told).fetchall() == [(True, 0, False)]
    hide_for_good(broken, broken.number_of_a_pull_request())
    await broken.resync(full=True)
    ((complete, failing, stale),) = broken.connection.execute(told).fetchall()
    assert (complete, stale) == (False, False)
    assert failing > 0


@pytest.mark.parametrize("many", [1, 11])
async def test_installations_that_cannot_be_read_stop_no_other(broken: Broken, many: int) -> None:
    broken.connection.execute("TRUNCATE organizations, github_installations CASCADE")
    unreadable = range(1, many + 1)

    def precede(listed: list[dict[str, Any]]) -> None:
        listed[:0] = [{**listed[0], "id": number, "permissions": 7} for number in unreadable]

    broken.faulty.break_("GET /app/installations", edited(precede))
    broken.faulty.break_("GET /app/installations/{installation_id:int}", of(unreadable, status(500)))
    app = broken.reconciler.app_session("reconcile", "interactive")
    await installations.refresh(broken.reconciler, app)
    assert broken.connection.execute("SELECT count(*) FROM github_repositories").fetchone() == (1,)
    assert len(await broken.unread()) == many


async def test_pages_of_graphql_that_always_lead_on_end(broken: Broken) -> None:
    cursors = iter(range(1_000_000))

    def lead_on(content: dict[str, Any]) -> None:
        if listed := (content["data"].get("node") or {}).get("issues"):
            listed["pageInfo"] = {"hasNextPage": True, "endCursor": f"c{next(cursors)}"}

    first: list[Given] = []

    def again(given: Given) -> Given:
        first.append(given)
        return replace(given, status=first[0].status, body=first[0].body)

    broken.faulty.break_("GraphQL Conversations", together([again, edited(lead_on)]))
    run = await broken.resync(full=True)
    assert len(first) < 10
    assert run.meter.requests < 60


async def test_a_delivery_that_cannot_be_read_is_one_job_and_one_redelivery_a_pause(broken: Broken) -> None:
    broken.world.clock.advance(1)
    issues.open_issue(broken.world, broken.repository, "Lamp", by=broken.repository.owner)
    broken.site.faults.hook = {"dropped": 1.0}
    broken.faulty.break_("GET /app/hook/deliveries/{delivery_id:int}", body(b"{}"))
    recorder = Recorder(broken.engine, timeout_seconds=5)
    async with Sender(broken.site, from_the_start=True) as sender:
        await sender.flush(early=True)
        for _ in range(6):  # each redelivery is another attempt in the log, under another id
            broken.world.clock.advance(300)
            await heal(broken.reconciler, recorder)
            await sender.flush(early=True)
    await recorder.close()
    assert broken.faulty.asked["POST /app/hook/deliveries/{delivery_id:int}/attempts"] <= 2
    assert len(await broken.unread()) == 1
