"""Refetches: what payloads could not settle is asked of the API, once for a burst."""

from collections.abc import Iterable, Sequence
from typing import Any

from ghsync.jobs import Job
from ghsync.mirror import comment, pull_request, repository
from ghsync.mirror.keys import PullRequestKey
from ghsync.mirror.noun import Noun
from ghsync.mirror.upsert import Change
from ghsync.projector.batch import Batch
from ghsync.projector.concerned import ConcernedPullRequests
from ghsync.projector.resolved import ResolvedBatch, RowKey

ROSE = "it was deleted, and delivers again"
BACK = "it was gone, and is told of"
GIVEN_UP = "another installation gave up a repository that it sees"


def unordered(resolved: ResolvedBatch, changes: Iterable[Change]) -> set[RowKey]:
    """The rows of which two payloads tie and differ, of the batch or of what was stored before."""
    return {*resolved.unordered, *(_place(change) for change in changes if change.unordered)}


def _place(change: Change) -> RowKey:
    """A repository is stored under GitHub's id, and asked for by ours."""
    return change.noun, (change.id,) if change.noun is repository.noun else change.key


def contested(installations: Iterable[str]) -> list[Job]:
    """Look at installations (GitHub's ids) that see what another gave up."""
    return [Job("refetch_installation", each, None, GIVEN_UP) for each in sorted(installations)]


def restored(batch: Batch, changes: Iterable[Change]) -> list[Job]:
    """Look at repositories that a webhook brought back although they were deleted: the API knows whether they were."""
    risen = (change.id for change in changes if _is_risen(batch, change))
    return [Job("refetch_repository", each, each, ROSE) for each in risen]


def due(
    resolved: ResolvedBatch,
    unordered: Iterable[RowKey],
    reached: ConcernedPullRequests,
    outdated: Iterable[PullRequestKey],
    undecided: Iterable[PullRequestKey],
    changes: Sequence[Change],
) -> list[Job]:
    """The refetches that tell what these payloads do not.

    A branch of ``outdated`` pull requests was pushed to; whether ``undecided`` ones can be merged is unknown.
    """
    reported = resolved.of(pull_request.noun).items()
    unknown = [*undecided, *(PullRequestKey(*key) for key, row in reported if pull_request.is_undecided(row))]
    return [
        *_unsettled(unordered, reached, "two payloads of one second differ"),
        *_unsettled(resolved.incomplete, reached, "a part of a payload could not be read"),
        *(_of_pull_request(pull, "a branch was pushed to") for pull in outdated),
        *(_of_pull_request(pull, "a comment on a line came or went") for pull in _miscounted(resolved, changes)),
        *(_of_pull_request(pull, "mergeable is unknown") for pull in unknown),
        *(job for change in changes if _may_be_back(change) for job in _refetches(change.noun, change.key, (), BACK)),
    ]


def _may_be_back(change: Change) -> bool:
    """Whether a webhook tells of something buried that was not gone, perhaps, but hidden from listings."""
    listing = change.noun.listing
    hides = listing is not None and listing.hidden is not None
    return hides and change.deleted and not change.created and "deleted_at" not in change.fields and bool(change.fields)


def _is_risen(batch: Batch, change: Change) -> bool:
    if change.noun is not repository.noun or change.deleted or "deleted_at" not in change.fields:
        return False
    return not change.created and batch.repositories[change.key[0]]["observed_by"] != "api"


def _unsettled(places: Iterable[RowKey], reached: ConcernedPullRequests, reason: str) -> list[Job]:
    """The refetches that settle what payloads left open about these rows."""
    return [job for noun, key in places for job in _refetches(noun, key, reached.of(noun, key), reason)]


def _miscounted(resolved: ResolvedBatch, changes: Iterable[Change]) -> list[PullRequestKey]:
    """Pull requests of which comments on lines came or went: no payload of a hook counts these."""
    counted = {
        change.key
        for change in changes
        if change.noun is comment.noun and (change.created or "deleted_at" in change.fields)
    }
    return [
        PullRequestKey(key[0], row["number"])
        for key, row in (resolved.of(comment.noun).items() if counted else ())
        if key in counted and row["kind"] == "review_comment" and row["observed_by"] != "api"
    ]


def _refetches(noun: Noun, key: tuple[Any, ...], pulls: Iterable[PullRequestKey], reason: str) -> list[Job]:
    """What is asked of the API to learn more of a row, which concerns these pull requests."""
    match noun.refetch:
        case None:
            return []
        case "installation":
            return [Job("refetch_installation", key[0], None, reason)]
        case "repository":
            return [Job("refetch_repository", key[0], key[0], reason)]
        case "issue" | "comment" as itself:
            return [Job(f"refetch_{itself}", f"{key[0]}#{key[-1]}", key[0], reason)]
        case "pull_request" if noun is pull_request.noun:
            return [_of_pull_request(PullRequestKey(*key), reason)]
        case "heads":
            return [_of_pull_request(pull, reason, "checks") for pull in pulls]
        case _:
            return [_of_pull_request(pull, reason) for pull in pulls]


def _of_pull_request(pull: PullRequestKey, reason: str, what: str = "pull_request") -> Job:
    repository_id, number = pull
    return Job(f"refetch_{what}", f"{repository_id}#{number}", repository_id, reason)
