"""What reviews and checks come to in `pr_tracking`, and why, when their deliveries arrive in whatever order."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.database import transaction
from ghsync.inbox.queue import ClaimedDelivery
from ghsync.simulator.actions import branches, checks, conversations, pull_requests, repositories
from ghsync.simulator.app import EVERY_EVENT
from ghsync.simulator.commit import Change
from ghsync.simulator.delivery import Delivery
from ghsync.simulator.pull_request import PullRequest
from ghsync.simulator.workflow_run import WorkflowEvent
from ghsync.simulator.world import World
from tests import projection
from tests.mirror.reports import query
from tests.simulator import situations, verdict
from tests.simulator.conftest import assemble
from tests.simulator.situations import Act, Situation

pytestmark = pytest.mark.anyio

Order = Callable[[Sequence[ClaimedDelivery]], list[list[ClaimedDelivery]]]

ORDERS: dict[str, Order] = {
    "one by one": lambda told: [[delivery] for delivery in told],
    "backwards": lambda told: [[delivery] for delivery in reversed(told)],
    "at once": lambda told: [list(told)],
    "twice, the later half first": lambda told: [[*told[len(told) // 2 :]], [*told], [*told[: len(told) // 2]]],
}


@pytest.fixture
def act() -> Act:
    """Ben's pull request, of which nothing has arrived yet."""
    scene = assemble(World(seed=7, events=EVERY_EVENT))
    commit = branches.commit(scene.world, scene.ben, "Brighter", Change("lamp.c", 10, 2))
    branches.create(scene.world, scene.repository, "brighter", commit, by=scene.ben)
    opened = pull_requests.open_pull_request(scene.world, scene.repository, "brighter", "Brighter", by=scene.ben)
    return Act(scene, opened)


def settle(act: Act) -> None:
    """Let GitHub find out whether it can be merged, and tell it with the next event."""
    act.world.clock.advance(minutes=1)
    conversations.edit(act.world, act.pull_request, title="Brighter still", by=act.scene.ben)


def claimed(deliveries: Sequence[Delivery], act: Act) -> list[ClaimedDelivery]:
    """The deliveries as the worker claims them, just now."""
    now = act.world.now()
    return [
        ClaimedDelivery(number, now.date(), sent.guid, sent.event, None, None, "application/json", sent.body, 0, now)
        for number, sent in enumerate(deliveries)
    ]


async def tell(engine: AsyncEngine, act: Act, order: Order = ORDERS["one by one"]) -> None:
    """Project all that was sent."""
    for batch in order(claimed(act.world.deliveries, act)):
        async with transaction(engine) as conn:
            assert {verdict.status for verdict in await projection.project(conn, batch)} <= {"processed", "ignored"}


async def tracked(engine: AsyncEngine, columns: str) -> list[tuple[Any, ...]]:
    """Columns of every tracked pull request, by number."""
    return await query(engine, f"SELECT {columns} FROM pr_tracking ORDER BY pr_number")


async def reasons(engine: AsyncEngine, kind: str, number: int = 1) -> tuple[tuple[str | None, str], ...]:
    """Name and state of the blockers of one kind."""
    statement = "SELECT name, state FROM pr_blockers('lighthouse/lamp', :number) WHERE kind = :kind ORDER BY name"
    return tuple(await query(engine, statement, number=number, kind=kind))


every_order = pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)


@every_order
@pytest.mark.parametrize("situation", [one for one in situations.REVIEWED if one.told], ids=str)
async def test_reviews_come_to_one_word_and_say_why(
    engine: AsyncEngine, act: Act, situation: Situation, order: Order
) -> None:
    situation.doing(act)
    settle(act)
    await tell(engine, act, order)
    assert await tracked(engine, "review_status, merge_status") == [(situation.word, "mergeable")]
    assert await reasons(engine, "review") == situation.reasons
    assert await reasons(engine, "merge") == ()


@every_order
@pytest.mark.parametrize("situation", [one for one in situations.CHECKED if one.told], ids=str)
async def test_checks_come_to_one_word_and_say_why(
    engine: AsyncEngine, act: Act, situation: Situation, order: Order
) -> None:
    situation.doing(act)
    settle(act)
    await tell(engine, act, order)
    assert await tracked(engine, "ci_status, merge_status") == [(situation.word, "mergeable")]
    assert await reasons(engine, "check") == tuple(sorted(situation.reasons, key=str))


@every_order
async def test_what_is_approved_green_and_mergeable_has_no_reason_against_it(
    engine: AsyncEngine, act: Act, order: Order
) -> None:
    act.review()
    act.check()
    settle(act)
    await tell(engine, act, order)
    assert await tracked(engine, "merge_status, review_status, ci_status") == [("mergeable", "approved", "success")]
    assert await query(engine, "SELECT * FROM pr_blockers('lighthouse/lamp', 1)") == []


@every_order
async def test_checks_of_a_forks_head_are_found_by_its_commit(engine: AsyncEngine, act: Act, order: Order) -> None:
    scene = act.scene
    fork = repositories.create(scene.world, act.cleo, "lamp", by=act.cleo, fork_of=scene.repository)
    commit = branches.commit(scene.world, act.cleo, "Blink", Change("lamp.c", 3))
    branches.create(scene.world, fork, "blink", commit, by=act.cleo)
    theirs = pull_requests.open_pull_request(
        scene.world, scene.repository, "blink", "Blink", by=act.cleo, head_repository=fork
    )
    run = checks.complete_check_run(
        scene.world, theirs, "build", by=scene.ada, app=scene.world.ci, conclusion="failure"
    )
    assert run.suite.pull_requests == []
    await tell(engine, act, order)
    assert await tracked(engine, "pr_number, ci_status") == [(1, "none"), (2, "failure")]


@every_order
@pytest.mark.parametrize(
    ("event", "words"), [("push", ("failure", "failure")), ("pull_request", ("failure", "success"))]
)
async def test_two_pull_requests_of_one_commit_share_what_did_not_run_for_one_of_them(
    engine: AsyncEngine, act: Act, order: Order, event: WorkflowEvent, words: tuple[str, str]
) -> None:
    act.check("failure", event=event)
    other = released(act)
    act.foreign_check("success", "lint")
    await tell(engine, act, order)
    assert await tracked(engine, "ci_status") == [(word,) for word in words]
    assert tuple(verdict.ci_status(each) for each in (act.pull_request, other)) == words


@every_order
async def test_what_runs_for_one_of_two_pull_requests_of_a_commit_takes_the_place_of_nothing_that_ran_for_the_other(
    engine: AsyncEngine, act: Act, order: Order
) -> None:
    act.check("failure")
    other = released(act)
    checks.complete_check_run(act.world, other, "build", by=act.scene.ada, app=act.world.ci)
    await tell(engine, act, order)
    assert await tracked(engine, "ci_status") == [("failure",), ("success",)]
    assert verdict.ci_status(act.pull_request) == "failure"
    assert verdict.ci_status(other) == "success"


def released(act: Act) -> PullRequest:
    """Another pull request of the same head, into another branch."""
    scene = act.scene
    branches.create(scene.world, scene.repository, "release", by=scene.ada)
    return pull_requests.open_pull_request(
        scene.world, scene.repository, "brighter", "Brighter, released", base="release", by=scene.ben
    )


@every_order
async def test_a_force_push_leaves_the_checks_of_the_old_head_behind(
    engine: AsyncEngine, act: Act, order: Order
) -> None:
    scene = act.scene
    act.check("failure")
    act.review("CHANGES_REQUESTED")
    commit = branches.commit(scene.world, scene.ben, "Brighter, once more", Change("lamp.c", 8))
    branches.force_push(scene.world, scene.repository, "brighter", commit, by=scene.ben, instead_of=1)
    act.check()
    await tell(engine, act, order)
    assert await tracked(engine, "ci_status, review_status") == [("success", "changes_requested")]


async def test_everyone_asked_or_heard_is_among_the_reviewers(engine: AsyncEngine, act: Act) -> None:
    act.review("CHANGES_REQUESTED")
    act.ask(act.cleo)
    await tell(engine, act)
    ((people,),) = await tracked(engine, "reviewers")
    assert [(one["login"], one["state"]) for one in people] == [
        ("cleo", "review_requested"),
        ("ada", "changes_requested"),
    ]
    assert people[0]["submitted_at"] is None
    assert people[1]["submitted_at"] is not None


async def test_a_blocker_carries_its_evidence(engine: AsyncEngine, act: Act) -> None:
    run = act.foreign_check("failure", "lint")
    review = act.review("CHANGES_REQUESTED")
    await tell(engine, act)
    ((detail, url, since, evidence),) = await query(
        engine, "SELECT detail, url, since, evidence FROM pr_blockers('lighthouse/lamp', 1) WHERE kind = 'check'"
    )
    assert (detail, url) == ("lint did not pass: failure.", run.html_url)
    assert since == run.completed_at.replace(microsecond=0)
    assert evidence["github_id"] == str(run.id)
    ((detail, url, evidence),) = await query(
        engine,
        "SELECT detail, url, evidence FROM pr_blockers('lighthouse/lamp', 1) WHERE kind = 'review'",
    )
    assert (detail, url) == ("ada requested changes.", review.html_url)
    assert evidence["github_id"] == str(review.id)
