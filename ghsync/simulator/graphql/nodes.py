"""Finding what a node id names.

Issues and pull requests are asked for by the hundred, so those of a repository are put into order once a query.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from graphql import GraphQLResolveInfo

from ghsync.simulator.graphql import request
from ghsync.simulator.graphql.commits import find_branch, find_commit
from ghsync.simulator.graphql.refusals import Refused, forbidden, not_found

if TYPE_CHECKING:
    from ghsync.simulator.repository import Repository
    from ghsync.simulator.world import World

PERMISSIONS = {
    "CR": "checks",
    "CS": "checks",
    "I": "issues",
    "PR": "pull_requests",
    "PRR": "pull_requests",
    "PRRC": "pull_requests",
    "PRRT": "pull_requests",
    "RE": "contents",
    "SC": "statuses",
    "T": "members",
    "W": "actions",
    "WFR": "actions",
}
"""What has to be permitted to read a node, by the prefix of its id."""

WITHIN: Mapping[str, Callable[[Repository], Iterable[Any]]] = {
    "CR": lambda repository: (
        run for suites in repository.check_suites.values() for suite in suites for run in suite.runs
    ),
    "CS": lambda repository: (suite for suites in repository.check_suites.values() for suite in suites),
    "I": lambda repository: (issue for issue in repository.issues.values() if issue.pull_request is None),
    "IC": lambda repository: (comment for issue in repository.issues.values() for comment in issue.comments),
    "LA": lambda repository: repository.labels,
    "MI": lambda repository: repository.milestones,
    "PR": lambda repository: repository.pull_requests.values(),
    "PRR": lambda repository: (
        review
        for pull_request in repository.pull_requests.values()
        for review in pull_request.reviews
        if review.state != "PENDING"
    ),
    "PRRC": lambda repository: (
        comment for pull_request in repository.pull_requests.values() for comment in pull_request.review_comments
    ),
    "PRRT": lambda repository: (
        thread for pull_request in repository.pull_requests.values() for thread in pull_request.threads
    ),
    "RE": lambda repository: (release for release in repository.releases.values() if not release.draft),
    "SC": lambda repository: (status for statuses in repository.statuses.values() for status in statuses),
    "W": lambda repository: repository.workflows.values(),
    "WFR": lambda repository: repository.workflow_runs(),
}
"""All of a kind in a repository, by the prefix of their ids."""


class Finder:
    """Finds nodes for one query."""

    def __init__(self, asked: request.Request) -> None:
        self.asked = asked
        self._known: dict[tuple[str, int], dict[int, object]] = {}

    def find(self, text: str) -> object:
        """The node, or the refusal that stands in its place."""
        prefix, numbers = parts(text)
        found = self._named(prefix, numbers)
        if found is None:
            return not_found(f"Could not resolve to a node with the global id of '{text}'.")
        permission = PERMISSIONS.get(prefix)
        if permission is not None and not self.asked.viewer.may(permission):
            return forbidden()
        self.asked.count(1)
        return found

    def _named(self, prefix: str, numbers: list[Any]) -> object | None:
        world = self.asked.world
        if len(numbers) == 1:
            if prefix == "R":
                return self.asked.visible(world.repositories.get(numbers[0]))
            return _account(world, prefix, numbers[0])
        if len(numbers) != 2:
            return None
        if prefix == "T":
            return world.teams.get(numbers[1])
        repository = self.asked.visible(world.repositories.get(numbers[0]))
        return None if repository is None else self._within(prefix, repository, numbers[1])

    def _within(self, prefix: str, repository: Repository, name: Any) -> object | None:
        if prefix == "C":
            return find_commit(repository, name)
        if prefix == "REF":
            return find_branch(repository, name.removeprefix("refs/heads/"))
        if prefix not in WITHIN:
            return None
        key = (prefix, repository.id)
        if key not in self._known:
            self._known[key] = {node.id: node for node in WITHIN[prefix](repository)}
        return self._known[key].get(name)


def resolve_node(_root: object, info: GraphQLResolveInfo, *, id: str) -> object:  # noqa: A002 - GitHub's name
    """The node of an id."""
    return Finder(request.of(info)).find(id)


def resolve_nodes(_root: object, info: GraphQLResolveInfo, *, ids: list[str]) -> list[object]:
    """The nodes of ids, in their order; in the place of those that are not found stands null, with an error."""
    asked = request.of(info)
    if len(ids) > asked.limits.node_ids:
        raise Refused("ARGUMENT_LIMIT", f"{len(ids)} node ids are more than the {asked.limits.node_ids} allowed.")
    finder = Finder(asked)
    return [finder.find(text) for text in ids]


def parts(text: str) -> tuple[str, list[Any]]:
    """The prefix of a node id, and what it names."""
    prefix, _, packed = text.partition("_")
    try:
        numbers = msgspec.msgpack.decode(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)), type=list)
    except (binascii.Error, msgspec.DecodeError, ValueError):
        return prefix, []
    return prefix, numbers[1:]


def _account(world: World, prefix: str, number: int) -> object | None:
    account = world.accounts.get(number)
    return account if account is not None and not account.deleted and account.node_id.startswith(f"{prefix}_") else None
