"""What each event adds to a batch, from the recorded deliveries."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.database import transaction
from ghsync.inbox.queue import ClaimedDelivery, Verdict
from ghsync.mirror import (
    branch,
    check_run,
    check_suite,
    comment,
    commit_status,
    issue,
    label,
    milestone,
    pull_request,
    release,
    review,
    review_thread,
    security_alert,
    workflow_run,
)
from ghsync.mirror.noun import Noun, Row
from ghsync.projector import events, project
from ghsync.projector.batch import Batch
from tests import projection
from tests.fixtures import recorded
from tests.fixtures.recorded import FIXTURES, Recorded
from tests.mirror.reports import query

ARRIVED = datetime(2026, 3, 2, 12, tzinfo=UTC)
DELIVERIES = recorded.deliveries(FIXTURES / "deliveries")

NOUNS: dict[str, set[Noun]] = {
    "issue_comment": {comment.noun, issue.noun},
    "issue_dependencies": {issue.noun},
    "issues": {issue.noun},
    "label": {label.noun},
    "milestone": {milestone.noun},
    "pull_request": {pull_request.noun},
    "pull_request_review": {pull_request.noun, review.noun},
    "pull_request_review_comment": {pull_request.noun, comment.noun},
    "pull_request_review_thread": {pull_request.noun, comment.noun, review_thread.noun},
    "check_run": {check_run.noun},
    "check_suite": {check_suite.noun},
    "code_scanning_alert": {security_alert.noun},
    "dependabot_alert": {security_alert.noun},
    "secret_scanning_alert": {security_alert.noun},
    "release": {release.noun},
    "status": {commit_status.noun},
    "workflow_run": {workflow_run.noun},
    "push": {branch.noun},
    "sub_issues": {issue.noun},
}
OTHERWISE: dict[str, set[Noun]] = {
    "issue_comment/created.on_pull_request": {comment.noun},
    "push/push.tag": set(),
}


def claimed(event: str, payload: Any, guid: str = "") -> ClaimedDelivery:
    """A delivery that is just being projected."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return ClaimedDelivery(1, ARRIVED.date(), guid, event, None, None, "application/json", body, 0, ARRIVED)


def read(event: str, payload: Any) -> tuple[Batch, Verdict]:
    """What a delivery adds to an empty batch, and how it ends."""
    batch = Batch()
    return batch, project.read(claimed(event, payload), batch)


def fixture(name: str) -> tuple[str, dict[str, Any]]:
    """Event and payload of a recorded delivery."""
    return name.partition("/")[0], json.loads((FIXTURES / "deliveries" / f"{name}.json").read_bytes())


def row(batch: Batch, noun: Noun) -> Row:
    """The only row of a noun."""
    (found,) = batch.rows[noun].values()
    return found


@pytest.mark.parametrize("delivery", DELIVERIES, ids=str)
def test_an_event_carries_its_nouns_and_its_repository(delivery: Recorded) -> None:
    batch, verdict = read(delivery.event, delivery.body)
    handled = delivery.event in events.HANDLED
    assert verdict == Verdict("processed" if handled else "ignored")
    name = f"{delivery.path.parent.name}/{delivery.path.stem}"
    assert {noun for noun, rows in batch.rows.items() if rows} == OTHERWISE.get(name, NOUNS.get(delivery.event, set()))
    shown = [str(seen["id"]) for seen in [delivery.payload.get("repository")] if seen]
    assert set(shown) <= set(batch.repositories)


@pytest.mark.parametrize(
    ("name", "noun", "expected"),
    [
        ("issues/opened", issue.noun, {"number": 1, "state": "open", "deleted_at": None, "transferred_to": None}),
        ("issues/closed", issue.noun, {"state": "closed", "state_reason": "completed"}),
        ("issues/closed.not_planned", issue.noun, {"state": "closed", "state_reason": "not_planned"}),
        ("issues/locked", issue.noun, {"locked": True, "active_lock_reason": "too heated"}),
        ("issues/deleted", issue.noun, {"deleted_at": ARRIVED}),
        ("issues/transferred", issue.noun, {"deleted_at": ARRIVED}),
        ("issues/pinned", issue.noun, {"deleted_at": None}),
        ("issue_comment/deleted", comment.noun, {"kind": "issue_comment", "deleted_at": ARRIVED}),
        ("issue_comment/edited", comment.noun, {"kind": "issue_comment", "deleted_at": None}),
        ("label/deleted", label.noun, {"deleted_at": ARRIVED}),
        ("release/created.draft", release.noun, {"draft": True, "published_at": None, "deleted_at": None}),
        ("release/published", release.noun, {"draft": False, "prerelease": False}),
        ("release/prereleased", release.noun, {"prerelease": True}),
        ("release/unpublished", release.noun, {"draft": True}),
        ("release/deleted", release.noun, {"deleted_at": ARRIVED}),
        ("milestone/closed", milestone.noun, {"state": "closed", "deleted_at": None}),
        ("milestone/deleted", milestone.noun, {"deleted_at": ARRIVED}),
        ("push/push", branch.noun, {"name": "battery-gauge", "deleted_at": None}),
        ("push/push.deleted_branch", branch.noun, {"head_sha": None, "deleted_at": None}),
        ("pull_request/opened", pull_request.noun, {"state": "open", "merged": False}),
        ("pull_request/closed", pull_request.noun, {"state": "closed", "merged": False}),
        ("pull_request/closed.merged", pull_request.noun, {"state": "closed", "merged": True}),
        ("pull_request/converted_to_draft", pull_request.noun, {"draft": True}),
        ("pull_request/ready_for_review", pull_request.noun, {"draft": False}),
        ("pull_request/auto_merge_disabled", pull_request.noun, {"auto_merge": None}),
    ],
)
def test_an_action_shows_in_the_row(name: str, noun: Noun, expected: dict[str, Any]) -> None:
    found = row(read(*fixture(name))[0], noun)
    assert {column: found[column] for column in expected} == expected


def test_a_transfer_says_where_the_issue_went() -> None:
    event, payload = fixture("issues/transferred")
    went = payload["changes"]
    assert row(read(event, payload)[0], issue.noun)["transferred_to"] == {
        "repository_github_id": str(went["new_repository"]["id"]),
        "github_id": str(went["new_issue"]["id"]),
        "number": went["new_issue"]["number"],
    }


def test_a_comment_on_a_pull_request_counts_there_and_makes_no_issue() -> None:
    event, payload = fixture("issue_comment/created.on_pull_request")
    (counter,) = read(event, payload)[0].counters.values()
    assert (counter["number"], counter["comments_count"]) == (payload["issue"]["number"], payload["issue"]["comments"])


@pytest.mark.parametrize("name", ["repository/renamed", "repository/transferred"])
def test_a_repository_that_moved_is_seen_under_both_names(name: str) -> None:
    event, payload = fixture(name)
    seen = {sighting.full_name for sighting in read(event, payload)[0].sightings}
    assert payload["repository"]["full_name"] in seen
    assert len(seen) == 2


def test_a_deleted_repository_is_a_tombstone() -> None:
    (found,) = read(*fixture("repository/deleted"))[0].repositories.values()
    assert found["deleted_at"] == ARRIVED


@pytest.mark.parametrize(
    ("name", "removed_at"),
    [
        ("installation/created", None),
        ("installation/deleted", ARRIVED),
        ("installation_repositories/added", None),
        ("installation_repositories/removed", ARRIVED),
    ],
)
def test_an_installation_says_which_repositories_it_sees(name: str, removed_at: datetime | None) -> None:
    event, payload = fixture(name)
    batch, _ = read(event, payload)
    assert batch.repositories
    for found in batch.repositories.values():
        assert found["installation"] == str(payload["installation"]["id"])
        assert (found["removed_at"], found["access_observed_at"]) == (removed_at, ARRIVED)
        assert found["owner_id"] == str(payload["installation"]["account"]["id"])


@pytest.mark.parametrize(
    ("name", "suspended", "deleted_at"),
    [
        ("installation/created", False, None),
        ("installation/suspend", True, None),
        ("installation/unsuspend", False, None),
        ("installation/new_permissions_accepted", False, None),
        ("installation/deleted", False, ARRIVED),
    ],
)
def test_an_installation_is_written_whole(name: str, suspended: bool, deleted_at: datetime | None) -> None:
    (found,) = read(*fixture(name))[0].installations.values()
    assert (found["suspended_at"] is not None, found["deleted_at"]) == (suspended, deleted_at)
    assert found["permissions"]


@pytest.mark.parametrize("name", ["installation_target/renamed", "organization/renamed"])
def test_a_renamed_account_is_noted_by_its_installation(name: str) -> None:
    event, payload = fixture(name)
    ((installation_id, found),) = read(event, payload)[0].accounts.items()
    account = payload.get("account") or payload["organization"]
    assert installation_id == str(payload["installation"]["id"])
    assert (found["account_id"], found["account_login"]) == (str(account["id"]), account["login"])


@pytest.mark.parametrize(
    ("name", "removed_at", "where"),
    [
        ("organization/member_added", None, "account"),
        ("organization/member_removed", ARRIVED, "account"),
        ("membership/added", None, "account"),
        ("member/added", None, "repository"),
        ("member/removed", ARRIVED, "repository"),
    ],
)
def test_a_member_comes_and_goes(name: str, removed_at: datetime | None, where: str) -> None:
    (found,) = read(*fixture(name))[0].members
    assert found["removed_at"] == removed_at
    assert where in found


@pytest.mark.parametrize("name", ["organization/member_invited", "membership/removed"])
def test_who_is_only_invited_or_leaves_a_team_changes_no_membership(name: str) -> None:
    assert read(*fixture(name))[0].members == []


@pytest.mark.parametrize(
    ("name", "part", "path"),
    [
        ("issues/opened", "issue", "`issue`"),
        ("issues/opened", "issue.number", "`number` - at `$.issue`"),
        ("issues/opened", "repository", "`repository`"),
        ("issues/opened", "repository.id", "`id` - at `$.repository`"),
        ("issues/opened", "repository.full_name", "`full_name` - at `$.repository`"),
        ("issue_comment/created", "comment.id", "`id` - at `$.comment`"),
        ("issue_comment/created", "issue.number", "`number` - at `$.issue`"),
        ("label/edited", "label.id", "`id` - at `$.label`"),
        ("milestone/edited", "milestone.number", "`number` - at `$.milestone`"),
        ("pull_request/opened", "pull_request.number", "`number` - at `$.pull_request`"),
        ("push/push", "ref", "`ref`"),
        ("repository/renamed", "repository", "`repository`"),
        ("installation/created", "installation", "`installation`"),
        ("member/added", "repository", "`repository`"),
    ],
)
def test_a_missing_identity_parks_the_delivery_with_its_path(name: str, part: str, path: str) -> None:
    event, payload = fixture(name)
    *parents, leaf = part.split(".")
    place = payload
    for parent in parents:
        place = place[parent]
    del place[leaf]
    _, verdict = read(event, payload)
    assert verdict.status == "parked"
    assert path in (verdict.error or "")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"text"', b"\xff"])
def test_what_is_no_json_object_is_parked(body: bytes) -> None:
    assert read("issues", body)[1].status == "parked"
    assert read("star", body)[1].status == "ignored"


@pytest.mark.parametrize("name", ["issues/opened", "pull_request/opened", "label/edited", "installation/created"])
def test_an_unknown_action_and_extra_fields_are_no_error(name: str) -> None:
    event, payload = fixture(name)
    usual, _ = read(event, payload)
    unusual, verdict = read(event, payload | {"action": "danced", "tomorrow": {"id": None}})
    assert verdict == Verdict("processed")
    assert unusual.rows == usual.rows


def test_missing_and_unknown_values_of_optional_fields_are_no_error() -> None:
    event, payload = fixture("pull_request/opened")
    payload["pull_request"] = {
        "id": 1, "number": 2, "state": "levitating", "mergeable_state": "perhaps", "user": None, "labels": None,
        "head": {"repo": None}, "milestone": None, "assignees": [None],
    }  # fmt: skip
    batch, verdict = read(event, payload)
    assert verdict == Verdict("processed")
    assert row(batch, pull_request.noun)["state"] == "levitating"


def test_an_event_that_nobody_handles_heals_what_it_carries() -> None:
    _, payload = fixture("issues/closed")
    batch, verdict = read("issue_weather", {"repository": payload["repository"], "issue": payload["issue"]})
    assert verdict == Verdict("ignored")
    assert row(batch, issue.noun)["state"] == "closed"
    assert list(batch.repositories) == [str(payload["repository"]["id"])]


def test_the_issue_of_a_pull_request_is_no_issue() -> None:
    event, payload = fixture("issues/closed")
    payload["issue"]["pull_request"] = {}
    for name in (event, "issue_weather"):
        assert read(name, payload)[0].rows == {}


def test_an_issue_of_another_repository_is_left_to_its_own_hook() -> None:
    event, payload = fixture("sub_issues/sub_issue_added")
    payload["sub_issue_repo"] |= {"id": 404}
    batch, _ = read(event, payload)
    numbers = {number for _, number in batch.rows[issue.noun]}
    assert numbers == {payload["parent_issue"]["number"]}
    assert "404" not in batch.repositories


@pytest.mark.anyio
async def test_every_recorded_delivery_is_written(engine: AsyncEngine) -> None:
    deliveries = [claimed(delivery.event, delivery.body, delivery.guid) for delivery in DELIVERIES]
    async with transaction(engine) as conn:
        verdicts = await projection.project(conn, deliveries)
    assert {verdict.status for verdict in verdicts} == {"processed", "ignored"}
    for noun in (branch.noun, comment.noun, issue.noun, label.noun, milestone.noun, pull_request.noun):
        assert await query(engine, f"SELECT count(*) > 0 FROM {noun.name}") == [(True,)]
