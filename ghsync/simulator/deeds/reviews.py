"""What reviewers do."""

from ghsync.simulator import prose
from ghsync.simulator.actions import review_threads, reviews
from ghsync.simulator.deeds.stage import Kinds, Stage, name_of
from ghsync.simulator.pull_request import PullRequest
from ghsync.simulator.review import Review, ReviewState, submitted
from ghsync.simulator.review_comment import ReviewThread

STATES: tuple[ReviewState, ...] = ("APPROVED", "APPROVED", "COMMENTED", "CHANGES_REQUESTED")


def review(stage: Stage) -> str:
    """Review in one go."""
    pull_request = stage.open_pull_request()
    by = stage.member(pull_request.repository.owner, pull_request.issue.author)
    text = stage.random.choice(prose.VERDICTS)
    reviews.submit(stage.world, pull_request, by=by, state=stage.random.choice(STATES), body=text)
    return f"{by.login} reviewed {name_of(pull_request)}"


def begin(stage: Stage) -> str:
    """Begin a review that nobody else sees yet."""
    pull_request = stage.open_pull_request()
    begun = {each.author for each in pull_request.reviews if each.state == "PENDING"}
    by = stage.member(pull_request.repository.owner, pull_request.issue.author, *begun)
    pending = reviews.begin(stage.world, pull_request, by=by)
    _start(stage, pull_request, pending)
    return f"{by.login} began to review {name_of(pull_request)}"


def finish(stage: Stage) -> str:
    """Submit a review that was begun."""
    pull_request = stage.open_pull_request(lambda each: any(review.state == "PENDING" for review in each.reviews))
    pending = stage.pick(each for each in pull_request.reviews if each.state == "PENDING")
    review_threads.submit(stage.world, pending, state=stage.random.choice(STATES))
    return f"{pending.author.login} finished a review of {name_of(pull_request)}"


def edit(stage: Stage) -> str:
    """Write the text of a review anew."""
    found = stage.pick(submitted(stage.pull_request(lambda each: bool(each.reviews)).reviews))
    reviews.edit(stage.world, found, stage.random.choice(prose.REMARKS), by=found.author)
    return f"{found.author.login} edited a review of {name_of(found.pull_request)}"


def dismiss(stage: Stage) -> str:
    """Let a review count no longer."""
    pull_request = stage.open_pull_request(lambda each: bool(each.reviews))
    found = stage.pick(each for each in pull_request.reviews if each.state in ("APPROVED", "CHANGES_REQUESTED"))
    by = stage.member(pull_request.repository.owner)
    reviews.dismiss(stage.world, found, by=by)
    return f"{by.login} dismissed a review of {name_of(pull_request)}"


def start_thread(stage: Stage) -> str:
    """Comment on a line."""
    pull_request = stage.open_pull_request()
    thread = _start(stage, pull_request, None)
    return f"{thread.comments[0].author.login} commented on a line of {name_of(pull_request)}"


def reply(stage: Stage) -> str:
    """Answer in a thread."""
    thread = _thread(stage)
    by = stage.member(thread.pull_request.repository.owner)
    review_threads.reply(stage.world, thread, stage.random.choice(prose.REMARKS), by=by)
    return f"{by.login} answered in a thread of {name_of(thread.pull_request)}"


def edit_comment(stage: Stage) -> str:
    """Write a comment on a line anew."""
    thread = _thread(stage)
    comment = stage.pick(thread.visible)
    review_threads.edit(stage.world, comment, stage.random.choice(prose.QUESTIONS), by=comment.author)
    return f"{comment.author.login} edited a comment on a line of {name_of(thread.pull_request)}"


def delete_comment(stage: Stage) -> str:
    """Delete a comment on a line."""
    thread = _thread(stage)
    comment = stage.pick(thread.visible)
    review_threads.delete(stage.world, comment, by=comment.author)
    return f"{comment.author.login} deleted a comment on a line of {name_of(thread.pull_request)}"


def resolve(stage: Stage) -> str:
    """Say that a thread is settled."""
    thread = _thread(stage, resolved=False)
    by = stage.member(thread.pull_request.repository.owner)
    review_threads.resolve(stage.world, thread, by=by)
    return f"{by.login} resolved a thread of {name_of(thread.pull_request)}"


def unresolve(stage: Stage) -> str:
    """Say that a thread is not settled after all."""
    thread = _thread(stage, resolved=True)
    by = stage.member(thread.pull_request.repository.owner)
    review_threads.unresolve(stage.world, thread, by=by)
    return f"{by.login} opened a thread of {name_of(thread.pull_request)} again"


def _start(stage: Stage, pull_request: PullRequest, pending: Review | None) -> ReviewThread:
    by = stage.member(pull_request.repository.owner) if pending is None else pending.author
    changes = [change for commit in pull_request.commits for change in commit.changes]
    return review_threads.start(
        stage.world,
        pull_request,
        stage.pick(changes).path,
        stage.random.randint(1, 200),
        stage.random.choice(prose.QUESTIONS),
        by=by,
        review=pending,
    )


def _thread(stage: Stage, *, resolved: bool | None = None) -> ReviewThread:
    def fits(thread: ReviewThread) -> bool:
        return bool(thread.visible) and resolved in (None, thread.resolved_by is not None)

    found = stage.pull_request(lambda each: any(fits(thread) for thread in each.threads))
    return stage.pick(thread for thread in found.threads if fits(thread))


KINDS: Kinds = {
    "review": (25, review),
    "begin_review": (4, begin),
    "finish_review": (4, finish),
    "edit_review": (4, edit),
    "dismiss_review": (4, dismiss),
    "start_thread": (8, start_thread),
    "reply": (6, reply),
    "edit_review_comment": (3, edit_comment),
    "delete_review_comment": (3, delete_comment),
    "resolve_thread": (5, resolve),
    "unresolve_thread": (3, unresolve),
}
