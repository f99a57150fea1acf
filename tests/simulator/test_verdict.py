"""Each situation is acted out, and the word for it is taken from the contract."""

from dataclasses import replace

import pytest

from ghsync.simulator.actions import pull_requests
from ghsync.simulator.pull_request import MergeableState, PullRequest
from tests.simulator import situations, verdict
from tests.simulator.conftest import Scene
from tests.simulator.situations import Act, Situation


@pytest.fixture
def act(attentive_scene: Scene, pull_request: PullRequest) -> Act:
    return Act(attentive_scene, pull_request)


@pytest.mark.parametrize("situation", situations.REVIEWED, ids=str)
def test_reviews_come_to_one_word(act: Act, situation: Situation) -> None:
    situation.doing(act)
    assert verdict.review_status(act.pull_request) == situation.word


@pytest.mark.parametrize("situation", situations.CHECKED, ids=str)
def test_checks_come_to_one_word(act: Act, situation: Situation) -> None:
    situation.doing(act)
    assert verdict.ci_status(act.pull_request) == situation.word


MERGED: list[tuple[MergeableState, verdict.MergeStatus]] = [
    ("clean", "mergeable"),
    ("blocked", "blocked"),
    ("behind", "behind"),
    ("dirty", "conflicting"),
    ("unstable", "unstable"),
    ("draft", "blocked"),
    ("unknown", "pending"),
]


@pytest.mark.parametrize(("state", "expected"), MERGED)
def test_mergeability_comes_to_one_word(act: Act, state: MergeableState, expected: str) -> None:
    act.pull_request.ready_state = state
    act.world.clock.advance(minutes=1)
    assert verdict.merge_status(act.pull_request, act.world.now()) == expected


def test_mergeability_is_pending_until_it_is_known(act: Act) -> None:
    act.world.clock.advance(minutes=1)
    assert verdict.merge_status(act.pull_request, act.world.now()) == "mergeable"
    act.push()
    assert verdict.merge_status(act.pull_request, act.world.now()) == "pending"


def test_what_is_over_is_merged_or_closed(act: Act) -> None:
    pull_requests.close(act.world, act.pull_request, by=act.scene.ben)
    assert verdict.merge_status(act.pull_request, act.world.now()) == "closed"
    pull_requests.reopen(act.world, act.pull_request, by=act.scene.ben)
    pull_requests.merge(act.world, act.pull_request, by=act.scene.ben)
    assert verdict.merge_status(act.pull_request, act.world.now()) == "merged"


@pytest.mark.parametrize(
    ("status", "conclusion", "said", "outcome"),
    [
        ("completed", "success", set(), None),
        ("completed", "failure", {"passed", "failed"}, None),
        ("completed", "failure", {"passed", "pending"}, None),
        ("completed", "failure", {"passed"}, "failed"),
        ("completed", "exploded", set(), "failed"),
        ("completed", "action_required", {"failed"}, None),
        ("completed", "action_required", set(), "pending"),
        ("queued", None, {"passed"}, "pending"),
    ],
)
def test_a_workflow_says_only_what_its_check_runs_do_not(
    status: str, conclusion: str | None, said: set[verdict.Outcome], outcome: str | None
) -> None:
    assert verdict.of_suite(status, conclusion, said, runs_workflow=True) == outcome


@pytest.mark.parametrize(
    ("status", "said", "outcome"),
    [("completed", set(), None), ("queued", {"passed"}, None), ("completed", {"passed"}, "failed")],
)
def test_a_suite_of_an_app_says_only_that_it_failed_where_its_checks_have_not(
    status: str, said: set[verdict.Outcome], outcome: str | None
) -> None:
    assert verdict.of_suite(status, "failure", said, runs_workflow=False) == outcome


def test_words_that_github_may_invent_are_no_success() -> None:
    assert verdict.of_check_run("completed", "exploded") == "failed"
    assert verdict.of_status("odd") == "failed"


def test_a_status_that_is_expected_has_not_come_yet() -> None:
    assert verdict.of_status("expected") == "pending"


def test_only_what_is_mergeable_approved_and_checked_is_ready(act: Act) -> None:
    act.review()
    act.check()
    act.world.clock.advance(minutes=1)
    found = verdict.of(act.pull_request, act.world.now())
    assert found.ready
    assert not replace(found, merge_status="blocked").ready
    assert not replace(found, review_status="commented").ready
    assert not replace(found, ci_status="none").ready
