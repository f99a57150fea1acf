"""What is sent and shown is what GitHub documents: its published models, strict, accept it."""

import json

import pytest
from githubkit import webhooks
from githubkit_schemas.latest import models
from pydantic import BaseModel, TypeAdapter

from ghsync.simulator.actions import checks, review_threads, reviews, statuses
from ghsync.simulator.payload import Json
from ghsync.simulator.pull_request import PullRequest
from tests.fixtures.test_deliveries import MISSING_IN_SOME_MODELS, UNDOCUMENTED, undocumented_fields
from tests.simulator.conftest import Scene


@pytest.fixture
def busy_scene(attentive_scene: Scene, pull_request: PullRequest) -> Scene:
    """Every kind of review and check has happened."""
    world, ada, ben = attentive_scene.world, attentive_scene.ada, attentive_scene.ben
    refused = reviews.submit(world, pull_request, by=ada, state="CHANGES_REQUESTED", body="Too dim.")
    reviews.edit(world, refused, "Far too dim.", by=ada)
    reviews.dismiss(world, refused, by=ada)
    thread = review_threads.start(world, pull_request, "lamp.c", 3, "Dim?", by=ada)
    reply = review_threads.reply(world, thread, "Dim.", by=ben)
    review_threads.edit(world, reply, "Dim!", by=ben)
    review_threads.resolve(world, thread, by=ada)
    review_threads.unresolve(world, thread, by=ada)
    failed = checks.start(world, pull_request, "bulb", by=ada)
    checks.complete(world, failed, by=ada, conclusion="failure")
    checks.complete(world, checks.run_again(world, failed, by=ada), by=ada)
    checks.complete_check_run(world, pull_request, "build", by=ada, app=world.ci, title="Built")
    checks.await_approval(world, pull_request, by=ada, workflow="Nightly")
    checks.start(world, pull_request, "e2e", by=ada, app=world.ci, workflow="Release", status="in_progress")
    review_threads.delete(world, reply, by=ben)
    statuses.create(world, attentive_scene.repository, pull_request.head_commit, "ci", "error", by=ada)
    return attentive_scene


def test_githubs_models_accept_every_event_about_reviews_and_checks(busy_scene: Scene) -> None:
    deliveries = busy_scene.world.deliveries
    told = {(each.event, json.loads(each.body).get("action")) for each in deliveries}
    assert told == {
        ("check_run", "completed"),
        ("check_run", "created"),
        ("check_run", "rerequested"),
        ("check_suite", "completed"),
        ("check_suite", "requested"),
        ("pull_request_review", "dismissed"),
        ("pull_request_review", "edited"),
        ("pull_request_review", "submitted"),
        ("pull_request_review_comment", "created"),
        ("pull_request_review_comment", "deleted"),
        ("pull_request_review_comment", "edited"),
        ("pull_request_review_thread", "resolved"),
        ("pull_request_review_thread", "unresolved"),
        ("status", None),
        ("workflow_run", "completed"),
        ("workflow_run", "in_progress"),
        ("workflow_run", "requested"),
    }
    for each in deliveries:
        parsed = webhooks.parse(each.event, each.body)
        unknown = set(undocumented_fields(parsed, json.loads(each.body)))
        assert unknown <= set(UNDOCUMENTED) | MISSING_IN_SOME_MODELS, each.event


def test_githubs_models_accept_reviews_as_rest_shows_them(busy_scene: Scene) -> None:
    (pull_request,) = busy_scene.repository.pull_requests.values()
    for review in pull_request.reviews:
        assert accepted(models.PullRequestReview, review.as_rest_json()) == set()
    for comment in pull_request.review_comments:
        assert accepted(models.PullRequestReviewComment, comment.as_json()) == set()


def test_githubs_models_accept_checks_as_rest_shows_them(busy_scene: Scene) -> None:
    (suites,) = busy_scene.repository.check_suites.values()
    for suite in suites:
        assert accepted(models.CheckSuite, suite.as_rest_json()) <= set(UNDOCUMENTED)
        for run in suite.runs:
            assert accepted(models.CheckRun, run.as_rest_json()) <= set(UNDOCUMENTED)


def test_githubs_models_accept_statuses_as_rest_shows_them(busy_scene: Scene) -> None:
    (found,) = busy_scene.repository.statuses.values()
    for status in found:
        assert accepted(models.Status, status.as_json()) == set()
        assert accepted(models.SimpleCommitStatus, status.as_combined_json()) == set()


def accepted(model: type[BaseModel], shown: Json) -> set[str]:
    """The fields that a model does not have, of something that it must accept as strict JSON."""
    parsed = TypeAdapter(model).validate_json(json.dumps(shown), strict=True)
    return set(undocumented_fields(parsed, shown))
