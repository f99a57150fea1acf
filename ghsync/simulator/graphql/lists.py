"""Lists of repositories, issues and pull requests: their filters and orders, wherever they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from graphql import GraphQLResolveInfo

from ghsync.simulator.graphql import request
from ghsync.simulator.graphql.connections import Connection, Key, Order, connect
from ghsync.simulator.graphql.refusals import not_found

if TYPE_CHECKING:
    from datetime import datetime

    from ghsync.simulator.issue import Issue
    from ghsync.simulator.pull_request import PullRequest
    from ghsync.simulator.repository import Repository

Ordering = Mapping[str, str]

BOUNDS = ("first", "last", "after", "before")
OLDEST_FIRST: Ordering = {"field": "CREATED_AT", "direction": "ASC"}


def bounds(arguments: Mapping[str, object]) -> dict[str, Any]:
    """The arguments that say which page is wanted."""
    return {name: arguments[name] for name in BOUNDS if name in arguments}


def order(by: Ordering | None, keys: Mapping[str, Callable[[Any], Key]]) -> Order:
    """The order that is asked for, or that of creation."""
    wanted = by or OLDEST_FIRST
    return Order(keys[wanted["field"]], descending=wanted["direction"] == "DESC")


def second(moment: datetime) -> int:
    """A time as GitHub keeps it, in whole seconds since 1970."""
    return int(moment.timestamp())


REPOSITORY_KEYS: Mapping[str, Callable[[Repository], Key]] = {
    "CREATED_AT": lambda each: (second(each.created_at), each.id),
    "NAME": lambda each: (each.name, each.id),
    "PUSHED_AT": lambda each: (second(each.pushed_at), each.id),
    "STARGAZERS": lambda each: (len(each.stargazers), each.id),
    "UPDATED_AT": lambda each: (second(each.updated_at), each.id),
}

ISSUE_KEYS: Mapping[str, Callable[[Issue], Key]] = {
    "COMMENTS": lambda each: (len(each.comments), each.id),
    "CREATED_AT": lambda each: (second(each.created_at), each.id),
    "UPDATED_AT": lambda each: (second(each.updated_at), each.id),
}

PULL_REQUEST_KEYS: Mapping[str, Callable[[PullRequest], Key]] = {
    "COMMENTS": lambda each: (len(each.issue.comments), each.id),
    "CREATED_AT": lambda each: (second(each.issue.created_at), each.id),
    "UPDATED_AT": lambda each: (second(each.issue.updated_at), each.id),
}


def find_repository(info: GraphQLResolveInfo, owner: str, name: str, *, follow_renames: bool) -> Repository:
    """The repository of a name, or of a name it had; one that the viewer does not see is not there."""
    asked = request.of(info)
    full_name = f"{owner}/{name}"
    found = asked.world.repository_named(full_name)
    if found is not None and not follow_renames and found.full_name.lower() != full_name.lower():
        found = None
    if found is None or not asked.viewer.sees(found):
        raise not_found(f"Could not resolve to a Repository with the name '{full_name}'.")
    return found


def repositories(
    info: GraphQLResolveInfo,
    found: Iterable[Repository],
    *,
    isArchived: bool | None = None,
    isFork: bool | None = None,
    orderBy: Ordering | None = None,
    privacy: str | None = None,
    visibility: str | None = None,
    **page: object,
) -> Connection:
    """A page of repositories."""
    wanted = visibility or privacy
    kept = (
        each
        for each in found
        if (isArchived is None or each.archived == isArchived)
        and (isFork is None or (each.fork_of is not None) == isFork)
        and (wanted is None or each.visibility.upper() == wanted)
    )
    return connect(info, kept, order(orderBy, REPOSITORY_KEYS), **bounds(page))


def issues(
    info: GraphQLResolveInfo,
    found: Iterable[Issue],
    *,
    filterBy: Mapping[str, Any] | None = None,
    labels: list[str] | None = None,
    orderBy: Ordering | None = None,
    states: list[str] | None = None,
    **page: object,
) -> Connection:
    """A page of issues; none of them is a pull request."""
    more = filterBy or {}
    kept = (
        each
        for each in found
        if each.pull_request is None
        and _has_label(each, labels)
        and _has_label(each, more.get("labels"))
        and _has_state(each.state, states)
        and _has_state(each.state, more.get("states"))
        and ("since" not in more or each.updated_at.replace(microsecond=0) >= more["since"])
        and ("createdBy" not in more or each.author.login == more["createdBy"])
        and ("assignee" not in more or more["assignee"] in [account.login for account in each.assignees])
    )
    return connect(info, kept, order(orderBy, ISSUE_KEYS), **bounds(page))


def pull_requests(
    info: GraphQLResolveInfo,
    found: Iterable[PullRequest],
    *,
    baseRefName: str | None = None,
    headRefName: str | None = None,
    labels: list[str] | None = None,
    orderBy: Ordering | None = None,
    states: list[str] | None = None,
    **page: object,
) -> Connection:
    """A page of pull requests."""
    kept = (
        each
        for each in found
        if _has_label(each.issue, labels)
        and _has_state(pull_request_state(each), states)
        and baseRefName in (None, each.base_branch)
        and headRefName in (None, each.head_branch)
    )
    return connect(info, kept, order(orderBy, PULL_REQUEST_KEYS), **bounds(page))


def pull_request_state(pull_request: PullRequest) -> str:
    """Open, closed or merged: for GraphQL that is one thing."""
    return "MERGED" if pull_request.merged_at is not None else pull_request.issue.state.upper()


def _has_label(issue: Issue, names: list[str] | None) -> bool:
    return names is None or any(label.name in names for label in issue.labels)


def _has_state(state: str, states: list[str] | None) -> bool:
    return states is None or state.upper() in states
