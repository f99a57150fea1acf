"""Comments on issues and pull requests.

Payload: https://docs.github.com/en/webhooks/webhook-events-and-payloads#issue_comment
Each row also keeps the counter that its delivery reported, for a pull request that is mirrored only later.
"""

import sqlalchemy as sa
from msgspec import Struct

from ghsync.database import metadata, moment, one_of, reference, uuid_key
from ghsync.mirror import issue
from ghsync.mirror.noun import Group, Noun, Origin, Row, mirror_columns, version_columns
from ghsync.mirror.user import Time, User, login, time

KINDS = ("issue_comment", "review_comment", "commit_comment")

table = sa.Table(
    "github_comments",
    metadata,
    uuid_key(),
    reference("repository_id", "github_repositories.id", "Its repository", nullable=False, ondelete="CASCADE"),
    sa.Column("kind", sa.String(20), nullable=False, comment="Where the comment was made"),
    sa.Column("github_id", sa.String(255), nullable=False, comment="GitHub's numeric id"),
    sa.Column("node_id", sa.String(255), comment="GitHub's GraphQL id"),
    sa.Column("number", sa.Integer, nullable=False, comment="Number of the issue or pull request"),
    sa.Column("author", sa.String(255), comment="Login of the author"),
    sa.Column("body", sa.Text, comment="Text, as Markdown"),
    sa.Column("html_url", sa.Text, comment="Page on GitHub"),
    moment("created_at", "When it was made"),
    sa.Column("comments_count", sa.Integer, comment="Comments on the issue, as reported with this comment"),
    *version_columns("comments"),
    *mirror_columns(),
    sa.UniqueConstraint("repository_id", "kind", "github_id"),
    one_of("kind", KINDS),
    comment="Comments on issues and pull requests",
)
sa.Index("idx_github_comments_number", table.c.repository_id, table.c.number)

noun = Noun(
    table,
    key=("repository_id", "kind", "github_id"),
    core=("node_id", "number", "author", "body", "html_url", "created_at"),
    refetch="comment",
    groups=(Group("comments", ("comments_count",)),),
)


class Payload(Struct, frozen=True):
    """A ``comment`` object."""

    id: int
    node_id: str | None = None
    body: str | None = None
    html_url: str | None = None
    user: User | None = None
    created_at: Time = None
    updated_at: Time = None


def row(payload: Payload, parent: issue.Payload, origin: Origin, *, deleted: bool = False) -> Row:
    """The row of a ``comment`` on an issue or a pull request's conversation."""
    return {
        "kind": "issue_comment",
        "github_id": str(payload.id),
        "node_id": payload.node_id,
        "number": parent.number,
        "comments_count": parent.comments,
        "comments_updated_at": time(parent.updated_at),
        "comments_observed_at": origin.observed_at,
        "author": login(payload.user),
        "body": payload.body,
        "html_url": payload.html_url,
        "created_at": time(payload.created_at),
        "updated_at": time(payload.updated_at),
        "deleted_at": origin.observed_at if deleted else None,
        **origin.columns(),
    }
