"""Situations of a pull request, acted out in the simulated GitHub, and what reviews and checks come to in them.

They are GitHub's rules, and what users of such systems complain of: none required counted as passed, superseded runs
counted, skipped taken for pending, dismissed approvals counted. The simulator's own verdict and `pr_tracking` are held
to the same list.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from ghsync.simulator.account import Account
from ghsync.simulator.actions import branches, checks, pull_requests, review_threads, reviews, statuses
from ghsync.simulator.check_run import CheckRun
from ghsync.simulator.check_suite import Conclusion
from ghsync.simulator.commit import Change
from ghsync.simulator.commit_status import StatusState
from ghsync.simulator.pull_request import PullRequest
from ghsync.simulator.review import Review, ReviewState
from ghsync.simulator.workflow_run import WorkflowEvent
from ghsync.simulator.world import World
from tests.simulator.conftest import Scene


@dataclass
class Act:
    """A pull request of Ben's, and what Ada, Cleo, who works with them, and CI do to it; Dora only passes by."""

    scene: Scene
    pull_request: PullRequest
    cleo: Account = field(init=False)
    dora: Account = field(init=False)

    def __post_init__(self) -> None:
        self.cleo, self.dora = (self.world.add_account(name) for name in ("cleo", "dora"))
        self.scene.repository.collaborators[self.cleo] = "push"

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
        self,
        conclusion: Conclusion | None = "success",
        name: str = "build",
        event: WorkflowEvent = "pull_request",
        job: int = 0,
    ) -> CheckRun:
        """A check of GitHub Actions: over, or only started; jobs of one name are told by number."""
        ci, by = self.world.ci, self.scene.ada
        if conclusion is None:
            return checks.start(self.world, self.pull_request, name, by=by, app=ci, event=event)
        return checks.complete_check_run(
            self.world, self.pull_request, name, by=by, app=ci, conclusion=conclusion, event=event, job=job
        )

    def foreign_check(self, conclusion: Conclusion = "success", name: str = "build", job: int = 0) -> CheckRun:
        """A check of the App's own."""
        by = self.scene.ada
        return checks.complete_check_run(self.world, self.pull_request, name, by=by, conclusion=conclusion, job=job)

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


Doing = Callable[[Act], object]


def ghosts(act: Act) -> None:
    """Two deleted accounts: the first refused, the second approved."""
    act.review("CHANGES_REQUESTED")
    act.review("APPROVED", act.cleo)
    act.scene.ada.deleted = act.cleo.deleted = True


def renamed(act: Act, account: Account) -> None:
    """Somebody is called something else from now on; nobody is told but by what they do."""
    account.login += "-k"


def swapped(act: Act) -> None:
    """Ada gives up her name, and Cleo takes it."""
    act.scene.ada.login, act.cleo.login = "ada-k", "ada"


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


@dataclass(frozen=True)
class Situation:
    """What is done, the word that reviews or checks come to, and what is in the way: the name and state of each reason.

    Some things no delivery tells: that an account was deleted, or what never was.
    """

    sentence: str
    doing: Doing
    word: str
    reasons: tuple[tuple[str | None, str], ...] = ()
    told: bool = True

    def __str__(self) -> str:
        return self.sentence


APP = "ghsync-mirror"
NOBODY = NOTHING = ((None, "unknown"),)

REVIEWED = (
    Situation("nobody was asked", lambda act: None, "pending", NOBODY),
    Situation("somebody is asked", lambda act: act.ask(), "review_requested", (("ada", "pending"),)),
    Situation("a team is asked", lambda act: act.ask_team(), "review_requested", (("keepers", "pending"),)),
    Situation("approved", lambda act: act.review(), "approved"),
    Situation("refused", lambda act: act.review("CHANGES_REQUESTED"), "changes_requested", (("ada", "failed"),)),
    Situation("only a comment", lambda act: act.review("COMMENTED"), "commented", NOBODY),
    Situation("a comment after an approval", lambda act: (act.review(), act.review("COMMENTED")), "approved"),
    Situation(
        "a comment after a refusal",
        lambda act: (act.review("CHANGES_REQUESTED"), act.review("COMMENTED")),
        "changes_requested",
        (("ada", "failed"),),
    ),
    Situation("approved after a refusal", lambda act: (act.review("CHANGES_REQUESTED"), act.review()), "approved"),
    Situation(
        "one approves and another refuses",
        lambda act: (act.review("CHANGES_REQUESTED"), act.review(by=act.cleo)),
        "changes_requested",
        (("ada", "failed"),),
    ),
    Situation("a dismissed approval", lambda act: act.dismiss(act.review()), "pending", NOBODY),
    Situation(
        "a dismissed refusal after an approval",
        lambda act: (act.review(), act.dismiss(act.review("CHANGES_REQUESTED"))),
        "pending",
        NOBODY,
    ),
    Situation(
        "approved after a dismissal",
        lambda act: (act.dismiss(act.review("CHANGES_REQUESTED")), act.review()),
        "approved",
    ),
    Situation(
        "approved and asked again", lambda act: (act.review(), act.ask()), "review_requested", (("ada", "pending"),)
    ),
    Situation(
        "refused and asked again",
        lambda act: (act.review("CHANGES_REQUESTED"), act.ask()),
        "changes_requested",
        (("ada", "failed"),),
    ),
    Situation("approved, asked again and approved", lambda act: (act.review(), act.ask(), act.review()), "approved"),
    Situation(
        "one is asked again and another has approved",
        lambda act: (act.review(), act.ask(), act.review(by=act.cleo)),
        "approved",
    ),
    Situation(
        "a comment of one and a request to another",
        lambda act: (act.review("COMMENTED"), act.ask(act.cleo)),
        "review_requested",
        (("cleo", "pending"),),
    ),
    Situation("the author comments", lambda act: act.review("COMMENTED", act.scene.ben), "pending", NOBODY),
    Situation(
        "a review that is pending",
        lambda act: reviews.begin(act.world, act.pull_request, by=act.scene.ada),
        "pending",
        NOBODY,
    ),
    Situation(
        "a comment on a line",
        lambda act: review_threads.start(act.world, act.pull_request, "lamp.c", 1, "Why?", by=act.scene.ada),
        "commented",
        NOBODY,
    ),
    Situation(
        "nobody can tell one ghost from another", ghosts, "changes_requested", (("ghost", "failed"),), told=False
    ),
    Situation("a ghost reviews a ghost", own_ghost, "approved", told=False),
    Situation(
        "refused, renamed and approved",
        lambda act: (act.review("CHANGES_REQUESTED"), renamed(act, act.scene.ada), act.review()),
        "approved",
    ),
    Situation(
        "approved, renamed and asked again",
        lambda act: (act.review(), renamed(act, act.scene.ada), act.ask()),
        "review_requested",
        (("ada-k", "pending"),),
    ),
    Situation(
        "the author comments and is renamed",
        lambda act: (act.review("COMMENTED", act.scene.ben), renamed(act, act.scene.ben)),
        "pending",
        NOBODY,
    ),
    Situation(
        "another takes the name of a reviewer who was renamed",
        lambda act: (act.review("CHANGES_REQUESTED"), swapped(act), act.review(by=act.cleo)),
        "changes_requested",
        (("ada", "failed"),),
    ),
    Situation(
        "who may not write approves",
        lambda act: act.review(by=act.dora),
        "commented",
        (("dora", "unknown"), (None, "unknown")),
    ),
    Situation(
        "who may not write refuses, and who may has approved",
        lambda act: (act.review(), act.review("CHANGES_REQUESTED", act.dora)),
        "approved",
    ),
    Situation(
        "who may not write approves what is refused",
        lambda act: (act.review("CHANGES_REQUESTED"), act.review(by=act.dora)),
        "changes_requested",
        (("ada", "failed"), ("dora", "unknown")),
    ),
    Situation(
        "who may not write approves and is asked",
        lambda act: (act.review(by=act.dora), act.ask(act.dora)),
        "review_requested",
        (("dora", "pending"),),
    ),
    Situation(
        "an approval of who may not write is dismissed",
        lambda act: act.dismiss(act.review(by=act.dora)),
        "pending",
        NOBODY,
    ),
    Situation("two reviews within a second", within_a_second, "approved"),
    Situation("a review begun before and submitted after", later_than_begun, "changes_requested", (("ada", "failed"),)),
    Situation("a push leaves an approval", lambda act: (act.review(), act.push()), "approved"),
)

CHECKED = (
    Situation("nothing was checked", lambda act: None, "none", NOTHING),
    Situation("a suite in which nothing runs", queued_suite, "none", told=False),
    Situation("passed", lambda act: act.check(), "success"),
    Situation("running", lambda act: act.check(None), "pending", (("CI", "pending"), ("build", "pending"))),
    Situation("failed", lambda act: act.check("failure"), "failure", (("build", "failed"),)),
    *(
        Situation(conclusion, lambda act, how=conclusion: act.check(how), "success")
        for conclusion in ("neutral", "skipped")
    ),
    *(
        Situation(conclusion, lambda act, how=conclusion: act.foreign_check(how), "failure", (("build", "failed"),))
        for conclusion in ("timed_out", "cancelled", "action_required", "startup_failure")
    ),
    Situation("stale", lambda act: act.check("stale"), "pending", (("build", "pending"),)),
    Situation(
        "one fails while another runs",
        lambda act: (act.check("failure"), act.check(None, "lint")),
        "failure",
        (("CI", "pending"), ("build", "failed"), ("lint", "pending")),
    ),
    Situation(
        "one passes while another runs",
        lambda act: (act.check(), act.check(None, "lint")),
        "pending",
        (("CI", "pending"), ("lint", "pending")),
    ),
    Situation("failed and passed again", lambda act: act.again(act.check("failure")), "success"),
    Situation(
        "passed and running again",
        lambda act: act.again(act.check(), None),
        "pending",
        (("CI", "pending"), ("build", "pending")),
    ),
    Situation(
        "the same name for two events",
        lambda act: (act.check("failure", event="push"), act.check()),
        "failure",
        (("build", "failed"),),
    ),
    Situation(
        "the same name of two Apps",
        lambda act: (act.check("failure"), act.foreign_check()),
        "failure",
        (("build", "failed"),),
    ),
    Situation("a status passes", lambda act: act.status("success"), "success"),
    Situation("a status is pending", lambda act: (act.check(), act.status("pending")), "pending", (("ci", "pending"),)),
    Situation("a status is an error", lambda act: (act.check(), act.status("error")), "failure", (("ci", "failed"),)),
    Situation("a newer status of a context", lambda act: (act.status("failure"), act.status("success")), "success"),
    Situation(
        "a status of another context",
        lambda act: (act.status("failure"), act.status("success", "lint")),
        "failure",
        (("ci", "failed"),),
    ),
    Situation(
        "a status of a context in other letters",
        lambda act: (act.status("failure", "CI/Build"), act.status("success", "ci/build")),
        "success",
    ),
    Situation(
        "the first of two jobs of one name fails",
        lambda act: (act.check("failure", "lint"), act.check("success", "lint", job=1)),
        "failure",
        (("CI", "failed"),),
    ),
    Situation(
        "the second of two jobs of one name fails",
        lambda act: (act.check("success", "lint"), act.check("failure", "lint", job=1)),
        "failure",
        (("lint", "failed"),),
    ),
    Situation(
        "the failed one of two jobs of one name is run again",
        lambda act: act.again((act.check("failure", "lint"), act.check("success", "lint", job=1))[0], "success"),
        "success",
    ),
    Situation(
        "the first of two checks of one name of an App fails",
        lambda act: (act.foreign_check("failure", "lint"), act.foreign_check("success", "lint", job=1)),
        "failure",
        ((APP, "failed"),),
    ),
    Situation("a push begins anew", lambda act: (act.check("failure"), act.push()), "none", NOTHING),
    Situation("a job waits for others", waiting, "pending", (("CI", "pending"),)),
    Situation("a workflow awaits approval", held, "pending", (("CI", "pending"),)),
    Situation("a workflow was approved and passed", lambda act: held(act, approved=True), "success"),
    Situation(
        "a workflow fails to start",
        lambda act: checks.fail_to_start(act.world, act.pull_request, by=act.scene.ada),
        "failure",
        (("CI", "failed"),),
    ),
    Situation("a workflow is cancelled before it runs", cancelled_without_runs, "failure", (("CI", "failed"),)),
    Situation(
        "a newer run of a workflow is queued", lambda act: superseded(act, None), "pending", (("CI", "pending"),)
    ),
    Situation("a newer run of a workflow has passed", lambda act: superseded(act, "success"), "success"),
    Situation(
        "a workflow failed to start and then passed",
        lambda act: (checks.fail_to_start(act.world, act.pull_request, by=act.scene.ada), act.check()),
        "success",
    ),
)
