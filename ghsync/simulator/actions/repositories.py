"""Repositories: from creation to deletion, and who may work in them."""

from typing import Literal

from ghsync.simulator.account import Account
from ghsync.simulator.actions import branches, installations
from ghsync.simulator.commit import Change
from ghsync.simulator.payload import Json, iso
from ghsync.simulator.repository import Repository
from ghsync.simulator.world import World


def create(
    world: World,
    owner: Account,
    name: str,
    *,
    by: Account,
    description: str | None = None,
    visibility: Literal["public", "private"] = "public",
    language: str | None = "C",
    fork_of: Repository | None = None,
) -> Repository:
    """Create a repository with a first commit. An App installed on all repositories sees it at once."""
    _require_free(world, owner, name)
    repository = Repository(
        id=world.identities.next_id("repository"),
        owner=owner,
        name=name,
        created_at=world.now(),
        updated_at=world.now(),
        pushed_at=world.now(),
        description=description,
        language=language,
        visibility=visibility,
        fork_of=fork_of,
    )
    if fork_of is None:
        first = branches.commit(world, by, "Initial commit", Change("README.md", additions=3, how="added"))
        repository.branches["main"] = [first]
    else:
        fork_of.forks += 1
        repository.branches["main"] = list(fork_of.branches["main"])
    world.repositories[repository.id] = repository
    installation = world.installation_on(owner, suspended=True)
    if installation is not None and installation.repository_selection == "all":
        installations.add_repositories(world, installation, [repository], by=by)
    world.send_about_repository("repository", "created", repository, by)
    return repository


def edit(
    world: World,
    repository: Repository,
    *,
    by: Account,
    description: str | None = None,
    homepage: str | None = None,
    default_branch: str | None = None,
    topics: list[str] | None = None,
) -> None:
    """Change what is given; each change is told with the old value."""
    wanted = {
        "description": description,
        "homepage": homepage,
        "default_branch": default_branch,
        "topics": topics,
    }
    changes = {}
    for name, value in wanted.items():
        if value is not None:
            changes[name] = {"from": getattr(repository, name)}
            setattr(repository, name, value)
    _send(world, "edited", repository, by, changes=changes)


def rename(world: World, repository: Repository, name: str, *, by: Account) -> None:
    """Give the repository another name; the old one is free for others."""
    _require_free(world, repository.owner, name)
    changes = {"repository": {"name": {"from": repository.name}}}
    world.former_names[repository.full_name.lower()] = repository
    repository.name = name
    _send(world, "renamed", repository, by, changes=changes)


def transfer(world: World, repository: Repository, owner: Account, *, by: Account) -> None:
    """Give the repository to another owner: the App loses it on one side and may gain it on the other."""
    _require_free(world, owner, repository.name)
    old_owner = repository.owner
    source, target = (world.installation_on(each, suspended=True) for each in (old_owner, owner))
    if source is not None and source.covers(repository):
        installations.remove_repositories(world, source, [repository], by=by)
    world.former_names[repository.full_name.lower()] = repository
    repository.owner = owner
    if target is not None and target.repository_selection == "all":
        installations.add_repositories(world, target, [repository], by=by)
    _send(world, "transferred", repository, by, changes={"owner": {"from": _owner_part(old_owner)}})


def archive(world: World, repository: Repository, *, by: Account) -> None:
    """Make the repository read-only."""
    repository.archived = True
    _send(world, "archived", repository, by)


def unarchive(world: World, repository: Repository, *, by: Account) -> None:
    """Open an archived repository again."""
    repository.archived = False
    _send(world, "unarchived", repository, by)


def privatize(world: World, repository: Repository, *, by: Account) -> None:
    """Hide the repository from the public."""
    repository.visibility = "private"
    _send(world, "privatized", repository, by)


def publicize(world: World, repository: Repository, *, by: Account) -> None:
    """Show the repository to the public."""
    repository.visibility = "public"
    _send(world, "publicized", repository, by)


def delete(world: World, repository: Repository, *, by: Account) -> None:
    """Delete the repository; pull requests that come from it stay where they are, without it."""
    _send(world, "deleted", repository, by)
    repository.deleted = True
    del world.repositories[repository.id]
    for installation in world.installations.values():
        if installation.covers(repository):
            installation.repositories.remove(repository)


def star(world: World, repository: Repository, *, by: Account) -> None:
    """Star the repository; for history's sake GitHub sends `watch` too."""
    repository.stargazers.append(by)
    starred_at = iso(world.now())
    world.send_about_repository("star", "created", repository, by, starred_at=starred_at)
    world.send_about_repository("watch", "started", repository, by)


def unstar(world: World, repository: Repository, *, by: Account) -> None:
    """Take the star back."""
    repository.stargazers.remove(by)
    world.send_about_repository("star", "deleted", repository, by, starred_at=None)


def add_member(world: World, repository: Repository, user: Account, role: str, *, by: Account) -> None:
    """Let a user work in the repository, as `read`, `write` or `admin`."""
    repository.collaborators[user] = role
    changes = {"permission": {"to": role}, "role_name": {"to": role}}
    world.send_about_repository("member", "added", repository, by, member=user.as_json(), changes=changes)


def edit_member(world: World, repository: Repository, user: Account, role: str, *, by: Account) -> None:
    """Give a collaborator another role."""
    old_role = repository.collaborators[user]
    repository.collaborators[user] = role
    changes = {"old_permission": {"from": old_role}, "permission": {"from": old_role, "to": role}}
    world.send_about_repository("member", "edited", repository, by, member=user.as_json(), changes=changes)


def remove_member(world: World, repository: Repository, user: Account, *, by: Account) -> None:
    """End a user's work in the repository."""
    del repository.collaborators[user]
    world.send_about_repository("member", "removed", repository, by, member=user.as_json())


def _require_free(world: World, owner: Account, name: str) -> None:
    if any(other.owner is owner and other.name == name for other in world.repositories.values()):
        raise ValueError(f"{owner.login} has a repository named {name} already")


def _send(world: World, action: str, repository: Repository, by: Account, **fields: object) -> None:
    repository.updated_at = world.now()
    world.send_about_repository("repository", action, repository, by, **fields)


def _owner_part(owner: Account) -> Json:
    if owner.type == "Organization":
        return {"organization": owner.as_organization_json()}
    return {"user": owner.as_json()}
