"""Issues and pull requests are told as REST and the hooks tell them, in GraphQL's words."""

import pytest

from ghsync.simulator.account import GHOST
from ghsync.simulator.actions import (
    branches,
    comments,
    conversations,
    issues,
    labels,
    milestones,
    pull_requests,
    repositories,
    reviews,
)
from ghsync.simulator.commit import Change
from ghsync.simulator.pull_request import PullRequest
from tests.simulator.graphql.conftest import Asking

LABEL = {"id": "node_id", "name": "name", "color": "color", "description": "description"}


def test_an_issue_says_what_rest_says(asking: Asking) -> None:
    scene = asking.scene
    world, ada, repository = scene.world, scene.ada, scene.repository
    dark = labels.create(world, repository, "dark", by=ada)
    issue = issues.open_issue(world, repository, "Too dark", by=scene.ben, body="At night.", labels=[dark])
    conversations.assign(world, issue, ada, by=ada)
    conversations.set_milestone(world, issue, milestones.create(world, repository, "Light", by=ada), by=ada)
    conversations.lock(world, issue, by=ada, reason="too heated")
    comments.create(world, issue, "Indeed.", by=ada)
    issues.close(world, issue, by=ada, reason="not_planned")
    rest = issue.as_json()
    shown = asking.repository(
        """issue(number: 1) { id databaseId fullDatabaseId number title body state stateReason activeLockReason locked
        author { login __typename } authorAssociation createdAt updatedAt closedAt url
        labels(first: 5) { nodes { id name color description } } assignees(first: 5) { nodes { login databaseId } }
        milestone { id number title state dueOn } comments { totalCount } }"""
    )["issue"]
    assert shown == {
        "id": rest["node_id"],
        "databaseId": rest["id"],
        "fullDatabaseId": str(rest["id"]),
        "number": rest["number"],
        "title": rest["title"],
        "body": rest["body"],
        "state": "CLOSED",
        "stateReason": "NOT_PLANNED",
        "activeLockReason": "TOO_HEATED",
        "locked": True,
        "author": {"login": "ben", "__typename": "User"},
        "authorAssociation": rest["author_association"],
        "createdAt": rest["created_at"],
        "updatedAt": rest["updated_at"],
        "closedAt": rest["closed_at"],
        "url": rest["html_url"],
        "labels": {"nodes": [{key: label[name] for key, name in LABEL.items()} for label in rest["labels"]]},
        "assignees": {"nodes": [{"login": "ada", "databaseId": ada.id}]},
        "milestone": {
            "id": rest["milestone"]["node_id"],
            "number": 1,
            "title": "Light",
            "state": "OPEN",
            "dueOn": None,
        },
        "comments": {"totalCount": rest["comments"]},
    }


def test_issues_have_parents_and_children(asking: Asking) -> None:
    scene = asking.scene
    parent, child, other = (
        issues.open_issue(scene.world, scene.repository, title, by=scene.ada) for title in ("Lamp", "Oil", "Wick")
    )
    issues.add_sub_issue(scene.world, parent, child, by=scene.ada)
    issues.add_sub_issue(scene.world, parent, other, by=scene.ada)
    issues.close(scene.world, child, by=scene.ada)
    issues.pin(scene.world, parent, by=scene.ada)
    summary = "subIssuesSummary { total completed percentCompleted } isPinned parent { number }"
    shown = asking.repository(f"issues(first: 3) {{ nodes {{ {summary} }} }}")["issues"]["nodes"]
    assert shown[0]["subIssuesSummary"] == {"total": 2, "completed": 1, "percentCompleted": 50}
    assert [issue["parent"] for issue in shown] == [None, {"number": 1}, {"number": 1}]
    assert [issue["isPinned"] for issue in shown] == [True, False, False]


def test_a_parent_in_a_hidden_repository_is_not_shown(asking: Asking) -> None:
    scene = asking.scene
    plans = repositories.create(scene.world, scene.organization, "plans", by=scene.ada)
    parent = issues.open_issue(scene.world, plans, "Light the coast", by=scene.ada)
    child = issues.open_issue(scene.world, scene.repository, "Light the lamp", by=scene.ada)
    issues.add_sub_issue(scene.world, parent, child, by=scene.ada)
    assert asking.repository("issue(number: 1) { parent { title } }")["issue"]["parent"] == {"title": "Light the coast"}
    asking.eyes.hidden.append(plans)
    assert asking.repository("issue(number: 1) { parent { title } }")["issue"]["parent"] is None


@pytest.mark.parametrize("number", [1, 2])
def test_a_number_leads_to_an_issue_or_a_pull_request(asking: Asking, pull_request: PullRequest, number: int) -> None:
    issues.open_issue(asking.scene.world, asking.scene.repository, "Dark", by=asking.scene.ada)
    kinds = {pull_request.number: "PullRequest", 2: "Issue"}
    shown = asking.repository(f"issueOrPullRequest(number: {number}) {{ __typename }}")["issueOrPullRequest"]
    assert shown == {"__typename": kinds[number]}


def test_a_duplicate_is_told_only_to_who_asks_for_it(asking: Asking) -> None:
    issue = issues.open_issue(asking.scene.world, asking.scene.repository, "Dark", by=asking.scene.ada)
    issues.close(asking.scene.world, issue, by=asking.scene.ada, reason="duplicate")
    shown = asking.repository("issue(number: 1) { stateReason new: stateReason(enableDuplicate: true) }")["issue"]
    assert shown == {"stateReason": "NOT_PLANNED", "new": "DUPLICATE"}


@pytest.mark.parametrize(
    ("kind", "login", "shown"),
    [
        ("User", "cleo", {"__typename": "User", "login": "cleo"}),
        ("Bot", "lint[bot]", {"__typename": "Bot", "login": "lint"}),
        ("Mannequin", "old-hand", {"__typename": "Mannequin", "login": "old-hand"}),
    ],
)
def test_authors_are_of_many_kinds(asking: Asking, kind: str, login: str, shown: dict[str, str]) -> None:
    author = asking.scene.world.add_account(login, kind)  # type: ignore[arg-type]
    issue = issues.open_issue(asking.scene.world, asking.scene.repository, "Dark", by=author)
    assert asking.repository("issue(number: 1) { author { __typename login } }")["issue"] == {"author": shown}
    assert issue.as_json()["user"]["login"] == login


def test_a_deleted_author_is_null_here_and_a_ghost_there(asking: Asking) -> None:
    issue = issues.open_issue(asking.scene.world, asking.scene.repository, "Dark", by=asking.scene.ben)
    asking.scene.ben.deleted = True
    assert asking.repository("issue(number: 1) { author { login } }")["issue"] == {"author": None}
    assert issue.as_json()["user"]["login"] == GHOST.login


def test_a_pull_request_says_what_rest_says(asking: Asking, pull_request: PullRequest) -> None:
    scene = asking.scene
    world, ada, ben = scene.world, scene.ada, scene.ben
    pull_requests.request_review(world, pull_request, ada, by=ben)
    pull_requests.enable_auto_merge(world, pull_request, by=ada, method="rebase")
    world.clock.advance(minutes=1)
    rest = pull_request.as_json(world.now())
    shown = asking.repository(
        """pullRequest(number: 1) { id fullDatabaseId additions deletions changedFiles commits { totalCount } isDraft
        headRefName headRefOid baseRefName baseRefOid mergeable mergeStateStatus merged state
        autoMergeRequest { mergeMethod enabledBy { login } }
        reviewRequests(first: 5) { nodes { requestedReviewer { __typename ... on User { login } } } }
        potentialMergeCommit { oid } mergeCommit { oid } }"""
    )["pullRequest"]
    assert shown == {
        "id": rest["node_id"],
        "fullDatabaseId": str(rest["id"]),
        "additions": rest["additions"],
        "deletions": rest["deletions"],
        "changedFiles": rest["changed_files"],
        "commits": {"totalCount": rest["commits"]},
        "isDraft": False,
        "headRefName": "brighter",
        "headRefOid": rest["head"]["sha"],
        "baseRefName": "main",
        "baseRefOid": rest["base"]["sha"],
        "mergeable": "MERGEABLE",
        "mergeStateStatus": "CLEAN",
        "merged": False,
        "state": "OPEN",
        "autoMergeRequest": {"mergeMethod": "REBASE", "enabledBy": {"login": "ada"}},
        "reviewRequests": {"nodes": [{"requestedReviewer": {"__typename": "User", "login": "ada"}}]},
        "potentialMergeCommit": {"oid": rest["merge_commit_sha"]},
        "mergeCommit": None,
    }


def test_mergeability_is_unknown_at_first(asking: Asking, pull_request: PullRequest) -> None:
    pull_request.ready_state = "dirty"
    asked = "pullRequest(number: 1) { mergeable mergeStateStatus }"
    assert asking.repository(asked)["pullRequest"] == {"mergeable": "UNKNOWN", "mergeStateStatus": "UNKNOWN"}
    asking.scene.world.clock.advance(branches.MERGEABILITY_DELAY.total_seconds())
    assert asking.repository(asked)["pullRequest"] == {"mergeable": "CONFLICTING", "mergeStateStatus": "DIRTY"}


def test_a_merged_pull_request_is_in_a_state_of_its_own(asking: Asking, pull_request: PullRequest) -> None:
    scene = asking.scene
    issue = issues.open_issue(scene.world, scene.repository, "Dark", by=scene.ada)
    conversations.edit(scene.world, pull_request, by=scene.ben, body=f"Closes #{issue.number}")
    pull_requests.merge(scene.world, pull_request, by=scene.ada)
    shown = asking.repository(
        """pullRequest(number: 1) { state merged mergedBy { login } mergeCommit { oid }
        closingIssuesReferences(first: 3) { nodes { number state } } }"""
    )["pullRequest"]
    assert shown == {
        "state": "MERGED",
        "merged": True,
        "mergedBy": {"login": "ada"},
        "mergeCommit": {"oid": scene.repository.tip("main").sha},
        "closingIssuesReferences": {"nodes": [{"number": 2, "state": "CLOSED"}]},
    }
    assert asking.repository("pullRequests(states: [CLOSED]) { totalCount }")["pullRequests"]["totalCount"] == 0


def test_a_fork_that_is_gone_leaves_no_head_repository(asking: Asking) -> None:
    scene = asking.scene
    fork = repositories.create(scene.world, scene.ben, "lamp", by=scene.ben, fork_of=scene.repository)
    commit = branches.commit(scene.world, scene.ben, "Dimmer", Change("lamp.c", 1, 1))
    branches.create(scene.world, fork, "dimmer", commit, by=scene.ben)
    pull_requests.open_pull_request(
        scene.world, scene.repository, "dimmer", "Dimmer", by=scene.ben, head_repository=fork
    )
    asked = "pullRequest(number: 1) { isCrossRepository headRepository { nameWithOwner } headRefOid }"
    assert asking.repository(asked)["pullRequest"]["headRepository"] == {"nameWithOwner": "ben/lamp"}
    repositories.delete(scene.world, fork, by=scene.ben)
    assert asking.repository(asked)["pullRequest"] == {
        "isCrossRepository": True,
        "headRepository": None,
        "headRefOid": commit.sha,
    }


def test_a_decision_needs_a_rule_that_requires_reviews(asking: Asking, pull_request: PullRequest) -> None:
    scene = asking.scene
    decision = "pullRequest(number: 1) { reviewDecision }"
    reviews.submit(scene.world, pull_request, by=scene.ada)
    assert asking.repository(decision)["pullRequest"]["reviewDecision"] is None
    scene.repository.required_approvals = 2
    assert asking.repository(decision)["pullRequest"]["reviewDecision"] == "REVIEW_REQUIRED"
    scene.repository.required_approvals = 1
    assert asking.repository(decision)["pullRequest"]["reviewDecision"] == "APPROVED"
    cleo = scene.world.add_account("cleo")
    reviews.submit(scene.world, pull_request, by=cleo, state="CHANGES_REQUESTED")
    assert asking.repository(decision)["pullRequest"]["reviewDecision"] == "APPROVED"
    scene.repository.collaborators[cleo] = "push"
    reviews.submit(scene.world, pull_request, by=cleo, state="CHANGES_REQUESTED")
    assert asking.repository(decision)["pullRequest"]["reviewDecision"] == "CHANGES_REQUESTED"
