"""What is published of repositories, and thought better of."""

from ghsync.simulator import prose
from ghsync.simulator.account import GITHUB_ACTIONS
from ghsync.simulator.actions import releases
from ghsync.simulator.deeds.stage import Impossible, Kinds, Stage
from ghsync.simulator.release import Release
from ghsync.simulator.repository import Repository


def draft(stage: Stage) -> str:
    """Draft a release."""
    repository = stage.repository()
    by, name = stage.member(repository.owner), _free_tag(stage, repository)
    releases.create(stage.world, repository, name, by=by, body=prose.notes(stage.random), draft=True)
    return f"{by.login} drafted {name} of {repository.full_name}"


def publish(stage: Stage) -> str:
    """Publish a release that was no draft before, or let a workflow do it; some are pre-releases."""
    repository = stage.repository()
    by, name = stage.member(repository.owner), _free_tag(stage, repository)
    author = GITHUB_ACTIONS if stage.random.random() < 0.3 else by
    text, prerelease = prose.notes(stage.random), stage.random.random() < 0.4
    releases.create(stage.world, repository, name, by=author, body=text, prerelease=prerelease)
    return f"{author.login} published {name} of {repository.full_name}"


def publish_draft(stage: Stage) -> str:
    """Publish a draft."""
    release = _release(stage, draft=True)
    by = stage.member(release.repository.owner)
    releases.publish(stage.world, release, by=by)
    return f"{by.login} published the draft {_named(release)}"


def edit(stage: Stage) -> str:
    """Give a release another name or another text."""
    release = _release(stage)
    by, text = stage.member(release.repository.owner), prose.deed(stage.random)
    if stage.random.random() < 0.5:
        releases.edit(stage.world, release, by=by, name=text)
    else:
        releases.edit(stage.world, release, by=by, body=text)
    return f"{by.login} edited {_named(release)}"


def reconsider(stage: Stage) -> str:
    """Make a full release of a pre-release, or the other way round."""
    release = _release(stage)
    by = stage.member(release.repository.owner)
    releases.edit(stage.world, release, by=by, prerelease=not release.prerelease)
    return f"{by.login} made {_named(release)} a {'pre-release' if release.prerelease else 'full release'}"


def unpublish(stage: Stage) -> str:
    """Make a release a draft again."""
    release = _release(stage, draft=False)
    by = stage.member(release.repository.owner)
    releases.unpublish(stage.world, release, by=by)
    return f"{by.login} took {_named(release)} back"


def delete(stage: Stage) -> str:
    """Delete a release or a draft."""
    release = _release(stage)
    by = stage.member(release.repository.owner)
    releases.delete(stage.world, release, by=by)
    return f"{by.login} deleted {_named(release)}"


def _release(stage: Stage, *, draft: bool | None = None) -> Release:
    found = (release for each in stage.repositories() for release in each.releases.values())
    return stage.pick(release for release in found if draft in (None, release.draft))


def _free_tag(stage: Stage, repository: Repository) -> str:
    name = f"v{stage.random.randint(2, 99)}.{stage.random.randint(0, 99)}.0"
    if name in repository.tags or any(name == each.tag_name for each in repository.releases.values()):
        raise Impossible
    return name


def _named(release: Release) -> str:
    return f"{release.tag_name} of {release.repository.full_name}"


KINDS: Kinds = {
    "draft_release": (1, draft),
    "publish_release": (2, publish),
    "publish_draft": (2, publish_draft),
    "edit_release": (2, edit),
    "reconsider_release": (1, reconsider),
    "unpublish_release": (1, unpublish),
    "delete_release": (1, delete),
}
