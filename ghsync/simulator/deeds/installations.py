"""What is done to the App: access lost and regained."""

from ghsync.simulator.actions import installations
from ghsync.simulator.app import Installation
from ghsync.simulator.deeds.stage import Impossible, Kinds, Stage

KEPT_PERMISSIONS = ("contents", "metadata")
"""What an App that is installed at all is never without."""


def lose_access(stage: Stage) -> str:
    """Let the App no longer see a repository."""
    installation = _active(stage, with_repositories=True)
    repository, by = stage.pick(installation.repositories), stage.member(installation.account)
    installation.repository_selection = "selected"
    installations.remove_repositories(stage.world, installation, [repository], by=by)
    return f"{by.login} took {repository.full_name} from the App"


def lose_access_silently(stage: Stage) -> str:
    """Let the App no longer see a repository, and tell nobody."""
    installation = _active(stage, with_repositories=True)
    repository = stage.pick(installation.repositories)
    installation.repository_selection = "selected"
    installation.repositories.remove(repository)
    return f"{repository.full_name} is no longer the App's"


def lose_permission(stage: Stage) -> str:
    """Let the App read less of an organization, and tell nobody."""
    installation = _active(stage)
    permission = stage.pick(sorted(installation.permissions.keys() - set(KEPT_PERMISSIONS)))
    installations.lose_permissions(stage.world, installation, permission)
    return f"{installation.account.login} took {permission} from the App"


def regain_permissions(stage: Stage) -> str:
    """Let the App read all that it asks for."""
    installation = _active(stage)
    missing = stage.world.app.permissions.items() - installation.permissions.items()
    if not missing:
        raise Impossible
    by = stage.member(installation.account)
    installations.accept_permissions(stage.world, installation, by=by, **dict(missing))
    return f"{by.login} gave the App all that it asks for"


def regain_access(stage: Stage) -> str:
    """Let the App see a repository that it does not."""
    installation = _active(stage)
    repository = stage.pick(
        each
        for each in stage.world.repositories.values()
        if each.owner is installation.account and not installation.covers(each)
    )
    by = stage.member(installation.account)
    installations.add_repositories(stage.world, installation, [repository], by=by)
    return f"{by.login} gave {repository.full_name} to the App"


def suspend(stage: Stage) -> str:
    """Suspend the App on an organization."""
    installation = _active(stage)
    by = stage.member(installation.account)
    installations.suspend(stage.world, installation, by=by)
    return f"{by.login} suspended the App on {installation.account.login}"


def unsuspend(stage: Stage) -> str:
    """Let the App work again."""
    installation = stage.pick(each for each in stage.world.installations.values() if each.suspended_at is not None)
    by = stage.member(installation.account)
    installations.unsuspend(stage.world, installation, by=by)
    return f"{by.login} unsuspended the App on {installation.account.login}"


def uninstall(stage: Stage) -> str:
    """Uninstall the App from an organization."""
    installation = _active(stage)
    by = stage.member(installation.account)
    installations.delete(stage.world, installation, by=by)
    return f"{by.login} uninstalled the App from {installation.account.login}"


def install(stage: Stage) -> str:
    """Install the App on an organization that has it not; the installation is a new one."""
    installed = {each.account for each in stage.world.installations.values()}
    organization = stage.pick(each for each in stage.organizations() if each not in installed)
    by = stage.member(organization)
    installations.create(stage.world, organization, by=by)
    return f"{by.login} installed the App on {organization.login}"


def _active(stage: Stage, *, with_repositories: bool = False) -> Installation:
    return stage.pick(
        each
        for each in stage.world.installations.values()
        if each.suspended_at is None and (each.repositories or not with_repositories)
    )


KINDS: Kinds = {
    "lose_access": (3, lose_access),
    "regain_access": (6, regain_access),
    "suspend": (2, suspend),
    "unsuspend": (20, unsuspend),
    "uninstall": (2, uninstall),
    "install": (20, install),
}

RARE: Kinds = {
    "lose_access_silently": (0, lose_access_silently),
    "lose_permission": (0, lose_permission),
    "regain_permissions": (0, regain_permissions),
}
"""Done only where somebody gives it a weight: what the App is not told of, and how that ends."""
