import pytest

from ghsync.simulator.actions import branches, checks
from ghsync.simulator.check_suite import CheckSuite, Conclusion
from ghsync.simulator.commit import Change
from ghsync.simulator.pull_request import PullRequest
from ghsync.simulator.workflow_run import WorkflowRun
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


def test_a_workflow_has_a_suite_for_each_event(attentive_scene: Scene, pull_request: PullRequest) -> None:
    world, ada = attentive_scene.world, attentive_scene.ada
    pushed = checks.start(world, pull_request, "build", by=ada, app=world.ci, event="push")
    proposed = checks.start(world, pull_request, "build", by=ada, app=world.ci)
    other = checks.start(world, pull_request, "build", by=ada, app=world.ci, workflow="Nightly")
    assert len({run.suite for run in (pushed, proposed, other)}) == 3
    shown = [workflow_run(run.suite).as_json() for run in (pushed, proposed, other)]
    assert [(each["name"], each["event"], each["run_number"]) for each in shown] == [
        ("CI", "push", 1),
        ("CI", "pull_request", 2),
        ("Nightly", "pull_request", 1),
    ]
    assert shown[0]["workflow_id"] == shown[1]["workflow_id"] != shown[2]["workflow_id"]
    assert checks.start(world, pull_request, "lint", by=ada, app=world.ci, event="push").suite is pushed.suite


def test_a_workflow_tells_when_it_is_at_work(attentive_scene: Scene, pull_request: PullRequest) -> None:
    world, ada = attentive_scene.world, attentive_scene.ada
    first = checks.start(world, pull_request, "build", by=ada, app=world.ci)
    checks.start(world, pull_request, "lint", by=ada, app=world.ci)
    checks.begin(world, first)
    checks.complete(world, first, by=ada)
    told = [each for each in attentive_scene.sent() if each.name.startswith("workflow_run")]
    assert [(each.name, each.payload["workflow_run"]["status"]) for each in told] == [
        ("workflow_run.requested", "queued"),
        ("workflow_run.in_progress", "in_progress"),
    ]


def test_a_job_that_needs_others_keeps_its_workflow_at_work(attentive_scene: Scene, pull_request: PullRequest) -> None:
    world, ada = attentive_scene.world, attentive_scene.ada
    built = checks.start(world, pull_request, "build", by=ada, app=world.ci)
    checks.wait(world, built.suite, "deploy")
    checks.complete(world, built, by=ada)
    assert [run.status for run in built.suite.latest_runs] == ["completed"]
    assert workflow_run(built.suite).as_json()["status"] == "in_progress"
    assert names(attentive_scene.sent())[-2:] == ["check_run.completed", "workflow_run.in_progress"]
    deployed = checks.start(world, pull_request, "deploy", by=ada, app=world.ci)
    checks.complete(world, deployed, by=ada)
    assert (built.suite.waiting, built.suite.conclusion) == ([], "success")
    assert names(attentive_scene.sent())[-2:] == ["check_suite.completed", "workflow_run.completed"]
    with pytest.raises(ValueError, match="not over"):
        checks.wait(world, built.suite, "publish")


def test_a_workflow_that_awaits_approval_is_over_without_a_run(
    attentive_scene: Scene, pull_request: PullRequest
) -> None:
    world, ada = attentive_scene.world, attentive_scene.ada
    held = checks.await_approval(world, pull_request, by=ada)
    assert (held.suite.status, held.suite.conclusion, held.suite.runs) == ("completed", "action_required", [])
    assert attentive_scene.sent()[-1].payload["workflow_run"]["conclusion"] == "action_required"
    checks.approve(world, held, by=ada)
    assert (held.suite.status, held.suite.conclusion, held.attempt) == ("queued", None, 1)
    run = checks.start(world, pull_request, "build", by=ada, app=world.ci)
    assert run.suite is held.suite
    assert names(attentive_scene.sent()) == ["workflow_run.requested", "check_run.created"]


def test_a_workflow_that_cannot_start_has_no_run(attentive_scene: Scene, pull_request: PullRequest) -> None:
    world, ada = attentive_scene.world, attentive_scene.ada
    failed = checks.fail_to_start(world, pull_request, by=ada)
    assert (failed.suite.conclusion, failed.suite.runs) == ("startup_failure", [])
    assert names(attentive_scene.sent()) == [
        "workflow_run.requested",
        "check_suite.completed",
        "workflow_run.completed",
    ]
    run = checks.start(world, pull_request, "build", by=ada, app=world.ci)
    assert (run.suite is failed.suite, failed.attempt, failed.suite.status) == (True, 2, "queued")


def test_a_newer_run_of_a_workflow_cancels_the_one_before(attentive_scene: Scene, pull_request: PullRequest) -> None:
    world, ada = attentive_scene.world, attentive_scene.ada
    done = checks.complete_check_run(world, pull_request, "lint", by=ada, app=world.ci)
    building = checks.start(world, pull_request, "build", by=ada, app=world.ci, status="in_progress")
    checks.wait(world, building.suite, "deploy")
    older = workflow_run(building.suite)
    newer = checks.take_over(world, pull_request, older, by=ada)
    assert (done.conclusion, building.conclusion, older.suite.conclusion) == ("success", "cancelled", "cancelled")
    assert (newer.suite is older.suite, newer.number, newer.suite.status) == (False, older.number + 1, "queued")
    assert checks.start(world, pull_request, "build", by=ada, app=world.ci).suite is newer.suite


def test_what_has_no_run_yet_is_cancelled_outright(attentive_scene: Scene, pull_request: PullRequest) -> None:
    world, ada = attentive_scene.world, attentive_scene.ada
    older = checks.await_approval(world, pull_request, by=ada)
    checks.approve(world, older, by=ada)
    checks.take_over(world, pull_request, older, by=ada)
    assert (older.suite.status, older.suite.conclusion, older.suite.runs) == ("completed", "cancelled", [])


def workflow_run(suite: CheckSuite) -> WorkflowRun:
    """The workflow run of a suite that has one."""
    assert suite.workflow_run is not None
    return suite.workflow_run
