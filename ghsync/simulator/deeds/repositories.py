"""What is done to repositories and organizations as wholes."""

from ghsync.simulator import prose
from ghsync.simulator.account import Account
from ghsync.simulator.actions import organizations, repositories
from ghsync.simulator.deeds.stage import Impossible, Kinds, Stage
from ghsync.simulator.repository import Repository

FEWEST = 3
"""So many repositories are left alone by those who delete and archive."""


def create(stage: Stage) -> str:
    """Make a repository."""
    owner = stage.pick(stage.organizations())
    by, name = stage.member(owner), _free_name(stage, owner)
    created = repositories.create(stage.world, owner, name, by=by)
    if stage.random.random() < 0.5:
        repositories.privatize(stage.world, created, by=by)
    return f"{by.login} made {created.full_name}"


def edit(stage: Stage) -> str:
    """Describe a repository anew, or give it other topics."""
    repository = stage.repository()
    by = stage.member(repository.owner)
    if stage.random.random() < 0.5:
        repositories.edit(stage.world, repository, by=by, description=prose.deed(stage.random))
    else:
        topics = sorted(stage.random.sample(prose.KINDS, k=stage.random.randint(0, 4)))
        repositories.edit(stage.world, repository, by=by, topics=topics)
    return f"{by.login} edited {repository.full_name}"


def rename(stage: Stage) -> str:
    """Give a repository another name, sometimes one that another had before."""
    repository = stage.repository()
    by, old = stage.member(repository.owner), repository.full_name
    repositories.rename(stage.world, repository, _free_name(stage, repository.owner), by=by)
    return f"{by.login} renamed {old} to {repository.full_name}"


def transfer(stage: Stage) -> str:
    """Give a repository to another organization."""
    repository = stage.repository()
    by, old = stage.member(repository.owner), repository.full_name
    owner = stage.pick(each for each in stage.organizations() if each is not repository.owner)
    if _is_taken(stage, owner, repository.name):
        raise Impossible
    repositories.transfer(stage.world, repository, owner, by=by)
    return f"{by.login} gave {old} to {owner.login}"


def archive(stage: Stage) -> str:
    """Make a repository read-only."""
    repository = _spare(stage)
    by = stage.member(repository.owner)
    repositories.archive(stage.world, repository, by=by)
    return f"{by.login} archived {repository.full_name}"


def unarchive(stage: Stage) -> str:
    """Open an archived repository again."""
    repository = stage.pick(each for each in stage.world.repositories.values() if each.archived)
    by = stage.member(repository.owner)
    repositories.unarchive(stage.world, repository, by=by)
    return f"{by.login} unarchived {repository.full_name}"


def privatize(stage: Stage) -> str:
    """Hide a repository from the public."""
    repository = stage.pick(each for each in stage.repositories() if each.visibility == "public")
    by = stage.member(repository.owner)
    repositories.privatize(stage.world, repository, by=by)
    return f"{by.login} hid {repository.full_name}"


def publicize(stage: Stage) -> str:
    """Show a repository to the public."""
    repository = stage.pick(each for each in stage.repositories() if each.visibility == "private")
    by = stage.member(repository.owner)
    repositories.publicize(stage.world, repository, by=by)
    return f"{by.login} showed {repository.full_name}"


def delete(stage: Stage) -> str:
    """Delete a repository with all that is in it."""
    repository = _spare(stage)
    by = stage.member(repository.owner)
    repositories.delete(stage.world, repository, by=by)
    return f"{by.login} deleted {repository.full_name}"


def rename_organization(stage: Stage) -> str:
    """Give an organization another login: the names of all its repositories change."""
    organization = stage.pick(stage.organizations())
    by, old = stage.member(organization), organization.login
    login = f"{stage.random.choice(prose.NAMES)}-{stage.random.choice(prose.KINDS)}-{stage.random.randint(1, 99)}"
    if any(each.login == login for each in stage.world.accounts.values()):
        raise Impossible
    organizations.rename(stage.world, organization, login, by=by)
    return f"{by.login} renamed {old} to {login}"


def add_member(stage: Stage) -> str:
    """Let someone work for an organization."""
    organization, user = stage.pick(stage.organizations()), stage.anyone()
    if user in stage.world.members[organization]:
        raise Impossible
    by = stage.member(organization)
    organizations.add_member(stage.world, organization, user, by=by)
    return f"{by.login} let {user.login} into {organization.login}"


def remove_member(stage: Stage) -> str:
    """Let someone go; those who own the organization stay."""
    organization = stage.pick(stage.organizations())
    members = stage.world.members[organization]
    user = stage.pick(each for each, role in members.items() if role != "admin")
    if len(members) <= FEWEST:
        raise Impossible
    by = stage.member(organization, user)
    organizations.remove_member(stage.world, organization, user, by=by)
    return f"{by.login} let {user.login} out of {organization.login}"


def add_collaborator(stage: Stage) -> str:
    """Let someone from outside work in a repository."""
    repository, user = stage.repository(), stage.anyone()
    if user in repository.collaborators:
        raise Impossible
    by = stage.member(repository.owner)
    repositories.add_member(stage.world, repository, user, "write", by=by)
    return f"{by.login} let {user.login} into {repository.full_name}"


def remove_collaborator(stage: Stage) -> str:
    """End that."""
    repository = stage.pick(each for each in stage.repositories() if each.collaborators)
    by, user = stage.member(repository.owner), stage.pick(repository.collaborators)
    repositories.remove_member(stage.world, repository, user, by=by)
    return f"{by.login} let {user.login} out of {repository.full_name}"


def _spare(stage: Stage) -> Repository:
    found = stage.repositories()
    if len(found) <= FEWEST:
        raise Impossible
    return stage.pick(found)


def _free_name(stage: Stage, owner: Account) -> str:
    """A name that no repository of an owner has now; others may have had it."""
    name = prose.repository_name(stage.random.randrange(len(prose.KINDS) * len(prose.NAMES)))
    if _is_taken(stage, owner, name):
        raise Impossible
    return name


def _is_taken(stage: Stage, owner: Account, name: str) -> bool:
    return any(each.owner is owner and each.name == name for each in stage.world.repositories.values())


KINDS: Kinds = {
    "create_repository": (2, create),
    "edit_repository": (4, edit),
    "rename_repository": (3, rename),
    "transfer_repository": (3, transfer),
    "archive_repository": (3, archive),
    "unarchive_repository": (4, unarchive),
    "privatize_repository": (3, privatize),
    "publicize_repository": (3, publicize),
    "delete_repository": (2, delete),
    "rename_organization": (2, rename_organization),
    "add_member": (3, add_member),
    "remove_member": (3, remove_member),
    "add_collaborator": (3, add_collaborator),
    "remove_collaborator": (3, remove_collaborator),
}
