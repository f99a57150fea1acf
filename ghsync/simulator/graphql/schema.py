"""The executable schema: GitHub's words from `schema.graphql`, read from the world by the fields of each type."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from importlib import resources
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    build_schema,
)

from ghsync.simulator.account import Account
from ghsync.simulator.commit_status import CommitStatus
from ghsync.simulator.graphql import (
    accounts,
    checks,
    commits,
    issues,
    nodes,
    pull_requests,
    repositories,
    request,
    reviews,
    root,
)
from ghsync.simulator.graphql.commits import Branch, CommitIn
from ghsync.simulator.graphql.fields import Fields, Resolver, bind, bind_type, value
from ghsync.simulator.graphql.limits import SLOW_FIELDS
from ghsync.simulator.issue import Comment
from ghsync.simulator.payload import iso
from ghsync.simulator.review import Review
from ghsync.simulator.review_comment import ReviewComment, ReviewThread

QUERY: Fields = {
    "node": nodes.resolve_node,
    "nodes": nodes.resolve_nodes,
    "organization": accounts.resolve_organization,
    "rateLimit": root.resolve_rate_limit,
    "repository": repositories.resolve_repository,
    "repositoryOwner": accounts.resolve_owner,
    "viewer": root.resolve_viewer,
}

CONNECTION: Fields = {
    "edges": "edges",
    "nodes": "page",
    "pageInfo": value(lambda connection: connection),
    "totalCount": "total",
}

PAGE_INFO: Fields = {
    "endCursor": "end_cursor",
    "hasNextPage": "has_next",
    "hasPreviousPage": "has_previous",
    "startCursor": "start_cursor",
}

EDGE: Fields = {"cursor": "cursor", "node": "node"}

TYPES: dict[str, Fields] = {
    "App": checks.APP,
    "AutoMergeRequest": pull_requests.AUTO_MERGE_REQUEST,
    "Bot": accounts.ACTOR,
    "CheckRun": checks.CHECK_RUN,
    "CheckSuite": checks.CHECK_SUITE,
    "Commit": commits.COMMIT,
    "GitActor": commits.GIT_ACTOR,
    "Issue": issues.ISSUE,
    "IssueComment": issues.COMMENT,
    "IssueDependenciesSummary": issues.DEPENDENCIES_SUMMARY,
    "IssueType": issues.TYPE,
    "Label": repositories.LABEL,
    "Language": repositories.LANGUAGE,
    "License": repositories.LICENSE,
    "Mannequin": accounts.ACTOR,
    "Milestone": repositories.MILESTONE,
    "OrganizationMemberConnection": accounts.MEMBERS,
    "OrganizationMemberEdge": accounts.MEMBER_EDGE,
    "Organization": accounts.ORGANIZATION,
    "PageInfo": PAGE_INFO,
    "PinnedIssue": repositories.PINNED_ISSUE,
    "PullRequest": pull_requests.PULL_REQUEST,
    "PullRequestCommit": pull_requests.PULL_REQUEST_COMMIT,
    "PullRequestReview": reviews.REVIEW,
    "PullRequestReviewComment": reviews.REVIEW_COMMENT,
    "PullRequestReviewThread": reviews.THREAD,
    "Query": QUERY,
    "RateLimit": root.RATE_LIMIT,
    "Ref": commits.REF,
    "Release": repositories.RELEASE,
    "Repository": repositories.REPOSITORY,
    "RepositoryTopic": repositories.REPOSITORY_TOPIC,
    "ReviewRequest": reviews.REVIEW_REQUEST,
    "Status": commits.STATUS,
    "StatusCheckRollup": commits.ROLLUP,
    "StatusContext": checks.STATUS_CONTEXT,
    "SubIssuesSummary": issues.SUB_ISSUES_SUMMARY,
    "Team": accounts.TEAM,
    "Topic": repositories.TOPIC,
    "User": accounts.OWNER,
    "Workflow": checks.WORKFLOW,
    "WorkflowRun": checks.WORKFLOW_RUN,
}

NAMES: dict[type, str] = {
    Branch: "Ref",
    Comment: "IssueComment",
    CommitIn: "Commit",
    CommitStatus: "StatusContext",
    Review: "PullRequestReview",
    ReviewComment: "PullRequestReviewComment",
    ReviewThread: "PullRequestReviewThread",
}
"""What GitHub calls that which has another name here."""


def load() -> GraphQLSchema:
    """The schema, with everything bound; a field that nobody reads is an error here."""
    text = resources.files("ghsync.simulator.graphql").joinpath("schema.graphql").read_text("utf-8")
    schema = build_schema(text)
    for name, found in schema.type_map.items():
        if isinstance(found, GraphQLObjectType) and not name.startswith("__"):
            bind(schema, name, TYPES.get(name) or _fields_of_page(found))
            _widen(found)
            _slow_down(found)
        elif not isinstance(found, GraphQLObjectType) and (hasattr(found, "types") or hasattr(found, "interfaces")):
            bind_type(schema, name, type_name)
    _bind_scalars(schema)
    return schema


def without(schema: GraphQLSchema, lacks: Iterable[str]) -> GraphQLSchema:
    """The same schema before it had these fields and arguments, or after they went."""
    for name in lacks:
        kind, _, rest = name.partition(".")
        field, _, argument = rest.removesuffix(":)").partition("(")
        found: Any = schema.type_map[kind]
        if argument:
            del found.fields[field].args[argument]
            found.fields[field].resolve = partial(found.fields[field].resolve, **{argument: True})
        else:
            for each in (found, *(interface for interface in found.interfaces if field in interface.fields)):
                del each.fields[field]
    return schema


def type_name(node: object) -> str:
    """GitHub's name for the type of something."""
    return node.type if isinstance(node, Account) else NAMES.get(type(node), type(node).__name__)


def _fields_of_page(found: GraphQLObjectType) -> Fields:
    return CONNECTION if found.name.endswith("Connection") else EDGE


# GitHub's ids have outgrown 32 bits; its `databaseId` has not, and carries them all the same.
WIDE_INT = GraphQLScalarType("WideInt", serialize=int)
WIDE_INT.name = "Int"


def _widen(found: GraphQLObjectType) -> None:
    if "databaseId" in found.fields:
        found.fields["databaseId"].type = WIDE_INT


def _slow_down(found: GraphQLObjectType) -> None:
    """Let the fields that cost GitHub a look elsewhere take their time."""
    for name in found.fields.keys() & SLOW_FIELDS.keys():
        found.fields[name].resolve = _timed(name, found.fields[name].resolve)


def _timed(name: str, resolver: Any) -> Resolver:
    def resolve(parent: object, info: GraphQLResolveInfo, **arguments: object) -> object:
        asked = request.of(info)
        asked.seconds += asked.limits.field_seconds.get(name, 0)
        return resolver(parent, info, **arguments)

    return resolve


def _bind_scalars(schema: GraphQLSchema) -> None:
    scalars: dict[str, Any] = schema.type_map
    scalars["DateTime"].serialize = iso
    scalars["DateTime"].parse_value = _time
    scalars["DateTime"].parse_literal = lambda node, _variables=None: _time(node.value)
    scalars["BigInt"].serialize = str


def _time(text: object) -> datetime:
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except ValueError as error:
        raise GraphQLError(f"{text!r} is not a time in ISO 8601.") from error
