"""What CI does."""

from collections.abc import Callable

from ghsync.simulator import prose
from ghsync.simulator.actions import checks, statuses
from ghsync.simulator.app import App
from ghsync.simulator.check_run import CheckRun
from ghsync.simulator.check_suite import CheckStatus, CheckSuite, Conclusion
from ghsync.simulator.commit_status import StatusState
from ghsync.simulator.deeds.stage import Impossible, Kinds, Stage, name_of
from ghsync.simulator.pull_request import PullRequest
from ghsync.simulator.workflow_run import WorkflowEvent

NAMES = (*prose.CHECKS, *(name for name in prose.SCANNERS if name not in prose.CHECKS))
CONTEXTS = (*prose.CONTEXTS, *(name for name in prose.COVERAGE if name not in prose.CONTEXTS), "security/snyk")

CONCLUSIONS: tuple[Conclusion, ...] = (
    "success",
    "success",
    "success",
    "failure",
    "cancelled",
    "skipped",
    "neutral",
    "timed_out",
)
BEGINNINGS: tuple[CheckStatus, ...] = ("queued", "in_progress")
STATES: tuple[StatusState, ...] = ("success", "success", "pending", "failure", "error")


def start(stage: Stage) -> str:
    """Start a check, of GitHub's own or of the App."""
    pull_request, name = stage.open_pull_request(), stage.random.choice(NAMES)
    app = stage.random.choice((stage.world.ci, stage.world.app))
    status = stage.random.choice(BEGINNINGS)
    workflow, event = stage.random.choice(prose.WORKFLOWS), _event(stage, pull_request)
    checks.start(
        stage.world, pull_request, name, by=stage.bot(), app=app, status=status, workflow=workflow, event=event
    )
    return f"{name} was started for {name_of(pull_request)}"


def begin(stage: Stage) -> str:
    """Let a queued check be at work, which GitHub tells nobody."""
    pull_request, run = _run(stage, "queued")
    checks.begin(stage.world, run)
    return f"{run.name} began for {name_of(pull_request)}"


def complete(stage: Stage) -> str:
    """Complete a check."""
    pull_request, run = _run(stage, "queued", "in_progress")
    checks.complete(stage.world, run, by=stage.bot(), conclusion=stage.random.choice(CONCLUSIONS))
    return f"{run.name} ended as {run.conclusion} for {name_of(pull_request)}"


def report(stage: Stage) -> str:
    """Report a check that is over already."""
    pull_request, name = stage.open_pull_request(), stage.random.choice((*NAMES, *prose.COVERAGE))
    conclusion = stage.random.choice(CONCLUSIONS)
    title = _stated(stage, name, pull_request)
    checks.complete_check_run(stage.world, pull_request, name, by=stage.bot(), conclusion=conclusion, title=title)
    return f"{name} was {conclusion} for {name_of(pull_request)}"


def run_again(stage: Stage) -> str:
    """Run a check again."""
    pull_request, run = _run(stage, "completed")
    checks.run_again(stage.world, run, by=stage.member(pull_request.repository.owner))
    return f"{run.name} was run again for {name_of(pull_request)}"


def reopen(stage: Stage) -> str:
    """Have the App go on with a run that was over: it is the same run."""
    pull_request, run = _run(stage, "completed", of=stage.world.app)
    checks.reopen(stage.world, run, by=stage.member(pull_request.repository.owner))
    return f"{run.name} was opened again for {name_of(pull_request)}"


def report_job(stage: Stage) -> str:
    """Report a job of a workflow that has another of the same name."""
    pull_request, name = stage.open_pull_request(), stage.random.choice(prose.CHECKS)
    conclusion, job = stage.random.choice(CONCLUSIONS), stage.random.randint(1, 2)
    checks.complete_check_run(
        stage.world, pull_request, name, by=stage.bot(), conclusion=conclusion, app=stage.world.ci, job=job
    )
    return f"a job {name} was {conclusion} for {name_of(pull_request)}"


def need_others(stage: Stage) -> str:
    """Let a job wait for the others of its workflow."""
    pull_request, suite = _suite(stage, lambda each: each.status != "completed")
    name = stage.pick(name for name in prose.LATER_JOBS if name not in suite.waiting)
    checks.wait(stage.world, suite, name)
    return f"{name} waits for other jobs of {name_of(pull_request)}"


def start_what_waited(stage: Stage) -> str:
    """Start a job that waited for others, once these are over."""
    pull_request, suite = _suite(
        stage, lambda each: bool(each.waiting) and all(run.status == "completed" for run in each.latest_runs)
    )
    run, name = suite.workflow_run, stage.pick(suite.waiting)
    if run is None:
        raise Impossible
    workflow, event = run.workflow.name, run.event
    checks.start(stage.world, pull_request, name, by=stage.bot(), app=stage.world.ci, workflow=workflow, event=event)
    return f"{name} was started for {name_of(pull_request)}"


def await_approval(stage: Stage) -> str:
    """Hold the checks of someone from outside until a member has looked at what they would run."""
    pull_request = stage.open_pull_request(
        lambda each: each.head_repository is not each.repository and not _ran(stage, each)
    )
    checks.await_approval(stage.world, pull_request, by=pull_request.issue.author)
    return f"the checks of {name_of(pull_request)} await approval"


def approve(stage: Stage) -> str:
    """Let checks run that were held."""
    pull_request, suite = _suite(stage, lambda each: each.outright == "action_required")
    by = stage.member(pull_request.repository.owner)
    if suite.workflow_run is None:
        raise Impossible
    checks.approve(stage.world, suite.workflow_run, by=by)
    return f"{by.login} let the checks of {name_of(pull_request)} run"


def fail_to_start(stage: Stage) -> str:
    """Break the file of a workflow."""
    pull_request = stage.open_pull_request(lambda each: not _ran(stage, each))
    checks.fail_to_start(stage.world, pull_request, by=pull_request.issue.author, event=_event(stage, pull_request))
    return f"the workflow of {name_of(pull_request)} could not start"


def take_over(stage: Stage) -> str:
    """Run a workflow anew, which cancels what of the last run is not over."""
    pull_request, suite = _suite(stage, lambda each: each.status != "completed")
    if suite.workflow_run is None:
        raise Impossible
    checks.take_over(stage.world, pull_request, suite.workflow_run, by=stage.bot())
    return f"the checks of {name_of(pull_request)} began anew"


def set_status(stage: Stage) -> str:
    """Set a status of the head."""
    pull_request, context = stage.open_pull_request(), stage.random.choice(CONTEXTS)
    state = stage.random.choice(STATES)
    description = _stated(stage, context, pull_request)
    statuses.create(
        stage.world,
        pull_request.repository,
        pull_request.head_commit,
        context,
        state,
        by=stage.bot(),
        description=description,
        target_url="https://ci.example/",
    )
    return f"{context} was {state} for {name_of(pull_request)}"


def _stated(stage: Stage, name: str, pull_request: PullRequest) -> str:
    covered = stage.random.randint(50, 99) + stage.random.randint(0, 9) / 10
    return prose.stated(name, covered, stage.random.uniform(-1, 1), pull_request.base_commit.sha)


def _event(stage: Stage, pull_request: PullRequest) -> WorkflowEvent:
    """What has caused a workflow: a push to a fork causes none here."""
    pushed = pull_request.head_repository is pull_request.repository and stage.random.random() < 0.3
    return "push" if pushed else "pull_request"


def _ran(stage: Stage, pull_request: PullRequest) -> bool:
    """Whether there is a workflow run of the head."""
    suites = pull_request.repository.check_suites.get(pull_request.head_commit.sha, ())
    return any(suite.app is stage.world.ci for suite in suites)


def _suite(stage: Stage, fits: Callable[[CheckSuite], bool]) -> tuple[PullRequest, CheckSuite]:
    """A suite of a workflow that is the newest of its kind."""

    def suites(pull_request: PullRequest) -> list[CheckSuite]:
        found = pull_request.repository.check_suites.get(pull_request.head_commit.sha, ())
        runs = (suite.workflow_run for suite in found if suite.workflow_run is not None)
        newest = {(run.workflow, run.event): run.suite for run in runs}
        return [suite for suite in newest.values() if fits(suite)]

    found = stage.open_pull_request(lambda each: bool(suites(each)))
    return found, stage.pick(suites(found))


def _run(stage: Stage, *states: str, of: App | None = None) -> tuple[PullRequest, CheckRun]:
    def runs(pull_request: PullRequest) -> list[CheckRun]:
        suites = pull_request.repository.check_suites.get(pull_request.head_commit.sha, ())
        found = (run for suite in suites if of in (None, suite.app) for run in suite.latest_runs)
        return [run for run in found if run.status in states]

    found = stage.open_pull_request(lambda each: bool(runs(each)))
    return found, stage.pick(runs(found))


KINDS: Kinds = {
    "start_check": (25, start),
    "complete_check": (30, complete),
    "report_check": (10, report),
    "run_check_again": (6, run_again),
    "set_status": (15, set_status),
    "need_other_jobs": (4, need_others),
    "start_what_waited": (10, start_what_waited),
    "await_approval": (3, await_approval),
    "approve_workflow": (10, approve),
    "fail_to_start": (2, fail_to_start),
    "take_over_workflow": (3, take_over),
}

RARE: Kinds = {
    "begin_check": (0, begin),
    "reopen_check": (0, reopen),
    "report_job": (0, report_job),
}
"""Done only where somebody gives it a weight. That a check began is told to nobody, and moves no time of change."""
