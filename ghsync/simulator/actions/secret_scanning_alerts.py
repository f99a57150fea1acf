"""Secrets that were pushed, and what was done about them."""

from ghsync.simulator.account import Account
from ghsync.simulator.repository import Repository
from ghsync.simulator.secret_scanning_alert import Resolution, SecretScanningAlert
from ghsync.simulator.world import World


def create(
    world: World,
    repository: Repository,
    *,
    by: Account,
    secret_type: str = "npm_access_token",  # noqa: S107 - a kind of secret, and none itself
    secret_type_display_name: str = "npm Access Token",  # noqa: S107
) -> SecretScanningAlert:
    """Find a secret."""
    alert = SecretScanningAlert(
        repository=repository,
        number=len(repository.secret_scanning_alerts) + 1,
        secret_type=secret_type,
        secret_type_display_name=secret_type_display_name,
        created_at=world.now(),
        updated_at=world.now(),
    )
    repository.secret_scanning_alerts[alert.number] = alert
    _send(world, "created", alert, by)
    return alert


def resolve(
    world: World,
    alert: SecretScanningAlert,
    *,
    by: Account,
    resolution: Resolution = "revoked",
    comment: str | None = None,
) -> None:
    """Say what was done about it."""
    alert.resolution, alert.resolved_at = resolution, world.now()
    alert.resolved_by, alert.resolution_comment = by, comment
    _send(world, "resolved", alert, by)


def reopen(world: World, alert: SecretScanningAlert, *, by: Account) -> None:
    """Say that nothing was done after all."""
    alert.resolution = alert.resolved_at = alert.resolved_by = alert.resolution_comment = None
    _send(world, "reopened", alert, by)


def _send(world: World, action: str, alert: SecretScanningAlert, by: Account) -> None:
    alert.updated_at = world.now()
    world.send_about_repository("secret_scanning_alert", action, alert.repository, by, alert=alert.as_json())
