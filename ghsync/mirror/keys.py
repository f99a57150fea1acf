"""What things are known by: GitHub's ids until they are stored, and ours from then on."""

from typing import NamedTuple, NewType

GitHubId = NewType("GitHubId", str)
"""GitHub's numeric id of a repository, an account or an installation, as the tables hold it."""

RepositoryId = NewType("RepositoryId", str)
"""Our id of a repository."""


class PullRequestKey(NamedTuple):
    """A pull request, by its repository and its number."""

    repository_id: RepositoryId
    number: int


class CommitKey(NamedTuple):
    """A commit, by its repository and its hash."""

    repository_id: RepositoryId
    sha: str
