"""What Dependabot warns of, and what becomes of it."""

from typing import Literal

from ghsync.simulator.account import Account
from ghsync.simulator.dependabot_alert import Advisory, DependabotAlert, DismissedReason
from ghsync.simulator.repository import Repository
from ghsync.simulator.world import World


def create(
    world: World,
    repository: Repository,
    advisory: Advisory,
    *,
    by: Account,
    manifest_path: str = "requirements.txt",
    scope: Literal["development", "runtime"] = "runtime",
) -> DependabotAlert:
    """Warn of something that the repository depends on."""
    alert = DependabotAlert(
        repository=repository,
        number=len(repository.dependabot_alerts) + 1,
        advisory=advisory,
        manifest_path=manifest_path,
        created_at=world.now(),
        updated_at=world.now(),
        scope=scope,
    )
    repository.dependabot_alerts[alert.number] = alert
    _send(world, "created", alert, by)
    return alert


def fix(world: World, alert: DependabotAlert, *, by: Account) -> None:
    """See that the repository depends on it no longer."""
    alert.state, alert.fixed_at = "fixed", world.now()
    _send(world, "fixed", alert, by)


def dismiss(
    world: World,
    alert: DependabotAlert,
    *,
    by: Account,
    reason: DismissedReason = "tolerable_risk",
    comment: str | None = None,
) -> None:
    """Say that it does not matter."""
    alert.state, alert.dismissed_at = "dismissed", world.now()
    alert.dismissed_by, alert.dismissed_reason, alert.dismissed_comment = by, reason, comment
    _send(world, "dismissed", alert, by)


def auto_dismiss(world: World, alert: DependabotAlert, *, by: Account) -> None:
    """Let a rule say that it does not matter, as of what only developers use."""
    alert.state, alert.auto_dismissed_at = "auto_dismissed", world.now()
    _send(world, "auto_dismissed", alert, by)


def reopen(world: World, alert: DependabotAlert, *, by: Account) -> None:
    """Say that it matters after all."""
    alert.state = "open"
    alert.dismissed_at = alert.dismissed_by = alert.dismissed_reason = alert.dismissed_comment = None
    alert.auto_dismissed_at = None
    _send(world, "reopened", alert, by)


def _send(world: World, action: str, alert: DependabotAlert, by: Account) -> None:
    alert.updated_at = world.now()
    world.send_about_repository("dependabot_alert", action, alert.repository, by, alert=alert.as_json())
