"""Milestones."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ghsync.simulator.account import Account
from ghsync.simulator.identity import node_id
from ghsync.simulator.payload import Json, iso, iso_or_null
from ghsync.simulator.repository import Repository


@dataclass(eq=False)
class Milestone:
    """A milestone of a repository."""

    id: int
    repository: Repository
    number: int
    title: str
    creator: Account
    created_at: datetime
    updated_at: datetime
    description: str | None = None
    state: Literal["open", "closed"] = "open"
    due_on: datetime | None = None
    closed_at: datetime | None = None

    @property
    def node_id(self) -> str:
        """The milestone's node id; GraphQL has no other id for it."""
        return node_id("MI", self.repository.id, self.id)

    @property
    def html_url(self) -> str:
        """The milestone's page."""
        return f"{self.repository.html_url}/milestone/{self.number}"

    def as_json(self) -> Json:
        """The milestone, on its own or on an issue."""
        url = f"{self.repository.api_url}/milestones/{self.number}"
        tally = self.repository.tally()
        return {
            "url": url,
            "html_url": self.html_url,
            "labels_url": f"{url}/labels",
            "id": self.id,
            "node_id": self.node_id,
            "number": self.number,
            "title": self.title,
            "description": self.description,
            "creator": self.creator.as_json(),
            "open_issues": tally[self, "open"],
            "closed_issues": tally[self, "closed"],
            "state": self.state,
            "created_at": iso(self.created_at),
            "updated_at": iso(self.updated_at),
            "due_on": iso_or_null(self.due_on),
            "closed_at": iso_or_null(self.closed_at),
        }
