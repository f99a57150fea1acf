from datetime import UTC, datetime

import pytest

from ghsync.simulator.actions import code_scanning_alerts, dependabot_alerts, installations, secret_scanning_alerts
from ghsync.simulator.app import EVERY_EVENT, PERMISSIONS, SECURITY_EVENTS, SECURITY_PERMISSIONS
from ghsync.simulator.code_scanning_alert import CodeScanningAlert, Rule
from ghsync.simulator.dependabot_alert import Advisory
from ghsync.simulator.generator import Plan, generate
from ghsync.simulator.pull_request import PullRequest
from ghsync.simulator.world import World
from tests.simulator.conftest import Scene, assemble
from tests.simulator.sent import names

RULE = Rule("py/sql-injection", "SQL query built from user-controlled sources", "error", "high")
ADVISORY = Advisory(
    "GHSA-0001-mock-ghsy", "pip", "lamp", "Burns", "high", "< 2", "2", datetime(2026, 1, 1, tzinfo=UTC), "CVE-2026-1"
)
MAIN = "refs/heads/main"


@pytest.fixture
def guarded_scene() -> Scene:
    """An App that may read security alerts, and is told of everything."""
    return assemble(World(7, (*EVERY_EVENT, *SECURITY_EVENTS), PERMISSIONS | SECURITY_PERMISSIONS))


@pytest.fixture
def alert(guarded_scene: Scene) -> CodeScanningAlert:
    """Something was found on the default branch."""
    scene = guarded_scene
    sha = scene.repository.tip("main").sha
    found = code_scanning_alerts.create(scene.world, scene.repository, RULE, MAIN, sha, by=scene.ben)
    scene.sent()
    return found


def test_what_is_found_is_told_with_its_place(guarded_scene: Scene, alert: CodeScanningAlert) -> None:
    scene = guarded_scene
    code_scanning_alerts.appear(scene.world, alert, "refs/pull/3/merge", "a" * 40, by=scene.ben)
    code_scanning_alerts.fix(scene.world, alert, MAIN, "b" * 40, by=scene.ben)
    code_scanning_alerts.reopen(scene.world, alert, MAIN, "c" * 40, by=scene.ben)
    sent = scene.sent()
    assert names(sent) == [
        "code_scanning_alert.appeared_in_branch",
        "code_scanning_alert.fixed",
        "code_scanning_alert.reopened",
    ]
    places = [(each.payload["ref"], each.payload["commit_oid"], each.payload["alert"]["state"]) for each in sent]
    assert places == [
        ("refs/pull/3/merge", "a" * 40, "open"),
        (MAIN, "b" * 40, "fixed"),
        (MAIN, "c" * 40, "open"),
    ]
    for each in sent:
        newest = each.payload["alert"]["most_recent_instance"]
        assert (newest["ref"], newest["commit_sha"]) == (each.payload["ref"], each.payload["commit_oid"])
        assert each.payload["alert"]["rule"]["security_severity_level"] == "high"


def test_who_dismisses_an_alert_is_the_sender_and_there_is_no_place(
    guarded_scene: Scene, alert: CodeScanningAlert
) -> None:
    scene = guarded_scene
    code_scanning_alerts.dismiss(scene.world, alert, by=scene.ada, reason="used in tests", comment="Only there.")
    code_scanning_alerts.reopen_by_user(scene.world, alert, by=scene.ada)
    closed, reopened = (each.payload for each in scene.sent())
    assert (closed["action"], closed["alert"]["state"], closed["alert"]["dismissed_reason"]) == (
        "closed_by_user",
        "dismissed",
        "used in tests",
    )
    assert (reopened["action"], reopened["alert"]["state"], reopened["alert"]["dismissed_by"]) == (
        "reopened_by_user",
        "open",
        None,
    )
    assert {(each["ref"], each["commit_oid"], each["sender"]["login"]) for each in (closed, reopened)} == {
        ("", "", "ada")
    }


def test_a_dismissed_alert_is_dismissed_everywhere(guarded_scene: Scene, alert: CodeScanningAlert) -> None:
    scene = guarded_scene
    code_scanning_alerts.fix(scene.world, alert, "refs/pull/3/merge", "a" * 40, by=scene.ben)
    assert (alert.state(MAIN), alert.state("refs/pull/3/merge"), alert.state()) == ("open", "fixed", "fixed")
    code_scanning_alerts.dismiss(scene.world, alert, by=scene.ada)
    assert (alert.state(MAIN), alert.state("refs/pull/3/merge")) == ("dismissed", "dismissed")


def test_a_pull_request_is_scanned_as_its_merge(attentive_scene: Scene, pull_request: PullRequest) -> None:
    ref, sha = code_scanning_alerts.place(pull_request)
    assert (ref, sha) == ("refs/pull/1/merge", pull_request.test_merge_commit_sha or pull_request.head_commit.sha)


def test_a_warning_goes_through_its_states(guarded_scene: Scene) -> None:
    world, ada, repository = guarded_scene.world, guarded_scene.ada, guarded_scene.repository
    warning = dependabot_alerts.create(world, repository, ADVISORY, by=ada)
    dependabot_alerts.dismiss(world, warning, by=ada, reason="not_used")
    dependabot_alerts.reopen(world, warning, by=ada)
    dependabot_alerts.auto_dismiss(world, warning, by=ada)
    dependabot_alerts.reopen(world, warning, by=ada)
    dependabot_alerts.fix(world, warning, by=ada)
    told = [(each.name.partition(".")[2], each.payload["alert"]) for each in guarded_scene.sent()]
    assert [(name, shown["state"], shown["dismissed_reason"]) for name, shown in told] == [
        ("created", "open", None),
        ("dismissed", "dismissed", "not_used"),
        ("reopened", "open", None),
        ("auto_dismissed", "auto_dismissed", None),
        ("reopened", "open", None),
        ("fixed", "fixed", None),
    ]
    assert told[-1][1]["fixed_at"] is not None


def test_a_secret_has_a_resolution_or_none(guarded_scene: Scene) -> None:
    world, ada, repository = guarded_scene.world, guarded_scene.ada, guarded_scene.repository
    found = secret_scanning_alerts.create(world, repository, by=ada)
    secret_scanning_alerts.resolve(world, found, by=ada, resolution="used_in_tests")
    assert found.as_rest_json()["state"] == "resolved"
    secret_scanning_alerts.reopen(world, found, by=ada)
    sent = guarded_scene.sent()
    assert names(sent) == [
        "secret_scanning_alert.created",
        "secret_scanning_alert.resolved",
        "secret_scanning_alert.reopened",
    ]
    assert [each.payload["alert"]["resolution"] for each in sent] == [None, "used_in_tests", None]
    assert not any({"secret", "state"} & each.payload["alert"].keys() for each in sent)


def test_an_app_without_the_permissions_is_told_of_no_alert(guarded_scene: Scene) -> None:
    scene = guarded_scene
    installations.lose_permissions(scene.world, scene.installation, *SECURITY_PERMISSIONS)
    secret_scanning_alerts.create(scene.world, scene.repository, by=scene.ada)
    dependabot_alerts.create(scene.world, scene.repository, ADVISORY, by=scene.ada)
    assert scene.sent() == []


def test_a_generated_app_may_read_alerts_only_if_that_is_planned() -> None:
    plain = generate(Plan(repositories=4, conversations=20))
    planned = generate(Plan(repositories=4, conversations=20, security_alerts=True))
    assert {"actions", "checks", "statuses"} <= plain.app.permissions.keys()
    for world, security in ((plain, False), (planned, True)):
        (installation,) = world.installations.values()
        assert (installation.permissions.keys() >= SECURITY_PERMISSIONS.keys()) is security
        assert set(installation.events).issuperset(SECURITY_EVENTS) is security
        found = [len(each.code_scanning_alerts) for each in installation.repositories]
        assert any(found) is security
    assert sum(each.has_code_scanning for each in planned.repositories.values() if each.fork_of is None) == 3
