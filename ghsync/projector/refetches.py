"""Refetches: what payloads could not settle is asked of the API, once for a burst."""

from collections.abc import Iterable, Sequence
from typing import Any

from ghsync.jobs import Job
from ghsync.mirror import comment, installation, pull_request, repository
from ghsync.mirror.keys import PullRequest
from ghsync.mirror.noun import Noun
from ghsync.mirror.registry import Written
from ghsync.mirror.upsert import Change
from ghsync.projector.batch import Batch
from ghsync.projector.concerned import Concerned, by_key

ROSE = "it was deleted, and delivers again"
GIVEN_UP = "another installation gave up a repository that it sees"

Place = tuple[Noun, tuple[Any, ...]]
"""A row, by its noun and its key as stored."""


def unordered(batch: Batch, written: Written, changes: Sequence[Change]) -> set[Place]:
    """The rows, by noun and key as stored, of which two payloads tie and differ."""
    places = batch.unordered | {(change.noun, change.key) for change in changes if change.unordered}
    return {(noun, _located(noun, key, written)) for noun, key in places}


def incomplete(batch: Batch, written: Written) -> set[Place]:
    """The rows, by noun and key as stored, of which a payload told a part that could not be read."""
    return {(noun, _located(noun, key, written)) for noun, key in batch.incomplete}


def due(
    batch: Batch,
    written: Written,
    unordered: Iterable[Place],
    incomplete: Iterable[Place],
    reached: Concerned,
    outdated: Iterable[PullRequest],
    undecided: Iterable[PullRequest],
    changes: Sequence[Change],
) -> list[Job]:
    """The refetches that tell what these payloads do not.

    A branch of ``outdated`` pull requests was pushed to; whether ``undecided`` ones can be merged is unknown.
    """
    moved = [_of_pull_request(pull, "a branch was pushed to") for pull in outdated]
    counted = _miscounted(batch, written, changes)
    miscounted = [_of_pull_request(pull, "a comment on a line came or went") for pull in counted]
    unknown = [
        *undecided,
        *(
            PullRequest(written.ids[key[0]], key[1])
            for key, row in batch.rows.get(pull_request.noun, {}).items()
            if pull_request.is_undecided(row)
        ),
    ]
    unsettled = _unsettled(unordered, reached, "two payloads of one second differ")
    unsettled += _unsettled(incomplete, reached, "a part of a payload could not be read")
    risen = [_place(written, change) for change in changes if _is_risen(batch, change)]
    contested = [
        Job("refetch_installation", each, None, GIVEN_UP) for each in sorted(batch.contested | written.contested)
    ]
    restored = [job for noun, key in risen for job in _refetches(noun, key, (), ROSE)]
    return [
        *restored,
        *contested,
        *unsettled,
        *moved,
        *miscounted,
        *(_of_pull_request(pull, "mergeable is unknown") for pull in unknown),
    ]


def _place(written: Written, change: Change) -> Place:
    return change.noun, _located(change.noun, change.key, written)


def _is_risen(batch: Batch, change: Change) -> bool:
    """Whether a webhook brought a deleted repository back: the API knows whether it was restored."""
    if change.noun is not repository.noun or change.deleted or "deleted_at" not in change.fields:
        return False
    return not change.created and batch.repositories[change.key[0]]["observed_by"] != "api"


def _located(noun: Noun, key: tuple[Any, ...], written: Written) -> tuple[Any, ...]:
    """The key with our id of the repository, where the batch knew only GitHub's."""
    return key if noun is installation.noun else (written.ids.get(key[0], key[0]), *key[1:])


def _unsettled(places: Iterable[Place], reached: Concerned, reason: str) -> list[Job]:
    """The refetches that settle what payloads left open about these rows."""
    return [job for noun, key in places for job in _refetches(noun, key, reached.of(noun, key), reason)]


def _miscounted(batch: Batch, written: Written, changes: Sequence[Change]) -> list[PullRequest]:
    """Pull requests of which comments on lines came or went: no payload of a hook counts these."""
    counted = {
        change.key
        for change in changes
        if change.noun is comment.noun and (change.created or "deleted_at" in change.fields)
    }
    told = by_key(batch, written, comment.noun) if counted else {}
    return [
        PullRequest(key[0], row["number"])
        for key, row in told.items()
        if key in counted and row["kind"] == "review_comment" and row["observed_by"] != "api"
    ]


def _refetches(noun: Noun, key: tuple[Any, ...], pulls: Iterable[PullRequest], reason: str) -> list[Job]:
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
            return [_of_pull_request(PullRequest(*key), reason)]
        case "heads":
            return [_of_pull_request(pull, reason, "checks") for pull in pulls]
        case _:
            return [_of_pull_request(pull, reason) for pull in pulls]


def _of_pull_request(pull: PullRequest, reason: str, what: str = "pull_request") -> Job:
    repository_id, number = pull
    return Job(f"refetch_{what}", f"{repository_id}#{number}", repository_id, reason)
