"""Runs of GitHub's own workflows: what a check suite of GitHub Actions is to those who wrote the workflow.

https://docs.github.com/en/rest/actions/workflow-runs
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ghsync.simulator.identity import node_id
from ghsync.simulator.payload import Json, iso

if TYPE_CHECKING:
    from datetime import datetime

    from ghsync.simulator.account import Account
    from ghsync.simulator.check_suite import CheckSuite
    from ghsync.simulator.repository import Repository

WorkflowEvent = Literal["pull_request", "push"]


@dataclass(eq=False)
class Workflow:
    """A workflow. GitHub counts its runs from one, whatever has caused them."""

    id: int
    repository: Repository
    created_at: datetime
    name: str = "CI"
    last_run_number: int = 0

    @property
    def path(self) -> str:
        """The file it is written in."""
        return f".github/workflows/{self.name.lower().replace(' ', '-')}.yml"

    @property
    def node_id(self) -> str:
        """The workflow's node id."""
        return node_id("W", self.repository.id, self.id)

    @property
    def html_url(self) -> str:
        """The workflow's file."""
        return f"{self.repository.html_url}/blob/{self.repository.default_branch}/{self.path}"

    @property
    def api_url(self) -> str:
        """The workflow's address in the API."""
        return f"{self.repository.api_url}/actions/workflows/{self.id}"

    def as_json(self) -> Json:
        """The workflow as `workflow_run` carries it."""
        return {
            "id": self.id,
            "node_id": self.node_id,
            "name": self.name,
            "path": self.path,
            "state": "active",
            "created_at": iso(self.created_at),
            "updated_at": iso(self.created_at),
            "url": self.api_url,
            "html_url": self.html_url,
            "badge_url": f"{self.repository.html_url}/workflows/{self.name.replace(' ', '%20')}/badge.svg",
        }


@dataclass(eq=False)
class WorkflowRun:
    """A run, which may be tried again under the same id; how far it is, its check suite says."""

    id: int
    number: int
    workflow: Workflow
    suite: CheckSuite
    head_repository: Repository
    actor: Account
    created_at: datetime
    updated_at: datetime
    event: WorkflowEvent = "pull_request"
    attempt: int = 1

    @property
    def node_id(self) -> str:
        """The run's node id."""
        return node_id("WFR", self.workflow.repository.id, self.id)

    @property
    def html_url(self) -> str:
        """The run's page."""
        return f"{self.workflow.repository.html_url}/actions/runs/{self.id}"

    @property
    def api_url(self) -> str:
        """The run's address in the API."""
        return f"{self.workflow.repository.api_url}/actions/runs/{self.id}"

    def as_json(self) -> Json:
        """The run as `workflow_run` carries it."""
        suite, repository = self.suite, self.workflow.repository
        previous = f"{self.api_url}/attempts/{self.attempt - 1}" if self.attempt > 1 else None
        return {
            "id": self.id,
            "name": self.workflow.name,
            "node_id": self.node_id,
            "head_branch": suite.head_branch,
            "head_sha": suite.head_commit.sha,
            "path": self.workflow.path,
            "display_title": suite.head_commit.headline,
            "run_number": self.number,
            "event": self.event,
            "status": suite.status,
            "conclusion": suite.conclusion,
            "workflow_id": self.workflow.id,
            "check_suite_id": suite.id,
            "check_suite_node_id": suite.node_id,
            "url": self.api_url,
            "html_url": self.html_url,
            "pull_requests": [each.as_check_json() for each in suite.pull_requests],
            "created_at": iso(self.created_at),
            "updated_at": iso(self.updated_at),
            "actor": self.actor.as_json(),
            "run_attempt": self.attempt,
            "referenced_workflows": [],
            "run_started_at": iso(self.created_at),
            "triggering_actor": self.actor.as_json(),
            "jobs_url": f"{self.api_url}/jobs",
            "logs_url": f"{self.api_url}/logs",
            "check_suite_url": suite.api_url,
            "artifacts_url": f"{self.api_url}/artifacts",
            "cancel_url": f"{self.api_url}/cancel",
            "rerun_url": f"{self.api_url}/rerun",
            "previous_attempt_url": previous,
            "workflow_url": self.workflow.api_url,
            "head_commit": suite.head_commit.as_short_json(),
            "repository": repository.as_minimal_json(),
            "head_repository": self.head_repository.as_minimal_json(),
        }
