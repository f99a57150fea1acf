"""Check runs: one attempt at one check of a commit, joined to pull requests by the head commit.

Payload: https://docs.github.com/en/rest/checks/runs#get-a-check-run
GitHub gives them no time of change, and the times in them are what the App that checks has written, which order
nothing: the later observation counts. One that is asked for again may still carry the conclusion that it had.
"""

from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from ghsync.database import metadata, moment, uuid_key
from ghsync.mirror.noun import Noun, Origin, Row, its_repository, mirror_columns
from ghsync.mirror.user import Id, Time, time

table = sa.Table(
    "github_check_runs",
    metadata,
    uuid_key(),
    its_repository(),
    sa.Column("github_id", sa.String(255), nullable=False, comment="GitHub's numeric id"),
    sa.Column("node_id", sa.String(255), comment="GitHub's GraphQL id"),
    sa.Column("head_sha", sa.String(64), nullable=False, comment="Commit that was checked"),
    sa.Column("name", sa.Text, nullable=False, comment="Name of the check"),
    sa.Column("app_id", sa.String(255), comment="GitHub's id of the App that ran it"),
    sa.Column("app_slug", sa.String(255), comment="That App's name in addresses"),
    sa.Column("check_suite_id", sa.String(255), comment="GitHub's id of its suite"),
    sa.Column("status", sa.String(50), nullable=False, comment="queued, in_progress or completed, as a rule"),
    sa.Column("conclusion", sa.String(50), comment="success, failure, neutral, skipped, ...; null until completed"),
    sa.Column("html_url", sa.Text, comment="Page on GitHub"),
    sa.Column("title", sa.Text, comment="Title of its output"),
    sa.Column("summary", sa.Text, comment="Summary of its output"),
    moment("started_at", "When it started"),
    moment("completed_at", "When it ended"),
    *mirror_columns(),
    sa.UniqueConstraint("repository_id", "github_id"),
    comment="Check runs, joined by head commit; superseded attempts are kept",
)
sa.Index("idx_github_check_runs_head_sha", table.c.repository_id, table.c.head_sha)

noun = Noun(
    table,
    "check run",
    key=("repository_id", "github_id"),
    refetch="heads",
    about="commit",
    tracked=True,
    dated=False,
)


class App(Struct, frozen=True):
    """The App that checks; its ``slug`` may be changed, its ``id`` not."""

    id: Id | None = None
    slug: str | None = None


class Suite(Struct, frozen=True):
    """The suite that a run belongs to."""

    id: Id | None = None


class Output(Struct, frozen=True):
    """What a run tells people."""

    title: str | None = None
    summary: str | None = None


class Payload(Struct, frozen=True):
    """A ``check_run`` object."""

    id: Id
    head_sha: str
    name: str = ""
    status: str = "queued"
    node_id: str | None = None
    conclusion: str | None = None
    html_url: str | None = None
    app: App | None = None
    check_suite: Suite | None = None
    output: Output | None = None
    started_at: Time = None
    completed_at: Time = None


def row(payload: Payload, origin: Origin) -> Row:
    """The row of a ``check_run`` object."""
    output = payload.output or Output()
    completed = payload.status == "completed"
    return {
        "github_id": str(payload.id),
        "node_id": payload.node_id,
        "head_sha": payload.head_sha,
        "name": payload.name,
        **app_columns(payload.app),
        "check_suite_id": str(payload.check_suite.id) if payload.check_suite and payload.check_suite.id else None,
        "status": payload.status,
        "conclusion": payload.conclusion if completed else None,
        "html_url": payload.html_url,
        "title": output.title or None,  # of an empty text and none, GraphQL and REST do not tell the same
        "summary": output.summary or None,
        "started_at": time(payload.started_at),
        "completed_at": time(payload.completed_at),
        "updated_at": None,
        "deleted_at": None,
        **origin.columns(),
    }


def app_columns(app: App | None) -> dict[str, Any]:
    """``app_id`` and ``app_slug`` of a check run or suite."""
    return {"app_id": str(app.id) if app and app.id else None, "app_slug": app.slug if app else None}
