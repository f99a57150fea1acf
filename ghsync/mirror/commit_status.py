"""Commit statuses, older than checks and beside them. One never changes: another of its context supersedes it.

Payload: https://docs.github.com/en/rest/commits/statuses#list-commit-statuses-for-a-reference
"""

import sqlalchemy as sa
from msgspec import Struct

from ghsync.database import metadata, moment, uuid_key
from ghsync.mirror.noun import Noun, Origin, Row, its_repository, mirror_columns
from ghsync.mirror.user import Id, Time, User, author, time

table = sa.Table(
    "github_commit_statuses",
    metadata,
    uuid_key(),
    its_repository(),
    sa.Column("github_id", sa.String(255), nullable=False, comment="GitHub's numeric id"),
    sa.Column("head_sha", sa.String(64), nullable=False, comment="Commit it speaks of"),
    sa.Column("context", sa.Text, nullable=False, comment="Name of the status"),
    sa.Column("state", sa.String(50), nullable=False, comment="error, failure, pending or success"),
    sa.Column("description", sa.Text, comment="Short text"),
    sa.Column("target_url", sa.Text, comment="Page with details"),
    sa.Column("creator", sa.String(255), comment="Login of who set it"),
    moment("created_at", "When it was set"),
    *mirror_columns(),
    sa.UniqueConstraint("repository_id", "github_id"),
    comment="Commit statuses, joined by head commit; the greatest id of a context counts",
)
sa.Index("idx_github_commit_statuses_head_sha", table.c.repository_id, table.c.head_sha)

noun = Noun(
    table,
    "status",
    key=("repository_id", "github_id"),
    refetch="heads",
    about="commit",
    tracked=True,
)


class Payload(Struct, frozen=True):
    """A status as REST shows it; `sha` is not in it there."""

    id: Id
    context: str = "default"
    state: str = "pending"
    description: str | None = None
    target_url: str | None = None
    creator: User | None = None
    created_at: Time = None
    updated_at: Time = None


def row(payload: Payload, sha: str, origin: Origin) -> Row:
    """The row of the status of a commit."""
    return {
        "github_id": str(payload.id),
        "head_sha": sha,
        "context": payload.context,
        "state": payload.state,
        "description": payload.description,
        "target_url": payload.target_url,
        "creator": author(payload.creator),
        "created_at": time(payload.created_at),
        "updated_at": time(payload.updated_at),
        "deleted_at": None,
        **origin.columns(),
    }
