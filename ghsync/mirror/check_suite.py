"""Check suites: all that one App, or one workflow run, checks of one commit.

Payload: https://docs.github.com/en/rest/checks/suites#get-a-check-suite
GitHub makes one for every App that may check, whether it does or not: a suite alone says nothing of a commit.
"""

import sqlalchemy as sa
from msgspec import Struct

from ghsync.database import metadata, moment, uuid_key
from ghsync.mirror.check_run import App, app_columns
from ghsync.mirror.noun import Noun, Origin, Row, its_repository, mirror_columns
from ghsync.mirror.user import Id, Time, time

table = sa.Table(
    "github_check_suites",
    metadata,
    uuid_key(),
    its_repository(),
    sa.Column("github_id", sa.String(255), nullable=False, comment="GitHub's numeric id"),
    sa.Column("node_id", sa.String(255), comment="GitHub's GraphQL id"),
    sa.Column("head_sha", sa.String(64), nullable=False, comment="Commit that is checked"),
    sa.Column("head_branch", sa.String(255), comment="Branch that was pushed; null for a fork's"),
    sa.Column("app_id", sa.String(255), comment="GitHub's id of the App that it belongs to"),
    sa.Column("app_slug", sa.String(255), comment="That App's name in addresses"),
    sa.Column("status", sa.String(50), comment="requested, queued, in_progress, completed, ..."),
    sa.Column("conclusion", sa.String(50), comment="success, failure, neutral, ...; null until completed"),
    moment("created_at", "When it was made"),
    *mirror_columns(),
    sa.UniqueConstraint("repository_id", "github_id"),
    comment="Check suites, joined by head commit",
)
sa.Index("idx_github_check_suites_head_sha", table.c.repository_id, table.c.head_sha)

noun = Noun(
    table,
    "check suite",
    key=("repository_id", "github_id"),
    refetch="heads",
    about="commit",
    tracked=True,
    sticky=("head_branch",),  # GraphQL does not tell that of a deleted branch
)


class Payload(Struct, frozen=True):
    """A ``check_suite`` object."""

    id: Id
    head_sha: str
    node_id: str | None = None
    head_branch: str | None = None
    app: App | None = None
    status: str | None = None
    conclusion: str | None = None
    created_at: Time = None
    updated_at: Time = None


def row(payload: Payload, origin: Origin) -> Row:
    """The row of a ``check_suite`` object."""
    return {
        "github_id": str(payload.id),
        "node_id": payload.node_id,
        "head_sha": payload.head_sha,
        "head_branch": payload.head_branch,
        **app_columns(payload.app),
        "status": payload.status,
        "conclusion": payload.conclusion,
        "created_at": time(payload.created_at),
        "updated_at": time(payload.updated_at),
        "deleted_at": None,
        **origin.columns(),
    }
