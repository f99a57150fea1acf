"""What reviews, checks and mergeability of a pull request come to: the simulator's own opinion of what a mirror says.

It is read off the objects by the words of the contract, and shares nothing with whoever is to be compared with it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from ghsync.simulator.review import OPINIONS, submitted

if TYPE_CHECKING:
    from datetime import datetime

    from ghsync.simulator.account import Account
    from ghsync.simulator.check_run import CheckRun
    from ghsync.simulator.check_suite import CheckSuite
    from ghsync.simulator.commit_status import CommitStatus
    from ghsync.simulator.pull_request import PullRequest
    from ghsync.simulator.review import Review
    from ghsync.simulator.workflow_run import WorkflowRun

ReviewStatus = Literal["pending", "review_requested", "commented", "changes_requested", "approved"]
CiStatus = Literal["none", "pending", "success", "failure"]
MergeStatus = Literal["pending", "mergeable", "conflicting", "blocked", "behind", "unstable", "merged", "closed"]
Outcome = Literal["passed", "pending", "failed"]

MERGE: dict[str, MergeStatus] = {
    "behind": "behind",
    "blocked": "blocked",
    "clean": "mergeable",
    "dirty": "conflicting",
    "draft": "blocked",
    "has_hooks": "mergeable",
    "unstable": "unstable",
}

PASSED = ("success", "neutral", "skipped")

T = TypeVar("T")


@dataclass(frozen=True)
class Verdict:
    """How a pull request stands at a moment."""

    review_status: ReviewStatus
    ci_status: CiStatus
    merge_status: MergeStatus

    @property
    def ready(self) -> bool:
        """Whether it can be merged, was approved, and its checks have passed."""
        found = (self.merge_status, self.review_status, self.ci_status)
        return found == ("mergeable", "approved", "success")


def of(pull_request: PullRequest, now: datetime) -> Verdict:
    """The verdict about a pull request as it is now."""
    return Verdict(review_status(pull_request), ci_status(pull_request), merge_status(pull_request, now))


def review_status(pull_request: PullRequest) -> ReviewStatus:
    """What the reviewers say: one request for changes is more than any approval, and both are more than a request."""
    opinions = set(_opinions(pull_request).values())
    if "CHANGES_REQUESTED" in opinions:
        return "changes_requested"
    if "APPROVED" in opinions:
        return "approved"
    if _asked(pull_request) or pull_request.requested_teams:
        return "review_requested"
    said = {*_newest_opinions(pull_request).values(), *_comments(pull_request)}
    if any(review.state != "DISMISSED" for review in said):
        return "commented"
    return "pending"


def ci_status(pull_request: PullRequest) -> CiStatus:
    """What the checks of the head come to: anything that failed fails all, and nothing at all is no success."""
    outcomes = set(_outcomes(pull_request))
    if "failed" in outcomes:
        return "failure"
    if "pending" in outcomes:
        return "pending"
    return "success" if outcomes else "none"


def merge_status(pull_request: PullRequest, now: datetime) -> MergeStatus:
    """Whether it can be merged; that GitHub does not know yet is pending."""
    if pull_request.merged_at is not None:
        return "merged"
    if pull_request.issue.state == "closed":
        return "closed"
    return MERGE.get(pull_request.mergeable_state(now), "pending")


def _opinions(pull_request: PullRequest) -> dict[Account | Review, str]:
    """What each reviewer thinks who may push: who has approved and is asked again has to look again."""
    asked = _asked(pull_request)
    newest = _newest_opinions(pull_request).items()
    return {
        who: review.state
        for who, review in newest
        if review.author_can_push and not (review.state == "APPROVED" and who in asked)
    }


def _newest_opinions(pull_request: PullRequest) -> dict[Account | Review, Review]:
    said = [review for review in _by_others(pull_request) if review.state in OPINIONS]
    return {_reviewer(review): review for review in sorted(said, key=_time)}


def _comments(pull_request: PullRequest) -> list[Review]:
    return [review for review in _by_others(pull_request) if review.state == "COMMENTED"]


def _asked(pull_request: PullRequest) -> list[Account]:
    """The users who are asked and can be asked."""
    return [account for account in pull_request.requested_users if not account.deleted]


def _by_others(pull_request: PullRequest) -> list[Review]:
    """What others than the author have submitted, as far as anybody can tell."""
    author = pull_request.issue.author
    return [
        review for review in submitted(pull_request.reviews) if review.author is not author or review.author.deleted
    ]


def _reviewer(review: Review) -> Account | Review:
    """Who gave a review; of those who have deleted their accounts nobody can tell one from another."""
    return review if review.author.deleted else review.author


def _time(review: Review) -> tuple[datetime | None, int]:
    """When a review was submitted: in the seconds that GitHub tells, and by id within one."""
    moment = review.submitted_at
    return (None if moment is None else moment.replace(microsecond=0), review.id)


def _outcomes(pull_request: PullRequest) -> Iterator[Outcome]:
    """What everything says that counts for the head, in the repository of the base.

    What was cancelled when a later run of the same workflow took its place does not, even while that one has no jobs
    yet; nor does what ran for another pull request of that head.
    """
    repository, sha = pull_request.repository, pull_request.head_commit.sha
    suites = [suite for suite in repository.check_suites.get(sha, []) if _concerns(suite, pull_request)]
    workflow_runs = _newest((suite.workflow_run for suite in suites if suite.workflow_run is not None), _workflow)
    standing = [
        suite
        for suite in suites
        if suite.workflow_run is None or suite.workflow_run in workflow_runs or suite.conclusion != "cancelled"
    ]
    runs = _newest(chain.from_iterable(suite.runs for suite in standing), _check)
    yield from (of_check_run(run.status, run.conclusion) for run in runs)
    yield from (of_status(status.state) for status in _newest(repository.statuses.get(sha, []), _context))
    for suite in standing:
        if suite.workflow_run is not None and suite.workflow_run not in workflow_runs and suite.status == "completed":
            continue  # a later run says what its checks do not
        said = {of_check_run(run.status, run.conclusion) for run in suite.latest_runs}
        outcome = of_suite(suite.status, suite.conclusion, said, runs_workflow=suite.workflow_run is not None)
        if outcome is not None:
            yield outcome


def _concerns(suite: CheckSuite, pull_request: PullRequest) -> bool:
    """Whether a suite speaks of a pull request; what runs for a fork's, GitHub names for nobody."""
    return suite.cause in (None, pull_request) or suite.head_branch is None


def of_check_run(status: str, conclusion: str | None) -> Outcome:
    """What a check run says; whatever GitHub may invent is a failure until we know better."""
    if status != "completed" or conclusion == "stale":
        return "pending"
    return "passed" if conclusion in PASSED else "failed"


def of_status(state: str) -> Outcome:
    """What a commit status says."""
    outcomes: dict[str, Outcome] = {"success": "passed", "pending": "pending", "expected": "pending"}
    return outcomes.get(state, "failed")


def of_suite(status: str, conclusion: str | None, said: set[Outcome], *, runs_workflow: bool) -> Outcome | None:
    """What a suite says beyond its check runs: that its workflow is not over, or that it failed where none of them did.

    That of an App in which nothing runs says nothing.
    """
    if not (runs_workflow or said):
        return None
    if status != "completed":
        return "pending" if runs_workflow else None
    if said - {"passed"} or conclusion in PASSED:
        return None
    waits = conclusion == "stale" or (runs_workflow and conclusion == "action_required")
    return "pending" if waits else "failed"


def _newest(things: Iterable[T], kind: Callable[[T], Hashable]) -> list[T]:
    """Of each kind that with the greatest id."""
    ordered = sorted(things, key=_id)
    return list({kind(each): each for each in ordered}.values())


def _id(thing: Any) -> int:
    number: int = thing.id
    return number


def _check(run: CheckRun) -> Hashable:
    """What makes two runs attempts at the same check."""
    workflow_run = run.suite.workflow_run
    return (run.suite.app.id, run.name, run.suite.id if workflow_run is None else _workflow(workflow_run))


def _workflow(run: WorkflowRun) -> tuple[int, str]:
    return (run.workflow.id, run.event)


def _context(status: CommitStatus) -> Hashable:
    return status.context.lower()
