from ghsync.simulator.actions import branches, review_threads, reviews
from ghsync.simulator.commit import Change
from ghsync.simulator.pull_request import PullRequest
from tests.simulator.conftest import Scene
from tests.simulator.sent import names


def test_a_comment_on_a_line_comes_with_a_review(attentive_scene: Scene, pull_request: PullRequest) -> None:
    review_threads.start(attentive_scene.world, pull_request, "lamp.c", 7, "Why?", by=attentive_scene.ada)
    submitted, created = attentive_scene.sent()
    assert (submitted.name, created.name) == ("pull_request_review.submitted", "pull_request_review_comment.created")
    assert submitted.payload["review"]["state"] == "commented"
    assert created.payload["comment"]["pull_request_review_id"] == submitted.payload["review"]["id"]
    assert pull_request.as_json(attentive_scene.world.now())["review_comments"] == 1


def test_comments_of_a_pending_review_are_told_when_it_is_submitted(
    attentive_scene: Scene, pull_request: PullRequest
) -> None:
    world, ada = attentive_scene.world, attentive_scene.ada
    pending = reviews.begin(world, pull_request, by=ada)
    review_threads.start(world, pull_request, "lamp.c", 7, "Why?", by=ada, review=pending)
    review_threads.start(world, pull_request, "lamp.c", 9, "And why this?", by=ada, review=pending)
    assert attentive_scene.sent() == []
    assert pull_request.review_comments == []
    review_threads.submit(world, pending, state="CHANGES_REQUESTED")
    assert names(attentive_scene.sent()) == [
        "pull_request_review.submitted",
        "pull_request_review_comment.created",
        "pull_request_review_comment.created",
    ]


def test_a_reply_names_the_first_comment(attentive_scene: Scene, pull_request: PullRequest) -> None:
    thread = review_threads.start(attentive_scene.world, pull_request, "lamp.c", 7, "Why?", by=attentive_scene.ada)
    review_threads.reply(attentive_scene.world, thread, "Because.", by=attentive_scene.ben)
    again = review_threads.reply(attentive_scene.world, thread, "I see.", by=attentive_scene.ada)
    assert again.as_json()["in_reply_to_id"] == thread.comments[0].id
    assert "in_reply_to_id" not in thread.comments[0].as_json()


def test_a_thread_is_resolved_and_opened_again(attentive_scene: Scene, pull_request: PullRequest) -> None:
    thread = review_threads.start(attentive_scene.world, pull_request, "lamp.c", 7, "Why?", by=attentive_scene.ada)
    attentive_scene.sent()
    review_threads.resolve(attentive_scene.world, thread, by=attentive_scene.ben)
    assert thread.resolved_by is attentive_scene.ben
    review_threads.unresolve(attentive_scene.world, thread, by=attentive_scene.ada)
    assert thread.resolved_by is None
    told = attentive_scene.sent()
    assert names(told) == ["pull_request_review_thread.resolved", "pull_request_review_thread.unresolved"]
    assert [comment["body"] for comment in told[0].payload["thread"]["comments"]] == ["Why?"]


def test_a_force_push_makes_a_thread_outdated(attentive_scene: Scene, pull_request: PullRequest) -> None:
    scene = attentive_scene
    thread = review_threads.start(scene.world, pull_request, "lamp.c", 7, "Why?", by=scene.ada)
    comment = thread.comments[0]
    more = branches.commit(scene.world, scene.ben, "More", Change("lens.c", 1))
    branches.push(scene.world, scene.repository, "brighter", more, by=scene.ben)
    assert (comment.as_json()["line"], comment.as_json()["commit_id"]) == (7, more.sha)
    other = branches.commit(scene.world, scene.ben, "Other", Change("lamp.c", 3))
    branches.force_push(scene.world, scene.repository, "brighter", other, by=scene.ben, instead_of=2)
    shown = comment.as_json()
    assert (shown["line"], shown["position"], shown["original_line"]) == (None, None, 7)
    assert shown["commit_id"] == shown["original_commit_id"] != other.sha


def test_a_thread_goes_with_its_last_comment(attentive_scene: Scene, pull_request: PullRequest) -> None:
    thread = review_threads.start(attentive_scene.world, pull_request, "lamp.c", 7, "Why?", by=attentive_scene.ada)
    comment = thread.comments[0]
    review_threads.edit(attentive_scene.world, comment, "Why that?", by=attentive_scene.ada)
    review_threads.delete(attentive_scene.world, comment, by=attentive_scene.ada)
    assert pull_request.threads == []
    assert names(attentive_scene.sent())[-2:] == [
        "pull_request_review_comment.edited",
        "pull_request_review_comment.deleted",
    ]
