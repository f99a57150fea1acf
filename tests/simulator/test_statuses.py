from ghsync.simulator.actions import statuses
from ghsync.simulator.commit_status import combined_state, latest_statuses
from ghsync.simulator.pull_request import PullRequest
from tests.simulator.conftest import Scene


def test_a_status_is_told_without_an_action(attentive_scene: Scene, pull_request: PullRequest) -> None:
    scene, head = attentive_scene, pull_request.head_commit
    statuses.create(scene.world, scene.repository, head, "ci/lamp", "pending", by=scene.ada)
    (told,) = scene.sent()
    assert told.name == "status"
    assert "action" not in told.payload
    assert (told.payload["sha"], told.payload["context"], told.payload["state"]) == (head.sha, "ci/lamp", "pending")
    assert [branch["name"] for branch in told.payload["branches"]] == ["brighter"]


def test_a_newer_status_supersedes_that_of_its_context(attentive_scene: Scene, pull_request: PullRequest) -> None:
    scene, head = attentive_scene, pull_request.head_commit
    statuses.create(scene.world, scene.repository, head, "ci/lamp", "failure", by=scene.ada)
    assert combined_state(scene.repository.statuses[head.sha]) == "failure"
    lint = statuses.create(scene.world, scene.repository, head, "ci/lint", "success", by=scene.ada)
    newer = statuses.create(scene.world, scene.repository, head, "ci/lamp", "success", by=scene.ada)
    kept = scene.repository.statuses[head.sha]
    assert len(kept) == 3
    assert set(latest_statuses(kept)) == {lint, newer}
    assert combined_state(kept) == "success"


def test_no_status_is_pending() -> None:
    assert combined_state([]) == "pending"
