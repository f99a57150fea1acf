"""Threads of review comments, and whether they are settled.

Payload: https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request_review_thread
REST knows no threads. A hook tells of one only when it is resolved or opened again; until then its comments are all
that is known of it.
"""

import sqlalchemy as sa
from msgspec import Struct

from ghsync.database import metadata, uuid_key
from ghsync.mirror.comment import ReviewComment
from ghsync.mirror.noun import Noun, Origin, Row, its_repository, mirror_columns
from ghsync.mirror.user import Integer, Key, Time, User, author, time

table = sa.Table(
    "github_review_threads",
    metadata,
    uuid_key(),
    its_repository(),
    sa.Column("node_id", sa.String(255), nullable=False, comment="GitHub's GraphQL id; a thread has no other"),
    sa.Column("number", sa.Integer, nullable=False, comment="Number of the pull request"),
    sa.Column("path", sa.Text, comment="File that it is about"),
    sa.Column("line", sa.Integer, comment="Line that it was begun on; null for a whole file"),
    sa.Column("first_comment_id", sa.String(255), comment="GitHub's id of its first comment"),
    sa.Column("resolved", sa.Boolean, nullable=False, comment="Is settled"),
    sa.Column("resolved_by", sa.String(255), comment="Login of who settled it"),
    *mirror_columns(),
    sa.UniqueConstraint("repository_id", "node_id"),
    comment="Threads of review comments",
)
sa.Index("idx_github_review_threads_number", table.c.repository_id, table.c.number)

noun = Noun(
    table,
    "thread",
    key=("repository_id", "node_id"),
    refetch="pull_request",
    about="pull request",
    undated="as_asked",
    belongs_to="number",
)


class Payload(Struct, frozen=True):
    """A ``thread`` object."""

    node_id: Key
    comments: list[ReviewComment] = []
    path: str | None = None
    line: Integer | None = None
    updated_at: Time = None


def row(
    payload: Payload, number: int, origin: Origin, *, resolved: bool, by: User | None, deleted: bool = False
) -> Row:
    """The row of a ``thread`` of the pull request ``number``, settled or not ``by`` somebody."""
    first = payload.comments[0] if payload.comments else None
    return {
        "node_id": payload.node_id,
        "number": number,
        "path": first.path if first else payload.path,
        "line": first.original_line if first else payload.line,
        "first_comment_id": str(first.id) if first else None,
        "resolved": resolved,
        "resolved_by": author(by) if resolved else None,
        "updated_at": time(payload.updated_at),
        "deleted_at": origin.observed_at if deleted else None,
        **origin.columns(),
    }
