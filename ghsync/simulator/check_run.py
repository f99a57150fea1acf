"""Check runs: one attempt at one check of a commit.

https://docs.github.com/en/rest/checks/runs
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghsync.simulator.identity import node_id
from ghsync.simulator.payload import Json, iso, iso_or_null

if TYPE_CHECKING:
    from datetime import datetime

    from ghsync.simulator.check_suite import CheckStatus, CheckSuite, Conclusion


@dataclass(eq=False)
class CheckRun:
    """A check run. Another attempt is another run of the same name and `job`, which supersedes it."""

    id: int
    suite: CheckSuite
    name: str
    started_at: datetime
    status: CheckStatus = "queued"
    conclusion: Conclusion | None = None
    completed_at: datetime | None = None
    title: str | None = None
    summary: str | None = None
    job: int = 0

    @property
    def node_id(self) -> str:
        """The run's node id."""
        return node_id("CR", self.suite.repository.id, self.id)

    @property
    def api_url(self) -> str:
        """The run's address in the API."""
        return f"{self.suite.repository.api_url}/check-runs/{self.id}"

    @property
    def html_url(self) -> str:
        """The run's page."""
        return f"{self.suite.repository.html_url}/runs/{self.id}"

    @property
    def details_url(self) -> str:
        """The run's page with those who ran it."""
        return "https://ci.example/"

    def as_json(self) -> Json:
        """The run as `check_run` carries it."""
        return {**self._begin_json(), "check_suite": self.suite.as_run_part_json(), **self._end_json()}

    def as_rest_json(self) -> Json:
        """The run as the REST API shows it: of its suite only the id."""
        return {**self._begin_json(), "check_suite": {"id": self.suite.id}, **self._end_json()}

    def _begin_json(self) -> Json:
        return {
            "id": self.id,
            "name": self.name,
            "node_id": self.node_id,
            "head_sha": self.suite.head_commit.sha,
            "external_id": "",
            "url": self.api_url,
            "html_url": self.html_url,
            "details_url": self.details_url,
            "status": self.status,
            "conclusion": self.conclusion,
            "started_at": iso(self.started_at),
            "completed_at": iso_or_null(self.completed_at),
            "output": {
                "title": self.title,
                "summary": self.summary,
                "text": None,
                "annotations_count": 0,
                "annotations_url": f"{self.api_url}/annotations",
            },
        }

    def _end_json(self) -> Json:
        pull_requests = [each.as_check_json() for each in self.suite.pull_requests]
        return {"app": self.suite.app.as_json(), "pull_requests": pull_requests}
