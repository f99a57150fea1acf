"""Releases. One that is published is told of twice, and three times if it was no draft before.

https://docs.github.com/en/webhooks/webhook-events-and-payloads#release
"""

from ghsync.simulator.account import Account
from ghsync.simulator.actions import branches
from ghsync.simulator.release import Release
from ghsync.simulator.repository import Repository
from ghsync.simulator.world import World


def create(
    world: World,
    repository: Repository,
    tag_name: str,
    *,
    by: Account,
    name: str | None = None,
    body: str | None = None,
    target: str | None = None,
    draft: bool = False,
    prerelease: bool = False,
) -> Release:
    """Draft a release of a branch, the default one unless another is named, or publish it at once."""
    branch = target or repository.default_branch
    release = Release(
        id=world.identities.next_id("release"),
        repository=repository,
        tag_name=tag_name,
        target_commitish=branch,
        author=by,
        created_at=repository.tip(branch).committed_at,
        updated_at=world.now(),
        name=name,
        body=body,
        prerelease=prerelease,
    )
    repository.releases[release.id] = release
    if draft:
        _send(world, "created", release, by)
    else:
        _publish(world, release, by, "created")
    return release


def publish(world: World, release: Release, *, by: Account) -> None:
    """Publish a draft."""
    _publish(world, release, by)


def edit(
    world: World,
    release: Release,
    *,
    by: Account,
    name: str | None = None,
    body: str | None = None,
    prerelease: bool | None = None,
) -> None:
    """Change what is given. Of texts the old ones are told; a published pre-release that is none now is released."""
    changes = {}
    for field, value in {"name": name, "body": body}.items():
        if value is not None:
            changes[field] = {"from": getattr(release, field) or ""}
            setattr(release, field, value)
    is_released = release.prerelease and prerelease is False and not release.draft
    if prerelease is not None:
        release.prerelease = prerelease
    _send(world, "edited", release, by, changes=changes)
    if is_released:
        _send(world, "released", release, by)


def unpublish(world: World, release: Release, *, by: Account) -> None:
    """Make it a draft again; its tag stays."""
    release.published_at = None
    _send(world, "unpublished", release, by)


def delete(world: World, release: Release, *, by: Account) -> None:
    """Delete the release; its tag stays."""
    del release.repository.releases[release.id]
    _send(world, "deleted", release, by)


def _publish(world: World, release: Release, by: Account, *told_before: str) -> None:
    """Publish it. A tag that is not there yet is pushed."""
    repository = release.repository
    if release.tag_name not in repository.tags:
        branches.tag(world, repository, release.tag_name, by=by, base=release.target_commitish)
    release.created_at = repository.tags[release.tag_name].committed_at
    release.published_at = world.now()
    for action in (*told_before, "published", "prereleased" if release.prerelease else "released"):
        _send(world, action, release, by)


def _send(world: World, action: str, release: Release, by: Account, **fields: object) -> None:
    release.updated_at = world.now()
    world.send_about_repository("release", action, release.repository, by, release=release.as_json(), **fields)
