"""Installing the App, and what happens to installations."""

from collections.abc import Iterable
from typing import Literal

from ghsync.simulator.account import Account
from ghsync.simulator.app import Installation
from ghsync.simulator.repository import Repository
from ghsync.simulator.world import World


def create(
    world: World,
    account: Account,
    *,
    by: Account,
    repositories: Iterable[Repository] | None = None,
) -> Installation:
    """Install the App on an account: on all of its repositories, or on those named."""
    covered = list(repositories) if repositories is not None else _owned(world, account)
    installation = Installation(
        id=world.identities.next_id("installation"),
        app=world.app,
        account=account,
        created_at=world.now(),
        updated_at=world.now(),
        repository_selection="all" if repositories is None else "selected",
        repositories=covered,
        permissions=dict(world.app.permissions),
        events=world.app.events,
    )
    world.installations[installation.id] = installation
    world.send_about_installation(
        "installation",
        "created",
        installation,
        by,
        repositories=_references(covered),
        requester=None,
    )
    return installation


def delete(world: World, installation: Installation, *, by: Account) -> None:
    """Uninstall the App."""
    references = _references(installation.repositories)
    del world.installations[installation.id]
    world.send_about_installation("installation", "deleted", installation, by, repositories=references)


def suspend(world: World, installation: Installation, *, by: Account) -> None:
    """Suspend the installation: nothing but its own events is sent until it is unsuspended."""
    installation.suspended_at = installation.updated_at = world.now()
    installation.suspended_by = by
    world.send_about_installation("installation", "suspend", installation, by)


def unsuspend(world: World, installation: Installation, *, by: Account) -> None:
    """Let the installation work again."""
    installation.suspended_at = installation.suspended_by = None
    installation.updated_at = world.now()
    world.send_about_installation("installation", "unsuspend", installation, by)


def accept_permissions(world: World, installation: Installation, *, by: Account, **permissions: str) -> None:
    """Accept permissions that the App has asked for since it was installed."""
    installation.permissions.update(permissions)
    installation.updated_at = world.now()
    references = _references(installation.repositories)
    world.send_about_installation("installation", "new_permissions_accepted", installation, by, repositories=references)


def lose_permissions(world: World, installation: Installation, *permissions: str) -> None:
    """Take permissions back, as when the App no longer asks for them; GitHub sends nothing about it."""
    for permission in permissions:
        installation.permissions.pop(permission, None)
    installation.updated_at = world.now()


def add_repositories(
    world: World, installation: Installation, repositories: Iterable[Repository], *, by: Account
) -> None:
    """Let the App see more repositories."""
    added = list(repositories)
    installation.repositories.extend(added)
    installation.updated_at = world.now()
    _send_selection(world, installation, "added", by, added=added)


def remove_repositories(
    world: World, installation: Installation, repositories: Iterable[Repository], *, by: Account
) -> None:
    """Let the App see fewer repositories."""
    removed = list(repositories)
    for repository in removed:
        installation.repositories.remove(repository)
    installation.updated_at = world.now()
    _send_selection(world, installation, "removed", by, removed=removed)


def _send_selection(
    world: World,
    installation: Installation,
    action: Literal["added", "removed"],
    by: Account,
    *,
    added: Iterable[Repository] = (),
    removed: Iterable[Repository] = (),
) -> None:
    world.send_about_installation(
        "installation_repositories",
        action,
        installation,
        by,
        repository_selection=installation.repository_selection,
        repositories_added=_references(added),
        repositories_removed=_references(removed),
        requester=None,
    )


def _owned(world: World, account: Account) -> list[Repository]:
    return [repository for repository in world.repositories.values() if repository.owner is account]


def _references(repositories: Iterable[Repository]) -> list[dict[str, object]]:
    return [repository.as_reference_json() for repository in repositories]
