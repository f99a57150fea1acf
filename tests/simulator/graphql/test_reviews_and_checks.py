from typing import Any

import pytest

from ghsync.simulator.actions import (
    branches,
    checks,
    pull_requests,
    repositories,
    review_threads,
    reviews,
    statuses,
)
from ghsync.simulator.check_suite import Conclusion
from ghsync.simulator.commit import Change
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


THREADS = """pullRequest(number: 1) { reviews(first: 5) { nodes {
    fullDatabaseId id state body url author { login } authorAssociation commit { oid } submittedAt updatedAt } }
reviewThreads(first: 5) { nodes { id isResolved isOutdated resolvedBy { login } path line
    comments(first: 5) { nodes { fullDatabaseId id body url author { login } createdAt updatedAt path line
        replyTo { fullDatabaseId } pullRequestReview { fullDatabaseId } originalCommit { oid } commit { oid }
    } } } } }"""


def test_a_review_comment_says_what_rest_says(asking: Asking, pull_request: PullRequest) -> None:
    scene = asking.scene
    thread = review_threads.start(scene.world, pull_request, "lamp.c", 3, "Why?", by=scene.ada)
    reply = review_threads.reply(scene.world, thread, "Because.", by=scene.ben)
    shown = asking.repository(THREADS)["pullRequest"]
    (place,) = shown["reviewThreads"]["nodes"]
    assert [each["fullDatabaseId"] for each in shown["reviews"]["nodes"]] == [
        str(comment.review.id) for comment in thread.comments
    ]
    for comment, node in zip(thread.comments, place["comments"]["nodes"], strict=True):
        rest = comment.as_json()
        assert node == {
            "fullDatabaseId": str(rest["id"]),
            "id": rest["node_id"],
            "body": rest["body"],
            "url": rest["html_url"],
            "author": {"login": rest["user"]["login"]},
            "createdAt": rest["created_at"],
            "updatedAt": rest["updated_at"],
            "path": rest["path"],
            "line": rest["line"],
            "replyTo": {"fullDatabaseId": str(thread.comments[0].id)} if comment is reply else None,
            "pullRequestReview": {"fullDatabaseId": str(rest["pull_request_review_id"])},
            "originalCommit": {"oid": rest["original_commit_id"]},
            "commit": {"oid": rest["commit_id"]},
        }


CHECKS = """pullRequest(number: 1) { commits(last: 1) { nodes { commit { oid
    status { contexts { context state description targetUrl createdAt } }
    checkSuites(first: 9) { nodes { databaseId status conclusion app { databaseId slug }
        checkRuns(first: 9, filterBy: {checkType: ALL}) { nodes { databaseId name status conclusion } }
        workflowRun { databaseId event runNumber url createdAt updatedAt workflow { databaseId name } } } } } } } }"""


def head_of(shown: Any) -> Any:
    """The head in the answer to what asks for it."""
    return shown["pullRequest"]["commits"]["nodes"][0]["commit"]


def test_checks_of_a_head_are_shown_with_their_workflows(asking: Asking, pull_request: PullRequest) -> None:
    world, ada = asking.scene.world, asking.scene.ada
    run = checks.complete_check_run(world, pull_request, "build", by=ada, app=world.ci, event="push")
    own = checks.start(world, pull_request, "bulb", by=ada)
    statuses.create(world, asking.scene.repository, pull_request.head_commit, "ci", "success", by=ada)
    head = head_of(asking.repository(CHECKS))
    workflow_run = run.suite.workflow_run
    assert workflow_run is not None
    rest = workflow_run.as_json()
    assert head["oid"] == pull_request.head_commit.sha
    assert [each["context"] for each in head["status"]["contexts"]] == ["ci"]
    assert [
        (each["databaseId"], each["checkRuns"]["nodes"][0]["databaseId"]) for each in head["checkSuites"]["nodes"]
    ] == [
        (run.suite.id, run.id),
        (own.suite.id, own.id),
    ]
    assert [each["workflowRun"] for each in head["checkSuites"]["nodes"]] == [
        {
            "databaseId": rest["id"],
            "event": "push",
            "runNumber": 1,
            "url": rest["html_url"],
            "createdAt": rest["created_at"],
            "updatedAt": rest["updated_at"],
            "workflow": {"databaseId": rest["workflow_id"], "name": "CI"},
        },
        None,
    ]


@pytest.mark.parametrize(
    ("permission", "path"),
    [
        ("checks", ["checkSuites"]),
        ("statuses", ["status"]),
        ("actions", ["checkSuites", "nodes", 0, "workflowRun"]),
    ],
)
def test_what_is_not_permitted_of_a_head_is_null_and_the_rest_is_there(
    asking: Asking, pull_request: PullRequest, permission: str, path: list[str | int]
) -> None:
    world, ada = asking.scene.world, asking.scene.ada
    checks.complete_check_run(world, pull_request, "build", by=ada, app=world.ci)
    statuses.create(world, asking.scene.repository, pull_request.head_commit, "ci", "success", by=ada)
    asking.eyes.forbidden.append(permission)
    query = f'{{ repository(owner: "lighthouse", name: "lamp") {{ {CHECKS} }} }}'
    answered = asking.answer(query)
    place = ["repository", "pullRequest", "commits", "nodes", 0, "commit", *path]
    assert answered.status == 200
    assert [(each["type"], each["path"]) for each in answered.payload["errors"]] == [("FORBIDDEN", place)]
    found = answered.payload["data"]
    for step in place:
        found = found[step]
    assert found is None
    assert head_of(answered.payload["data"]["repository"])["oid"] == pull_request.head_commit.sha


@pytest.mark.parametrize(
    ("filters", "kept"),
    [
        ("", ["lint", "build"]),
        ('checkName: "lint"', ["lint"]),
        ("checkType: ALL, statuses: [COMPLETED]", ["lint", "build"]),
        ("checkType: ALL, status: QUEUED", ["build"]),
        ("conclusions: [SUCCESS, SKIPPED]", ["lint"]),
        ("appId: 1", []),
    ],
)
def test_check_runs_are_filtered(asking: Asking, pull_request: PullRequest, filters: str, kept: list[str]) -> None:
    world, ada = asking.scene.world, asking.scene.ada
    failed = checks.complete_check_run(world, pull_request, "build", by=ada, conclusion="failure")
    checks.complete_check_run(world, pull_request, "lint", by=ada)
    checks.run_again(world, failed, by=ada)
    asked = f"filterBy: {{{filters}}}, first: 9"
    head = head_of(
        asking.repository(
            f"pullRequest(number: 1) {{ commits(last: 1) {{ nodes {{ commit {{ checkSuites(first: 1) {{ nodes {{"
            f" checkRuns({asked}) {{ nodes {{ name }} }} }} }} }} }} }} }}"
        )
    )
    shown = head["checkSuites"]["nodes"][0]["checkRuns"]["nodes"]
    assert sorted(each["name"] for each in shown) == sorted(kept)


def test_a_head_that_is_only_in_a_fork_is_found(asking: Asking) -> None:
    scene = asking.scene
    juno = scene.world.add_account("juno")
    fork = repositories.create(scene.world, juno, "lamp", by=juno, fork_of=scene.repository)
    commit = branches.commit(scene.world, juno, "Dimmer", Change("lamp.c", 1))
    branches.create(scene.world, fork, "dimmer", commit, by=juno)
    opened = pull_requests.open_pull_request(
        scene.world, scene.repository, "dimmer", "Dimmer", by=juno, head_repository=fork
    )
    run = checks.complete_check_run(scene.world, opened, "build", by=juno, app=scene.world.ci)
    query = """query($ids: [ID!]!) { nodes(ids: $ids) {
        ... on Commit { oid checkSuites(first: 1) { nodes { databaseId } } } } }"""
    shown = asking.data(query, ids=[commit.node_id(scene.repository.id)])["nodes"]
    assert shown == [{"oid": commit.sha, "checkSuites": {"nodes": [{"databaseId": run.suite.id}]}}]
