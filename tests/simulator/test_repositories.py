from collections.abc import Callable

import pytest

from ghsync.simulator.actions import branches, installations, issues, repositories
from ghsync.simulator.commit import Change
from tests.simulator.conftest import Scene
from tests.simulator.sent import names


def test_a_rename_tells_the_old_name_and_every_address_follows(scene: Scene) -> None:
    repositories.rename(scene.world, scene.repository, "lantern", by=scene.ada)
    (renamed,) = scene.sent()
    assert renamed.payload["changes"] == {"repository": {"name": {"from": "lamp"}}}
    repository = renamed.payload["repository"]
    assert repository["full_name"] == "lighthouse/lantern"
    assert "lighthouse/lamp" not in str(repository)


def test_a_transfer_takes_the_repository_from_one_installation_and_gives_it_to_the_other(scene: Scene) -> None:
    harbour = scene.world.add_organization("harbour", "Ships", (scene.ben,))
    installations.create(scene.world, harbour, by=scene.ben)
    scene.sent()
    repositories.transfer(scene.world, scene.repository, harbour, by=scene.ada)
    removed, added, transferred = scene.sent()
    assert removed.name == "installation_repositories.removed"
    assert removed.payload["repositories_removed"][0]["full_name"] == "lighthouse/lamp"
    assert added.name == "installation_repositories.added"
    assert added.payload["repositories_added"][0]["full_name"] == "harbour/lamp"
    assert transferred.name == "repository.transferred"
    assert transferred.payload["changes"]["owner"]["from"]["organization"]["login"] == "lighthouse"
    assert removed.payload["repositories_removed"][0]["id"] == transferred.payload["repository"]["id"]


def test_a_name_is_free_again_after_a_rename_and_not_before(scene: Scene) -> None:
    with pytest.raises(ValueError, match="already"):
        repositories.create(scene.world, scene.organization, "lamp", by=scene.ada)
    repositories.rename(scene.world, scene.repository, "lantern", by=scene.ada)
    other = repositories.create(scene.world, scene.organization, "lamp", by=scene.ada)
    assert other.id != scene.repository.id


def test_an_edit_tells_the_old_value_of_what_changed(scene: Scene) -> None:
    repositories.edit(scene.world, scene.repository, by=scene.ada, topics=["light", "sea"])
    (edited,) = scene.sent()
    assert edited.payload["changes"] == {"topics": {"from": []}}
    assert edited.payload["repository"]["topics"] == ["light", "sea"]


@pytest.mark.parametrize(
    ("act", "field", "value"),
    [
        (repositories.archive, "archived", True),
        (repositories.unarchive, "archived", False),
        (repositories.privatize, "private", True),
        (repositories.publicize, "private", False),
    ],
)
def test_a_switch_of_a_repository_shows_in_its_payload(
    scene: Scene, act: Callable[..., None], field: str, value: bool
) -> None:
    act(scene.world, scene.repository, by=scene.ada)
    (switched,) = scene.sent()
    assert switched.payload["repository"][field] is value


def test_a_deleted_repository_is_told_last_and_gone(scene: Scene) -> None:
    repositories.delete(scene.world, scene.repository, by=scene.ada)
    issues.open_issue(scene.world, scene.repository, "Too late", by=scene.ada)
    assert names(scene.sent()) == ["repository.deleted"]
    assert scene.repository.id not in scene.world.repositories


def test_a_push_has_two_timestamps_of_its_repository_in_epoch_seconds(scene: Scene) -> None:
    commit = branches.commit(scene.world, scene.ada, "Trim the wick", Change("wick.c", 1, 1))
    branches.push(scene.world, scene.repository, "main", commit, by=scene.ada)
    (push,) = scene.sent()
    repository = push.payload["repository"]
    assert (repository["created_at"], repository["pushed_at"]) == (1772442000, 1772442000)
    assert repository["updated_at"] == "2026-03-02T09:00:00Z"
    assert push.payload["head_commit"]["modified"] == ["wick.c"]


def test_new_and_deleted_branches_have_a_side_of_zeros(scene: Scene) -> None:
    branches.create(scene.world, scene.repository, "side", by=scene.ada)
    branches.delete(scene.world, scene.repository, "side", by=scene.ada)
    created, deleted = (each.payload for each in scene.sent())
    assert (created["created"], created["before"]) == (True, "0" * 40)
    assert (deleted["deleted"], deleted["after"], deleted["head_commit"]) == (True, "0" * 40, None)
