"""Runs of workflows.

https://docs.github.com/en/rest/actions/workflow-runs
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghsync.simulator.refusals import not_found
from ghsync.simulator.rest.inquiry import Result

if TYPE_CHECKING:
    from ghsync.simulator.repository import Repository
    from ghsync.simulator.rest.inquiry import Inquiry
    from ghsync.simulator.workflow_run import WorkflowRun

FILTERS = ("actor", "branch", "check_suite_id", "event", "head_sha", "status")
MOST_FOUND = 1_000
"""So many are found at most, once anything is looked for."""


def listing(asked: Inquiry, repository: Repository) -> Result:
    """The newest runs first. What is called their status may be a conclusion, too."""
    wanted = {name: asked.query[name] for name in FILTERS if name in asked.query}
    found = [
        run for run in repository.workflow_runs() if all(value in _of(run, name) for name, value in wanted.items())
    ]
    return asked.page(found[:MOST_FOUND] if wanted else found, lambda run: run.as_json(), within="workflow_runs")


def single(asked: Inquiry, repository: Repository) -> Result:
    """One run."""
    found = next((run for run in repository.workflow_runs() if run.id == asked.path["run_id"]), None)
    if found is None:
        raise not_found()
    return Result(found.as_json())


def _of(run: WorkflowRun, name: str) -> tuple[str | None, ...]:
    """What a filter may ask for to find a run."""
    suite = run.suite
    values: dict[str, tuple[str | None, ...]] = {
        "actor": (run.actor.login,),
        "branch": (suite.head_branch,),
        "check_suite_id": (str(suite.id),),
        "event": (run.event,),
        "head_sha": (suite.head_commit.sha,),
        "status": (suite.status, suite.conclusion),
    }
    return values[name]
