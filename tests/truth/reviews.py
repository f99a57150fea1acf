"""What the mirror must show of what reviewers say: reviews, and comments on lines with their threads."""

from ghsync.simulator.pull_request import PullRequest
from ghsync.simulator.repository import Repository
from ghsync.simulator.review import Review, submitted
from ghsync.simulator.review_comment import ReviewComment, ReviewThread
from tests.truth.values import Row, Tables, login, second


def of(repository: Repository) -> Tables:
    """The reviews of its pull requests that others than their authors can see, with all that is in them."""
    number = str(repository.id)
    pulls = repository.pull_requests.values()
    return {
        "github_reviews": {
            (number, str(review.id)): _review(review) for each in pulls for review in submitted(each.reviews)
        },
        "github_review_threads": {
            (number, thread.node_id): _thread(thread) for each in pulls for thread in each.threads if thread.visible
        },
        "github_comments": {
            (number, "review_comment", str(comment.id)): _comment(each, comment)
            for each in pulls
            for comment in each.review_comments
        },
    }


def _review(review: Review) -> Row:
    return {
        "node_id": review.node_id,
        "number": review.pull_request.number,
        "author": login(review.author),
        "state": review.state.lower(),
        "body": review.body or None,
        "html_url": review.html_url,
        "commit_sha": review.commit.sha,
        "author_association": review.author_association,
        "submitted_at": second(review.submitted_at),
    }


def _thread(thread: ReviewThread) -> Row:
    return {
        "number": thread.pull_request.number,
        "path": thread.path,
        "line": thread.line,
        "first_comment_id": str(thread.visible[0].id),
        "resolved": thread.resolved_by is not None,
        "resolved_by": thread.resolved_by and login(thread.resolved_by),
    }


def _comment(pull: PullRequest, comment: ReviewComment) -> Row:
    return {
        "node_id": comment.node_id,
        "number": pull.number,
        "author": login(comment.author),
        "body": comment.body,
        "html_url": comment.html_url,
        "created_at": second(comment.created_at),
        "updated_at": second(comment.updated_at),
        "review_id": str(comment.review.id),
        "in_reply_to_id": comment.reply_to and str(comment.reply_to.id),
        "path": comment.thread.path,
        "line": comment.thread.line,
        "commit_sha": comment.thread.commit.sha,
    }
