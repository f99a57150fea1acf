"""All nouns, in the order in which they are written. What is done for each of them, or for some, follows from this."""

from ghsync.mirror import (
    branch,
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
    review_thread,
    security_alert,
    workflow_run,
)
from ghsync.mirror.noun import Thing

LISTED: tuple[Thing, ...] = (label, milestone, release)
"""Those that a repository's listings show whole."""

NOUNS = (
    installation.noun, repository.noun,
    # Issues and pull requests show these, and are brought up to what they tell before they are written.
    label.noun, milestone.noun, branch.noun,
    issue.noun, pull_request.noun,
    comment.noun, review.noun, review_thread.noun, workflow_run.noun, check_suite.noun, check_run.noun,
    commit_status.noun, security_alert.noun, release.noun,
)  # fmt: skip

SHOWN = tuple(noun for noun in NOUNS if noun.shown)
"""Those that issues and pull requests show, as they were when these were reported."""

IN_REPOSITORIES = tuple(noun for noun in NOUNS if noun.in_repository)

OF_COMMITS = tuple(noun for noun in NOUNS if noun.about == "commit")
"""Those that speak of a commit, their ``head_sha``."""

OF_PULL_REQUESTS = tuple(noun for noun in NOUNS if noun.about == "pull request")
"""Those that are a part of one pull request, which they name."""
