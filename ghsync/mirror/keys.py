"""What things are known by in this mirror, once their repository is: our id of it, and what they have there."""

from typing import NamedTuple


class PullRequest(NamedTuple):
    """A pull request, by its repository (our id) and its number."""

    repository_id: str
    number: int


class Commit(NamedTuple):
    """A commit, by its repository (our id) and its hash."""

    repository_id: str
    sha: str
