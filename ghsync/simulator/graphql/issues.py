"""Issues, their comments, and what issues and pull requests have in common."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

from graphql import GraphQLResolveInfo

from ghsync.simulator.graphql import lists, request
from ghsync.simulator.graphql.accounts import BY_ID, actor
from ghsync.simulator.graphql.connections import AS_THEY_STAND, Connection, Order, connect
from ghsync.simulator.graphql.fields import Fields, Resolver, always, value

if TYPE_CHECKING:
    from ghsync.simulator.account import Account
    from ghsync.simulator.issue import Issue


def state_reason(issue: Issue, _info: GraphQLResolveInfo, *, enableDuplicate: bool) -> str | None:
    """Why it is closed; that it is a duplicate is told only to who asks for it, to others it is not planned."""
    if issue.state_reason == "duplicate" and not enableDuplicate:
        return "NOT_PLANNED"
    return None if issue.state_reason is None else issue.state_reason.upper()


def lock_reason(issue: Issue) -> str | None:
    """Why it is locked."""
    return None if issue.lock_reason is None else issue.lock_reason.upper().replace("-", "_").replace(" ", "_")


def labels(
    owner: Any,
    info: GraphQLResolveInfo,
    *,
    orderBy: lists.Ordering | None = None,
    **page: object,
) -> Connection:
    """The labels of an issue or a repository, in the order in which they came there."""
    by_name = orderBy is not None and orderBy["field"] == "NAME"
    descending = orderBy is not None and orderBy["direction"] == "DESC"
    order = Order(lambda each: (each.name.lower(), each.id), descending) if by_name else Order(None, descending)
    return connect(info, owner.labels, order, **lists.bounds(page))


def of_issue(resolver: Resolver) -> Resolver:
    """The same field of a pull request, read from its issue."""

    def resolve(pull_request: Any, info: GraphQLResolveInfo, **arguments: object) -> object:
        return resolver(pull_request.issue, info, **arguments)

    return resolve


def _assignees(issue: Issue, info: GraphQLResolveInfo, **page: object) -> Connection:
    people = [account for account in _assigned(issue) if account.type == "User"]
    return connect(info, people, AS_THEY_STAND, **lists.bounds(page))


def _assigned_actors(issue: Issue, info: GraphQLResolveInfo, **page: object) -> Connection:
    """Those assigned, bots too."""
    return connect(info, _assigned(issue), AS_THEY_STAND, **lists.bounds(page))


def _assigned(issue: Issue) -> list[Account]:
    return [account for account in issue.assignees if not account.deleted]


def _comments(
    issue: Issue, info: GraphQLResolveInfo, *, orderBy: lists.Ordering | None = None, **page: object
) -> Connection:
    order = BY_ID
    if orderBy is not None:
        order = Order(lambda each: (lists.second(each.updated_at), each.id), orderBy["direction"] == "DESC")
    return connect(info, issue.comments, order, **lists.bounds(page))


def _children(issue: Issue, info: GraphQLResolveInfo, **page: object) -> Connection:
    seen = [child for child in issue.children if request.of(info).viewer.sees(child.repository)]
    return connect(info, seen, AS_THEY_STAND, **lists.bounds(page))


def _parent(issue: Issue, info: GraphQLResolveInfo) -> Issue | None:
    """The issue that it is a part of, which may be in a repository that the viewer does not see."""
    parent = issue.parent
    return parent if parent is not None and request.of(info).viewer.sees(parent.repository) else None


CONVERSATION: Fields = {
    "activeLockReason": value(lock_reason),
    "assignedActors": _assigned_actors,
    "assignees": _assignees,
    "author": value(lambda issue: actor(issue.author)),
    "authorAssociation": "author_association",
    "body": value(lambda issue: issue.body or ""),
    "bodyText": value(lambda issue: issue.body or ""),
    "closed": value(lambda issue: issue.state == "closed"),
    "closedAt": "closed_at",
    "comments": _comments,
    "createdAt": "created_at",
    "labels": labels,
    "locked": "locked",
    "milestone": "milestone",
    "number": "number",
    "publishedAt": "created_at",
    "repository": "repository",
    "title": "title",
    "updatedAt": "updated_at",
    "url": "html_url",
}
"""What an issue and a pull request have in common, read from an issue."""

ISSUE: Fields = {
    **CONVERSATION,
    "databaseId": "id",
    "fullDatabaseId": "id",
    "id": "node_id",
    "isPinned": "pinned",
    "issueDependenciesSummary": value(lambda issue: issue.dependencies_summary()),
    "issueType": "type",
    "parent": _parent,
    "state": value(lambda issue: issue.state.upper()),
    "stateReason": state_reason,
    "subIssues": _children,
    "subIssuesSummary": value(lambda issue: issue.sub_issues_summary()),
}

DEPENDENCIES_SUMMARY: Fields = {
    "blockedBy": value(itemgetter("blocked_by")),
    "blocking": value(itemgetter("blocking")),
    "totalBlockedBy": value(itemgetter("total_blocked_by")),
    "totalBlocking": value(itemgetter("total_blocking")),
}

SUB_ISSUES_SUMMARY: Fields = {
    "completed": value(itemgetter("completed")),
    "percentCompleted": value(itemgetter("percent_completed")),
    "total": value(itemgetter("total")),
}

TYPE: Fields = {
    "color": value(lambda issue_type: issue_type.color.upper()),
    "description": "description",
    "id": "node_id",
    "isEnabled": always(True),
    "name": "name",
}

COMMENT: Fields = {
    "author": value(lambda comment: actor(comment.author)),
    "authorAssociation": "author_association",
    "body": "body",
    "bodyText": "body",
    "createdAt": "created_at",
    "databaseId": "id",
    "fullDatabaseId": "id",
    "id": "node_id",
    "isMinimized": always(False),
    "issue": "issue",
    "publishedAt": "created_at",
    "pullRequest": "issue.pull_request",
    "repository": "issue.repository",
    "updatedAt": "updated_at",
    "url": "html_url",
}
