"""Dependabot alerts: that something which a repository depends on is known to be vulnerable.

https://docs.github.com/en/rest/dependabot/alerts
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ghsync.simulator.payload import Json, iso, iso_or_null

if TYPE_CHECKING:
    from datetime import datetime

    from ghsync.simulator.account import Account
    from ghsync.simulator.repository import Repository

DependabotState = Literal["auto_dismissed", "dismissed", "fixed", "open"]
DismissedReason = Literal["fix_started", "inaccurate", "no_bandwidth", "not_used", "tolerable_risk"]
Severity = Literal["low", "medium", "high", "critical"]

NEVER_SCORED = {"vector_string": None, "score": 0.0}


@dataclass(frozen=True)
class Advisory:
    """What is known of a vulnerability of one package."""

    ghsa_id: str
    ecosystem: str
    package: str
    summary: str
    severity: Severity
    vulnerable: str
    patched: str | None
    published_at: datetime
    cve_id: str | None = None

    def as_vulnerability_json(self) -> Json:
        """The versions that are vulnerable, and the first that is not."""
        return {
            "package": {"ecosystem": self.ecosystem, "name": self.package},
            "severity": self.severity,
            "vulnerable_version_range": self.vulnerable,
            "first_patched_version": None if self.patched is None else {"identifier": self.patched},
        }

    def as_json(self) -> Json:
        """The advisory as an alert carries it."""
        named = [("GHSA", self.ghsa_id), *([] if self.cve_id is None else [("CVE", self.cve_id)])]
        return {
            "ghsa_id": self.ghsa_id,
            "cve_id": self.cve_id,
            "summary": self.summary,
            "description": f"{self.summary}. Nothing more is known.",
            "severity": self.severity,
            "identifiers": [{"type": kind, "value": value} for kind, value in named],
            "references": [{"url": f"https://github.com/advisories/{self.ghsa_id}"}],
            "published_at": iso(self.published_at),
            "updated_at": iso(self.published_at),
            "withdrawn_at": None,
            "vulnerabilities": [self.as_vulnerability_json()],
            "cvss_severities": {"cvss_v3": dict(NEVER_SCORED), "cvss_v4": dict(NEVER_SCORED)},
            "cwes": [],
        }


@dataclass(eq=False)
class DependabotAlert:
    """An alert: an advisory that is about a file of the repository."""

    repository: Repository
    number: int
    advisory: Advisory
    manifest_path: str
    created_at: datetime
    updated_at: datetime
    scope: Literal["development", "runtime"] = "runtime"
    state: DependabotState = "open"
    fixed_at: datetime | None = None
    auto_dismissed_at: datetime | None = None
    dismissed_at: datetime | None = None
    dismissed_by: Account | None = None
    dismissed_reason: DismissedReason | None = None
    dismissed_comment: str | None = None

    def as_json(self) -> Json:
        """The alert, in events and in the REST API."""
        vulnerability = self.advisory.as_vulnerability_json()
        return {
            "number": self.number,
            "state": self.state,
            "dependency": {
                "package": vulnerability["package"],
                "manifest_path": self.manifest_path,
                "scope": self.scope,
                "relationship": "direct",
            },
            "security_advisory": self.advisory.as_json(),
            "security_vulnerability": vulnerability,
            "url": f"{self.repository.api_url}/dependabot/alerts/{self.number}",
            "html_url": f"{self.repository.html_url}/security/dependabot/{self.number}",
            "created_at": iso(self.created_at),
            "updated_at": iso(self.updated_at),
            "dismissed_at": iso_or_null(self.dismissed_at),
            "dismissed_by": None if self.dismissed_by is None else self.dismissed_by.as_json(),
            "dismissed_reason": self.dismissed_reason,
            "dismissed_comment": self.dismissed_comment,
            "fixed_at": iso_or_null(self.fixed_at),
            "auto_dismissed_at": iso_or_null(self.auto_dismissed_at),
        }
