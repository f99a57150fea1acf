"""Who asks: nobody known, the App itself, one of its installations, or a person with a token of their own.

What is public, everybody sees; an installation's permissions count for that too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ghsync.simulator.account import Account
    from ghsync.simulator.app import App, Installation
    from ghsync.simulator.repository import Repository
    from ghsync.simulator.world import World

HOURLY = 5_000
HOURLY_OF_NOBODY = 60
MOST_OF_INSTALLATION = 12_500
FREE_OF_EXTRA = 20
EXTRA = 50


class Viewer(Protocol):
    """Whoever asks. `name` is theirs in what GitHub says, and whose requests are counted together."""

    @property
    def name(self) -> str:
        """As whom GitHub knows them."""

    @property
    def hourly(self) -> int:
        """Requests an hour, and points an hour."""

    def sees(self, repository: Repository, /) -> bool:
        """Whether a repository is there for them."""

    def may(self, permission: str, /) -> bool:
        """Whether they have a permission, `issues` for one."""

    def may_push(self, repository: Repository, /) -> bool:
        """Whether they may push to a repository, and so see drafts of its releases."""

    def belongs_to(self, organization: Account, /) -> bool:
        """Whether they see who is a member of an organization."""


@dataclass(frozen=True)
class Nobody:
    """Someone without credentials."""

    name: str = "127.0.0.1"
    hourly: int = HOURLY_OF_NOBODY

    def sees(self, repository: Repository) -> bool:
        """Only what is public."""
        return repository.visibility == "public"

    def may(self, _permission: str) -> bool:
        """Everything, of what they see."""
        return True

    def may_push(self, _repository: Repository) -> bool:
        """To none."""
        return False

    def belongs_to(self, _organization: Account) -> bool:
        """To none."""
        return False


@dataclass(frozen=True)
class Integration:
    """The App itself, which sees itself and its installations, and nothing in them."""

    app: App
    hourly: int = HOURLY

    @property
    def name(self) -> str:
        """The App's name to GitHub."""
        return f"app ID {self.app.id}"

    def sees(self, _repository: Repository) -> bool:
        """None."""
        return False

    def may(self, _permission: str) -> bool:
        """Nothing."""
        return False

    def may_push(self, _repository: Repository) -> bool:
        """To none."""
        return False

    def belongs_to(self, _organization: Account) -> bool:
        """To none."""
        return False


@dataclass(frozen=True)
class InstallationViewer:
    """An installation, with a token that may be for fewer repositories and permissions than it has."""

    world: World
    installation: Installation
    permissions: Mapping[str, str]
    repository_ids: frozenset[int] | None = None

    @property
    def name(self) -> str:
        """The installation's name to GitHub."""
        return f"installation ID {self.installation.id}"

    @property
    def hourly(self) -> int:
        """More for those with many repositories and members.

        https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
        """
        repositories = len(self.installation.repositories) - FREE_OF_EXTRA
        members = len(self.world.members.get(self.installation.account, {})) - FREE_OF_EXTRA
        return min(HOURLY + EXTRA * (max(repositories, 0) + max(members, 0)), MOST_OF_INSTALLATION)

    @property
    def repositories(self) -> list[Repository]:
        """The repositories that the token is for."""
        wanted = self.repository_ids
        return [each for each in self.installation.repositories if wanted is None or each.id in wanted]

    def sees(self, repository: Repository) -> bool:
        """What the token is for, and what is public."""
        return repository.visibility == "public" or repository in self.repositories

    def may(self, permission: str) -> bool:
        """What the token permits, as long as the installation does."""
        return permission in self.permissions and permission in self.installation.permissions

    def may_push(self, repository: Repository) -> bool:
        """To what the token is for, if it permits to write there, as long as the installation does."""
        granted = (self.permissions.get("contents"), self.installation.permissions.get("contents"))
        return repository in self.repositories and granted == ("write", "write")

    def belongs_to(self, organization: Account) -> bool:
        """Only to that of the installation."""
        return organization is self.installation.account and self.may("members")


@dataclass(frozen=True)
class Person:
    """A person with a personal token that permits all that they may, or what its scopes say.

    https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps
    """

    world: World
    account: Account
    hourly: int = field(default=HOURLY)
    scopes: frozenset[str] | None = None

    @property
    def name(self) -> str:
        """The person's name to GitHub."""
        return f"user ID {self.account.id}"

    def works_in(self, repository: Repository) -> bool:
        """Whether they own it, work in it, or belong to its owners."""
        return (
            repository.owner is self.account
            or self.account in repository.collaborators
            or self._is_member(repository.owner)
        )

    def sees(self, repository: Repository) -> bool:
        """What is theirs, and what is public."""
        return repository.visibility == "public" or (self._has("repo") and self.works_in(repository))

    def may(self, _permission: str) -> bool:
        """Everything, of what they see."""
        return True

    def may_push(self, repository: Repository) -> bool:
        """Where they work, unless they only read there."""
        reads = repository.collaborators.get(self.account) == "read" and not self._is_member(repository.owner)
        return self._has("repo") and self.works_in(repository) and not reads

    def belongs_to(self, organization: Account) -> bool:
        """Where they are a member, as far as the token may tell."""
        return self._has("read:org") and self._is_member(organization)

    def _is_member(self, organization: Account) -> bool:
        return self.account in self.world.members.get(organization, {})

    def _has(self, scope: str) -> bool:
        return self.scopes is None or scope in self.scopes
