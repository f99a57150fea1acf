from ghsync.simulator import review
from ghsync.simulator.actions import pull_requests, reviews
from ghsync.simulator.pull_request import PullRequest
from tests.simulator.conftest import Scene
from tests.simulator.sent import names


def test_a_pending_review_is_told_to_nobody(attentive_scene: Scene, pull_request: PullRequest) -> None:
    begun = reviews.begin(attentive_scene.world, pull_request, by=attentive_scene.ada)
    assert attentive_scene.sent() == []
    assert begun.submitted_at is None
    assert review.submitted(pull_request.reviews) == []
    assert "submitted_at" not in begun.as_rest_json()


def test_a_submitted_review_is_of_the_head_of_that_moment(attentive_scene: Scene, pull_request: PullRequest) -> None:
    submitted = reviews.submit(attentive_scene.world, pull_request, by=attentive_scene.ada, body="Bright.")
    (told,) = attentive_scene.sent()
    assert told.payload["review"]["state"] == "approved"
    assert submitted.as_rest_json()["state"] == "APPROVED"
    assert told.payload["review"]["commit_id"] == pull_request.head_commit.sha
    assert told.payload["pull_request"]["updated_at"] == told.payload["review"]["submitted_at"]


def test_an_edited_review_tells_what_it_said_before(attentive_scene: Scene, pull_request: PullRequest) -> None:
    submitted = reviews.submit(attentive_scene.world, pull_request, by=attentive_scene.ada, body="Bright.")
    reviews.edit(attentive_scene.world, submitted, "Bright enough.", by=attentive_scene.ada)
    _, edited = attentive_scene.sent()
    assert edited.payload["changes"] == {"body": {"from": "Bright."}}
    assert edited.payload["review"]["body"] == "Bright enough."


def test_a_dismissed_review_counts_no_longer(attentive_scene: Scene, pull_request: PullRequest) -> None:
    refused = reviews.submit(attentive_scene.world, pull_request, by=attentive_scene.ada, state="CHANGES_REQUESTED")
    assert review.latest_opinions(pull_request) == [refused]
    reviews.dismiss(attentive_scene.world, refused, by=attentive_scene.ben)
    assert review.latest_opinions(pull_request) == []
    assert names(attentive_scene.sent()) == ["pull_request_review.submitted", "pull_request_review.dismissed"]


def test_a_comment_does_not_take_an_approval_back(attentive_scene: Scene, pull_request: PullRequest) -> None:
    approved = reviews.submit(attentive_scene.world, pull_request, by=attentive_scene.ada)
    reviews.submit(attentive_scene.world, pull_request, by=attentive_scene.ada, state="COMMENTED", body="One more.")
    assert review.latest_opinions(pull_request) == [approved]


def test_an_author_has_no_opinion_of_their_own_work(attentive_scene: Scene, pull_request: PullRequest) -> None:
    reviews.submit(attentive_scene.world, pull_request, by=attentive_scene.ben)
    assert review.latest_opinions(pull_request) == []


def test_who_has_reviewed_can_be_asked_again(attentive_scene: Scene, pull_request: PullRequest) -> None:
    world, ada, ben = attentive_scene.world, attentive_scene.ada, attentive_scene.ben
    pull_requests.request_review(world, pull_request, ada, by=ben)
    reviews.submit(world, pull_request, by=ada, state="CHANGES_REQUESTED")
    pull_requests.request_review(world, pull_request, ada, by=ben)
    assert pull_request.requested_reviewers == [ada]
    assert names(attentive_scene.sent())[-1] == "pull_request.review_requested"
