"""Commits, as far as payloads tell about them."""

from dataclasses import dataclass
from datetime import datetime

from ghsync.simulator.account import Account
from ghsync.simulator.identity import node_id
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

    @property
    def headline(self) -> str:
        """The first line of the message."""
        return self.message.partition("\n")[0]

    def node_id(self, repository_id: int) -> str:
        """The commit's node id, which names a repository it is in."""
        return node_id("C", repository_id, self.sha)

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

    def as_short_json(self) -> Json:
        """The commit as a check suite carries it."""
        person = {"name": self.author.login, "email": self.author.email}
        return {
            "id": self.sha,
            "tree_id": self.tree_sha,
            "message": self.message,
            "timestamp": iso(self.committed_at),
            "author": person,
            "committer": person,
        }

    def as_rest_json(self, repository_id: int, api_url: str, html_url: str, parents: tuple[str, ...] = ()) -> Json:
        """The commit as the REST API and `status` show it, in a repository with these addresses."""
        url = f"{api_url}/commits/{self.sha}"
        person = {"name": self.author.login, "email": self.author.email, "date": iso(self.committed_at)}
        return {
            "sha": self.sha,
            "node_id": self.node_id(repository_id),
            "commit": {
                "author": person,
                "committer": person,
                "message": self.message,
                "tree": {"sha": self.tree_sha, "url": f"{api_url}/git/trees/{self.tree_sha}"},
                "url": f"{api_url}/git/commits/{self.sha}",
                "comment_count": 0,
                "verification": {
                    "verified": False,
                    "reason": "unsigned",
                    "signature": None,
                    "payload": None,
                    "verified_at": None,
                },
            },
            "url": url,
            "html_url": f"{html_url}/commit/{self.sha}",
            "comments_url": f"{url}/comments",
            "author": self.author.as_json(),
            "committer": self.author.as_json(),
            "parents": [
                {"sha": sha, "url": f"{api_url}/commits/{sha}", "html_url": f"{html_url}/commit/{sha}"}
                for sha in parents
            ],
        }

    def _paths(self, how: str) -> list[str]:
        return [change.path for change in self.changes if change.how == how]
