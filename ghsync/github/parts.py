"""The parts of the documents that are asked for only where GitHub knows them and lets the credential see them.

GitHub refuses a whole query for one field that its schema lacks, or that a token's scopes do not reach, even where
``@include`` leaves that field out. So what may be missing is named here, and taken out of the text: see `documents`.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """A field or argument; ``shows`` says in words what nobody sees without it.

    ``places`` are where documents ask for it: a fragment or query, and the names in the answer from there on.
    ``instead`` is the field that is asked in its place. One of several ``types`` is asked of all of them or of none,
    since one query may not ask for two kinds of value under one name. ``scope`` is the one that a token needs for
    it, and ``permission`` the one that an installation needs.
    """

    places: tuple[str, ...]
    shows: str
    instead: str | None = None
    types: tuple[str, ...] = ()
    scope: str | None = None
    permission: str | None = None


_HEAD = "Head.lastCommit.nodes.commit"
_THREAD = "Threads.nodes.comments.nodes"

PARTS: Mapping[str, Part] = {
    "CheckSuite.workflowRun": Part((f"{_HEAD}.checkSuites.nodes.workflowRun",), "workflow runs", permission="actions"),
    "Commit.checkSuites": Part((f"{_HEAD}.checkSuites",), "check runs and check suites", permission="checks"),
    "Commit.status": Part((f"{_HEAD}.status",), "commit statuses", permission="statuses"),
    "Issue.assignedActors": Part(("Issue.assignees",), "bots that issues are assigned to", "assignees"),
    "Issue.issueDependenciesSummary": Part(("Issue.issueDependenciesSummary",), "how many issues block one another"),
    "Issue.issueType": Part(("Issue.issueType",), "types of issues"),
    "Issue.parent": Part(("Issue.parent",), "which issue is part of which"),
    "Issue.stateReason(enableDuplicate:)": Part(
        ("Issue.stateReason.enableDuplicate",), "which issues are duplicates, where GitHub has to be asked for that"
    ),
    "Issue.subIssuesSummary": Part(("Issue.subIssuesSummary",), "how far sub-issues are"),
    "IssueDependenciesSummary.totalBlockedBy": Part(
        ("Issue.issueDependenciesSummary.totalBlockedBy",), "how many issues, closed ones too, block one"
    ),
    "IssueDependenciesSummary.totalBlocking": Part(
        ("Issue.issueDependenciesSummary.totalBlocking",), "how many issues, closed ones too, one blocks"
    ),
    "PullRequest.assignedActors": Part(
        ("PullRequest.assignees",), "bots that pull requests are assigned to", "assignees"
    ),
    "PullRequest.reviewRequests": Part(
        ("PullRequest.reviewRequests",), "who is asked for review, for which REST is asked"
    ),
    "Repository.releases": Part(
        ("Bulk.nodes.releases", "Newest.nodes.releases"),
        "releases, and how many there are, for which REST is asked",
        permission="contents",
    ),
    "fullDatabaseId": Part(
        tuple(
            f"{place}.fullDatabaseId"
            for place in (
                "Comments.nodes",
                "Head",
                "Issue",
                "PullRequest",
                "Review",
                _THREAD,
                f"{_THREAD}.pullRequestReview",
                f"{_THREAD}.replyTo",
            )
        ),
        "ids beyond 32 bits",
        "databaseId",
        ("Issue", "IssueComment", "PullRequest", "PullRequestReview", "PullRequestReviewComment"),
    ),
    "ReviewRequestConnection.nodes": Part(
        ("PullRequest.reviewRequests.nodes",),
        "users and teams that are asked for review, for which REST is asked",
        scope="read:org",
        permission="members",
    ),
}
"""By their place in GitHub's schema, or by their name where several types have one."""

AT: Mapping[str, str] = {place: name for name, part in PARTS.items() for place in part.places}
"""Which part is asked for at a place."""


def nearest(place: str) -> str | None:
    """The smallest part that a place in the documents is within."""
    while place and place not in AT:
        place = place.rpartition(".")[0]
    return AT.get(place)
