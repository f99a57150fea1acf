"""What the mirror must show of what was checked of the heads of open pull requests.

More may be there: what something later took the place of, and what was checked of other commits. Hooks tell of these,
and what hooks have not told of them is never asked of the API.
"""

from collections.abc import Iterator

from ghsync.simulator.check_run import CheckRun
from ghsync.simulator.check_suite import CheckSuite
from ghsync.simulator.commit_status import CommitStatus, latest_statuses
from ghsync.simulator.repository import Repository
from ghsync.simulator.workflow_run import WorkflowRun
from ghsync.simulator.world import World
from tests.truth.values import Key, Row, Tables, login, second

Things = Iterator[tuple[str, CheckSuite | CheckRun | WorkflowRun | CommitStatus]]

UNTOLD = ("queued", "in_progress")
"""That a queued check has begun is told to nobody, so that the mirror may show either."""


def of(repository: Repository) -> Tables:
    """The suites and workflow runs of open heads, the newest runs of each suite, the newest status of each context."""
    number = str(repository.id)
    heads = {each.head_commit.sha for each in repository.pull_requests.values() if each.issue.state == "open"}
    suites = [suite for sha in heads for suite in repository.check_suites.get(sha, ())]
    workflow_runs = [suite.workflow_run for suite in suites if suite.workflow_run is not None]
    statuses = [status for sha in heads for status in latest_statuses(repository.statuses.get(sha, ()))]
    return {
        "github_check_suites": {(number, str(each.id)): _suite(each) for each in suites},
        "github_workflow_runs": {(number, str(each.id)): _workflow_run(each) for each in workflow_runs},
        "github_check_runs": {(number, str(run.id)): _run(run) for each in suites for run in each.latest_runs},
        "github_commit_statuses": {(number, str(each.id)): _status(each) for each in statuses},
    }


def ever(world: World) -> dict[str, set[Key]]:
    """The keys of everything that was ever checked, by table."""
    found: dict[str, set[Key]] = {}
    for repository in world.repositories.values():
        for table, thing in _everything(repository):
            found.setdefault(table, set()).add((str(repository.id), str(thing.id)))
    return found


def _everything(repository: Repository) -> Things:
    for suites in repository.check_suites.values():
        for suite in suites:
            yield "github_check_suites", suite
            yield from (("github_check_runs", run) for run in suite.runs)
            if suite.workflow_run is not None:
                yield "github_workflow_runs", suite.workflow_run
    for statuses in repository.statuses.values():
        yield from (("github_commit_statuses", status) for status in statuses)


def _suite(suite: CheckSuite) -> Row:
    shown: Row = {
        "node_id": suite.node_id,
        "head_sha": suite.head_commit.sha,
        "head_branch": suite.head_branch,
        "app_id": str(suite.app.id),
        "app_slug": suite.app.slug,
        "status": suite.status,
        "conclusion": suite.conclusion,
        "created_at": second(suite.created_at),
    }
    if suite.head_branch not in suite.repository.branches:
        del shown["head_branch"]  # GraphQL tells it no longer: whoever has not heard of it before never will
    return shown


def _workflow_run(run: WorkflowRun) -> Row:
    """The run without its branch and its attempt, which GraphQL does not tell: they may be unknown or old."""
    return {
        "node_id": run.node_id,
        "workflow_id": str(run.workflow.id),
        "name": run.workflow.name,
        "event": run.event,
        "head_sha": run.suite.head_commit.sha,
        "run_number": run.number,
        "status": run.suite.status,
        "conclusion": run.suite.conclusion,
        "check_suite_id": str(run.suite.id),
        "html_url": run.html_url,
        "created_at": second(run.created_at),
    }


def _run(run: CheckRun) -> Row:
    return {
        "node_id": run.node_id,
        "head_sha": run.suite.head_commit.sha,
        "name": run.name,
        "app_id": str(run.suite.app.id),
        "app_slug": run.suite.app.slug,
        "check_suite_id": str(run.suite.id),
        "status": run.status,
        "conclusion": run.conclusion,
        "html_url": run.html_url,
        "title": run.title or None,
        "summary": run.summary or None,
        "started_at": second(run.started_at),
        "completed_at": second(run.completed_at),
    }


def _status(status: CommitStatus) -> Row:
    return {
        "head_sha": status.commit.sha,
        "context": status.context,
        "state": status.state,
        "description": status.description,
        "target_url": status.target_url,
        "creator": login(status.creator),
        "created_at": second(status.created_at),
    }
