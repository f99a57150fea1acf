"""Labels."""

from dataclasses import dataclass
from urllib.parse import quote

from ghsync.simulator.identity import node_id
from ghsync.simulator.payload import Json
from ghsync.simulator.repository import Repository


@dataclass(eq=False)
class Label:
    """A label of a repository. Issues refer to it; GitHub has no history of it."""

    id: int
    repository: Repository
    name: str
    color: str = "ededed"
    description: str | None = None
    default: bool = False

    @property
    def node_id(self) -> str:
        """The label's node id; GraphQL has no other id for it."""
        return node_id("LA", self.repository.id, self.id)

    @property
    def html_url(self) -> str:
        """The page with all that carries the label."""
        return f"{self.repository.html_url}/labels/{quote(self.name)}"

    def as_json(self) -> Json:
        """The label, on its own or on an issue."""
        return {
            "id": self.id,
            "node_id": self.node_id,
            "url": f"{self.repository.api_url}/labels/{quote(self.name)}",
            "name": self.name,
            "color": self.color,
            "default": self.default,
            "description": self.description,
            "archived_at": None,
            "archived_by": None,
        }
