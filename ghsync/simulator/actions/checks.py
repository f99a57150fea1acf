"""Checks of the head of a pull request, as CI runs them.

No pull request changes by them, and that a queued run has begun is told to nobody.
"""

from ghsync.simulator.account import Account
from ghsync.simulator.app import App
from ghsync.simulator.check_run import CheckRun
from ghsync.simulator.check_suite import CheckStatus, CheckSuite, Conclusion
from ghsync.simulator.pull_request import PullRequest
from ghsync.simulator.repository import Repository
from ghsync.simulator.workflow_run import Workflow, WorkflowRun
from ghsync.simulator.world import World


def start(
    world: World,
    pull_request: PullRequest,
    name: str,
    *,
    by: Account,
    app: App | None = None,
    status: CheckStatus = "queued",
) -> CheckRun:
    """Start a check: of a name that has run on this commit already, it is another attempt."""
    suite = _suite(world, pull_request, app or world.app, by)
    run = _add(world, suite, name, status)
    _send_run(world, "created", run, by)
    return run


def begin(world: World, run: CheckRun) -> None:
    """Let a queued run be at work; GitHub sends nothing about it."""
    run.status = "in_progress"
    run.suite.updated_at = world.now()


def complete(world: World, run: CheckRun, *, by: Account, conclusion: Conclusion = "success") -> None:
    """Complete a run, and its suite with the last of its runs."""
    run.status, run.conclusion = "completed", conclusion
    run.completed_at = run.suite.updated_at = world.now()
    _send_run(world, "completed", run, by)
    if run.suite.status == "completed":
        _send_suite(world, "completed", run.suite, by)
        _send_workflow_run(world, "completed", run.suite, by)


def run_again(world: World, run: CheckRun, *, by: Account) -> CheckRun:
    """Run a check again: only the App it belongs to is asked to, and all are told of the new attempt."""
    if run.suite.app is world.app:
        _send_run(world, "rerequested", run, by)
    again = _add(world, run.suite, run.name, "queued")
    if run.suite.workflow_run is not None:
        run.suite.workflow_run.attempt += 1
        _send_workflow_run(world, "requested", run.suite, by)
    _send_run(world, "created", again, by)
    return again


def complete_check_run(
    world: World,
    pull_request: PullRequest,
    name: str,
    *,
    by: Account,
    conclusion: Conclusion = "success",
    app: App | None = None,
) -> CheckRun:
    """Report a check that is over already, as Apps do that check quickly."""
    suite = _suite(world, pull_request, app or world.app, by)
    run = _add(world, suite, name, "queued")
    complete(world, run, by=by, conclusion=conclusion)
    return run


def _suite(world: World, pull_request: PullRequest, app: App, by: Account) -> CheckSuite:
    """The App's suite for the head of a pull request, which is made by its first run."""
    repository, head = pull_request.repository, pull_request.head_commit
    suites = repository.check_suites.setdefault(head.sha, [])
    found = next((suite for suite in suites if suite.app is app), None)
    if found is not None:
        return found
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
    suites.append(suite)
    if app is world.app:
        _send_suite(world, "requested", suite, by)
    if app is world.ci:
        suite.workflow_run = _workflow_run(world, suite, pull_request.head_repository, by)
        _send_workflow_run(world, "requested", suite, by)
    return suite


def _workflow_run(world: World, suite: CheckSuite, head_repository: Repository, by: Account) -> WorkflowRun:
    """The run behind a suite of GitHub Actions; a repository's workflow is found with its first run."""
    repository = suite.repository
    if repository.workflow is None:
        repository.workflow = Workflow(world.identities.next_id("workflow"), repository, world.now())
    repository.last_run_number += 1
    return WorkflowRun(
        id=world.identities.next_id("workflow_run"),
        number=repository.last_run_number,
        workflow=repository.workflow,
        suite=suite,
        head_repository=head_repository,
        actor=by,
        created_at=world.now(),
    )


def _add(world: World, suite: CheckSuite, name: str, status: CheckStatus) -> CheckRun:
    run = CheckRun(world.identities.next_id("check_run"), suite, name, world.now(), status)
    suite.runs.append(run)
    suite.updated_at = world.now()
    return run


def _send_run(world: World, action: str, run: CheckRun, by: Account) -> None:
    world.send_about_repository("check_run", action, run.suite.repository, by, check_run=run.as_json())


def _send_suite(world: World, action: str, suite: CheckSuite, by: Account) -> None:
    world.send_about_repository("check_suite", action, suite.repository, by, check_suite=suite.as_json())


def _send_workflow_run(world: World, action: str, suite: CheckSuite, by: Account) -> None:
    run = suite.workflow_run
    if run is not None:
        fields = {"workflow_run": run.as_json(), "workflow": run.workflow.as_json()}
        world.send_about_repository("workflow_run", action, suite.repository, by, **fields)
