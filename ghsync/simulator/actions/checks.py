"""Checks of the head of a pull request, as CI runs them.

No pull request changes by them. That a queued run has begun is told to nobody, but by GitHub Actions of the workflow.
"""

from ghsync.simulator.account import Account
from ghsync.simulator.app import App
from ghsync.simulator.check_run import CheckRun
from ghsync.simulator.check_suite import CheckStatus, CheckSuite, Conclusion
from ghsync.simulator.pull_request import PullRequest
from ghsync.simulator.repository import Repository
from ghsync.simulator.workflow_run import Workflow, WorkflowEvent, WorkflowRun
from ghsync.simulator.world import World


def start(
    world: World,
    pull_request: PullRequest,
    name: str,
    *,
    by: Account,
    app: App | None = None,
    status: CheckStatus = "queued",
    workflow: str = "CI",
    event: WorkflowEvent = "pull_request",
) -> CheckRun:
    """Start a check: of a name that has run in this suite already, it is another attempt.

    What GitHub Actions runs is of a workflow, and something has caused it.
    """
    suite = _suite(world, pull_request, app or world.app, by, workflow, event)
    run = _add(world, suite, name, status, by)
    _send_run(world, "created", run, by)
    return run


def begin(world: World, run: CheckRun) -> None:
    """Let a queued run be at work; GitHub tells it only of a workflow."""
    before = run.suite.status
    run.status = "in_progress"
    run.suite.updated_at = world.now()
    _tell_progress(world, run.suite, before)


def complete(
    world: World, run: CheckRun, *, by: Account, conclusion: Conclusion = "success", title: str | None = None
) -> None:
    """Complete a run, and its suite with the last of its runs."""
    before = run.suite.status
    run.status, run.conclusion, run.title = "completed", conclusion, title
    run.summary = title
    run.completed_at = run.suite.updated_at = world.now()
    _send_run(world, "completed", run, by)
    if run.suite.status == "completed":
        _complete_suite(world, run.suite, by)
    else:
        _tell_progress(world, run.suite, before)


def run_again(world: World, run: CheckRun, *, by: Account) -> CheckRun:
    """Run a check again: only the App it belongs to is asked to, and all are told of the new attempt."""
    suite = run.suite
    if suite.app is world.app:
        _send_run(world, "rerequested", run, by)
    again = _add(world, suite, run.name, "queued", by, run.job)
    _send_run(world, "created", again, by)
    return again


def reopen(world: World, run: CheckRun, *, by: Account) -> None:
    """Ask the App for a check again, which goes on with the same run: what it had found is still told with that."""
    run.status = "queued"
    run.suite.updated_at = world.now()
    _send_run(world, "rerequested", run, by)
    run.conclusion = run.completed_at = run.title = run.summary = None


def complete_check_run(
    world: World,
    pull_request: PullRequest,
    name: str,
    *,
    by: Account,
    conclusion: Conclusion = "success",
    title: str | None = None,
    app: App | None = None,
    workflow: str = "CI",
    event: WorkflowEvent = "pull_request",
    job: int = 0,
) -> CheckRun:
    """Report a check that is over already, as Apps do that check quickly; jobs of one name are told by number."""
    suite = _suite(world, pull_request, app or world.app, by, workflow, event)
    run = _add(world, suite, name, "queued", by, job)
    complete(world, run, by=by, conclusion=conclusion, title=title)
    return run


def wait(world: World, suite: CheckSuite, name: str) -> None:
    """Let a job of a workflow that is not over need the others: it has no check run until it is started."""
    if suite.status == "completed" or suite.workflow_run is None:
        raise ValueError("only a workflow that is not over has jobs that wait")
    suite.waiting.append(name)
    suite.updated_at = world.now()


def await_approval(
    world: World, pull_request: PullRequest, *, by: Account, workflow: str = "CI", event: WorkflowEvent = "pull_request"
) -> WorkflowRun:
    """Hold a workflow until somebody approves it, as GitHub does for those who have not contributed before.

    https://docs.github.com/en/actions/how-tos/manage-workflow-runs/approve-runs-from-forks
    """
    return _conclude_outright(world, pull_request, "action_required", by, workflow, event)


def approve(world: World, workflow_run: WorkflowRun, *, by: Account) -> None:
    """Let a workflow run that was held: it goes on under the same id, and is no other attempt."""
    workflow_run.suite.outright = None
    workflow_run.suite.updated_at = world.now()
    _send_workflow_run(world, "requested", workflow_run.suite, by)


def fail_to_start(
    world: World, pull_request: PullRequest, *, by: Account, workflow: str = "CI", event: WorkflowEvent = "pull_request"
) -> WorkflowRun:
    """Let a workflow fail before it has any job, as for a mistake in its file."""
    return _conclude_outright(world, pull_request, "startup_failure", by, workflow, event)


def take_over(world: World, pull_request: PullRequest, workflow_run: WorkflowRun, *, by: Account) -> WorkflowRun:
    """Run a workflow anew for the same event and head: a new suite, in favour of which the older is cancelled.

    https://docs.github.com/en/actions/how-tos/write-workflows/choose-when-workflows-run/control-workflow-concurrency
    """
    made = _new_suite(world, pull_request, world.ci, by, workflow_run.workflow.name, workflow_run.event)
    cancel(world, workflow_run.suite, by=by)
    if made.workflow_run is None:
        raise LookupError("GitHub Actions runs workflows")
    return made.workflow_run


def cancel(world: World, suite: CheckSuite, *, by: Account) -> None:
    """Cancel what of a suite is not over."""
    if suite.status == "completed":
        return
    unfinished = [run for run in suite.latest_attempts if run.status != "completed"]
    suite.waiting.clear()
    for run in unfinished:
        complete(world, run, by=by, conclusion="cancelled")
    if not unfinished:
        suite.outright = "cancelled"
        suite.updated_at = world.now()
        _complete_suite(world, suite, by)


def _conclude_outright(
    world: World,
    pull_request: PullRequest,
    conclusion: Conclusion,
    by: Account,
    workflow: str,
    event: WorkflowEvent,
) -> WorkflowRun:
    suite = _new_suite(world, pull_request, world.ci, by, workflow, event)
    if suite.workflow_run is None:
        raise LookupError("GitHub Actions runs workflows")
    suite.outright = conclusion
    _complete_suite(world, suite, by)
    return suite.workflow_run


def _suite(
    world: World, pull_request: PullRequest, app: App, by: Account, workflow: str, event: WorkflowEvent
) -> CheckSuite:
    """The App's newest suite for the head of a pull request, which is made by its first run.

    GitHub Actions has one for each workflow and event, and where that is of a pull request, for each of these.
    """
    suites = pull_request.repository.check_suites.get(pull_request.head_commit.sha, ())
    wanted = (app, workflow, event, _caused(pull_request, event)) if app is world.ci else (app, None, None, None)
    found = next((suite for suite in reversed(suites) if _origin(suite) == wanted), None)
    return _new_suite(world, pull_request, app, by, workflow, event) if found is None else found


def _origin(suite: CheckSuite) -> tuple[App, str | None, WorkflowEvent | None, PullRequest | None]:
    run = suite.workflow_run
    return (suite.app, None, None, None) if run is None else (suite.app, run.workflow.name, run.event, suite.cause)


def _caused(pull_request: PullRequest, event: WorkflowEvent) -> PullRequest | None:
    return pull_request if event == "pull_request" else None


def _new_suite(
    world: World, pull_request: PullRequest, app: App, by: Account, workflow: str, event: WorkflowEvent
) -> CheckSuite:
    repository, head = pull_request.repository, pull_request.head_commit
    inside = pull_request.head_repository is repository
    suite = CheckSuite(
        id=world.identities.next_id("check_suite"),
        repository=repository,
        app=app,
        head_commit=head,
        created_at=world.now(),
        updated_at=world.now(),
        head_branch=pull_request.head_branch if inside else None,
        before=pull_request.base_commit.sha,
    )
    repository.check_suites.setdefault(head.sha, []).append(suite)
    if app is world.app:
        _send_suite(world, "requested", suite, by)
    if app is world.ci:
        suite.cause = _caused(pull_request, event)
        suite.workflow_run = run_of(world, suite, pull_request.head_repository, by, workflow, event)
        _send_workflow_run(world, "requested", suite, by)
    return suite


def run_of(
    world: World, suite: CheckSuite, head_repository: Repository, by: Account, name: str, event: WorkflowEvent
) -> WorkflowRun:
    """The next run of a workflow, behind a suite of GitHub Actions; a workflow is found with its first run."""
    repository = suite.repository
    if name not in repository.workflows:
        repository.workflows[name] = Workflow(world.identities.next_id("workflow"), repository, suite.created_at, name)
    workflow = repository.workflows[name]
    workflow.last_run_number += 1
    return WorkflowRun(
        id=world.identities.next_id("workflow_run"),
        number=workflow.last_run_number,
        workflow=workflow,
        suite=suite,
        head_repository=head_repository,
        actor=by,
        created_at=suite.created_at,
        updated_at=suite.created_at,
        event=event,
    )


def _add(world: World, suite: CheckSuite, name: str, status: CheckStatus, by: Account, job: int = 0) -> CheckRun:
    """Another run in a suite: a job that waited waits no more, and what has run is tried again."""
    before, again = suite.status, any((run.name, run.job) == (name, job) for run in suite.runs)
    suite.outright = None
    run = CheckRun(world.identities.next_id("check_run"), suite, name, world.now(), status, job=job)
    suite.runs.append(run)
    if name in suite.waiting:
        suite.waiting.remove(name)
    suite.updated_at = world.now()
    if suite.workflow_run is not None and (again or before == "completed"):
        suite.workflow_run.attempt += 1
        _send_workflow_run(world, "requested", suite, by)
    else:
        _tell_progress(world, suite, before)
    return run


def _complete_suite(world: World, suite: CheckSuite, by: Account) -> None:
    _send_suite(world, "completed", suite, by)
    _send_workflow_run(world, "completed", suite, by)


def _tell_progress(world: World, suite: CheckSuite, before: CheckStatus) -> None:
    """Tell that a workflow is at work now, if it was not before."""
    if suite.workflow_run is not None and before != "in_progress" and suite.status == "in_progress":
        _send_workflow_run(world, "in_progress", suite, suite.workflow_run.actor)


def _send_run(world: World, action: str, run: CheckRun, by: Account) -> None:
    world.send_about_repository("check_run", action, run.suite.repository, by, check_run=run.as_json())


def _send_suite(world: World, action: str, suite: CheckSuite, by: Account) -> None:
    world.send_about_repository("check_suite", action, suite.repository, by, check_suite=suite.as_json())


def _send_workflow_run(world: World, action: str, suite: CheckSuite, by: Account) -> None:
    run = suite.workflow_run
    if run is not None:
        run.updated_at = world.now()
        fields = {"workflow_run": run.as_json(), "workflow": run.workflow.as_json()}
        world.send_about_repository("workflow_run", action, suite.repository, by, **fields)
