from ghsync.simulator.actions import organizations
from tests.simulator.conftest import Scene
from tests.simulator.sent import names


def test_an_invited_user_is_no_member_yet(scene: Scene) -> None:
    organizations.invite_member(scene.world, scene.organization, scene.ben, by=scene.ada)
    (invited,) = scene.sent()
    assert invited.payload["user"]["login"] == "ben"
    assert invited.payload["invitation"]["inviter"]["login"] == "ada"
    assert scene.world.association(scene.ben, scene.repository) == "NONE"


def test_a_member_who_leaves_leaves_the_teams_first(scene: Scene) -> None:
    keepers = scene.world.add_team(scene.organization, "Lamp keepers", "Up at night")
    organizations.add_member(scene.world, scene.organization, scene.ben, by=scene.ada)
    organizations.add_team_member(scene.world, keepers, scene.ben, by=scene.ada)
    assert scene.world.association(scene.ben, scene.repository) == "MEMBER"
    organizations.remove_member(scene.world, scene.organization, scene.ben, by=scene.ada)
    told = scene.sent()
    assert names(told) == [
        "organization.member_added",
        "membership.added",
        "membership.removed",
        "organization.member_removed",
    ]
    assert told[1].payload["team"]["slug"] == "lamp-keepers"


def test_renaming_a_user_without_an_installation_is_not_told(scene: Scene) -> None:
    organizations.rename(scene.world, scene.ben, "benedict", by=scene.ben)
    assert scene.sent() == []
