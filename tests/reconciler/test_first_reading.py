"""What is open is there first: of every repository that nobody has read yet, before anything closed is asked for."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from ghsync.database import transaction
from ghsync.errors import GhsyncError, TakenOver, UnavailableForLegalReasons
from ghsync.reconciler import bulk, sweep
from ghsync.reconciler.places import Place
from ghsync.reconciler.runs import Run
from ghsync.reconciler.session import Session
from ghsync.reports import readings
from ghsync.simulator.actions import issues, labels
from ghsync.simulator.generator import Plan
from tests.reconciler.answers import REPOSITORY, edited, status
from tests.reconciler.conftest import Broken, Lab, Open

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

DAILY = timedelta(days=1)
LARGE = Plan(repositories=3, people=8, conversations=300, pull_request_share=0.5)

ISSUES = "GET /repositories/{repository_id:int}/issues"

Asked = list[tuple[str, list[str] | None]]


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count as large what has more than ten of a kind."""
    monkeypatch.setattr(bulk, "MOST_ISSUES", 10)
    monkeypatch.setattr(bulk, "MOST_PULL_REQUESTS", 10)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """What GraphQL is asked for: the name of each document, with the states of issues."""
    found: Asked = []
    ask = Session.graphql

    async def noting(self: Session, name: str, **variables: Any) -> Any:
        found.append((name, variables.get("issueStates")))
        return await ask(self, name, **variables)

    monkeypatch.setattr(Session, "graphql", noting)
    return found


@pytest.fixture
async def unread_yet(several_broken: Broken, monkeypatch: pytest.MonkeyPatch) -> Broken:
    """Several repositories that are known and were never read, each too large to be read with others."""
    monkeypatch.setattr(bulk, "MOST_ISSUES", 0)
    monkeypatch.setattr(bulk, "MOST_PULL_REQUESTS", 0)
    several_broken.connection.execute("TRUNCATE organizations, github_installations, sync_jobs CASCADE")
    await several_broken.discover()
    several_broken.faulty.mend()
    return several_broken


async def swept(lab: Lab) -> Run:
    return await sweep.sweep(lab.reconciler, complete_every=DAILY)


async def sweep_to_the_pause(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read what is open, and end."""

    def ends() -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as patch:
        at_the_first_of(patch, pausing=False, happens=ends)
        with pytest.raises(asyncio.CancelledError):
            await swept(lab)


def opened(lab: Lab) -> int:
    """How many issues and pull requests are open on GitHub."""
    return sum(each.state == "open" for one in lab.world.repositories.values() for each in one.issues.values())


def count(lab: Lab, state: str) -> int:
    """How many are mirrored in a state."""
    row = lab.connection.execute(
        "SELECT (SELECT count(*) FROM github_issues WHERE state = %(state)s)"
        " + (SELECT count(*) FROM github_pull_requests WHERE state = %(state)s)",
        {"state": state},
    ).fetchone()
    assert row
    return int(row[0])


def at_the_first_of(monkeypatch: pytest.MonkeyPatch, *, pausing: bool, happens: Callable[[], object]) -> None:
    """Let something happen before the first reading of one that pauses, or of one that goes on after that."""
    read, happened = sweep.resync, []

    async def late(reconciler: Any, place: Place, **options: Any) -> Run:
        if not happened and options["pause"] == pausing:
            happened.append(place)
            happens()
        return await read(reconciler, place, **options)

    monkeypatch.setattr(sweep, "resync", late)


async def test_all_that_is_open_is_mirrored_before_anything_closed_is_asked_for(
    open_lab: Open, monkeypatch: pytest.MonkeyPatch, asked: Asked
) -> None:
    lab = await open_lab(LARGE)
    await lab.discover()
    there: list[int] = []
    at_the_first_of(
        monkeypatch, pausing=False, happens=lambda: there.extend([count(lab, "open"), count(lab, "closed")])
    )
    run = await swept(lab)
    assert there == [opened(lab), 0]
    assert lab.differences() == []
    assert run.rows_seen == sum(len(each.issues) for each in lab.world.repositories.values())
    states = [states for name, states in asked if name in ("bulk", "conversations")]
    assert [name for name, states in asked if states == ["OPEN"] and name == "bulk"] == ["bulk"] * 3
    assert ["OPEN"] not in states[states.index(["CLOSED"]) :]
    runs = "SELECT DISTINCT kind, status, count(*) FROM sync_runs WHERE repository_id IS NOT NULL GROUP BY 1, 2"
    assert lab.connection.execute(runs).fetchall() == [("backfill", "succeeded", 3)]


async def test_it_is_told_how_far_it_is_and_how_long_the_rest_will_take(
    open_lab: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = await open_lab(LARGE)
    told: list[dict[str, Any] | None] = []

    async def look() -> None:
        async with transaction(lab.engine) as conn:
            told.append(await readings.first(conn))

    read = sweep.resync

    async def looking(reconciler: Any, place: Place, **options: Any) -> Run:
        run = await read(reconciler, place, **options)
        await look()
        return run

    monkeypatch.setattr(sweep, "resync", looking)
    lab.connection.execute(
        "INSERT INTO sync_processes (id, kind, host, pid, version, leading_since)"
        " VALUES (gen_random_uuid(), 'serve', 'here', 1, '0', now())"
    )
    await look()
    await lab.discover()
    await look()
    await swept(lab)
    assert told[:2] == [None, None]  # nobody has begun
    assert [(one and (one["repositories"], one["read"], one["open_read"])) for one in told[2:]] == [
        (3, 0, 1), (3, 0, 2), (3, 0, 3), (3, 1, 3), (3, 2, 3), None,
    ]  # fmt: skip
    assert told[2]
    assert told[2]["seconds_left"] is None  # of those that have not begun nobody knows the size
    assert all(0 < one["seconds_left"] < 600 for one in told[4:7] if one)


async def test_the_rest_goes_on_where_what_is_open_ended_whoever_does_it(
    open_lab: Open, monkeypatch: pytest.MonkeyPatch, asked: Asked
) -> None:
    """The process ends in between, and the next one does not ask for what is open again."""
    lab = await open_lab(LARGE)
    await lab.discover()
    await sweep_to_the_pause(lab, monkeypatch)
    assert count(lab, "open") == opened(lab)
    waiting = lab.connection.execute("SELECT status, finished_at FROM sync_runs WHERE kind = 'backfill'").fetchall()
    assert waiting == [("running", None)] * 3

    asked.clear()
    await swept(lab)
    assert lab.differences() == []
    assert {states and states[0] for name, states in asked if name in ("bulk", "conversations")} == {"CLOSED"}


async def test_without_graphql_what_is_open_comes_first_too(
    unread_yet: Broken, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = unread_yet
    for name in ("Bulk", "Conversations"):
        lab.faulty.break_(f"GraphQL {name}", status(404, "Not Found"))
    there: list[int] = []
    at_the_first_of(
        monkeypatch, pausing=False, happens=lambda: there.extend([count(lab, "open"), count(lab, "closed")])
    )
    await swept(lab)
    assert there == [opened(lab), 0]
    assert [line for line in lab.differences() if not line.startswith("github_review_threads")] == []


async def test_what_opens_or_closes_in_between_untold_is_right_after_the_next_sweep(
    open_lab: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = await open_lab(LARGE)
    await lab.discover()

    def turn() -> None:
        lab.passes(minutes=1)
        for repository in lab.world.repositories.values():
            conversations = [each for each in repository.issues.values() if each.pull_request is None]
            for closed in [each for each in conversations if each.state == "closed"][:1]:
                issues.reopen(lab.world, closed, by=repository.owner)
            for is_open in [each for each in conversations if each.state == "open"][:1]:
                issues.close(lab.world, is_open, by=repository.owner)
            issues.open_issue(lab.world, repository, "Seen by nobody", by=repository.owner)

    at_the_first_of(monkeypatch, pausing=False, happens=turn)
    await swept(lab)
    assert count(lab, "open") + count(lab, "closed") < sum(len(each.issues) for each in lab.world.repositories.values())
    lab.passes(minutes=5)
    await swept(lab)
    assert lab.differences() == []
    changes = lab.changes()
    await swept(lab)
    assert lab.changes() == changes


async def test_issues_that_are_denied_keep_no_pull_request_back_open_or_closed(unread_yet: Broken) -> None:
    lab = unread_yet

    def deny(content: dict[str, Any]) -> None:
        if "issues" not in content["data"]["node"]:
            return
        content["data"]["node"]["issues"] = None
        content["errors"] = [{"type": "FORBIDDEN", "path": ["node", "issues"], "message": "Resource not accessible"}]

    lab.faulty.break_("GraphQL Bulk", status(404, "Not Found"))
    lab.faulty.break_("GraphQL Conversations", edited(deny))
    lab.faulty.break_(ISSUES, status(422, "Unprocessable"))
    with pytest.raises(GhsyncError):
        await swept(lab)
    assert [line for line in lab.differences() if line.startswith("github_pull_requests")] == []


async def test_one_that_fails_while_it_is_open_is_tried_once_more_and_told_once(unread_yet: Broken) -> None:
    lab = unread_yet
    lab.faulty.break_("GraphQL Bulk", status(404, "Not Found"))
    lab.faulty.break_(REPOSITORY, status(422, "Unprocessable"), within=f"/repositories/{lab.repository.id}")
    with pytest.raises(GhsyncError):
        await swept(lab)
    assert lab.faulty.asked[REPOSITORY] == len(lab.world.repositories) + 1
    assert {line for line in lab.differences() if str(lab.repository.id) not in line} == set()


async def test_what_is_switched_off_is_left_out_after_the_pause_too(unread_yet: Broken) -> None:
    lab = unread_yet
    off = f"/repositories/{lab.repository.id}"
    for name in ("Bulk", "Conversations"):
        lab.faulty.break_(f"GraphQL {name}", status(404, "Not Found"))
    lab.faulty.break_(REPOSITORY, edited(lambda content: content.update(has_issues=False)), within=off)
    lab.faulty.break_(ISSUES, status(410, "Issues are disabled"), within=f"{off}/issues")
    await swept(lab)
    row = lab.connection.execute("SELECT count(complete_at) FROM sync_marks").fetchone()
    assert row == (len(lab.world.repositories),)


async def test_where_all_is_open_heads_are_read_by_pages(open_lab: Open, asked: Asked) -> None:
    lab = await open_lab(Plan(repositories=1, people=8, conversations=60, pull_request_share=1.0))
    for each in lab.repository.issues.values():
        if each.state == "closed" and each.pull_request is not None and not each.pull_request.merged_at:
            each.state, each.closed_at = "open", None
    lab.world.clock.advance(1)
    await lab.discover()
    await swept(lab)
    assert len([name for name, _ in asked if name in ("bulk", "conversations")]) <= 6
    assert lab.differences() == []


async def test_what_could_not_be_read_before_the_pause_is_told_after_it(unread_yet: Broken) -> None:
    lab = unread_yet
    lab.faulty.break_("GraphQL Bulk", status(404, "Not Found"))
    lab.faulty.break_("GET /repositories/{repository_id:int}/labels", status(422, "Unprocessable"))
    await swept(lab)
    told = "SELECT DISTINCT status, last_error ~ 'labels' FROM sync_runs WHERE kind = 'backfill'"
    assert lab.connection.execute(told).fetchall() == [("succeeded", True)]
    due = "SELECT count(*) FROM sync_jobs WHERE kind = 'refetch_repository' AND due_at > now()"
    assert lab.connection.execute(due).fetchone() == (len(lab.world.repositories),)


async def test_after_a_long_pause_labels_are_read_again(open_lab: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = await open_lab(LARGE)
    await lab.discover()

    def rename() -> None:
        for repository in lab.world.repositories.values():
            for label in repository.labels[:1]:
                labels.edit(lab.world, label, by=repository.owner, name="renamed meanwhile")

    monkeypatch.setattr("ghsync.reconciler.repository.LONG_PAUSE", timedelta(0))
    at_the_first_of(monkeypatch, pausing=False, happens=rename)
    await swept(lab)
    assert [line for line in lab.differences() if line.startswith("github_labels")] == []


async def test_a_resync_by_hand_leaves_no_paused_reading(open_lab: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = await open_lab(LARGE)
    await lab.discover()
    await sweep_to_the_pause(lab, monkeypatch)
    await lab.resync_all()
    assert lab.connection.execute("SELECT DISTINCT status FROM sync_runs WHERE kind = 'backfill'").fetchall() == [
        ("interrupted",)
    ]


@pytest.mark.parametrize("why", ["it is blocked", "another process reads it"])
async def test_one_that_is_not_to_be_had_is_asked_once_a_sweep(
    open_lab: Open, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    lab = await open_lab(LARGE)
    await lab.discover()
    tried: list[int] = []
    read = sweep.resync

    async def refused(reconciler: Any, place: Place, **options: Any) -> Run:
        tried.append(place.github_id)
        if place.github_id == lab.repository.id:
            raise UnavailableForLegalReasons("Blocked.") if why == "it is blocked" else TakenOver("It goes on there.")
        return await read(reconciler, place, **options)

    monkeypatch.setattr(sweep, "resync", refused)
    await swept(lab)
    assert tried.count(lab.repository.id) == 1
    assert len(set(tried)) == 3
