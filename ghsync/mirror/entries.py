"""What is told of repositories and of what stands above them: names, accounts and installations, by GitHub's ids."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from ghsync.mirror.keys import GitHubId
from ghsync.mirror.noun import Row


@dataclass(frozen=True, slots=True)
class Sighting:
    """A name a repository was seen under."""

    github_id: GitHubId
    full_name: str
    observed_at: datetime


class NamedAccount(NamedTuple):
    """An account as a payload shows it."""

    login: str
    type: str | None


class Login(NamedTuple):
    """A login that an account told of itself: since when at the latest, and when last."""

    account: GitHubId
    login: str
    since: datetime
    observed_at: datetime


@dataclass(slots=True)
class Entries:
    """What the registry is to know of, one row of each.

    ``repositories`` may carry ``installation`` (GitHub's id) and ``access_observed_at`` besides their columns; those
    that are only ``mentioned`` are locked too. ``installations`` are whole ``installation`` objects; of those in
    ``accounts`` only the account is known, and of those ``named`` only the id, with the door through which they were.
    ``owners`` are all accounts that own or owned a repository, ``logins`` what accounts told of themselves.
    ``uninstalled`` are installations that were seen to be gone, and ``hidden`` repositories that theirs does not see.

    Where it ``insists``, all of it are answers of the API that overrule what is stored.
    """

    repositories: dict[GitHubId, Row] = field(default_factory=dict)
    installations: dict[GitHubId, Row] = field(default_factory=dict)
    accounts: dict[GitHubId, Row] = field(default_factory=dict)
    sightings: list[Sighting] = field(default_factory=list)
    owners: dict[GitHubId, NamedAccount] = field(default_factory=dict)
    logins: dict[tuple[GitHubId, str], Login] = field(default_factory=dict)
    named: dict[GitHubId, str] = field(default_factory=dict)
    mentioned: set[GitHubId] = field(default_factory=set)
    uninstalled: list[Row] = field(default_factory=list)
    hidden: list[Row] = field(default_factory=list)
    insists: bool = False

    @property
    def ended(self) -> set[GitHubId]:
        """The installations that are gone."""
        rows = (*self.installations.values(), *self.uninstalled)
        return {GitHubId(row["github_id"]) for row in rows if row["deleted_at"]}

    @property
    def living(self) -> set[GitHubId]:
        """The installations that are there."""
        return {*self.installations} - self.ended
