import pytest

from ghsync.simulator.actions import checks, pull_requests, review_threads, reviews, statuses
from ghsync.simulator.check_suite import Conclusion
from ghsync.simulator.commit_status import StatusState
from ghsync.simulator.pull_request import PullRequest
from tests.simulator.graphql.conftest import Asking


def test_pending_reviews_are_not_shown(asking: Asking, pull_request: PullRequest) -> None:
    world, ada = asking.scene.world, asking.scene.ada
    pending = reviews.begin(world, pull_request, by=ada)
    review_threads.start(world, pull_request, "lamp.c", 3, "Why?", by=ada, review=pending)
    asked = "pullRequest(number: 1) { reviews { totalCount } reviewThreads { totalCount } }"
    assert asking.repository(asked)["pullRequest"] == {"reviews": {"totalCount": 0}, "reviewThreads": {"totalCount": 0}}
    review_threads.submit(world, pending)
    assert asking.repository(asked)["pullRequest"] == {"reviews": {"totalCount": 1}, "reviewThreads": {"totalCount": 1}}


def test_a_review_says_what_rest_says(asking: Asking, pull_request: PullRequest) -> None:
    review = reviews.submit(asking.scene.world, pull_request, by=asking.scene.ada, body="Bright.")
    rest = review.as_rest_json()
    (shown,) = asking.repository(
        """pullRequest(number: 1) { reviews(first: 5) { nodes { id fullDatabaseId state body submittedAt
        author { login } commit { oid } url } } }"""
    )["pullRequest"]["reviews"]["nodes"]
    assert shown == {
        "id": rest["node_id"],
        "fullDatabaseId": str(rest["id"]),
        "state": rest["state"],
        "body": rest["body"],
        "submittedAt": rest["submitted_at"],
        "author": {"login": "ada"},
        "commit": {"oid": rest["commit_id"]},
        "url": rest["html_url"],
    }


def test_who_is_asked_anew_has_no_latest_review(asking: Asking, pull_request: PullRequest) -> None:
    scene = asking.scene
    reviews.submit(scene.world, pull_request, by=scene.ada)
    asked = "pullRequest(number: 1) { latestReviews { totalCount } latestOpinionatedReviews { totalCount } }"
    pull_requests.request_review(scene.world, pull_request, scene.ada, by=scene.ben)
    shown = asking.repository(asked)["pullRequest"]
    assert shown == {"latestReviews": {"totalCount": 0}, "latestOpinionatedReviews": {"totalCount": 1}}


def test_a_thread_shows_its_comments_and_who_settled_it(asking: Asking, pull_request: PullRequest) -> None:
    scene = asking.scene
    thread = review_threads.start(scene.world, pull_request, "lamp.c", 3, "Why?", by=scene.ada)
    review_threads.reply(scene.world, thread, "Because.", by=scene.ben)
    review_threads.resolve(scene.world, thread, by=scene.ben)
    (shown,) = asking.repository(
        """pullRequest(number: 1) { reviewThreads(first: 5) { nodes { isResolved resolvedBy { login } path line
        comments(first: 5) { nodes { body replyTo { body } } } } } }"""
    )["pullRequest"]["reviewThreads"]["nodes"]
    assert shown == {
        "isResolved": True,
        "resolvedBy": {"login": "ben"},
        "path": "lamp.c",
        "line": 3,
        "comments": {"nodes": [{"body": "Why?", "replyTo": None}, {"body": "Because.", "replyTo": {"body": "Why?"}}]},
    }


@pytest.mark.parametrize(
    ("conclusions", "states", "together"),
    [
        (["success", "skipped"], ["success"], "SUCCESS"),
        (["success", None], [], "PENDING"),
        (["failure", None], ["success"], "FAILURE"),
        (["success"], ["pending"], "PENDING"),
        ([], ["error"], "ERROR"),
    ],
)
def test_checks_and_statuses_are_rolled_up(
    asking: Asking,
    pull_request: PullRequest,
    conclusions: list[Conclusion | None],
    states: list[StatusState],
    together: str,
) -> None:
    world, ada = asking.scene.world, asking.scene.ada
    for number, conclusion in enumerate(conclusions):
        run = checks.start(world, pull_request, f"check {number}", by=ada)
        if conclusion is not None:
            checks.complete(world, run, by=ada, conclusion=conclusion)
    for number, state in enumerate(states):
        statuses.create(world, asking.scene.repository, pull_request.head_commit, f"ci {number}", state, by=ada)
    shown = asking.repository("pullRequest(number: 1) { statusCheckRollup { state contexts { totalCount } } }")
    assert shown["pullRequest"]["statusCheckRollup"] == {
        "state": together,
        "contexts": {"totalCount": len(conclusions) + len(states)},
    }


def test_a_head_without_checks_has_no_rollup(asking: Asking, pull_request: PullRequest) -> None:
    shown = asking.repository(f"pullRequest(number: {pull_request.number}) {{ statusCheckRollup {{ state }} }}")
    assert shown["pullRequest"]["statusCheckRollup"] is None


def test_superseded_attempts_are_shown_only_on_demand(asking: Asking, pull_request: PullRequest) -> None:
    world, ada = asking.scene.world, asking.scene.ada
    failed = checks.complete_check_run(world, pull_request, "bulb", by=ada, conclusion="failure")
    again = checks.run_again(world, failed, by=ada)
    shown = asking.repository(
        """pullRequest(number: 1) {
        statusCheckRollup { contexts(first: 9) { nodes { ... on CheckRun { databaseId } } } }
        commits(last: 1) { nodes { commit { checkSuites(first: 9) { nodes { status
        all: checkRuns(first: 9, filterBy: {checkType: ALL}) { nodes { databaseId conclusion status } }
        } } } } } }"""
    )["pullRequest"]
    assert shown["statusCheckRollup"]["contexts"]["nodes"] == [{"databaseId": again.id}]
    (suite,) = shown["commits"]["nodes"][0]["commit"]["checkSuites"]["nodes"]
    assert suite == {
        "status": "QUEUED",
        "all": {
            "nodes": [
                {"databaseId": failed.id, "conclusion": "FAILURE", "status": "COMPLETED"},
                {"databaseId": again.id, "conclusion": None, "status": "QUEUED"},
            ]
        },
    }
