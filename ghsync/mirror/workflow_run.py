"""Runs of GitHub Actions' workflows: what a check suite of theirs is to those who wrote the workflow.

Payload: https://docs.github.com/en/rest/actions/workflow-runs#get-a-workflow-run
A run says what its checks do not: that it waits for approval, that it could not start, that more jobs are to come.
"""

import sqlalchemy as sa
from msgspec import Struct

from ghsync.database import document, metadata, moment, uuid_key
from ghsync.mirror.noun import Group, Noun, Origin, Row, its_repository, mirror_columns, version_columns
from ghsync.mirror.user import Id, Integer, Time, time

table = sa.Table(
    "github_workflow_runs",
    metadata,
    uuid_key(),
    its_repository(),
    sa.Column("github_id", sa.String(255), nullable=False, comment="GitHub's numeric id; the same for every attempt"),
    sa.Column("node_id", sa.String(255), comment="GitHub's GraphQL id"),
    sa.Column("workflow_id", sa.String(255), comment="GitHub's id of the workflow"),
    sa.Column("name", sa.Text, comment="Name of the workflow"),
    sa.Column("event", sa.String(255), comment="What triggered it: push, pull_request, ..."),
    sa.Column("head_sha", sa.String(64), nullable=False, comment="Commit that it runs on"),
    sa.Column("head_branch", sa.String(255), comment="Branch that it runs on"),
    sa.Column("run_number", sa.Integer, comment="Number within the workflow"),
    sa.Column("run_attempt", sa.Integer, comment="How often it was run, as far as known"),
    sa.Column("status", sa.String(50), comment="requested, waiting, queued, in_progress, completed, ..."),
    sa.Column("conclusion", sa.String(50), comment="success, failure, action_required, ...; null until completed"),
    sa.Column("check_suite_id", sa.String(255), comment="GitHub's id of the suite that holds its checks"),
    sa.Column("html_url", sa.Text, comment="Page on GitHub"),
    document(
        "pull_requests", "[number] of the pull requests that it names; none for a fork's, null while unknown",
        default=None, shape="array",
    ),
    *version_columns("naming"),
    moment("created_at", "When it was made"),
    *mirror_columns(),
    sa.UniqueConstraint("repository_id", "github_id"),
    comment="Workflow runs of GitHub Actions, joined by head commit",
)  # fmt: skip
sa.Index("idx_github_workflow_runs_head_sha", table.c.repository_id, table.c.head_sha)

NAMING = Group("naming", ("pull_requests",))
"""What hooks and REST tell, and GraphQL does not."""

noun = Noun(
    table,
    "workflow run",
    key=("repository_id", "github_id"),
    refetch="heads",
    about="commit",
    tracked=True,
    groups=(NAMING,),
    sticky=("run_attempt", "head_branch"),  # GraphQL does not tell them
)


class Reference(Struct, frozen=True):
    """A repository, by its id."""

    id: Id | None = None


class Base(Struct, frozen=True):
    """The ``base`` of a pull request that is named, as far as it says which repository's pull request this is."""

    repo: Reference | None = None


class NamedPullRequest(Struct, frozen=True):
    """A pull request as runs name it; one of a fork's own is named by its number there."""

    number: Integer | None = None
    base: Base | None = None


class Payload(Struct, frozen=True):
    """A ``workflow_run`` object."""

    id: Id
    head_sha: str
    node_id: str | None = None
    workflow_id: Id | None = None
    name: str | None = None
    event: str | None = None
    head_branch: str | None = None
    run_number: Integer | None = None
    run_attempt: Integer | None = None
    status: str | None = None
    conclusion: str | None = None
    check_suite_id: Id | None = None
    html_url: str | None = None
    repository: Reference | None = None
    pull_requests: list[NamedPullRequest | None] | None = None
    created_at: Time = None
    updated_at: Time = None


def row(payload: Payload, origin: Origin) -> Row:
    """The row of a ``workflow_run`` object; without naming where that is not told."""
    whole: Row = {
        "github_id": str(payload.id),
        "node_id": payload.node_id,
        "workflow_id": str(payload.workflow_id) if payload.workflow_id else None,
        "name": payload.name,
        "event": payload.event,
        "head_sha": payload.head_sha,
        "head_branch": payload.head_branch,
        "run_number": payload.run_number,
        "run_attempt": payload.run_attempt,
        "status": payload.status,
        "conclusion": payload.conclusion,
        "check_suite_id": str(payload.check_suite_id) if payload.check_suite_id else None,
        "html_url": payload.html_url,
        "created_at": time(payload.created_at),
        "updated_at": time(payload.updated_at),
        "deleted_at": None,
        **origin.columns(),
    }
    if payload.pull_requests is not None:
        whole |= {
            "pull_requests": _numbers(payload),
            NAMING.updated_at: whole["updated_at"],
            NAMING.observed_at: origin.observed_at,
        }
    return whole


def _numbers(payload: Payload) -> list[int]:
    """The numbers of the pull requests that are this repository's.

    GitHub names those that have the run's head or branch now, those that others have opened of it elsewhere among them.
    """
    ours = payload.repository and payload.repository.id
    named = [each for each in payload.pull_requests or () if each and each.number]
    return sorted(each.number for each in named if each.number and (not ours or _base(each) in (None, ours)))


def _base(named: NamedPullRequest) -> int | None:
    return named.base.repo.id if named.base and named.base.repo else None
