"""What CI does."""

from ghsync.simulator import prose
from ghsync.simulator.actions import checks, statuses
from ghsync.simulator.check_run import CheckRun
from ghsync.simulator.check_suite import CheckStatus, Conclusion
from ghsync.simulator.commit_status import StatusState
from ghsync.simulator.deeds.stage import Kinds, Stage, name_of
from ghsync.simulator.pull_request import PullRequest

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
    pull_request, name = stage.open_pull_request(), stage.random.choice(prose.CHECKS)
    app = stage.random.choice((stage.world.ci, stage.world.app))
    status = stage.random.choice(BEGINNINGS)
    checks.start(stage.world, pull_request, name, by=stage.bot(), app=app, status=status)
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
    pull_request, name = stage.open_pull_request(), stage.random.choice(prose.CHECKS)
    conclusion = stage.random.choice(CONCLUSIONS)
    checks.complete_check_run(stage.world, pull_request, name, by=stage.bot(), conclusion=conclusion)
    return f"{name} was {conclusion} for {name_of(pull_request)}"


def run_again(stage: Stage) -> str:
    """Run a check again."""
    pull_request, run = _run(stage, "completed")
    checks.run_again(stage.world, run, by=stage.member(pull_request.repository.owner))
    return f"{run.name} was run again for {name_of(pull_request)}"


def set_status(stage: Stage) -> str:
    """Set a status of the head."""
    pull_request, context = stage.open_pull_request(), stage.random.choice(prose.CONTEXTS)
    state = stage.random.choice(STATES)
    description = f"{stage.random.randint(50, 99)}.{stage.random.randint(0, 9)}% covered"
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


def _run(stage: Stage, *states: str) -> tuple[PullRequest, CheckRun]:
    def runs(pull_request: PullRequest) -> list[CheckRun]:
        suites = pull_request.repository.check_suites.get(pull_request.head_commit.sha, ())
        return [run for suite in suites for run in suite.latest_runs if run.status in states]

    found = stage.open_pull_request(lambda each: bool(runs(each)))
    return found, stage.pick(runs(found))


KINDS: Kinds = {
    "start_check": (25, start),
    "complete_check": (30, complete),
    "report_check": (10, report),
    "run_check_again": (6, run_again),
    "set_status": (15, set_status),
}

SILENT: Kinds = {"begin_check": (0, begin)}
"""What nobody is told of, and what moves no time of change: who wants it gives it a weight."""
