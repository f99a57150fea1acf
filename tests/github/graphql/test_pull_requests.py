"""Pull requests of which GraphQL does not tell all that it may tell: its schema lets it be null."""

from typing import Any

import msgspec
import pytest

from ghsync.github.graphql.answered import Catalog
from ghsync.github.graphql.pull_requests import PullRequestNode

PLAIN = {
    "__typename": "PullRequest", "fullDatabaseId": "70", "id": "PR_70", "number": 7, "title": "Dry run", "body": "",
    "closed": False, "url": "https://github.test/acme/app/pull/7", "locked": False, "isDraft": False,
    "createdAt": "2026-03-02T10:00:00Z", "updatedAt": "2026-03-02T12:00:00Z", "headRefName": "topic",
    "headRefOid": "a" * 40, "baseRefName": "main", "baseRefOid": "b" * 40, "additions": 4, "deletions": 3,
    "changedFiles": 2, "commits": {"totalCount": 1},
}  # fmt: skip

COMMENT = {
    "fullDatabaseId": "90", "id": "PRRC_90", "state": "SUBMITTED", "body": "Why?", "path": "lamp.py",
    "url": "https://github.test/acme/app/pull/7#r90", "createdAt": "2026-03-02T11:00:00Z",
    "updatedAt": "2026-03-02T11:00:00Z",
}  # fmt: skip

AGENT = {"__typename": "Agent", "login": "someday"}
PERSON = {"__typename": "User", "login": "uma", "databaseId": 63}


def shown(**parts: Any) -> PullRequestNode:
    return msgspec.convert(PLAIN | parts, PullRequestNode, strict=False)


def test_a_repository_without_an_id_keeps_nothing_else_from_being_read() -> None:
    base = {"databaseId": None, "defaultBranchRef": {"name": "main"}}
    told = shown(headRepository={"databaseId": None}, baseRepository=base).payload(Catalog())
    assert told.head is not None
    assert told.head.repo is None
    assert told.base is not None
    assert told.base.repo is not None
    assert told.base.repo.default_branch == "main"


@pytest.mark.parametrize("reference", [None, {"fullDatabaseId": None}])
def test_a_comment_is_read_though_its_review_and_what_it_answers_have_no_ids(reference: Any) -> None:
    said = COMMENT | {"pullRequestReview": reference, "replyTo": reference}
    thread = {"id": "PRRT_1", "isResolved": False, "path": "lamp.py", "comments": {"totalCount": 1, "nodes": [said]}}
    (comment,) = shown(reviewThreads={"nodes": [thread]}).review_threads.comments()
    assert (comment.id, comment.pull_request_review_id, comment.in_reply_to_id) == (90, None, None)


@pytest.mark.parametrize(
    ("person", "cut"),
    [(PERSON, False), (PERSON | {"databaseId": None}, True), (AGENT, True)],
)
def test_people_without_ids_are_asked_of_rest(person: dict[str, Any], cut: bool) -> None:
    assert shown(assignees={"nodes": [person]}).cut == cut
    assert shown(reviewRequests={"totalCount": 1, "nodes": [{"requestedReviewer": person}]}).cut == cut


@pytest.mark.parametrize("nobody", [None, {"__typename": "Bot", "login": "copilot", "databaseId": None}])
def test_who_is_not_told_of_anyway_needs_no_id(nobody: Any) -> None:
    asked = shown(reviewRequests={"totalCount": 1, "nodes": [{"requestedReviewer": nobody}]})
    assert not asked.cut
    assert asked.payload(Catalog()).requested_reviewers == []


def test_nobody_has_merged_what_was_merged_never() -> None:
    assert shown(mergedAt="0001-01-01T00:00:00Z", mergedBy=PERSON).payload(Catalog()).merged_by is None
