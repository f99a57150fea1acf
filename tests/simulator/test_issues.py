from datetime import UTC, datetime

import pytest

from ghsync.simulator.actions import comments, conversations, issues, labels, milestones, repositories
from ghsync.simulator.issue import Issue
from ghsync.simulator.milestone import Milestone
from tests.simulator.conftest import Scene
from tests.simulator.sent import names


@pytest.fixture
def issue(scene: Scene) -> Issue:
    issue = issues.open_issue(scene.world, scene.repository, "The lamp flickers", by=scene.ben, body="At night.")
    scene.sent()
    scene.world.clock.advance(minutes=1)
    return issue


def test_what_an_issue_is_opened_with_is_told_again_one_by_one(scene: Scene) -> None:
    light, sea = (labels.create(scene.world, scene.repository, name, by=scene.ada) for name in ("light", "sea"))
    scene.sent()
    issues.open_issue(scene.world, scene.repository, "Dark", by=scene.ben, labels=[light, sea], assignees=[scene.ada])
    told = scene.sent()
    assert names(told) == ["issues.opened", "issues.labeled", "issues.labeled", "issues.assigned"]
    assert [label["name"] for label in told[0].payload["issue"]["labels"]] == ["light", "sea"]


def test_editing_or_deleting_a_label_or_a_milestone_sends_no_issue_event(scene: Scene, issue: Issue) -> None:
    light = labels.create(scene.world, scene.repository, "light", by=scene.ada)
    winter = milestones.create(scene.world, scene.repository, "Winter", by=scene.ada)
    conversations.add_labels(scene.world, issue, light, by=scene.ada)
    conversations.set_milestone(scene.world, issue, winter, by=scene.ada)
    scene.sent()
    before = issue.updated_at
    scene.world.clock.advance(minutes=1)
    labels.edit(scene.world, light, by=scene.ada, name="glow")
    milestones.edit(scene.world, winter, by=scene.ada, title="Long winter")
    carried = issue.as_json()
    assert (carried["labels"][0]["name"], carried["milestone"]["title"]) == ("glow", "Long winter")
    labels.delete(scene.world, light, by=scene.ada)
    milestones.delete(scene.world, winter, by=scene.ada)
    assert names(scene.sent()) == ["label.edited", "milestone.edited", "label.deleted", "milestone.deleted"]
    assert (issue.labels, issue.milestone, issue.updated_at) == ([], None, before)


def test_labels_and_comments_move_the_time_of_change_and_a_pin_does_not(scene: Scene, issue: Issue) -> None:
    light = labels.create(scene.world, scene.repository, "light", by=scene.ada)
    scene.sent()
    conversations.add_labels(scene.world, issue, light, by=scene.ada)
    scene.world.clock.advance(minutes=1)
    comments.create(scene.world, issue, "Seen it too.", by=scene.ada)
    scene.world.clock.advance(minutes=1)
    issues.pin(scene.world, issue, by=scene.ada)
    assert [each.payload["issue"]["updated_at"] for each in scene.sent()] == [
        "2026-03-02T09:01:00Z",
        "2026-03-02T09:02:00Z",
        "2026-03-02T09:02:00Z",
    ]


def test_timestamps_are_cut_to_the_second(scene: Scene, issue: Issue) -> None:
    scene.world.clock.advance_to(datetime(2026, 3, 2, 10, 0, 0, 999_999, tzinfo=UTC))
    conversations.edit(scene.world, issue, by=scene.ben, title="The lamp flickers, still")
    (edited,) = scene.sent()
    assert edited.payload["issue"]["updated_at"] == "2026-03-02T10:00:00Z"
    assert edited.payload["changes"] == {"title": {"from": "The lamp flickers"}}


def test_closing_and_reopening_give_a_reason(scene: Scene, issue: Issue) -> None:
    issues.close(scene.world, issue, by=scene.ada, reason="not_planned")
    issues.reopen(scene.world, issue, by=scene.ben)
    closed, reopened = (each.payload["issue"] for each in scene.sent())
    assert (closed["state"], closed["state_reason"], closed["closed_at"]) == (
        "closed",
        "not_planned",
        "2026-03-02T09:01:00Z",
    )
    assert (reopened["state"], reopened["state_reason"], reopened["closed_at"]) == ("open", "reopened", None)


def test_a_transferred_issue_is_told_on_both_sides_with_another_id_and_number(scene: Scene, issue: Issue) -> None:
    target = repositories.create(scene.world, scene.organization, "lens", by=scene.ada)
    issues.open_issue(scene.world, target, "First here", by=scene.ada)
    comments.create(scene.world, issue, "Belongs to the lens.", by=scene.ada)
    scene.sent()
    moved = issues.transfer(scene.world, issue, target, by=scene.ada)
    transferred, opened = scene.sent()
    assert (transferred.name, opened.name) == ("issues.transferred", "issues.opened")
    assert transferred.payload["repository"]["name"] == "lamp"
    assert transferred.payload["changes"]["new_issue"] == opened.payload["issue"]
    assert transferred.payload["changes"]["new_repository"]["name"] == "lens"
    assert opened.payload["repository"]["name"] == "lens"
    assert opened.payload["changes"]["old_issue"]["id"] == issue.id
    assert (moved.number, len(moved.comments)) == (2, 1)
    assert moved.id != issue.id
    assert issue.number not in scene.repository.issues


def test_an_issue_is_not_transferred_to_another_owner(scene: Scene, issue: Issue) -> None:
    elsewhere = repositories.create(scene.world, scene.ben, "elsewhere", by=scene.ben)
    with pytest.raises(ValueError, match="one owner"):
        issues.transfer(scene.world, issue, elsewhere, by=scene.ben)


def test_a_deleted_issue_takes_its_comments_along_and_its_number_is_not_given_again(scene: Scene, issue: Issue) -> None:
    comments.create(scene.world, issue, "Me too.", by=scene.ada)
    scene.sent()
    issues.delete(scene.world, issue, by=scene.ada)
    assert names(scene.sent()) == ["issues.deleted"]
    assert scene.repository.issues == {}
    assert issues.open_issue(scene.world, scene.repository, "Next", by=scene.ada).number == issue.number + 1


def test_a_relation_between_issues_is_told_to_both(scene: Scene, issue: Issue) -> None:
    other = issues.open_issue(scene.world, scene.repository, "Buy a bulb", by=scene.ada)
    scene.sent()
    issues.add_sub_issue(scene.world, issue, other, by=scene.ada)
    issues.add_dependency(scene.world, issue, other, by=scene.ada)
    told = scene.sent()
    assert names(told) == [
        "sub_issues.sub_issue_added",
        "sub_issues.parent_issue_added",
        "issue_dependencies.blocked_by_added",
        "issue_dependencies.blocking_added",
    ]
    assert told[0].payload["parent_issue"]["sub_issues_summary"]["total"] == 1
    assert told[2].payload["blocked_issue"]["issue_dependencies_summary"]["blocked_by"] == 1


def test_a_member_writes_as_a_member_and_a_stranger_as_none(scene: Scene, issue: Issue) -> None:
    comments.create(scene.world, issue, "We know.", by=scene.ada)
    (created,) = scene.sent()
    assert created.payload["comment"]["author_association"] == "MEMBER"
    assert created.payload["issue"]["author_association"] == "NONE"


def test_repositories_and_milestones_count_what_is_open_and_closed(scene: Scene) -> None:
    world, ada = scene.world, scene.ada
    light = milestones.create(world, scene.repository, "Light", by=ada)
    one, two = (issues.open_issue(world, scene.repository, title, by=ada) for title in ("Oil", "Wick"))
    for issue in (one, two):
        conversations.set_milestone(world, issue, light, by=ada)
    issues.close(world, one, by=ada)
    assert counted(scene, light) == (1, 1, 1)
    issues.reopen(world, one, by=ada)
    assert counted(scene, light) == (2, 2, 0)
    issues.delete(world, two, by=ada)
    conversations.unset_milestone(world, one, by=ada)
    assert counted(scene, light) == (1, 0, 0)


def test_a_number_that_is_no_more_leads_to_what_became_of_its_issue(scene: Scene) -> None:
    other = repositories.create(scene.world, scene.organization, "lens", by=scene.ada)
    moved, gone = (issues.open_issue(scene.world, scene.repository, title, by=scene.ada) for title in ("Oil", "Wick"))
    target = issues.transfer(scene.world, moved, other, by=scene.ada)
    issues.delete(scene.world, gone, by=scene.ada)
    assert scene.repository.departed == {moved.number: target, gone.number: None}
    assert scene.repository.issues == {}


def test_what_is_gone_is_no_longer_part_of_anything(scene: Scene) -> None:
    world, ada = scene.world, scene.ada
    whole, part, other = (issues.open_issue(world, scene.repository, each, by=ada) for each in ("Lamp", "Oil", "Wick"))
    issues.add_sub_issue(world, whole, part, by=ada)
    issues.add_dependency(world, other, part, by=ada)
    issues.delete(world, part, by=ada)
    assert (whole.children, other.blocked_by) == ([], [])


def counted(scene: Scene, milestone: Milestone) -> tuple[int, int, int]:
    """Open issues of the repository; open and closed ones of the milestone."""
    shown = milestone.as_json()
    return scene.repository.as_json()["open_issues_count"], shown["open_issues"], shown["closed_issues"]
