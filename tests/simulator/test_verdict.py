"""Each situation is acted out, and the word for it is taken from the contract."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from ghsync.simulator import verdict
from ghsync.simulator.account import Account
from ghsync.simulator.actions import branches, checks, pull_requests, review_threads, reviews, statuses
from ghsync.simulator.check_run import CheckRun
from ghsync.simulator.check_suite import Conclusion
from ghsync.simulator.commit import Change
from ghsync.simulator.commit_status import StatusState
from ghsync.simulator.pull_request import MergeableState, PullRequest
from ghsync.simulator.review import Review, ReviewState
from ghsync.simulator.workflow_run import WorkflowEvent
from ghsync.simulator.world import World
from tests.simulator.conftest import Scene


@dataclass
class Act:
    """A pull request of Ben's, and what Ada, Cleo and CI do to it."""

    scene: Scene
    pull_request: PullRequest
    cleo: Account

    @property
    def world(self) -> World:
        return self.scene.world

    def review(self, state: ReviewState = "APPROVED", by: Account | None = None) -> Review:
        self.world.clock.advance(1)
        return reviews.submit(self.world, self.pull_request, by=by or self.scene.ada, state=state)

    def dismiss(self, review: Review) -> None:
        reviews.dismiss(self.world, review, by=self.scene.ben)

    def ask(self, reviewer: Account | None = None) -> None:
        pull_requests.request_review(self.world, self.pull_request, reviewer or self.scene.ada, by=self.scene.ben)

    def ask_team(self) -> None:
        team = self.world.add_team(self.scene.organization, "Keepers", "Those who keep")
        pull_requests.request_review(self.world, self.pull_request, team, by=self.scene.ben)

    def check(
        self, conclusion: Conclusion | None = "success", name: str = "build", event: WorkflowEvent = "pull_request"
    ) -> CheckRun:
        """A check of GitHub Actions: over, or only started."""
        ci, by = self.world.ci, self.scene.ada
        if conclusion is None:
            return checks.start(self.world, self.pull_request, name, by=by, app=ci, event=event)
        return checks.complete_check_run(
            self.world, self.pull_request, name, by=by, app=ci, conclusion=conclusion, event=event
        )

    def foreign_check(self, conclusion: Conclusion = "success", name: str = "build") -> CheckRun:
        """A check of the App's own."""
        return checks.complete_check_run(self.world, self.pull_request, name, by=self.scene.ada, conclusion=conclusion)

    def again(self, run: CheckRun, conclusion: Conclusion | None = "success") -> None:
        newer = checks.run_again(self.world, run, by=self.scene.ada)
        if conclusion is not None:
            checks.complete(self.world, newer, by=self.scene.ada, conclusion=conclusion)

    def status(self, state: StatusState, context: str = "ci") -> None:
        head = self.pull_request.head_commit
        statuses.create(self.world, self.scene.repository, head, context, state, by=self.scene.ada)

    def push(self) -> None:
        commit = branches.commit(self.world, self.scene.ben, "More", Change("lamp.c", 1))
        branches.push(self.world, self.scene.repository, "brighter", commit, by=self.scene.ben)


@pytest.fixture
def act(attentive_scene: Scene, pull_request: PullRequest) -> Act:
    return Act(attentive_scene, pull_request, attentive_scene.world.add_account("cleo"))


Doing = Callable[[Act], object]


def ghosts(act: Act) -> None:
    """Two deleted accounts: the first refused, the second approved."""
    act.review("CHANGES_REQUESTED")
    act.review("APPROVED", act.cleo)
    act.scene.ada.deleted = act.cleo.deleted = True


def own_ghost(act: Act) -> None:
    """Author and reviewer have deleted their accounts."""
    act.review("APPROVED")
    act.scene.ada.deleted = act.scene.ben.deleted = True


def within_a_second(act: Act) -> None:
    """A review that was begun first is submitted last, within the same second: its id is the smaller one."""
    begun = reviews.begin(act.world, act.pull_request, by=act.scene.ada)
    reviews.submit(act.world, act.pull_request, by=act.scene.ada, state="APPROVED")
    act.world.clock.advance(0.01)
    reviews.finish(act.world, begun, state="CHANGES_REQUESTED")


def later_than_begun(act: Act) -> None:
    """The same, a second later."""
    begun = reviews.begin(act.world, act.pull_request, by=act.scene.ada)
    act.review("APPROVED")
    act.world.clock.advance(1)
    reviews.finish(act.world, begun, state="CHANGES_REQUESTED")


REVIEWED: list[tuple[str, Doing, verdict.ReviewStatus]] = [
    ("nobody was asked", lambda act: None, "pending"),
    ("somebody is asked", lambda act: act.ask(), "review_requested"),
    ("a team is asked", lambda act: act.ask_team(), "review_requested"),
    ("approved", lambda act: act.review(), "approved"),
    ("refused", lambda act: act.review("CHANGES_REQUESTED"), "changes_requested"),
    ("only a comment", lambda act: act.review("COMMENTED"), "commented"),
    ("a comment after an approval", lambda act: (act.review(), act.review("COMMENTED")), "approved"),
    (
        "a comment after a refusal",
        lambda act: (act.review("CHANGES_REQUESTED"), act.review("COMMENTED")),
        "changes_requested",
    ),
    ("approved after a refusal", lambda act: (act.review("CHANGES_REQUESTED"), act.review()), "approved"),
    (
        "one approves and another refuses",
        lambda act: (act.review("CHANGES_REQUESTED"), act.review(by=act.cleo)),
        "changes_requested",
    ),
    ("a dismissed approval", lambda act: act.dismiss(act.review()), "pending"),
    (
        "a dismissed refusal after an approval",
        lambda act: (act.review(), act.dismiss(act.review("CHANGES_REQUESTED"))),
        "pending",
    ),
    (
        "approved after a dismissal",
        lambda act: (act.dismiss(act.review("CHANGES_REQUESTED")), act.review()),
        "approved",
    ),
    ("approved and asked again", lambda act: (act.review(), act.ask()), "review_requested"),
    (
        "refused and asked again",
        lambda act: (act.review("CHANGES_REQUESTED"), act.ask()),
        "changes_requested",
    ),
    (
        "approved, asked again and approved",
        lambda act: (act.review(), act.ask(), act.review()),
        "approved",
    ),
    (
        "one is asked again and another has approved",
        lambda act: (act.review(), act.ask(), act.review(by=act.cleo)),
        "approved",
    ),
    (
        "a comment of one and a request to another",
        lambda act: (act.review("COMMENTED"), act.ask(act.cleo)),
        "review_requested",
    ),
    ("the author comments", lambda act: act.review("COMMENTED", act.scene.ben), "pending"),
    (
        "a review that is pending",
        lambda act: reviews.begin(act.world, act.pull_request, by=act.scene.ada),
        "pending",
    ),
    (
        "a comment on a line",
        lambda act: review_threads.start(act.world, act.pull_request, "lamp.c", 1, "Why?", by=act.scene.ada),
        "commented",
    ),
    ("all ghosts are one", ghosts, "approved"),
    ("a ghost reviews a ghost", own_ghost, "pending"),
    ("two reviews within a second", within_a_second, "approved"),
    ("a review begun before and submitted after", later_than_begun, "changes_requested"),
    ("a push leaves an approval", lambda act: (act.review(), act.push()), "approved"),
]


@pytest.mark.parametrize(("doing", "expected"), [each[1:] for each in REVIEWED], ids=[each[0] for each in REVIEWED])
def test_reviews_come_to_one_word(act: Act, doing: Doing, expected: str) -> None:
    doing(act)
    assert verdict.review_status(act.pull_request) == expected


def waiting(act: Act) -> None:
    """All check runs are over, and a job waits for them."""
    run = act.check(None)
    checks.wait(act.world, run.suite, "deploy")
    checks.complete(act.world, run, by=act.scene.ada)


def superseded(act: Act, conclusion: Conclusion | None) -> None:
    """A workflow is cancelled in favour of another run of it, which has run or not."""
    workflow_run = act.check(None).suite.workflow_run
    assert workflow_run is not None
    checks.take_over(act.world, act.pull_request, workflow_run, by=act.scene.ada)
    if conclusion is not None:
        act.check(conclusion)


def held(act: Act, *, approved: bool = False) -> None:
    """A workflow awaits approval, or has got it."""
    workflow_run = checks.await_approval(act.world, act.pull_request, by=act.scene.ada)
    if approved:
        checks.approve(act.world, workflow_run, by=act.scene.ada)
        act.check()


def cancelled_without_runs(act: Act) -> None:
    workflow_run = checks.await_approval(act.world, act.pull_request, by=act.scene.ada)
    checks.approve(act.world, workflow_run, by=act.scene.ada)
    checks.cancel(act.world, workflow_run.suite, by=act.scene.ada)


def queued_suite(act: Act) -> None:
    """An App has a suite in which nothing ever runs."""
    suite = act.foreign_check().suite
    suite.runs.clear()


CHECKED: list[tuple[str, Doing, verdict.CiStatus]] = [
    ("nothing was checked", lambda act: None, "none"),
    ("a suite in which nothing runs", queued_suite, "none"),
    ("passed", lambda act: act.check(), "success"),
    ("running", lambda act: act.check(None), "pending"),
    ("failed", lambda act: act.check("failure"), "failure"),
    *((conclusion, lambda act, how=conclusion: act.check(how), "success") for conclusion in ("neutral", "skipped")),
    *(
        (conclusion, lambda act, how=conclusion: act.foreign_check(how), "failure")
        for conclusion in ("timed_out", "cancelled", "action_required", "startup_failure")
    ),
    ("stale", lambda act: act.check("stale"), "pending"),
    ("one fails while another runs", lambda act: (act.check("failure"), act.check(None, "lint")), "failure"),
    ("one passes while another runs", lambda act: (act.check(), act.check(None, "lint")), "pending"),
    ("failed and passed again", lambda act: act.again(act.check("failure")), "success"),
    ("passed and running again", lambda act: act.again(act.check(), None), "pending"),
    (
        "the same name for two events",
        lambda act: (act.check("failure", event="push"), act.check()),
        "failure",
    ),
    ("the same name of two Apps", lambda act: (act.check("failure"), act.foreign_check()), "failure"),
    ("a status passes", lambda act: act.status("success"), "success"),
    ("a status is pending", lambda act: (act.check(), act.status("pending")), "pending"),
    ("a status is an error", lambda act: (act.check(), act.status("error")), "failure"),
    ("a newer status of a context", lambda act: (act.status("failure"), act.status("success")), "success"),
    (
        "a status of another context",
        lambda act: (act.status("failure"), act.status("success", "lint")),
        "failure",
    ),
    ("a push begins anew", lambda act: (act.check("failure"), act.push()), "none"),
    ("a job waits for others", waiting, "pending"),
    ("a workflow awaits approval", held, "pending"),
    ("a workflow was approved and passed", lambda act: held(act, approved=True), "success"),
    (
        "a workflow fails to start",
        lambda act: checks.fail_to_start(act.world, act.pull_request, by=act.scene.ada),
        "failure",
    ),
    ("a workflow is cancelled before it runs", cancelled_without_runs, "failure"),
    ("a newer run of a workflow is queued", lambda act: superseded(act, None), "failure"),
    ("a newer run of a workflow has passed", lambda act: superseded(act, "success"), "success"),
    (
        "a workflow failed to start and then passed",
        lambda act: (checks.fail_to_start(act.world, act.pull_request, by=act.scene.ada), act.check()),
        "success",
    ),
]


@pytest.mark.parametrize(("doing", "expected"), [each[1:] for each in CHECKED], ids=[each[0] for each in CHECKED])
def test_checks_come_to_one_word(act: Act, doing: Doing, expected: str) -> None:
    doing(act)
    assert verdict.ci_status(act.pull_request) == expected


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
    ("status", "conclusion", "has_runs", "outcome"),
    [
        ("completed", "success", False, None),
        ("completed", "failure", True, None),
        ("completed", "action_required", True, None),
        ("queued", None, True, "pending"),
    ],
)
def test_a_workflow_says_only_what_its_check_runs_do_not(
    status: str, conclusion: str | None, has_runs: bool, outcome: str | None
) -> None:
    assert verdict.of_workflow_run(status, conclusion, has_runs=has_runs) == outcome


def test_words_that_github_may_invent_are_no_success() -> None:
    assert verdict.of_check_run("completed", "exploded") == "failed"
    assert verdict.of_status("odd") == "failed"


def test_only_what_is_mergeable_approved_and_checked_is_ready(act: Act) -> None:
    act.review()
    act.check()
    act.world.clock.advance(minutes=1)
    found = verdict.of(act.pull_request, act.world.now())
    assert found.ready
    assert not replace(found, merge_status="blocked").ready
    assert not replace(found, review_status="commented").ready
    assert not replace(found, ci_status="none").ready
