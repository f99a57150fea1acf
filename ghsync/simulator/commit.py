"""Commits, as far as payloads tell about them."""

from dataclasses import dataclass
from datetime import datetime

from ghsync.simulator.account import Account
from ghsync.simulator.payload import Json, iso

NO_COMMIT = "0" * 40
"""What stands for the tip of a branch that does not exist, before or after a push."""


@dataclass(frozen=True)
class Change:
    """What a commit did to one file."""

    path: str
    additions: int = 0
    deletions: int = 0
    how: str = "modified"


@dataclass(frozen=True, eq=False)
class Commit:
    """A commit: who, when, what."""

    sha: str
    tree_sha: str
    message: str
    author: Account
    committed_at: datetime
    changes: tuple[Change, ...] = ()

    def as_json(self, repository_url: str) -> Json:
        """The commit as `push` lists it."""
        person = {"name": self.author.login, "email": self.author.email, "username": self.author.login}
        return {
            "id": self.sha,
            "tree_id": self.tree_sha,
            "distinct": True,
            "message": self.message,
            "timestamp": iso(self.committed_at),
            "url": f"{repository_url}/commit/{self.sha}",
            "author": person,
            "committer": person,
            "added": self._paths("added"),
            "removed": self._paths("removed"),
            "modified": self._paths("modified"),
        }

    def _paths(self, how: str) -> list[str]:
        return [change.path for change in self.changes if change.how == how]
