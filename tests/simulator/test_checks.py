import pytest

from ghsync.simulator.actions import branches, checks
from ghsync.simulator.check_suite import Conclusion
from ghsync.simulator.commit import Change
from ghsync.simulator.pull_request import PullRequest
from tests.simulator.conftest import Scene
from tests.simulator.sent import names


def test_a_run_is_told_when_it_is_made_and_when_it_is_over(attentive_scene: Scene, pull_request: PullRequest) -> None:
    world, ada = attentive_scene.world, attentive_scene.ada
    run = checks.start(world, pull_request, "bulb", by=ada)
    checks.begin(world, run)
    assert (run.status, run.suite.status, run.suite.conclusion) == ("in_progress", "in_progress", None)
    checks.complete(world, run, by=ada, conclusion="failure")
    assert names(attentive_scene.sent()) == [
        "check_suite.requested",
        "check_run.created",
        "check_run.completed",
        "check_suite.completed",
    ]
    assert (run.suite.status, run.suite.conclusion) == ("completed", "failure")


def test_runs_of_one_app_and_commit_share_a_suite(attentive_scene: Scene, pull_request: PullRequest) -> None:
    first = checks.start(attentive_scene.world, pull_request, "bulb", by=attentive_scene.ada)
    second = checks.start(attentive_scene.world, pull_request, "lens", by=attentive_scene.ada)
    assert first.suite is second.suite
    checks.complete(attentive_scene.world, first, by=attentive_scene.ada)
    assert first.suite.status == "in_progress"
    assert names(attentive_scene.sent())[-1] == "check_run.completed"


def test_another_attempt_supersedes_the_one_before(attentive_scene: Scene, pull_request: PullRequest) -> None:
    world, ada = attentive_scene.world, attentive_scene.ada
    failed = checks.complete_check_run(world, pull_request, "bulb", by=ada, conclusion="failure")
    again = checks.run_again(world, failed, by=ada)
    assert (failed.suite.latest_runs, failed.suite.status) == ([again], "queued")
    checks.complete(world, again, by=ada)
    assert failed.suite.conclusion == "success"
    assert names(attentive_scene.sent())[-4:] == [
        "check_run.rerequested",
        "check_run.created",
        "check_run.completed",
        "check_suite.completed",
    ]


@pytest.mark.parametrize(
    ("conclusions", "together"),
    [
        (("success", "failure", "skipped"), "failure"),
        (("success", "neutral"), "success"),
        (("skipped", "skipped"), "skipped"),
        (("cancelled", "timed_out"), "timed_out"),
    ],
)
def test_a_suite_concludes_as_the_worst_of_its_runs(
    attentive_scene: Scene, pull_request: PullRequest, conclusions: tuple[Conclusion, ...], together: str
) -> None:
    for number, conclusion in enumerate(conclusions):
        run = checks.complete_check_run(
            attentive_scene.world, pull_request, f"check {number}", by=attentive_scene.ada, conclusion=conclusion
        )
    assert run.suite.conclusion == together


def test_a_push_leaves_the_checks_with_the_old_head(attentive_scene: Scene, pull_request: PullRequest) -> None:
    scene = attentive_scene
    run = checks.complete_check_run(scene.world, pull_request, "bulb", by=scene.ada)
    assert run.as_json()["pull_requests"][0]["number"] == pull_request.number
    commit = branches.commit(scene.world, scene.ben, "Other", Change("lamp.c", 3))
    branches.force_push(scene.world, scene.repository, "brighter", commit, by=scene.ben)
    assert run.as_json()["pull_requests"] == []
    assert commit.sha not in scene.repository.check_suites


def test_checks_do_not_change_the_pull_request(attentive_scene: Scene, pull_request: PullRequest) -> None:
    before = pull_request.issue.updated_at
    attentive_scene.world.clock.advance(minutes=1)
    checks.complete_check_run(attentive_scene.world, pull_request, "bulb", by=attentive_scene.ada)
    assert pull_request.issue.updated_at == before


def test_github_actions_tells_of_the_workflow_too(attentive_scene: Scene, pull_request: PullRequest) -> None:
    world, ada = attentive_scene.world, attentive_scene.ada
    run = checks.start(world, pull_request, "build", by=ada, app=world.ci)
    checks.complete(world, run, by=ada, conclusion="failure")
    checks.run_again(world, run, by=ada)
    told = [each for each in attentive_scene.sent() if each.name.startswith("workflow_run")]
    assert [(each.name, each.payload["workflow_run"]["run_attempt"]) for each in told] == [
        ("workflow_run.requested", 1),
        ("workflow_run.completed", 1),
        ("workflow_run.requested", 2),
    ]
    completed = told[1].payload["workflow_run"]
    assert (completed["status"], completed["conclusion"]) == ("completed", "failure")
    assert completed["head_sha"] == pull_request.head_commit.sha
    assert completed["check_suite_id"] == run.suite.id
