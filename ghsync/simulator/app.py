"""The GitHub App whose hook receives the deliveries, and its installations on accounts."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from ghsync.simulator.account import Account
from ghsync.simulator.identity import legacy_node_id, node_id
from ghsync.simulator.payload import API_URL, WEB_URL, Json, iso, iso_or_null, iso_with_offset
from ghsync.simulator.repository import Repository

PERMISSIONS = {
    "actions": "read",
    "checks": "read",
    "contents": "read",
    "issues": "write",
    "members": "read",
    "metadata": "read",
    "pull_requests": "write",
    "statuses": "read",
}
"""What an App that mirrors issues, pull requests and their checks asks for, unless its world says otherwise."""

SECURITY_PERMISSIONS = {"secret_scanning_alerts": "read", "security_events": "read", "vulnerability_alerts": "read"}

EVENTS = (
    "check_run",
    "issue_comment",
    "issue_dependencies",
    "issues",
    "label",
    "member",
    "membership",
    "milestone",
    "organization",
    "pull_request",
    "pull_request_review",
    "push",
    "release",
    "repository",
    "star",
    "sub_issues",
    "watch",
)
"""What the App has subscribed to, unless its world says otherwise."""

EVERY_EVENT = tuple(
    sorted(
        (
            *EVENTS,
            "check_suite",
            "pull_request_review_comment",
            "pull_request_review_thread",
            "status",
            "workflow_run",
        ),
    )
)
"""All that the actions send, for an App that has subscribed to everything."""

SECURITY_EVENTS = ("code_scanning_alert", "dependabot_alert", "secret_scanning_alert")
"""What tells of security alerts, to an App that has the permissions for them."""

NEEDED: dict[str, tuple[str, ...]] = {
    "check_run": ("checks",),
    "check_suite": ("checks",),
    "code_scanning_alert": ("security_events",),
    "dependabot_alert": ("vulnerability_alerts",),
    "issue_comment": ("issues", "pull_requests"),
    "issue_dependencies": ("issues",),
    "issues": ("issues",),
    "label": ("issues", "pull_requests"),
    "member": ("members",),
    "membership": ("members",),
    "milestone": ("issues", "pull_requests"),
    "organization": ("members",),
    "pull_request": ("pull_requests",),
    "pull_request_review": ("pull_requests",),
    "pull_request_review_comment": ("pull_requests",),
    "pull_request_review_thread": ("pull_requests",),
    "push": ("contents",),
    "release": ("contents",),
    "secret_scanning_alert": ("secret_scanning_alerts",),
    "status": ("statuses",),
    "sub_issues": ("issues",),
    "workflow_run": ("actions",),
}
"""Which permissions an event needs, one of them: without, an installation is told of none.

https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""

ALWAYS_SENT = ("installation", "installation_repositories", "installation_target", "ping")
"""What an App gets whether it has subscribed or not.

https://docs.github.com/en/webhooks/webhook-events-and-payloads#installation
"""


@dataclass(eq=False)
class App:
    """A GitHub App and its one hook."""

    id: int
    slug: str
    name: str
    description: str
    client_id: str
    owner: Account
    hook_id: int
    hook_url: str
    created_at: datetime
    updated_at: datetime
    permissions: dict[str, str] = field(default_factory=lambda: dict(PERMISSIONS))
    events: tuple[str, ...] = EVENTS

    @property
    def node_id(self) -> str:
        """The App's node id."""
        return node_id("A", self.owner.id, self.id)

    @property
    def html_url(self) -> str:
        """The App's page."""
        return f"{WEB_URL}/apps/{self.slug}"

    def as_json(self) -> Json:
        """The App as the author of checks and comments."""
        return {
            "id": self.id,
            "client_id": self.client_id,
            "slug": self.slug,
            "node_id": self.node_id,
            "owner": self.owner.as_json(),
            "name": self.name,
            "description": self.description,
            "external_url": "https://ghsync.example/",
            "html_url": self.html_url,
            "created_at": iso(self.created_at),
            "updated_at": iso(self.updated_at),
            "permissions": dict(self.permissions),
            "events": list(self.events),
        }

    def as_hook_json(self) -> Json:
        """The App's hook, as `ping` shows it."""
        return {
            "type": "App",
            "id": self.hook_id,
            "name": "web",
            "active": True,
            "events": list(self.events),
            "config": {
                "content_type": "json",
                "insecure_ssl": "0",
                "secret": "********",
                "url": self.hook_url,
            },
            "updated_at": iso(self.updated_at),
            "created_at": iso(self.created_at),
            "app_id": self.id,
            "deliveries_url": f"{API_URL}/app/hook/deliveries",
        }


def github_actions(app: App) -> App:
    """The App that runs GitHub's own workflows, as old as another, whose hook nobody looks at."""
    return replace(
        app,
        id=15_368,
        slug="github-actions",
        name="GitHub Actions",
        description="Runs workflows",
        client_id="Iv1.05c79e9ad1f6bdfa",
        events=(),
    )


@dataclass(eq=False)
class Installation:
    """The App on one account, for all of its repositories or for those selected."""

    id: int
    app: App
    account: Account
    created_at: datetime
    updated_at: datetime
    repository_selection: Literal["all", "selected"] = "selected"
    repositories: list[Repository] = field(default_factory=list)
    permissions: dict[str, str] = field(default_factory=dict)
    events: tuple[str, ...] = ()
    suspended_at: datetime | None = None
    suspended_by: Account | None = None

    def hears(self, event: str) -> bool:
        """Whether the App is told of an event through this installation, if it has subscribed to it."""
        needed = NEEDED.get(event)
        return needed is None or any(permission in self.permissions for permission in needed)

    def covers(self, repository: Repository) -> bool:
        """Whether the App may see a repository through this installation."""
        return repository in self.repositories

    def as_stub_json(self) -> Json:
        """The installation as most events mention it."""
        return {"id": self.id, "node_id": legacy_node_id("IntegrationInstallation", self.id)}

    def as_json(self) -> Json:
        """The installation as its own events carry it."""
        of_organization = self.account.type == "Organization"
        settings = f"organizations/{self.account.login}/settings" if of_organization else "settings"
        return {
            "id": self.id,
            "client_id": self.app.client_id,
            "account": self.account.as_json(),
            "repository_selection": self.repository_selection,
            "access_tokens_url": f"{API_URL}/app/installations/{self.id}/access_tokens",
            "repositories_url": f"{API_URL}/installation/repositories",
            "html_url": f"{WEB_URL}/{settings}/installations/{self.id}",
            "app_id": self.app.id,
            "app_slug": self.app.slug,
            "target_id": self.account.id,
            "target_type": self.account.type,
            "permissions": dict(self.permissions),
            "events": list(self.events),
            "created_at": iso_with_offset(self.created_at),
            "updated_at": iso_with_offset(self.updated_at),
            "single_file_name": None,
            "has_multiple_single_files": False,
            "single_file_paths": [],
            "suspended_by": None if self.suspended_by is None else self.suspended_by.as_json(),
            "suspended_at": iso_or_null(self.suspended_at),
        }
