"""Only what identifies a delivery's own noun parks it: any other part that cannot be read is unknown, and counted."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import metrics
from ghsync.inbox.delivery import Delivery
from ghsync.inbox.recorder import Recorder
from ghsync.mirror import branch, check_run, comment, issue, label, milestone, pull_request, review, workflow_run
from ghsync.mirror.noun import Noun
from ghsync.projector import project
from ghsync.worker import Worker
from tests.mirror.reports import query
from tests.projector.test_events import claimed, fixture, read, row

TEAM = {"id": 9, "slug": "core", "name": "Core"}
UMA = {"id": 63, "login": "uma"}
ASKED = [{"id": 63, "login": "uma"}]

DELIVERIES = "SELECT status, attempts, last_error FROM webhook_deliveries"
JOBS = "SELECT kind, reason FROM sync_jobs WHERE kind LIKE 'refetch_%' ORDER BY kind"
REASON = "a part of a payload could not be read"


def changed(name: str, path: str, value: Any) -> tuple[str, dict[str, Any]]:
    """Event and payload of a recorded delivery, with another value at a path."""
    event, payload = fixture(name)
    *parents, leaf = path.split(".")
    place = payload
    for parent in parents:
        place = place[parent]
    place[leaf] = value
    return event, payload


@pytest.mark.parametrize(("name", "path", "value", "noun", "column", "read_as"), [
    ("issues/opened", "issue.labels", [{"name": "old"}, {"id": 5}], issue.noun, "labels",
     [{"id": 5, "name": "", "color": None, "description": None}]),
    ("issues/opened", "issue.assignees", [{"login": "uma"}, UMA, {"id": 64}], issue.noun, "assignees", ASKED),
    ("issues/opened", "issue.user", {"login": "uma"}, issue.noun, "created_by", None),
    ("issues/opened", "issue.milestone", {"id": 1}, issue.noun, "milestone", None),
    ("issues/opened", "issue.comments", 2**31, issue.noun, "comments_count", None),
    ("issues/opened", "issue.comments", "12", issue.noun, "comments_count", None),
    ("issues/opened", "issue.title", ["x"], issue.noun, "title", ""),
    ("issues/opened", "issue.updated_at", "20222-01-01T00:00:00Z", issue.noun, "updated_at", None),
    ("issues/opened", "issue.updated_at", 10**12, issue.noun, "updated_at", None),
    ("issues/opened", "issue.updated_at", "yesterday", issue.noun, "updated_at", None),
    ("pull_request/opened", "pull_request.requested_reviewers", [{"id": 64}, UMA], pull_request.noun, "reviewers",
     ASKED),
    ("pull_request/opened", "pull_request.requested_teams", [{"slug": "core"}], pull_request.noun, "requested_teams",
     []),
    ("pull_request/opened", "pull_request.commits", 10**30, pull_request.noun, "commits", None),
    ("pull_request/opened", "pull_request.head", "x", pull_request.noun, "head_sha", None),
    ("pull_request_review/submitted", "review.user", 7, review.noun, "author", None),
    ("pull_request_review_comment/created", "comment.original_line", 2**40, comment.noun, "line", None),
    ("workflow_run/completed", "workflow_run.run_number", 2**40, workflow_run.noun, "run_number", None),
    ("pull_request_review_comment/created", "comment.in_reply_to_id", 2**63, comment.noun, "in_reply_to_id", None),
    ("check_run/completed", "check_run.check_suite.id", -(2**64), check_run.noun, "check_suite_id", None),
    ("issues/transferred", "changes.new_issue", {"id": 1, "number": 10**9}, issue.noun, "transferred_to", None),
    ("label/edited", "label.color", 0xFFFFFF, label.noun, "color", None),
    ("milestone/edited", "milestone.creator", [], milestone.noun, "created_by", None),
], ids=str)  # fmt: skip
def test_a_part_that_cannot_be_read_is_unknown(
    name: str, path: str, value: Any, noun: Noun, column: str, read_as: Any
) -> None:
    batch, verdict = read(*changed(name, path, value))
    assert row(batch, noun)[column] == read_as
    assert verdict.status == "processed"
    assert {found.replace("[...]", "") for found in verdict.unreadable} == {f"$.{path}"}
    assert f"$.{path}" in (verdict.error or "")


@pytest.mark.parametrize(("written", "seen"), [
    ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
    ("2016-12-31T23:59:60.5Z", datetime(2017, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)),
    ("2017-01-01T00:59:60+01:00", datetime(2017, 1, 1, tzinfo=UTC)),
    ("2017-01-01T00:00:00", datetime(2017, 1, 1, tzinfo=UTC)),
    (1_483_228_800, datetime(2017, 1, 1, tzinfo=UTC)),
    ("0001-01-01T00:00:00Z", None),
    ("0001-01-01T00:00:00+10:00", None),
    ("9999-12-31T23:59:59-10:00", None),
], ids=str)  # fmt: skip
def test_an_odd_time_is_read_as_what_it_means(written: Any, seen: datetime | None) -> None:
    batch, verdict = read(*changed("issues/opened", "issue.closed_at", written))
    assert row(batch, issue.noun)["closed_at"] == seen
    assert (verdict.status, verdict.error) == ("processed", None)


def test_a_team_among_the_reviewers_is_a_team() -> None:
    event, payload = changed("pull_request/opened", "pull_request.requested_reviewers", [TEAM, None, UMA])
    payload["pull_request"]["requested_teams"] = [{"id": 8, "slug": "docs"}]
    batch, verdict = read(event, payload)
    found = row(batch, pull_request.noun)
    assert found["reviewers"] == ASKED
    assert found["requested_teams"] == [{"id": 8, "slug": "docs"}, {"id": 9, "slug": "core"}]
    assert (verdict.status, verdict.error) == ("processed", None)


def test_a_number_with_an_exponent_is_that_number() -> None:
    event, payload = fixture("issues/opened")
    payload["issue"]["comments"] = -777
    batch, verdict = read(event, json.dumps(payload).replace("-777", "1e3").encode())
    assert row(batch, issue.noun)["comments_count"] == 1000
    assert (verdict.status, verdict.error) == ("processed", None)


def test_an_issue_that_says_oddly_that_it_is_a_pull_request_is_no_issue() -> None:
    batch, verdict = read(*changed("issues/opened", "issue.pull_request", True))
    assert issue.noun not in batch.rows
    assert verdict.status == "processed"


def test_an_issue_of_a_repository_that_cannot_be_read_is_not_taken_for_one_of_this() -> None:
    event, payload = fixture("sub_issues/sub_issue_added")
    payload["parent_issue_repo"] = {"id": "x", "full_name": "acme/other"}
    batch, verdict = read(event, payload)
    assert {found["number"] for found in batch.rows[issue.noun].values()} == {payload["sub_issue"]["number"]}
    assert verdict.unreadable == ("$.parent_issue_repo.id",)


@pytest.mark.parametrize(("name", "path", "value"), [
    ("issues/opened", "issue.number", 2**31), ("issues/opened", "issue.number", "1"),
    ("issues/opened", "issue.id", None), ("milestone/edited", "milestone.number", 2**40),
    ("label/edited", "label.id", "5"), ("pull_request_review_thread/resolved", "thread.node_id", "x" * 256),
    ("issues/opened", "repository.full_name", "x/" + "x" * 101), ("issues/opened", "repository.full_name", "x" * 101),
    ("issues/opened", "repository.id", 2**63), ("installation/created", "installation.id", 2**63),
], ids=str)  # fmt: skip
def test_what_identifies_the_noun_itself_parks_the_delivery_with_its_path(name: str, path: str, value: Any) -> None:
    _, verdict = read(*changed(name, path, value))
    assert verdict.status == "parked"
    assert path.rpartition(".")[2] in (verdict.error or "")


def test_two_branches_that_are_one_where_their_names_are_cut_are_one_row() -> None:
    batch, _ = read(*changed("push/push", "ref", "refs/heads/" + "x" * 255 + "one"))
    project.read(claimed(*changed("push/push", "ref", "refs/heads/" + "x" * 255 + "two")), batch)
    assert row(batch, branch.noun)["name"] == "x" * 255


def test_many_parts_are_told_in_one_sentence() -> None:
    event, payload = fixture("pull_request/opened")
    payload["pull_request"] |= dict.fromkeys(("commits", "additions", "deletions", "comments", "head"), "?")
    _, verdict = read(event, payload)
    assert (verdict.error or "").count(" - at ") == 3
    assert (verdict.error or "").endswith("; and 2 more.")


async def delivered(engine: AsyncEngine, event: str, payload: dict[str, Any]) -> None:
    """Let a delivery arrive and be projected."""
    headers = {"content-type": "application/json"}
    body = json.dumps(payload).encode()
    await Recorder(engine, 5).record(Delivery("integration:1", event, event, None, None, None, headers, body))
    await Worker(engine, batch_size=100, poll_seconds=60, max_attempts=5).drain()


@pytest.mark.anyio
@pytest.mark.parametrize(("name", "path", "value", "due"), [
    ("issues/opened", "issue.labels", [{"name": "old"}], "refetch_issue"),
    ("pull_request/closed", "pull_request.comments", 2**31, "refetch_pull_request"),
    ("issue_comment/created", "comment.user", 7, "refetch_comment"),
    ("issue_comment/created", "issue.comments", 2**31, "refetch_issue"),
])  # fmt: skip
async def test_the_api_is_asked_for_what_could_not_be_read(
    engine: AsyncEngine, name: str, path: str, value: Any, due: str
) -> None:
    event, payload = changed(name, path, value)
    await delivered(engine, event, payload)
    ((status, attempts, error),) = await query(engine, DELIVERIES)
    assert (status, attempts) == ("processed", 0)
    assert error.startswith("Left out, for it cannot be read: ")
    assert (due, REASON) in await query(engine, JOBS)


@pytest.mark.anyio
async def test_what_could_not_be_read_is_counted_once_a_delivery(engine: AsyncEngine) -> None:
    counter = metrics.unreadable.labels("issues", "$.issue.labels[...]")
    before = counter._value.get()
    await delivered(engine, *changed("issues/opened", "issue.labels", [{"name": "old"}] * 3))
    assert counter._value.get() == before + 1


@pytest.mark.anyio
async def test_a_part_of_the_repository_makes_no_issue_due(engine: AsyncEngine) -> None:
    await delivered(engine, *changed("issues/opened", "repository.topics", "none"))
    assert await query(engine, JOBS) == []
