import json

import pytest
from githubkit import webhooks
from githubkit_schemas.latest import models

from ghsync.simulator.actions import branches, installations, releases
from ghsync.simulator.commit import Change
from ghsync.simulator.release import Release
from tests.fixtures.test_deliveries import UNDOCUMENTED, undocumented_fields
from tests.simulator.conftest import Scene
from tests.simulator.sent import names
from tests.simulator.test_payloads import accepted


@pytest.fixture
def draft(scene: Scene) -> Release:
    """A draft of Ada's, of which nobody has been told."""
    made = releases.create(scene.world, scene.repository, "v1.0", by=scene.ada, name="Lit", draft=True)
    scene.sent()
    return made


def told(scene: Scene) -> list[tuple[str, object, object]]:
    """What was sent about releases: the action, whether it is a draft, and what was changed."""
    return [
        (each.payload["action"], each.payload["release"]["draft"], each.payload.get("changes"))
        for each in scene.sent()
        if each.name.startswith("release.")
    ]


def test_a_draft_is_told_of_as_it_is_made_and_as_it_is_published(scene: Scene) -> None:
    draft = releases.create(scene.world, scene.repository, "v1.0", by=scene.ada, draft=True)
    assert told(scene) == [("created", True, None)]
    releases.publish(scene.world, draft, by=scene.ada)
    assert told(scene) == [("published", False, None), ("released", False, None)]


def test_what_was_no_draft_before_is_created_and_published_at_once(scene: Scene) -> None:
    releases.create(scene.world, scene.repository, "v1.0", by=scene.ada)
    assert [action for action, _, _ in told(scene)] == ["created", "published", "released"]
    releases.create(scene.world, scene.repository, "v1.1-rc.1", by=scene.ada, prerelease=True)
    assert [action for action, _, _ in told(scene)] == ["created", "published", "prereleased"]


def test_a_tag_that_is_not_there_is_pushed_as_it_is_needed(scene: Scene, draft: Release) -> None:
    assert scene.repository.tags == {}
    releases.publish(scene.world, draft, by=scene.ada)
    assert scene.repository.tags == {"v1.0": scene.repository.tip("main")}
    releases.create(scene.world, scene.repository, "v1.0", by=scene.ada)
    sent = scene.sent()
    assert names(sent).count("push") == 1
    assert sent[0].payload["ref"] == "refs/tags/v1.0"


def test_a_release_is_as_old_as_its_commit(scene: Scene) -> None:
    world, repository, ben = scene.world, scene.repository, scene.ben
    world.clock.advance(minutes=1)
    branches.create(world, repository, "dim", branches.commit(world, ben, "Dim", Change("lamp.c", 1)), by=ben)
    world.clock.advance(minutes=1)
    main, dim = (releases.create(world, repository, f"v-{name}", by=ben, target=name) for name in ("main", "dim"))
    assert (main.target_commitish, dim.target_commitish) == ("main", "dim")
    assert (main.created_at, dim.created_at) == (
        repository.tip("main").committed_at,
        repository.tip("dim").committed_at,
    )
    assert main.published_at is not None
    assert main.created_at < dim.created_at < main.published_at


def test_an_edit_tells_what_the_texts_were(scene: Scene, draft: Release) -> None:
    releases.edit(scene.world, draft, by=scene.ben, name="Brighter", body="Twice as bright.")
    assert told(scene) == [("edited", True, {"name": {"from": "Lit"}, "body": {"from": ""}})]
    assert (draft.name, draft.body, draft.author) == ("Brighter", "Twice as bright.", scene.ada)


def test_a_prerelease_is_released_as_soon_as_it_is_none(scene: Scene) -> None:
    release = releases.create(scene.world, scene.repository, "v1.0", by=scene.ada, prerelease=True)
    scene.sent()
    releases.edit(scene.world, release, by=scene.ada, prerelease=False)
    assert told(scene) == [("edited", False, {}), ("released", False, None)]
    releases.edit(scene.world, release, by=scene.ada, prerelease=True)
    assert told(scene) == [("edited", False, {})]


def test_a_draft_that_is_no_prerelease_any_more_is_not_released(scene: Scene, draft: Release) -> None:
    releases.edit(scene.world, draft, by=scene.ada, prerelease=True)
    releases.edit(scene.world, draft, by=scene.ada, prerelease=False)
    assert told(scene) == [("edited", True, {}), ("edited", True, {})]


def test_what_is_unpublished_is_a_draft_again_and_its_tag_stays(scene: Scene) -> None:
    release = releases.create(scene.world, scene.repository, "v1.0", by=scene.ada)
    scene.sent()
    releases.unpublish(scene.world, release, by=scene.ada)
    assert told(scene) == [("unpublished", True, None)]
    assert "v1.0" in scene.repository.tags
    releases.delete(scene.world, release, by=scene.ada)
    assert told(scene) == [("deleted", True, None)]
    assert (scene.repository.releases, "v1.0" in scene.repository.tags) == ({}, True)


def test_a_draft_has_a_page_without_a_tag_and_nothing_to_download(scene: Scene, draft: Release) -> None:
    shown = draft.as_rest_json()
    assert shown["html_url"].startswith("https://github.com/lighthouse/lamp/releases/tag/untagged-")
    assert (shown["published_at"], shown["tarball_url"], shown["zipball_url"]) == (None, None, None)
    scene.world.clock.advance(minutes=1)
    releases.publish(scene.world, draft, by=scene.ada)
    shown = draft.as_rest_json()
    assert shown["html_url"] == "https://github.com/lighthouse/lamp/releases/tag/v1.0"
    assert shown["tarball_url"] == "https://api.github.com/repos/lighthouse/lamp/tarball/v1.0"
    assert (shown["published_at"], shown["updated_at"]) == ("2026-03-02T09:01:00Z", "2026-03-02T09:01:00Z")


def test_hooks_do_not_tell_when_a_release_was_changed(scene: Scene) -> None:
    release = releases.create(scene.world, scene.repository, "v1.0", by=scene.ada)
    shown = [each.payload["release"] for each in scene.sent() if each.name.startswith("release.")]
    assert shown == [release.as_rest_json() | {"updated_at": None}] * 3


def test_githubs_models_accept_a_release_wherever_it_is_shown(scene: Scene, draft: Release) -> None:
    world, ada = scene.world, scene.ada
    assert accepted(models.Release, draft.as_rest_json()) == set()
    releases.publish(world, draft, by=ada)
    releases.edit(world, draft, by=ada, name="Brighter")
    releases.create(world, scene.repository, "v1.1-rc.1", by=ada, prerelease=True)
    releases.unpublish(world, draft, by=ada)
    releases.delete(world, draft, by=ada)
    assert accepted(models.Release, draft.as_rest_json()) == set()
    sent = [each for each in world.deliveries if each.event == "release"]
    assert len({json.loads(each.body)["action"] for each in sent}) == 7
    for each in sent:
        parsed = webhooks.parse("release", each.body)
        assert set(undocumented_fields(parsed, json.loads(each.body))) <= UNDOCUMENTED.keys()


def test_who_may_not_read_contents_is_told_of_no_release(scene: Scene) -> None:
    installations.lose_permissions(scene.world, scene.installation, "contents")
    releases.create(scene.world, scene.repository, "v1.0", by=scene.ada)
    assert scene.sent() == []
