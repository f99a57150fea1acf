"""What REST answers, in every shape that GitHub's schema of it allows, is read and becomes a row that says the same."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Any

import msgspec
import pytest

from ghsync import payload
from ghsync.mirror import (
    check_run,
    check_suite,
    comment,
    commit_status,
    installation,
    issue,
    label,
    milestone,
    pull_request,
    release,
    repository,
    review,
    security_alert,
    workflow_run,
)
from ghsync.mirror.noun import Origin, Row
from tests.generated import making, schemas, told
from tests.generated.making import Maker
from tests.generated.told import At

NOW = Origin(datetime(2026, 3, 2, 12, tzinfo=UTC), "api", "backfill")
PARENT = issue.Payload(id=1, number=7)


def of_alert(kind: str) -> Callable[[Any, Origin], Row]:
    return lambda shown, origin: security_alert.row(shown, kind, origin)


# The model, the struct that reads it, its row and what that has to say: what is asked where in `ghsync/reconciler`.
ANSWERS: dict[str, tuple[type[msgspec.Struct], Callable[[Any, Origin], Row], dict[str, At]]] = {
    "CheckRun": (check_run.Payload, check_run.row, told.CHECK_RUN),
    "CheckSuite": (check_suite.Payload, check_suite.row, told.CHECK_SUITE),
    "CodeScanningAlertItems": (security_alert.Payload, of_alert("code_scanning"), told.ALERT),
    "DependabotAlert": (security_alert.Payload, of_alert("dependabot"), told.ALERT),
    "SecretScanningAlert": (security_alert.Payload, of_alert("secret_scanning"), told.ALERT),
    "FullRepository": (repository.Payload, repository.row, told.REPOSITORY),
    "Repository": (repository.Payload, repository.row, told.REPOSITORY),
    "Installation": (installation.Payload, installation.row, told.INSTALLATION),
    "Issue": (issue.Payload, issue.row, told.ISSUE),
    "IssueComment": (
        comment.Payload, lambda shown, origin: comment.row(shown, PARENT, origin), told.COMMENT,
    ),
    "Label": (label.Payload, label.row, told.LABEL),
    "Milestone": (milestone.Payload, milestone.row, told.MILESTONE),
    "PullRequest": (pull_request.Payload, pull_request.row, told.PULL_REQUEST),
    "PullRequestSimple": (pull_request.Payload, pull_request.row, told.PULL_REQUEST),
    "PullRequestReview": (
        review.Payload, lambda shown, origin: review.row(shown, 7, origin), told.REVIEW,
    ),
    "PullRequestReviewComment": (
        comment.ReviewComment, lambda shown, origin: comment.review_row(shown, 7, origin), told.REVIEW_COMMENT,
    ),
    "Release": (release.Payload, release.row, told.RELEASE),
    "Status": (
        commit_status.Payload, lambda shown, origin: commit_status.row(shown, "a" * 40, origin), told.STATUS,
    ),
    "WorkflowRun": (workflow_run.Payload, workflow_run.row, told.WORKFLOW_RUN),
}  # fmt: skip


def answers(model: str) -> list[dict[str, Any]]:
    """Answers of this model, each with one thing that is otherwise than in the plainest."""
    struct, serials = ANSWERS[model][0], count(1)
    shape = schemas.model(model)
    # The root's own id and number are two steps down, as they are in a payload.
    return list(making.variants(lambda choose: Maker(choose, next(serials)).make(shape, struct, "$.answer"), set()))


def known(answer: dict[str, Any], struct: type[msgspec.Struct]) -> bool:
    """Whether an answer has what its struct cannot do without."""
    required = {part.encode_name for part in msgspec.structs.fields(struct) if part.required}
    return required <= {name for name, value in answer.items() if value is not None}


@pytest.mark.parametrize("model", ANSWERS)
def test_an_answer_becomes_a_row_that_says_the_same(model: str) -> None:
    struct, row, columns = ANSWERS[model]
    decoder = msgspec.json.Decoder(struct)
    for answer in filter(lambda answer: known(answer, struct), answers(model)):
        shown, _ = payload.read(decoder, json.dumps(answer).encode())
        found = row(shown, NOW)
        assert {name: found[name] for name in columns} == {name: column.of(answer) for name, column in columns.items()}


@pytest.mark.parametrize("model", ANSWERS)
def test_a_page_of_answers_is_read_but_for_what_has_no_identity(model: str) -> None:
    struct = ANSWERS[model][0]
    page = answers(model)
    found, _ = payload.read(msgspec.json.Decoder(list[struct]), json.dumps([*page, None, {}]).encode())
    assert len(found) == len([answer for answer in page if known(answer, struct)])
