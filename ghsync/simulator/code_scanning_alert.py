"""Code scanning alerts: what a tool has found in the code, on one branch or pull request or on several.

https://docs.github.com/en/rest/code-scanning/code-scanning
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ghsync.simulator.payload import Json, iso, iso_or_null

if TYPE_CHECKING:
    from datetime import datetime

    from ghsync.simulator.account import Account
    from ghsync.simulator.repository import Repository

AlertState = Literal["open", "dismissed", "fixed"]
DismissedReason = Literal["false positive", "won't fix", "used in tests", "mitigated"]


@dataclass(frozen=True)
class Rule:
    """What a tool looks for. Rules that are not about security have no level of it."""

    id: str
    description: str
    severity: Literal["none", "note", "warning", "error"] = "error"
    security_severity_level: Literal["low", "medium", "high", "critical"] | None = None
    tags: tuple[str, ...] = ()

    def as_short_json(self) -> Json:
        """The rule as a few events carry it."""
        return {
            "id": self.id,
            "severity": self.severity,
            "description": self.description,
            "security_severity_level": self.security_severity_level,
        }

    def as_json(self) -> Json:
        """The rule as its alerts carry it."""
        return {
            **self.as_short_json(),
            "name": self.id,
            "tags": list(self.tags),
            "full_description": f"{self.description}.",
            "help": "",
            "help_uri": None,
        }


@dataclass
class Instance:
    """An alert on one branch, or on the merge of one pull request."""

    ref: str
    commit_sha: str
    state: Literal["open", "fixed"] = "open"


@dataclass(eq=False)
class CodeScanningAlert:
    """An alert. Its instances are in the order in which they were last looked at."""

    repository: Repository
    number: int
    rule: Rule
    tool: str
    path: str
    line: int
    created_at: datetime
    updated_at: datetime
    instances: dict[str, Instance] = field(default_factory=dict)
    fixed_at: datetime | None = None
    dismissed_at: datetime | None = None
    dismissed_by: Account | None = None
    dismissed_reason: DismissedReason | None = None
    dismissed_comment: str | None = None

    @property
    def api_url(self) -> str:
        """The alert's address in the API."""
        return f"{self.repository.api_url}/code-scanning/alerts/{self.number}"

    @property
    def html_url(self) -> str:
        """The alert's page."""
        return f"{self.repository.html_url}/security/code-scanning/{self.number}"

    @property
    def newest(self) -> Instance:
        """The instance that was looked at last."""
        return list(self.instances.values())[-1]

    def state(self, ref: str | None = None) -> AlertState:
        """How the alert is at one place, or where it was looked at last; if dismissed, it is so everywhere."""
        if self.dismissed_at is not None:
            return "dismissed"
        return (self.newest if ref is None else self.instances[ref]).state

    def as_json(self, ref: str | None = None) -> Json:
        """The alert as most events and the REST API show it."""
        instance = self.newest if ref is None else self.instances[ref]
        state = self.state(instance.ref)
        return {
            "number": self.number,
            "created_at": iso(self.created_at),
            "updated_at": iso(self.updated_at),
            "url": self.api_url,
            "html_url": self.html_url,
            "state": state,
            "fixed_at": iso_or_null(self.fixed_at) if state == "fixed" else None,
            "dismissed_by": None if self.dismissed_by is None else self.dismissed_by.as_json(),
            "dismissed_at": iso_or_null(self.dismissed_at),
            "dismissed_reason": self.dismissed_reason,
            "dismissed_comment": self.dismissed_comment,
            "rule": self.rule.as_json(),
            "tool": {"name": self.tool, "guid": None, "version": "2.20.1"},
            "most_recent_instance": self._instance_json(instance, state),
            "instances_url": f"{self.api_url}/instances",
        }

    def as_short_json(self) -> Json:
        """The alert as events do that are about another place, or about a change of mind: with little of the rule."""
        whole = self.as_json()
        whole["tool"].pop("guid")
        return {**whole, "rule": self.rule.as_short_json()}

    def _instance_json(self, instance: Instance, state: AlertState) -> Json:
        return {
            "ref": instance.ref,
            "analysis_key": f".github/workflows/{self.tool.lower()}.yml:analyze",
            "environment": "{}",
            "category": f"/tool:{self.tool.lower()}",
            "state": state,
            "commit_sha": instance.commit_sha,
            "message": {"text": f"{self.rule.description}."},
            "location": {
                "path": self.path,
                "start_line": self.line,
                "end_line": self.line,
                "start_column": 1,
                "end_column": 40,
            },
            "classifications": [],
        }
