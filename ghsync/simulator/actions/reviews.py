"""Reviews of pull requests, from the first pending note to the dismissal."""

from ghsync.simulator.account import Account
from ghsync.simulator.actions import conversations
from ghsync.simulator.pull_request import PullRequest
from ghsync.simulator.review import WRITERS, Review, ReviewState
from ghsync.simulator.world import World


def begin(world: World, pull_request: PullRequest, *, by: Account, body: str | None = None) -> Review:
    """Begin a review that nobody else sees yet: nothing is sent."""
    association = world.association(by, pull_request.repository)
    review = Review(
        id=world.identities.next_id("review"),
        pull_request=pull_request,
        author=by,
        author_association=association,
        author_can_push=association in WRITERS,
        state="PENDING",
        commit=pull_request.head_commit,
        created_at=world.now(),
        updated_at=world.now(),
        body=body,
    )
    pull_request.reviews.append(review)
    return review


def finish(world: World, review: Review, *, state: ReviewState = "APPROVED") -> None:
    """Submit a pending review; its author is no longer among those asked, and no `pull_request` event tells so."""
    pull_request, author = review.pull_request, review.author
    review.state = state
    review.submitted_at = review.updated_at = world.now()
    review.commit = pull_request.head_commit
    if author in pull_request.requested_reviewers:
        pull_request.requested_reviewers.remove(author)
    conversations.touch(world, pull_request)
    _send(world, "submitted", review, author)


def submit(
    world: World,
    pull_request: PullRequest,
    *,
    by: Account,
    state: ReviewState = "APPROVED",
    body: str | None = None,
) -> Review:
    """Review in one go."""
    review = begin(world, pull_request, by=by, body=body)
    finish(world, review, state=state)
    return review


def edit(world: World, review: Review, body: str, *, by: Account) -> None:
    """Write the text of the review anew."""
    changes = {"body": {"from": review.body or ""}}
    review.body = body
    _touch(world, review)
    _send(world, "edited", review, by, changes=changes)


def dismiss(world: World, review: Review, *, by: Account) -> None:
    """Let the review count no longer."""
    review.state = "DISMISSED"
    _touch(world, review)
    _send(world, "dismissed", review, by)


def _touch(world: World, review: Review) -> None:
    review.updated_at = world.now()
    conversations.touch(world, review.pull_request)


def _send(world: World, action: str, review: Review, by: Account, **fields: object) -> None:
    pull_request = review.pull_request
    world.send_about_repository(
        "pull_request_review",
        action,
        pull_request.repository,
        by,
        review=review.as_json(),
        pull_request=pull_request.as_short_json(world.now()),
        **fields,
    )
