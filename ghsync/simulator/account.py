"""Accounts: users, bots, organizations and their teams."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from ghsync.simulator.identity import node_id
from ghsync.simulator.payload import API_URL, AVATAR_URL, WEB_URL, Json

AccountType = Literal["User", "Bot", "Organization", "Mannequin"]

NODE_PREFIX = {"User": "U", "Bot": "BOT", "Organization": "O", "Mannequin": "M"}


@dataclass(eq=False)
class Account:
    """Someone who owns or does things."""

    id: int
    login: str
    type: AccountType = "User"
    description: str | None = None
    deleted: bool = False

    @property
    def node_id(self) -> str:
        """The account's node id."""
        return node_id(NODE_PREFIX[self.type], self.id)

    @property
    def avatar_url(self) -> str:
        """The address of the account's picture."""
        return f"{AVATAR_URL}/in/{self.id}?v=4" if self.type == "Bot" else f"{AVATAR_URL}/u/{self.id}?v=4"

    @property
    def html_url(self) -> str:
        """The account's page."""
        if self.type == "Bot":
            return f"{WEB_URL}/apps/{self.login.removesuffix('[bot]')}"
        return f"{WEB_URL}/{self.login}"

    @property
    def email(self) -> str:
        """The address GitHub gives to those who keep theirs private."""
        return f"{self.id}+{self.login}@users.noreply.github.com"

    def as_json(self) -> Json:
        """The account as a user, which is how payloads show organizations too; a deleted one is shown as the ghost."""
        if self.deleted:
            return GHOST.as_json()
        url = f"{API_URL}/users/{quote(self.login)}"
        return {
            "login": self.login,
            "id": self.id,
            "node_id": self.node_id,
            "avatar_url": self.avatar_url,
            "gravatar_id": "",
            "url": url,
            "html_url": self.html_url,
            "followers_url": f"{url}/followers",
            "following_url": f"{url}/following{{/other_user}}",
            "gists_url": f"{url}/gists{{/gist_id}}",
            "starred_url": f"{url}/starred{{/owner}}{{/repo}}",
            "subscriptions_url": f"{url}/subscriptions",
            "organizations_url": f"{url}/orgs",
            "repos_url": f"{url}/repos",
            "events_url": f"{url}/events{{/privacy}}",
            "received_events_url": f"{url}/received_events",
            "type": self.type,
            "user_view_type": "public",
            "site_admin": False,
        }

    def as_organization_json(self) -> Json:
        """The account as the `organization` of an event."""
        url = f"{API_URL}/orgs/{self.login}"
        return {
            "login": self.login,
            "id": self.id,
            "node_id": self.node_id,
            "url": url,
            "repos_url": f"{url}/repos",
            "events_url": f"{url}/events",
            "hooks_url": f"{url}/hooks",
            "issues_url": f"{url}/issues",
            "members_url": f"{url}/members{{/member}}",
            "public_members_url": f"{url}/public_members{{/member}}",
            "avatar_url": self.avatar_url,
            "description": self.description,
        }


GHOST = Account(10_137, "ghost")
"""Who stands for all that have deleted their accounts."""

GITHUB_ACTIONS = Account(41_898_282, "github-actions[bot]", "Bot")
"""Who does what workflows do, everywhere; as a part of GitHub it is not among the accounts of a world."""


@dataclass(eq=False)
class Team:
    """A team of an organization."""

    id: int
    organization: Account
    name: str
    slug: str
    description: str | None = None
    permission: Literal["pull", "triage", "push", "maintain", "admin"] = "push"

    @property
    def node_id(self) -> str:
        """The team's node id."""
        return node_id("T", self.organization.id, self.id)

    @property
    def html_url(self) -> str:
        """The team's page."""
        return f"{WEB_URL}/orgs/{self.organization.login}/teams/{self.slug}"

    def as_json(self) -> Json:
        """The team as payloads carry it."""
        url = f"{API_URL}/organizations/{self.organization.id}/team/{self.id}"
        return {
            "name": self.name,
            "id": self.id,
            "node_id": self.node_id,
            "slug": self.slug,
            "description": self.description,
            "privacy": "closed",
            "notification_setting": "notifications_enabled",
            "url": url,
            "html_url": self.html_url,
            "members_url": f"{url}/members{{/member}}",
            "repositories_url": f"{url}/repos",
            "type": "organization",
            "organization_id": self.organization.id,
            "permission": self.permission,
            "parent": None,
        }
