"""Check suites and their workflow runs, check runs, and commit statuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphql import GraphQLResolveInfo

from ghsync.simulator.graphql import lists, request
from ghsync.simulator.graphql.accounts import actor
from ghsync.simulator.graphql.commits import CommitIn, find_branch
from ghsync.simulator.graphql.connections import AS_THEY_STAND, Connection, connect
from ghsync.simulator.graphql.fields import Fields, always, value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghsync.simulator.check_suite import CheckSuite
    from ghsync.simulator.workflow_run import WorkflowRun


def _upper(text: str | None) -> str | None:
    return None if text is None else text.upper()


def _runs(
    suite: CheckSuite,
    info: GraphQLResolveInfo,
    *,
    filterBy: Mapping[str, Any] | None = None,
    **page: object,
) -> Connection:
    """The newest attempts, unless all are asked for."""
    wanted = filterBy or {}
    runs = suite.runs if wanted.get("checkType") == "ALL" else suite.latest_runs
    kept = [
        run
        for run in runs
        if wanted.get("appId") in (None, run.suite.app.id)
        and wanted.get("checkName") in (None, run.name)
        and wanted.get("status") in (None, run.status.upper())
        and _is_among(run.status, wanted.get("statuses"))
        and _is_among(run.conclusion, wanted.get("conclusions"))
    ]
    return connect(info, kept, AS_THEY_STAND, **lists.bounds(page))


def _is_among(found: str | None, wanted: list[str] | None) -> bool:
    return wanted is None or _upper(found) in wanted


def _workflow_run(suite: CheckSuite, info: GraphQLResolveInfo) -> WorkflowRun | None:
    if suite.workflow_run is not None:
        request.of(info).require("actions")
    return suite.workflow_run


def _matching(suite: CheckSuite, info: GraphQLResolveInfo, **arguments: Any) -> Connection:
    return lists.pull_requests(info, suite.pull_requests, **arguments)


CHECK_SUITE: Fields = {
    "app": "app",
    "branch": value(lambda suite: suite.head_branch and find_branch(suite.repository, suite.head_branch)),
    "checkRuns": _runs,
    "commit": value(lambda suite: CommitIn(suite.repository, suite.head_commit)),
    "conclusion": value(lambda suite: _upper(suite.conclusion)),
    "createdAt": "created_at",
    "databaseId": "id",
    "id": "node_id",
    "matchingPullRequests": _matching,
    "repository": "repository",
    "status": value(lambda suite: suite.status.upper()),
    "updatedAt": "updated_at",
    "url": "html_url",
    "workflowRun": _workflow_run,
}

WORKFLOW_RUN: Fields = {
    "checkSuite": "suite",
    "createdAt": "created_at",
    "databaseId": "id",
    "event": "event",
    "id": "node_id",
    "runNumber": "number",
    "updatedAt": "updated_at",
    "url": "html_url",
    "workflow": "workflow",
}

WORKFLOW: Fields = {
    "createdAt": "created_at",
    "databaseId": "id",
    "id": "node_id",
    "name": "name",
    "state": always("ACTIVE"),
    "updatedAt": "created_at",
    "url": "html_url",
}

CHECK_RUN: Fields = {
    "checkSuite": "suite",
    "completedAt": "completed_at",
    "conclusion": value(lambda run: _upper(run.conclusion)),
    "databaseId": "id",
    "detailsUrl": "details_url",
    "externalId": always(""),
    "id": "node_id",
    "isRequired": always(False),
    "name": "name",
    "permalink": "html_url",
    "repository": "suite.repository",
    "startedAt": "started_at",
    "status": value(lambda run: run.status.upper()),
    "summary": "summary",
    "text": always(None),
    "title": "title",
    "url": "html_url",
}

STATUS_CONTEXT: Fields = {
    "avatarUrl": "creator.avatar_url",
    "commit": value(lambda status: CommitIn(status.repository, status.commit)),
    "context": "context",
    "createdAt": "created_at",
    "creator": value(lambda status: actor(status.creator)),
    "description": "description",
    "id": "node_id",
    "isRequired": always(False),
    "state": value(lambda status: status.state.upper()),
    "targetUrl": "target_url",
}

APP: Fields = {
    "clientId": "client_id",
    "createdAt": "created_at",
    "databaseId": "id",
    "description": "description",
    "id": "node_id",
    "name": "name",
    "slug": "slug",
    "updatedAt": "updated_at",
    "url": "html_url",
}
