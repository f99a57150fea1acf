from ghsync.simulator.actions import branches, hooks, installations, issues, labels, organizations, repositories
from tests.simulator.conftest import Scene
from tests.simulator.sent import names


def test_nothing_is_sent_about_a_repository_the_app_cannot_see(scene: Scene) -> None:
    elsewhere = repositories.create(scene.world, scene.ben, "elsewhere", by=scene.ben)
    issues.open_issue(scene.world, elsewhere, "Nobody hears this", by=scene.ben)
    assert scene.sent() == []


def test_a_new_repository_is_seen_by_an_installation_on_all_repositories(scene: Scene) -> None:
    repositories.create(scene.world, scene.organization, "lens", by=scene.ada)
    assert names(scene.sent()) == ["installation_repositories.added", "repository.created"]


def test_a_suspended_installation_gets_only_its_own_events(scene: Scene) -> None:
    installations.suspend(scene.world, scene.installation, by=scene.ada)
    issues.open_issue(scene.world, scene.repository, "While suspended", by=scene.ada)
    installations.unsuspend(scene.world, scene.installation, by=scene.ada)
    suspend, unsuspend = scene.sent()
    assert (suspend.name, unsuspend.name) == ("installation.suspend", "installation.unsuspend")
    assert suspend.payload["installation"]["suspended_by"]["login"] == "ada"
    assert unsuspend.payload["installation"]["suspended_at"] is None


def test_a_suspended_installation_loses_and_gains_repositories_too(scene: Scene) -> None:
    harbour = scene.world.add_organization("harbour", "Where the ships are", (scene.ada,))
    installations.suspend(scene.world, scene.installation, by=scene.ada)
    scene.sent()
    repositories.transfer(scene.world, scene.repository, harbour, by=scene.ada)
    assert not scene.installation.covers(scene.repository)
    repositories.transfer(scene.world, scene.repository, scene.organization, by=scene.ada)
    assert scene.installation.covers(scene.repository)
    assert names(scene.sent()) == ["installation_repositories.removed", "installation_repositories.added"]


def test_after_uninstalling_nothing_more_is_sent(scene: Scene) -> None:
    installations.delete(scene.world, scene.installation, by=scene.ada)
    issues.open_issue(scene.world, scene.repository, "After", by=scene.ada)
    deleted = scene.sent()
    assert names(deleted) == ["installation.deleted"]
    assert [each["full_name"] for each in deleted[0].payload["repositories"]] == ["lighthouse/lamp"]


def test_an_event_the_app_has_not_subscribed_to_is_not_sent(scene: Scene) -> None:
    scene.world.app.events = ("push",)
    issues.open_issue(scene.world, scene.repository, "Unheard", by=scene.ada)
    hooks.ping(scene.world)
    assert names(scene.sent()) == ["ping"]


def test_events_mention_the_installation_and_its_own_events_carry_it_whole(scene: Scene) -> None:
    issues.open_issue(scene.world, scene.repository, "Mentioned", by=scene.ada)
    installations.accept_permissions(scene.world, scene.installation, by=scene.ada, checks="write")
    mentioned, whole = (each.payload["installation"] for each in scene.sent())
    assert mentioned == {"id": scene.installation.id, "node_id": whole_node_id(scene)}
    assert whole["permissions"]["checks"] == "write"
    assert whole["account"]["login"] == "lighthouse"


def test_an_installation_has_its_times_in_the_actors_own_time(scene: Scene) -> None:
    installations.suspend(scene.world, scene.installation, by=scene.ada)
    (suspend,) = scene.sent()
    assert suspend.payload["installation"]["created_at"] == "2026-03-02T10:00:00.000+01:00"
    assert suspend.payload["installation"]["suspended_at"] == "2026-03-02T09:00:00Z"


def test_renaming_an_organization_is_told_twice_and_renames_its_repositories(scene: Scene) -> None:
    organizations.rename(scene.world, scene.organization, "beacon", by=scene.ada)
    renamed = scene.sent()
    assert names(renamed) == ["organization.renamed", "installation_target.renamed"]
    assert [each.payload["changes"] for each in renamed] == [{"login": {"from": "lighthouse"}}] * 2
    assert scene.repository.full_name == "beacon/lamp"


def whole_node_id(scene: Scene) -> str:
    return str(scene.installation.as_stub_json()["node_id"])


def test_who_has_no_permission_for_an_event_is_not_told(attentive_scene: Scene) -> None:
    scene = attentive_scene
    installations.lose_permissions(scene.world, scene.installation, "issues", "pull_requests", "contents")
    repositories.edit(scene.world, scene.repository, by=scene.ada, description="Dark")
    issues.open_issue(scene.world, scene.repository, "Dark", by=scene.ada)
    branches.push(scene.world, scene.repository, "main", branches.commit(scene.world, scene.ada, "Dim"), by=scene.ada)
    assert names(scene.sent()) == ["repository.edited"]
    installations.accept_permissions(scene.world, scene.installation, by=scene.ada, pull_requests="write")
    labels.create(scene.world, scene.repository, "dark", by=scene.ada)
    assert names(scene.sent()) == ["installation.new_permissions_accepted", "label.created"]
