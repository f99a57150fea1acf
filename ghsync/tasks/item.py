"""What is linked: issues and pull requests, by their repository and number."""

from collections.abc import Iterable
from typing import NamedTuple

from ghsync.mirror.keys import RepositoryId
from ghsync.mirror.upsert import parameter

WORDS = {"issue": "issue", "pull_request": "pull request"}


class Item(NamedTuple):
    """An issue or a pull request; ``kind`` says which."""

    repository_id: RepositoryId
    kind: str
    number: int


class Link(NamedTuple):
    """Where a link was made or withdrawn."""

    task_id: str
    repository_id: RepositoryId
    kind: str
    number: int

    @property
    def item(self) -> Item:
        """The issue or pull request of the link."""
        return Item(self.repository_id, self.kind, self.number)


def as_json(items: Iterable[Item]) -> str:
    """Items as the one parameter of a statement."""
    return parameter([item._asdict() for item in sorted(items)])
