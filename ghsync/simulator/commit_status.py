"""Commit statuses: the older way to say how a commit fares.

https://docs.github.com/en/rest/commits/statuses
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ghsync.simulator.identity import node_id
from ghsync.simulator.payload import Json, iso

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ghsync.simulator.account import Account
    from ghsync.simulator.commit import Commit
    from ghsync.simulator.repository import Repository

StatusState = Literal["error", "failure", "pending", "success"]


@dataclass(frozen=True, eq=False)
class CommitStatus:
    """A status; it never changes. A newer one of the same context supersedes it."""

    id: int
    repository: Repository
    commit: Commit
    context: str
    state: StatusState
    creator: Account
    created_at: datetime
    description: str | None = None
    target_url: str | None = None

    @property
    def node_id(self) -> str:
        """The status's node id; GraphQL has no other id for it."""
        return node_id("SC", self.repository.id, self.id)

    def as_combined_json(self) -> Json:
        """The status as the combined status of a commit lists it: without who has set it."""
        return {
            "url": f"{self.repository.api_url}/statuses/{self.commit.sha}",
            "avatar_url": self.creator.avatar_url,
            "id": self.id,
            "node_id": self.node_id,
            "state": self.state,
            "description": self.description,
            "target_url": self.target_url,
            "context": self.context,
            "created_at": iso(self.created_at),
            "updated_at": iso(self.created_at),
        }

    def as_json(self) -> Json:
        """The status as the REST API lists it."""
        return {**self.as_combined_json(), "creator": self.creator.as_json()}


def latest_statuses(statuses: Iterable[CommitStatus]) -> list[CommitStatus]:
    """The newest status of each context, in whatever letters that is written."""
    return list({status.context.lower(): status for status in statuses}.values())


def combined_state(statuses: Iterable[CommitStatus]) -> StatusState:
    """What the newest statuses say together; no status is pending.

    https://docs.github.com/en/rest/commits/statuses#get-the-combined-status-for-a-specific-reference
    """
    states = {status.state for status in latest_statuses(statuses)}
    if states & {"error", "failure"}:
        return "failure"
    return "success" if states == {"success"} else "pending"
