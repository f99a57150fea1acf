"""Check suites: all that one App checks of one commit.

https://docs.github.com/en/rest/checks/suites
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ghsync.simulator.identity import node_id
from ghsync.simulator.payload import Json, iso

if TYPE_CHECKING:
    from datetime import datetime

    from ghsync.simulator.app import App
    from ghsync.simulator.check_run import CheckRun
    from ghsync.simulator.commit import Commit
    from ghsync.simulator.pull_request import PullRequest
    from ghsync.simulator.repository import Repository
    from ghsync.simulator.workflow_run import WorkflowRun

CheckStatus = Literal["queued", "in_progress", "completed"]
Conclusion = Literal[
    "success", "failure", "neutral", "cancelled", "skipped", "timed_out", "action_required", "startup_failure", "stale"
]

WORST_FIRST: tuple[Conclusion, ...] = (
    "failure",
    "startup_failure",
    "timed_out",
    "cancelled",
    "action_required",
    "stale",
    "success",
    "neutral",
    "skipped",
)
"""Which conclusion of its runs a suite takes."""


@dataclass(eq=False)
class CheckSuite:
    """A suite and its runs, every attempt of them. A head in a fork has no branch here, and no pull request.

    A suite of GitHub Actions may be over without a run: `outright` says how. Its `waiting` jobs need others and have
    no run until these are over. What a pull request has caused, its `cause`, is named for no other one of that head.
    """

    id: int
    repository: Repository
    app: App
    head_commit: Commit
    created_at: datetime
    updated_at: datetime
    head_branch: str | None = None
    before: str | None = None
    runs: list[CheckRun] = field(default_factory=list)
    workflow_run: WorkflowRun | None = None
    outright: Conclusion | None = None
    waiting: list[str] = field(default_factory=list)
    cause: PullRequest | None = None

    @property
    def node_id(self) -> str:
        """The suite's node id."""
        return node_id("CS", self.repository.id, self.id)

    @property
    def api_url(self) -> str:
        """The suite's address in the API."""
        return f"{self.repository.api_url}/check-suites/{self.id}"

    @property
    def html_url(self) -> str:
        """The suite's page."""
        return f"{self.repository.html_url}/commit/{self.head_commit.sha}/checks?check_suite_id={self.id}"

    @property
    def latest_runs(self) -> list[CheckRun]:
        """The newest of each name, which is all that GitHub shows of them as the latest."""
        return list({run.name: run for run in self.runs}.values())

    @property
    def latest_attempts(self) -> list[CheckRun]:
        """The newest attempt of each job; several may have one name."""
        return list({(run.name, run.job): run for run in self.runs}.values())

    @property
    def status(self) -> CheckStatus:
        """Completed when all of its newest runs are, and no job waits for them."""
        if self.outright is not None:
            return "completed"
        states = {run.status for run in self.latest_attempts}
        if states == {"completed"}:
            return "in_progress" if self.waiting else "completed"
        return "in_progress" if states - {"queued"} else "queued"

    @property
    def conclusion(self) -> Conclusion | None:
        """The worst of its newest runs, once all are completed."""
        if self.status != "completed":
            return None
        if self.outright is not None:
            return self.outright
        found = {run.conclusion for run in self.latest_attempts}
        return next(conclusion for conclusion in WORST_FIRST if conclusion in found)

    @property
    def pull_requests(self) -> list[PullRequest]:
        """The open pull requests whose head this is; those from forks are not found.

        GitHub may name all of a head whichever has caused it, which tells nobody for whom it ran.
        """
        if self.head_branch is None:
            return []
        return [
            pull_request
            for pull_request in self.repository.pull_requests.values()
            if pull_request.head_commit is self.head_commit
            and pull_request.head_repository is self.repository
            and pull_request.issue.state == "open"
            and self.cause in (None, pull_request)
        ]

    def as_run_part_json(self) -> Json:
        """The suite as `check_run` carries it."""
        return {
            "id": self.id,
            "node_id": self.node_id,
            "head_branch": self.head_branch,
            "head_sha": self.head_commit.sha,
            "status": self.status,
            "conclusion": self.conclusion,
            "url": self.api_url,
            "before": self.before,
            "after": self.head_commit.sha,
            "pull_requests": [each.as_check_json() for each in self.pull_requests],
            "app": self.app.as_json(),
            "created_at": iso(self.created_at),
            "updated_at": iso(self.updated_at),
        }

    def as_json(self) -> Json:
        """The suite as `check_suite` carries it."""
        return {
            **self.as_run_part_json(),
            "rerequestable": True,
            "runs_rerequestable": True,
            "latest_check_runs_count": len(self.latest_runs),
            "check_runs_url": f"{self.api_url}/check-runs",
            "head_commit": self.head_commit.as_short_json(),
        }

    def as_rest_json(self) -> Json:
        """The suite as the REST API shows it."""
        return {**self.as_json(), "repository": self.repository.as_minimal_json()}
