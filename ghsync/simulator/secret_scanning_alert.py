"""Secret scanning alerts: that a secret was pushed.

An event does not say whether the alert is open: it has a resolution, or none.

https://docs.github.com/en/rest/secret-scanning/secret-scanning
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ghsync.simulator.payload import Json, iso, iso_or_null

if TYPE_CHECKING:
    from datetime import datetime

    from ghsync.simulator.account import Account
    from ghsync.simulator.repository import Repository

Resolution = Literal["false_positive", "wont_fix", "revoked", "used_in_tests"]


@dataclass(eq=False)
class SecretScanningAlert:
    """An alert; it is open as long as it has no resolution."""

    repository: Repository
    number: int
    secret_type: str
    secret_type_display_name: str
    created_at: datetime
    updated_at: datetime
    resolution: Resolution | None = None
    resolved_at: datetime | None = None
    resolved_by: Account | None = None
    resolution_comment: str | None = None

    @property
    def api_url(self) -> str:
        """The alert's address in the API."""
        return f"{self.repository.api_url}/secret-scanning/alerts/{self.number}"

    @property
    def state(self) -> Literal["open", "resolved"]:
        """What the REST API calls its state."""
        return "open" if self.resolution is None else "resolved"

    def as_json(self) -> Json:
        """The alert as events carry it."""
        return {
            "number": self.number,
            "created_at": iso(self.created_at),
            "updated_at": iso(self.updated_at),
            "url": self.api_url,
            "html_url": f"{self.repository.html_url}/security/secret-scanning/{self.number}",
            "locations_url": f"{self.api_url}/locations",
            "resolution": self.resolution,
            "resolved_at": iso_or_null(self.resolved_at),
            "resolved_by": None if self.resolved_by is None else self.resolved_by.as_json(),
            "resolution_comment": self.resolution_comment,
            "secret_type": self.secret_type,
            "secret_type_display_name": self.secret_type_display_name,
            "validity": "unknown",
            "push_protection_bypassed": False,
            "push_protection_bypassed_by": None,
            "push_protection_bypassed_at": None,
            "publicly_leaked": False,
            "multi_repo": False,
        }

    def as_rest_json(self) -> Json:
        """The alert as the REST API shows it: with its state, and with what was pushed."""
        return {**self.as_json(), "state": self.state, "secret": f"not a secret, number {self.number}"}
