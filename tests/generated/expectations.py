"""Which rows an event must bring: of which noun, from which object of the payload, saying what."""

from dataclasses import dataclass

from ghsync.mirror import (
    check_run,
    check_suite,
    comment,
    commit_status,
    issue,
    label,
    milestone,
    pull_request,
    release,
    review,
    review_thread,
    security_alert,
    workflow_run,
)
from ghsync.mirror.noun import Noun
from tests.generated import told
from tests.generated.told import At, Json


@dataclass(frozen=True)
class Expected:
    """A row; ``part`` is where its object is in the payload, the payload itself if it is empty.

    ``identity`` are the fields without which it cannot be known: numbers among them have to fit in their columns.
    """

    noun: Noun
    part: str
    columns: dict[str, At]
    identity: tuple[str, ...] = ("id",)

    def shown(self, payload: Json) -> Json | None:
        """The object, None where the payload has none."""
        found = payload.get(self.part) if self.part else payload
        return found if isinstance(found, dict) else None

    def known(self, shown: Json) -> bool:
        """Whether all is there that identifies it."""
        return all(
            shown.get(name) is not None and (name != "number" or told.number(shown[name]) is not None)
            for name in self.identity
        )


NUMBERED = ("id", "number")
OF_COMMIT = ("id", "head_sha")

ISSUE = Expected(issue.noun, "issue", told.ISSUE, NUMBERED)
PULL_REQUEST = Expected(pull_request.noun, "pull_request", told.PULL_REQUEST, NUMBERED)
ALERT = Expected(security_alert.noun, "alert", told.ALERT, ("number",))

EXPECTED: dict[str, list[Expected]] = {
    "check_run": [Expected(check_run.noun, "check_run", told.CHECK_RUN, OF_COMMIT)],
    "check_suite": [Expected(check_suite.noun, "check_suite", told.CHECK_SUITE, OF_COMMIT)],
    "code_scanning_alert": [ALERT],
    "dependabot_alert": [ALERT],
    "issue_comment": [Expected(comment.noun, "comment", told.COMMENT), ISSUE],
    "issue_dependencies": [],
    "issues": [ISSUE],
    "label": [Expected(label.noun, "label", told.LABEL)],
    "milestone": [Expected(milestone.noun, "milestone", told.MILESTONE, NUMBERED)],
    "pull_request": [PULL_REQUEST],
    "pull_request_review": [PULL_REQUEST, Expected(review.noun, "review", told.REVIEW)],
    "pull_request_review_comment": [PULL_REQUEST, Expected(comment.noun, "comment", told.REVIEW_COMMENT)],
    "pull_request_review_thread": [PULL_REQUEST, Expected(review_thread.noun, "thread", {}, ("node_id",))],
    "release": [Expected(release.noun, "release", told.RELEASE)],
    "secret_scanning_alert": [ALERT],
    "status": [Expected(commit_status.noun, "", told.STATUS, ("id", "sha"))],
    "sub_issues": [],
    "workflow_run": [Expected(workflow_run.noun, "workflow_run", told.WORKFLOW_RUN, OF_COMMIT)],
}
