"""Repositories, their labels, their milestones and their releases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphql import GraphQLResolveInfo

from ghsync.simulator.graphql import issues, lists, request
from ghsync.simulator.graphql.accounts import actor
from ghsync.simulator.graphql.commits import Branch, CommitIn, find_branch, find_commit
from ghsync.simulator.graphql.connections import AS_THEY_STAND, Connection, Key, Order, connect
from ghsync.simulator.graphql.fields import Fields, Resolver, always, value
from ghsync.simulator.graphql.refusals import not_found
from ghsync.simulator.identity import node_id
from ghsync.simulator.payload import WEB_URL
from ghsync.simulator.release import visible_releases

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from ghsync.simulator.account import Account
    from ghsync.simulator.issue import Issue
    from ghsync.simulator.label import Label
    from ghsync.simulator.milestone import Milestone
    from ghsync.simulator.pull_request import PullRequest
    from ghsync.simulator.release import Release
    from ghsync.simulator.repository import Repository

NEVER = 2**62
"""Where a milestone without a date sorts: last."""

MILESTONE_KEYS: Mapping[str, Callable[[Milestone], Key]] = {
    "CREATED_AT": lambda each: (lists.second(each.created_at), each.id),
    "DUE_DATE": lambda each: (NEVER if each.due_on is None else lists.second(each.due_on), each.id),
    "NUMBER": lambda each: (each.number,),
    "UPDATED_AT": lambda each: (lists.second(each.updated_at), each.id),
}

RELEASE_KEYS: Mapping[str, Callable[[Release], Key]] = {
    "CREATED_AT": lambda each: (lists.second(each.created_at), each.id),
    "NAME": lambda each: (each.name or "", each.id),
}


@dataclass(frozen=True)
class TopicOf:
    """A topic of a repository."""

    repository: Repository
    name: str

    @property
    def url(self) -> str:
        """The page of the topic."""
        return f"{WEB_URL}/topics/{self.name}"


@dataclass(frozen=True)
class PinnedIssue:
    """That an issue is shown at the top."""

    issue: Issue


def resolve_repository(
    _root: object,
    info: GraphQLResolveInfo,
    *,
    owner: str,
    name: str,
    followRenames: bool,
) -> Repository:
    """The repository of a name."""
    return lists.find_repository(info, owner, name, follow_renames=followRenames)


def _issue(repository: Repository, info: GraphQLResolveInfo, *, number: int) -> Issue:
    request.of(info).require("issues")
    issue = repository.issues.get(number)
    if issue is None or issue.pull_request is not None:
        raise not_found(f"Could not resolve to an Issue with the number of {number}.")
    return issue


def _pull_request(repository: Repository, info: GraphQLResolveInfo, *, number: int) -> PullRequest:
    request.of(info).require("pull_requests")
    if number not in repository.pull_requests:
        raise not_found(f"Could not resolve to a PullRequest with the number of {number}.")
    return repository.pull_requests[number]


def _either(repository: Repository, info: GraphQLResolveInfo, *, number: int) -> Issue | PullRequest:
    if number not in repository.issues:
        raise not_found(f"Could not resolve to an issue or pull request with the number of {number}.")
    if number in repository.pull_requests:
        return _pull_request(repository, info, number=number)
    return _issue(repository, info, number=number)


def _issues(repository: Repository, info: GraphQLResolveInfo, **arguments: Any) -> Connection:
    request.of(info).require("issues")
    return lists.issues(info, repository.issues.values(), **arguments)


def _pull_requests(repository: Repository, info: GraphQLResolveInfo, **arguments: Any) -> Connection:
    request.of(info).require("pull_requests")
    return lists.pull_requests(info, repository.pull_requests.values(), **arguments)


def _label(repository: Repository, _info: GraphQLResolveInfo, *, name: str) -> Label | None:
    return next((label for label in repository.labels if label.name.lower() == name.lower()), None)


def _labels(
    repository: Repository, info: GraphQLResolveInfo, *, query: str | None = None, **arguments: Any
) -> Connection:
    if query is None:
        return issues.labels(repository, info, **arguments)
    kept = [label for label in repository.labels if query.lower() in label.name.lower()]
    return connect(info, kept, AS_THEY_STAND, **lists.bounds(arguments))


def _milestone(repository: Repository, _info: GraphQLResolveInfo, *, number: int) -> Milestone | None:
    return next((milestone for milestone in repository.milestones if milestone.number == number), None)


def _milestones(
    repository: Repository,
    info: GraphQLResolveInfo,
    *,
    orderBy: lists.Ordering | None = None,
    states: list[str] | None = None,
    **page: object,
) -> Connection:
    kept = [each for each in repository.milestones if states is None or each.state.upper() in states]
    order = lists.order(orderBy or {"field": "NUMBER", "direction": "ASC"}, MILESTONE_KEYS)
    return connect(info, kept, order, **lists.bounds(page))


def _object(
    repository: Repository, _info: GraphQLResolveInfo, *, expression: str | None = None, oid: str | None = None
) -> CommitIn | None:
    if expression is not None and expression in repository.branches:
        return Branch(repository, expression).target
    return find_commit(repository, oid or expression or "")


def _pinned(repository: Repository, info: GraphQLResolveInfo, **page: object) -> Connection:
    kept = [PinnedIssue(issue) for issue in repository.issues.values() if issue.pinned]
    return connect(info, kept, AS_THEY_STAND, **lists.bounds(page))


def _ref(repository: Repository, _info: GraphQLResolveInfo, *, qualifiedName: str) -> Branch | None:
    return find_branch(repository, qualifiedName.removeprefix("refs/heads/"))


def _refs(repository: Repository, info: GraphQLResolveInfo, *, refPrefix: str, **page: object) -> Connection:
    names = sorted(repository.branches) if refPrefix == "refs/heads/" else []
    by_name = Order(lambda branch: (branch.name,))
    return connect(info, [Branch(repository, name) for name in names], by_name, **lists.bounds(page))


def _releases(
    repository: Repository, info: GraphQLResolveInfo, *, orderBy: lists.Ordering | None = None, **page: object
) -> Connection:
    asked = request.of(info)
    asked.require("contents")
    found = visible_releases(repository, may_push=asked.viewer.may_push(repository))
    return connect(info, found, lists.order(orderBy, RELEASE_KEYS), **lists.bounds(page))


def _topics(repository: Repository, info: GraphQLResolveInfo, **page: object) -> Connection:
    found = [TopicOf(repository, name) for name in repository.topics]
    return connect(info, found, AS_THEY_STAND, **lists.bounds(page))


def _parent(repository: Repository, info: GraphQLResolveInfo) -> Repository | None:
    return request.of(info).visible(repository.fork_of)


def _of_label(label: Label, info: GraphQLResolveInfo, **arguments: Any) -> Connection:
    found = [issue for issue in label.repository.issues.values() if label in issue.labels]
    return lists.issues(info, found, **arguments)


def _pulls_of_label(label: Label, info: GraphQLResolveInfo, **arguments: Any) -> Connection:
    found = [each for each in label.repository.pull_requests.values() if label in each.issue.labels]
    return lists.pull_requests(info, found, **arguments)


def _of_milestone(milestone: Milestone, info: GraphQLResolveInfo, **arguments: Any) -> Connection:
    found = [issue for issue in milestone.repository.issues.values() if issue.milestone is milestone]
    return lists.issues(info, found, **arguments)


def _pulls_of_milestone(milestone: Milestone, info: GraphQLResolveInfo, **arguments: Any) -> Connection:
    found = [each for each in milestone.repository.pull_requests.values() if each.issue.milestone is milestone]
    return lists.pull_requests(info, found, **arguments)


def _progress(milestone: Milestone) -> float:
    tally = milestone.repository.tally()
    closed = tally[milestone, "closed"]
    total = closed + tally[milestone, "open"]
    return closed * 100 / total if total else 0.0


def _due(milestone: Milestone) -> datetime | None:
    """The day, at midnight of UTC: REST has that of San Francisco.

    https://github.com/microsoft/PowerShellForGitHub/pull/133
    """
    return milestone.due_on and milestone.due_on.replace(hour=0, minute=0, second=0, microsecond=0)


def _user(release: Release) -> Account | None:
    """Who wrote it, if that was no bot: GraphQL names none there."""
    return actor(release.author) if release.author.type == "User" else None


def _license(repository: Repository) -> object:
    return repository.as_json()["license"]


def _of(key: str) -> Resolver:
    return value(lambda found: found[key])


REPOSITORY: Fields = {
    "autoMergeAllowed": "allow_auto_merge",
    "createdAt": "created_at",
    "databaseId": "id",
    "defaultBranchRef": value(lambda repository: find_branch(repository, repository.default_branch)),
    "deleteBranchOnMerge": "delete_branch_on_merge",
    "description": "description",
    "diskUsage": "size",
    "forkCount": "forks",
    "hasDiscussionsEnabled": always(False),
    "hasIssuesEnabled": always(True),
    "hasProjectsEnabled": always(True),
    "hasWikiEnabled": always(False),
    "homepageUrl": "homepage",
    "id": "node_id",
    "isArchived": "archived",
    "isDisabled": "disabled",
    "isFork": value(lambda repository: repository.fork_of is not None),
    "isInOrganization": value(lambda repository: repository.owner.type == "Organization"),
    "isPrivate": value(lambda repository: repository.visibility != "public"),
    "isTemplate": always(False),
    "issue": _issue,
    "issueOrPullRequest": _either,
    "issues": _issues,
    "label": _label,
    "labels": _labels,
    "licenseInfo": value(_license),
    "milestone": _milestone,
    "milestones": _milestones,
    "name": "name",
    "nameWithOwner": "full_name",
    "object": _object,
    "owner": "owner",
    "parent": _parent,
    "pinnedIssues": _pinned,
    "primaryLanguage": "language",
    "pullRequest": _pull_request,
    "pullRequests": _pull_requests,
    "pushedAt": "pushed_at",
    "ref": _ref,
    "refs": _refs,
    "releases": _releases,
    "repositoryTopics": _topics,
    "stargazerCount": value(lambda repository: len(repository.stargazers)),
    "updatedAt": "updated_at",
    "url": "html_url",
    "visibility": value(lambda repository: repository.visibility.upper()),
}

LICENSE: Fields = {
    "id": _of("node_id"),
    "key": _of("key"),
    "name": _of("name"),
    "spdxId": _of("spdx_id"),
    "url": _of("url"),
}

LANGUAGE: Fields = {
    "id": value(lambda name: node_id("LANG", name)),
    "name": value(lambda name: name),
}

TOPIC: Fields = {
    "id": value(lambda topic: node_id("TO", topic.name)),
    "name": "name",
}

REPOSITORY_TOPIC: Fields = {
    "id": value(lambda topic: node_id("RT", topic.repository.id, topic.name)),
    "topic": value(lambda topic: topic),
    "url": "url",
}

PINNED_ISSUE: Fields = {
    "id": value(lambda pin: node_id("PI", pin.issue.repository.id, pin.issue.id)),
    "issue": "issue",
    "repository": "issue.repository",
}

LABEL: Fields = {
    "color": "color",
    "description": "description",
    "id": "node_id",
    "isDefault": "default",
    "issues": _of_label,
    "name": "name",
    "pullRequests": _pulls_of_label,
    "repository": "repository",
    "url": "html_url",
}

MILESTONE: Fields = {
    "closed": value(lambda milestone: milestone.state == "closed"),
    "closedAt": "closed_at",
    "createdAt": "created_at",
    "creator": value(lambda milestone: actor(milestone.creator)),
    "description": "description",
    "dueOn": value(_due),
    "id": "node_id",
    "issues": _of_milestone,
    "number": "number",
    "progressPercentage": value(_progress),
    "pullRequests": _pulls_of_milestone,
    "repository": "repository",
    "state": value(lambda milestone: milestone.state.upper()),
    "title": "title",
    "updatedAt": "updated_at",
    "url": "html_url",
}

RELEASE: Fields = {
    "author": value(_user),
    "createdAt": "created_at",
    "databaseId": "id",
    "description": "body",
    "id": "node_id",
    "isDraft": "draft",
    "isPrerelease": "prerelease",
    "name": "name",
    "publishedAt": "published_at",
    "repository": "repository",
    "tagName": "tag_name",
    "updatedAt": "updated_at",
    "url": "html_url",
}
