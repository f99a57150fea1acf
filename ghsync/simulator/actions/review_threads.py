"""Comments on lines of a pull request, and the threads they stand in."""

from ghsync.simulator.account import Account
from ghsync.simulator.actions import conversations, reviews
from ghsync.simulator.pull_request import PullRequest
from ghsync.simulator.review import Review, ReviewState
from ghsync.simulator.review_comment import ReviewComment, ReviewThread
from ghsync.simulator.world import World


def start(
    world: World,
    pull_request: PullRequest,
    path: str,
    line: int,
    body: str,
    *,
    by: Account,
    review: Review | None = None,
) -> ReviewThread:
    """Comment on a line: within a pending review, or at once, for which GitHub makes a review without a text."""
    thread = ReviewThread(
        id=world.identities.next_id("review_thread"),
        pull_request=pull_request,
        path=path,
        line=line,
        commit=pull_request.head_commit,
    )
    pull_request.threads.append(thread)
    _add(world, thread, body, by, review)
    return thread


def reply(world: World, thread: ReviewThread, body: str, *, by: Account) -> ReviewComment:
    """Answer in a thread."""
    return _add(world, thread, body, by, None)


def edit(world: World, comment: ReviewComment, body: str, *, by: Account) -> None:
    """Write the comment anew."""
    changes = {"body": {"from": comment.body}}
    comment.body = body
    comment.updated_at = world.now()
    conversations.touch(world, comment.thread.pull_request)
    _send_comment(world, "edited", comment, by, changes=changes)


def delete(world: World, comment: ReviewComment, *, by: Account) -> None:
    """Delete the comment; a thread goes with its last one."""
    thread = comment.thread
    thread.comments.remove(comment)
    if not thread.comments:
        thread.pull_request.threads.remove(thread)
    conversations.touch(world, thread.pull_request)
    _send_comment(world, "deleted", comment, by)


def resolve(world: World, thread: ReviewThread, *, by: Account) -> None:
    """Say that the thread is settled."""
    thread.resolved_by = by
    _send_thread(world, "resolved", thread, by)


def unresolve(world: World, thread: ReviewThread, *, by: Account) -> None:
    """Say that the thread is not settled after all."""
    thread.resolved_by = None
    _send_thread(world, "unresolved", thread, by)


def submit(world: World, review: Review, *, state: ReviewState = "COMMENTED") -> None:
    """Submit a pending review with its comments: the review is told first, and then each of them."""
    reviews.finish(world, review, state=state)
    for comment in review.pull_request.review_comments:
        if comment.review is review:
            _send_comment(world, "created", comment, review.author)


def _add(world: World, thread: ReviewThread, body: str, by: Account, review: Review | None) -> ReviewComment:
    pull_request = thread.pull_request
    comment = ReviewComment(
        id=world.identities.next_id("review_comment"),
        thread=thread,
        review=review or reviews.begin(world, pull_request, by=by),
        author=by,
        author_association=world.association(by, pull_request.repository),
        body=body,
        created_at=world.now(),
        updated_at=world.now(),
        reply_to=thread.comments[0] if thread.comments else None,
    )
    thread.comments.append(comment)
    if review is None:
        submit(world, comment.review)
    return comment


def _send_comment(world: World, action: str, comment: ReviewComment, by: Account, **fields: object) -> None:
    pull_request = comment.thread.pull_request
    world.send_about_repository(
        "pull_request_review_comment",
        action,
        pull_request.repository,
        by,
        comment=comment.as_json(),
        pull_request=pull_request.as_short_json(world.now()),
        **fields,
    )


def _send_thread(world: World, action: str, thread: ReviewThread, by: Account) -> None:
    pull_request = thread.pull_request
    conversations.touch(world, pull_request)
    world.send_about_repository(
        "pull_request_review_thread",
        action,
        pull_request.repository,
        by,
        thread=thread.as_json(),
        pull_request=pull_request.as_short_json(world.now()),
    )
