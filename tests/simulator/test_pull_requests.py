import pytest

from ghsync.simulator.actions import (
    branches,
    checks,
    comments,
    conversations,
    issues,
    labels,
    pull_requests,
    repositories,
    reviews,
)
from ghsync.simulator.commit import Change
from ghsync.simulator.pull_request import MergeMethod, PullRequest
from tests.simulator.conftest import Scene
from tests.simulator.sent import names


@pytest.fixture
def pull_request(scene: Scene) -> PullRequest:
    commit = branches.commit(scene.world, scene.ben, "Brighter", Change("lamp.c", 10, 2))
    branches.create(scene.world, scene.repository, "brighter", commit, by=scene.ben)
    opened = pull_requests.open_pull_request(scene.world, scene.repository, "brighter", "Brighter", by=scene.ben)
    scene.sent()
    return opened


def test_mergeability_is_unknown_until_the_background_job_is_done(scene: Scene, pull_request: PullRequest) -> None:
    conversations.edit(scene.world, pull_request, by=scene.ben, title="Brighter light")
    scene.world.clock.advance(branches.MERGEABILITY_DELAY.total_seconds())
    conversations.edit(scene.world, pull_request, by=scene.ben, title="The brightest light")
    early, late = (each.payload["pull_request"] for each in scene.sent())
    assert (early["mergeable"], early["mergeable_state"], early["merge_commit_sha"]) == (None, "unknown", None)
    assert (late["mergeable"], late["mergeable_state"]) == (True, "clean")
    assert late["merge_commit_sha"] == pull_request.test_merge_commit_sha


def test_a_push_to_the_head_synchronizes(scene: Scene, pull_request: PullRequest) -> None:
    before = pull_request.head_commit.sha
    commit = branches.commit(scene.world, scene.ben, "Brighter still", Change("lens.c", 5, how="added"))
    branches.push(scene.world, scene.repository, "brighter", commit, by=scene.ben)
    push, synchronized = scene.sent()
    assert (push.name, synchronized.name) == ("push", "pull_request.synchronize")
    assert (synchronized.payload["before"], synchronized.payload["after"]) == (before, commit.sha)
    shown = synchronized.payload["pull_request"]
    assert (shown["commits"], shown["additions"], shown["deletions"], shown["changed_files"]) == (2, 15, 2, 2)
    assert shown["head"]["sha"] == commit.sha


def test_a_push_to_the_base_tells_no_pull_request_but_makes_mergeability_unknown(
    scene: Scene, pull_request: PullRequest
) -> None:
    scene.world.clock.advance(minutes=1)
    base_sha = pull_request.base_commit.sha
    commit = branches.commit(scene.world, scene.ada, "Oil", Change("oil.c", 1))
    branches.push(scene.world, scene.repository, "main", commit, by=scene.ada)
    assert names(scene.sent()) == ["push"]
    shown = pull_request.as_json(scene.world.now())
    assert (shown["mergeable"], shown["base"]["sha"]) == (None, base_sha)


def test_a_force_push_takes_commits_away(scene: Scene, pull_request: PullRequest) -> None:
    commit = branches.commit(scene.world, scene.ben, "Brighter, once more", Change("lamp.c", 7, 1))
    branches.force_push(scene.world, scene.repository, "brighter", commit, by=scene.ben)
    push, synchronized = (each.payload for each in scene.sent())
    assert push["forced"] is True
    assert (synchronized["pull_request"]["commits"], synchronized["pull_request"]["additions"]) == (1, 7)


@pytest.mark.parametrize(("method", "commits"), [("squash", 1), ("rebase", 1), ("merge", 2)])
def test_a_merge_pushes_the_base_and_closes_the_pull_request(
    scene: Scene, pull_request: PullRequest, method: MergeMethod, commits: int
) -> None:
    pull_requests.merge(scene.world, pull_request, by=scene.ada, method=method)
    push, closed = scene.sent()
    assert (push.name, closed.name) == ("push", "pull_request.closed")
    assert push.payload["ref"] == "refs/heads/main"
    assert len(push.payload["commits"]) == commits
    shown = closed.payload["pull_request"]
    assert (shown["state"], shown["merged"], shown["merged_by"]["login"]) == ("closed", True, "ada")
    assert (shown["mergeable"], shown["mergeable_state"]) == (None, "unknown")
    assert shown["merge_commit_sha"] == push.payload["after"] == scene.repository.tip("main").sha


def test_a_merge_closes_the_issues_it_says_it_closes(scene: Scene, pull_request: PullRequest) -> None:
    issue = issues.open_issue(scene.world, scene.repository, "Too dark", by=scene.ada)
    conversations.edit(scene.world, pull_request, by=scene.ben, body=f"Fixes #{issue.number}, see #99")
    scene.sent()
    pull_requests.merge(scene.world, pull_request, by=scene.ada)
    told = scene.sent()
    assert names(told) == ["push", "pull_request.closed", "issues.closed"]
    assert told[-1].payload["issue"]["state_reason"] == "completed"


def test_a_merge_deletes_the_branch_where_that_is_wanted(scene: Scene, pull_request: PullRequest) -> None:
    scene.repository.delete_branch_on_merge = True
    pull_requests.merge(scene.world, pull_request, by=scene.ada)
    assert names(scene.sent()) == ["push", "pull_request.closed", "push"]
    assert "brighter" not in scene.repository.branches


def test_closing_without_merging_is_not_merged(scene: Scene, pull_request: PullRequest) -> None:
    pull_requests.close(scene.world, pull_request, by=scene.ben)
    pull_requests.reopen(scene.world, pull_request, by=scene.ben)
    closed, reopened = (each.payload["pull_request"] for each in scene.sent())
    assert (closed["state"], closed["merged"], closed["merged_at"]) == ("closed", False, None)
    assert (reopened["state"], reopened["closed_at"]) == ("open", None)


def test_a_pull_request_is_an_issue_with_another_id(scene: Scene, pull_request: PullRequest) -> None:
    comments.create(scene.world, pull_request, "Nice.", by=scene.ada)
    (created,) = scene.sent()
    issue = created.payload["issue"]
    assert issue["number"] == pull_request.number
    assert issue["id"] != pull_request.id
    assert issue["node_id"] == pull_request.node_id
    assert issue["pull_request"]["url"] == pull_request.api_url
    assert pull_request.as_json(scene.world.now())["comments"] == 1


def test_labels_of_a_pull_request_are_told_as_pull_request_events(scene: Scene, pull_request: PullRequest) -> None:
    light = labels.create(scene.world, scene.repository, "light", by=scene.ada)
    scene.sent()
    conversations.add_labels(scene.world, pull_request, light, by=scene.ada)
    assert names(scene.sent()) == ["pull_request.labeled"]


def test_a_review_ends_the_request_and_sends_no_pull_request_event(scene: Scene, pull_request: PullRequest) -> None:
    pull_requests.request_review(scene.world, pull_request, scene.ada, by=scene.ben)
    reviews.submit(scene.world, pull_request, by=scene.ada)
    requested, submitted = scene.sent()
    assert requested.payload["requested_reviewer"]["login"] == "ada"
    assert submitted.name == "pull_request_review.submitted"
    assert submitted.payload["pull_request"]["requested_reviewers"] == []


def test_a_draft_becomes_ready_and_a_draft_again(scene: Scene, pull_request: PullRequest) -> None:
    scene.world.clock.advance(minutes=1)
    pull_requests.convert_to_draft(scene.world, pull_request, by=scene.ben)
    pull_requests.ready_for_review(scene.world, pull_request, by=scene.ben)
    drafted, ready = (each.payload["pull_request"] for each in scene.sent())
    assert (drafted["draft"], drafted["mergeable_state"]) == (True, "draft")
    assert (ready["draft"], ready["mergeable_state"]) == (False, "clean")


def test_auto_merge_is_an_order_that_can_be_taken_back(scene: Scene, pull_request: PullRequest) -> None:
    pull_requests.enable_auto_merge(scene.world, pull_request, by=scene.ben)
    pull_requests.disable_auto_merge(scene.world, pull_request, by=scene.ben)
    enabled, disabled = (each.payload for each in scene.sent())
    assert enabled["pull_request"]["auto_merge"]["enabled_by"]["login"] == "ben"
    assert disabled["pull_request"]["auto_merge"] is None
    assert disabled["reason"]


def test_the_checks_of_a_fork_name_no_pull_request(scene: Scene) -> None:
    fork = repositories.create(scene.world, scene.ben, "lamp", by=scene.ben, fork_of=scene.repository)
    commit = branches.commit(scene.world, scene.ben, "Dimmer", Change("lamp.c", 1, 1))
    branches.create(scene.world, fork, "dimmer", commit, by=scene.ben)
    opened = pull_requests.open_pull_request(
        scene.world, scene.repository, "dimmer", "Dimmer", by=scene.ben, head_repository=fork
    )
    checks.complete_check_run(scene.world, opened, "bulb test", by=scene.ada)
    first, check = (each.payload for each in scene.sent())
    assert first["pull_request"]["head"]["label"] == "ben:dimmer"
    assert first["pull_request"]["head"]["repo"]["fork"] is True
    assert check["check_run"]["pull_requests"] == []
    assert check["check_run"]["check_suite"]["head_branch"] is None
    assert check["check_run"]["head_sha"] == commit.sha
