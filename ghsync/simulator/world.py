"""The whole simulated GitHub: who and what exists, what time it is, and every delivery sent so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ghsync.simulator import delivery
from ghsync.simulator.account import Account, AccountType, Team
from ghsync.simulator.app import ALWAYS_SENT, EVENTS, PERMISSIONS, App, Installation, github_actions
from ghsync.simulator.clock import Clock
from ghsync.simulator.identity import Identities
from ghsync.simulator.payload import Json, encode

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ghsync.simulator.repository import Repository

TICKS_BETWEEN_DELIVERIES = 31_417
"""A little over 3 ms: deliveries of one action have an order, and usually the same second."""


@dataclass(repr=False)
class World:
    """A GitHub with one App on it. The functions in `actions` change it; it sends what GitHub would send."""

    seed: int = 1
    events: tuple[str, ...] = EVENTS
    permissions: Mapping[str, str] = field(default_factory=lambda: dict(PERMISSIONS))
    clock: Clock = field(default_factory=Clock)
    accounts: dict[int, Account] = field(default_factory=dict)
    teams: dict[int, Team] = field(default_factory=dict)
    members: dict[Account, dict[Account, str]] = field(default_factory=dict)
    team_members: dict[Team, list[Account]] = field(default_factory=dict)
    repositories: dict[int, Repository] = field(default_factory=dict)
    former_names: dict[str, Repository] = field(default_factory=dict)
    installations: dict[int, Installation] = field(default_factory=dict)
    deliveries: list[delivery.Delivery] = field(default_factory=list)
    identities: Identities = field(init=False)
    app: App = field(init=False)
    ci: App = field(init=False)

    def __post_init__(self) -> None:
        self.identities = Identities(self.seed)
        self.app = self._app()
        self.ci = github_actions(self.app)

    def now(self) -> datetime:
        """The present instant."""
        return self.clock.now()

    def add_account(self, login: str, kind: AccountType = "User", description: str | None = None) -> Account:
        """A new account."""
        account = Account(self.identities.next_id("account"), login, kind, description)
        self.accounts[account.id] = account
        return account

    def add_organization(self, login: str, description: str, owners: tuple[Account, ...]) -> Account:
        """A new organization with its owners."""
        organization = self.add_account(login, "Organization", description)
        self.members[organization] = dict.fromkeys(owners, "admin")
        return organization

    def add_team(self, organization: Account, name: str, description: str) -> Team:
        """A new team."""
        slug = name.lower().replace(" ", "-")
        team = Team(self.identities.next_id("team"), organization, name, slug, description)
        self.teams[team.id] = team
        self.team_members[team] = []
        return team

    def repository_named(self, full_name: str) -> Repository | None:
        """The repository of a name, or that which had it last: names are written in any letters, and lead on."""
        wanted = full_name.lower()
        found = next((each for each in self.repositories.values() if each.full_name.lower() == wanted), None)
        former = self.former_names.get(wanted)
        return found if found is not None or former is None else self.repositories.get(former.id)

    def association(self, account: Account, repository: Repository) -> str:
        """How an account stands to a repository, as `author_association` tells."""
        if account is repository.owner:
            return "OWNER"
        if account in self.members.get(repository.owner, {}):
            return "MEMBER"
        if account in repository.collaborators:
            return "COLLABORATOR"
        merged = (pull for pull in repository.pull_requests.values() if pull.merged_at is not None)
        return "CONTRIBUTOR" if any(pull.issue.author is account for pull in merged) else "NONE"

    def installation_on(self, account: Account, *, suspended: bool = False) -> Installation | None:
        """The installation on an account; a suspended one, which gets only events of its own, if that is asked for."""
        return next(
            (
                installation
                for installation in self.installations.values()
                if installation.account is account and (suspended or installation.suspended_at is None)
            ),
            None,
        )

    def send_about_repository(
        self, event: str, action: str | None, repository: Repository, sender: Account, **fields: object
    ) -> None:
        """Send an event of a repository, if the App is installed there; a few events have no action."""
        installation = self.installation_on(repository.owner)
        if installation is None or not installation.covers(repository) or not installation.hears(event):
            return
        payload = {
            **({} if action is None else {"action": action}),
            **fields,
            "repository": repository.as_json(),
            **organization_part(repository.owner),
            "sender": sender.as_json(),
            "installation": installation.as_stub_json(),
        }
        self.send(event, payload)

    def send_about_organization(
        self, event: str, action: str, organization: Account, sender: Account, **fields: object
    ) -> None:
        """Send an event of an organization, if the App is installed there."""
        installation = self.installation_on(organization)
        if installation is None or not installation.hears(event):
            return
        payload = {
            "action": action,
            **fields,
            "organization": organization.as_organization_json(),
            "sender": sender.as_json(),
            "installation": installation.as_stub_json(),
        }
        self.send(event, payload)

    def send_about_installation(
        self, event: str, action: str, installation: Installation, sender: Account, **fields: object
    ) -> None:
        """Send an event of an installation, which its App always gets."""
        payload = {
            "action": action,
            "installation": installation.as_json(),
            **fields,
            "sender": sender.as_json(),
        }
        self.send(event, payload)

    def send(self, event: str, payload: Json) -> None:
        """Send a payload to the App's hook, if the App has subscribed to the event."""
        if event not in self.app.events and event not in ALWAYS_SENT:
            return
        self.clock.advance_ticks(TICKS_BETWEEN_DELIVERIES)
        guid = self.identities.next_guid(self.clock.ticks)
        headers = delivery.headers(
            event,
            guid,
            hook_id=self.app.hook_id,
            app_id=self.app.id,
            hookshot=self.identities.hookshot(),
        )
        self.deliveries.append(delivery.Delivery(event, guid, encode(payload), headers))

    def _app(self) -> App:
        return App(
            id=self.identities.next_id("app"),
            slug="ghsync-mirror",
            name="ghsync mirror",
            description="Keeps a PostgreSQL mirror of issues and pull requests.",
            client_id=f"Iv23li{self.identities.next_sha()[:14]}",
            owner=self.add_account("ghsync-example", "Organization"),
            hook_id=self.identities.next_id("hook"),
            hook_url="https://ghsync.example/webhooks/github",
            created_at=self.now(),
            updated_at=self.now(),
            permissions=dict(self.permissions),
            events=self.events,
        )


def organization_part(owner: Account) -> Json:
    """The `organization` of an event, which is there only if an organization owns the repository."""
    return {"organization": owner.as_organization_json()} if owner.type == "Organization" else {}
