"""Commits as parts of a repository, branches, and what is checked of a commit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphql import GraphQLResolveInfo

from ghsync.simulator.commit_status import CommitStatus, combined_state, latest_statuses
from ghsync.simulator.graphql import lists, request
from ghsync.simulator.graphql.accounts import actor
from ghsync.simulator.graphql.connections import AS_THEY_STAND, Connection, connect
from ghsync.simulator.graphql.fields import Fields, always, value
from ghsync.simulator.identity import node_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghsync.simulator.check_run import CheckRun
    from ghsync.simulator.check_suite import CheckSuite
    from ghsync.simulator.commit import Commit
    from ghsync.simulator.repository import Repository

GOOD_CONCLUSIONS = ("success", "neutral", "skipped")


@dataclass(frozen=True)
class CommitIn:
    """A commit, seen as part of a repository."""

    repository: Repository
    commit: Commit

    @property
    def node_id(self) -> str:
        """The commit's node id there."""
        return self.commit.node_id(self.repository.id)

    @property
    def html_url(self) -> str:
        """The commit's page there."""
        return f"{self.repository.html_url}/commit/{self.commit.sha}"

    @property
    def suites(self) -> list[CheckSuite]:
        """The check suites of the commit."""
        return self.repository.check_suites.get(self.commit.sha, [])

    @property
    def statuses(self) -> list[CommitStatus]:
        """The newest status of each context."""
        return latest_statuses(self.repository.statuses.get(self.commit.sha, ()))

    @property
    def contexts(self) -> list[CheckRun | CommitStatus]:
        """The newest runs and the newest statuses."""
        return [*(run for suite in self.suites for run in suite.latest_runs), *self.statuses]


@dataclass(frozen=True)
class Branch:
    """A branch, by its name."""

    repository: Repository
    name: str

    @property
    def node_id(self) -> str:
        """The branch's node id."""
        return node_id("REF", self.repository.id, f"refs/heads/{self.name}")

    @property
    def target(self) -> CommitIn:
        """The branch's newest commit."""
        return CommitIn(self.repository, self.repository.tip(self.name))


def find_branch(repository: Repository, name: str) -> Branch | None:
    """The branch of a name, if there is one."""
    return Branch(repository, name) if name in repository.branches else None


def find_commit(repository: Repository, sha: str) -> CommitIn | None:
    """The commit of a hash, as far as the repository knows it."""
    found = repository.commit(sha)
    return None if found is None else CommitIn(repository, found)


def rollup(place: CommitIn, info: GraphQLResolveInfo) -> CommitIn | None:
    """The commit as the sum of its checks and statuses, or null if it has none."""
    asked = request.of(info)
    asked.require("checks")
    asked.require("statuses")
    return place if place.contexts else None


def rollup_state(place: CommitIn) -> str:
    """What checks and statuses say together."""
    states = {_state_of(context) for context in place.contexts}
    return next(state for state in ("ERROR", "FAILURE", "PENDING", "SUCCESS") if state in states)


def _state_of(context: CheckRun | CommitStatus) -> str:
    if isinstance(context, CommitStatus):
        return context.state.upper()
    if context.status != "completed":
        return "PENDING"
    return "SUCCESS" if context.conclusion in GOOD_CONCLUSIONS else "FAILURE"


def _contexts(place: CommitIn, info: GraphQLResolveInfo, **page: object) -> Connection:
    return connect(info, place.contexts, AS_THEY_STAND, **lists.bounds(page))


def _status(place: CommitIn, info: GraphQLResolveInfo) -> CommitIn | None:
    request.of(info).require("statuses")
    return place if place.statuses else None


def _status_context(place: CommitIn, _info: GraphQLResolveInfo, *, name: str) -> CommitStatus | None:
    return next((status for status in place.statuses if status.context == name), None)


def _suites(
    place: CommitIn,
    info: GraphQLResolveInfo,
    *,
    filterBy: Mapping[str, Any] | None = None,
    **page: object,
) -> Connection:
    request.of(info).require("checks")
    wanted = filterBy or {}
    kept = [
        suite
        for suite in place.suites
        if ("appId" not in wanted or suite.app.id == wanted["appId"])
        and ("checkName" not in wanted or any(run.name == wanted["checkName"] for run in suite.runs))
    ]
    return connect(info, kept, AS_THEY_STAND, **lists.bounds(page))


COMMIT: Fields = {
    "abbreviatedOid": value(lambda place: place.commit.sha[:7]),
    "additions": value(lambda place: sum(change.additions for change in place.commit.changes)),
    "author": "commit.author",
    "authoredDate": "commit.committed_at",
    "changedFilesIfAvailable": value(lambda place: len(place.commit.changes)),
    "checkSuites": _suites,
    "commitUrl": "html_url",
    "committedDate": "commit.committed_at",
    "committer": "commit.author",
    "deletions": value(lambda place: sum(change.deletions for change in place.commit.changes)),
    "id": "node_id",
    "message": "commit.message",
    "messageBody": value(lambda place: place.commit.message.partition("\n\n")[2]),
    "messageHeadline": "commit.headline",
    "oid": "commit.sha",
    "repository": "repository",
    "status": _status,
    "statusCheckRollup": rollup,
    "url": "html_url",
}

GIT_ACTOR: Fields = {
    "email": "email",
    "name": "login",
    "user": value(lambda account: actor(account) if account.type == "User" else None),
}

REF: Fields = {
    "id": "node_id",
    "name": "name",
    "prefix": always("refs/heads/"),
    "repository": "repository",
    "target": "target",
}

ROLLUP: Fields = {
    "commit": value(lambda place: place),
    "contexts": _contexts,
    "id": value(lambda place: node_id("SCR", place.repository.id, place.commit.sha)),
    "state": value(rollup_state),
}

STATUS: Fields = {
    "commit": value(lambda place: place),
    "context": _status_context,
    "contexts": "statuses",
    "id": value(lambda place: node_id("STS", place.repository.id, place.commit.sha)),
    "state": value(lambda place: combined_state(place.statuses).upper()),
}
