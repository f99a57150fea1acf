"""Comments on issues and pull requests, and on lines of what a pull request changes.

Payloads: https://docs.github.com/en/webhooks/webhook-events-and-payloads#issue_comment and
https://docs.github.com/en/rest/pulls/comments#get-a-review-comment-for-a-pull-request
A comment on a conversation also keeps the counter that its delivery reported, for a pull request that is mirrored only
later. A comment on a line keeps the commit and the line that it was made on, which stay, and not where it is shown now.
"""

import sqlalchemy as sa
from msgspec import UNSET, Struct

from ghsync.database import metadata, moment, one_of, uuid_key
from ghsync.mirror import issue
from ghsync.mirror.noun import Group, Noun, Origin, Row, its_repository, mirror_columns, version_columns
from ghsync.mirror.user import Author, Id, Integer, Time, author, identity, time

KINDS = ("issue_comment", "review_comment", "commit_comment")

table = sa.Table(
    "github_comments",
    metadata,
    uuid_key(),
    its_repository(),
    sa.Column("kind", sa.String(20), nullable=False, comment="Where the comment was made"),
    sa.Column("github_id", sa.String(255), nullable=False, comment="GitHub's numeric id"),
    sa.Column("node_id", sa.String(255), comment="GitHub's GraphQL id"),
    sa.Column("number", sa.Integer, nullable=False, comment="Number of the issue or pull request"),
    sa.Column("author", sa.String(255), comment="Login of the author"),
    sa.Column("author_id", sa.String(255), comment="GitHub's id of the author; null for a deleted account"),
    sa.Column("body", sa.Text, comment="Text, as Markdown"),
    sa.Column("html_url", sa.Text, comment="Page on GitHub"),
    moment("created_at", "When it was made"),
    sa.Column("review_id", sa.String(255), comment="GitHub's id of the review that a comment on a line is part of"),
    sa.Column("in_reply_to_id", sa.String(255), comment="GitHub's id of the first comment of its thread"),
    sa.Column("path", sa.Text, comment="File that a comment on a line is about"),
    sa.Column("line", sa.Integer, comment="Line that it was made on; null for a whole file"),
    sa.Column("commit_sha", sa.String(64), comment="Commit that it was made on"),
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
    "comment",
    key=("repository_id", "kind", "github_id"),
    refetch="comment",
    groups=(Group("comments", ("comments_count",)),),
    silent=("comments_count",),  # of the conversation, which tells of it itself
    belongs_to="number",
)


class Payload(Struct, frozen=True):
    """A ``comment`` object."""

    id: Id
    node_id: str | None = None
    body: str | None = None
    html_url: str | None = None
    user: Author = UNSET
    created_at: Time = None
    updated_at: Time = None


class ReviewComment(Payload, frozen=True):
    """A ``comment`` object of a line; one of a whole file has no line."""

    pull_request_review_id: Id | None = None
    in_reply_to_id: Id | None = None
    path: str | None = None
    original_line: Integer | None = None
    original_commit_id: str | None = None


_OF_A_LINE = ("review_id", "in_reply_to_id", "path", "line", "commit_sha")


def row(payload: Payload, parent: issue.Payload, origin: Origin, *, deleted: bool = False) -> Row:
    """The row of a ``comment`` on an issue or a pull request's conversation."""
    return {
        "kind": "issue_comment",
        "number": parent.number,
        **dict.fromkeys(_OF_A_LINE),
        "comments_count": parent.comments,
        "comments_updated_at": time(parent.updated_at),
        "comments_observed_at": origin.observed_at,
        **_said(payload, origin, deleted=deleted),
    }


def review_row(payload: ReviewComment, number: int, origin: Origin, *, deleted: bool = False) -> Row:
    """The row of a ``comment`` on a line of the pull request ``number``."""
    return {
        "kind": "review_comment",
        "number": number,
        "review_id": _id(payload.pull_request_review_id),
        "in_reply_to_id": _id(payload.in_reply_to_id),
        "path": payload.path,
        "line": payload.original_line,
        "commit_sha": payload.original_commit_id,
        **_said(payload, origin, deleted=deleted),
    }


def _said(payload: Payload, origin: Origin, *, deleted: bool) -> Row:
    """What comments of all kinds tell."""
    return {
        "github_id": str(payload.id),
        "node_id": payload.node_id,
        "author": author(payload.user),
        "author_id": identity(payload.user),
        "body": payload.body,
        "html_url": payload.html_url,
        "created_at": time(payload.created_at),
        "updated_at": time(payload.updated_at),
        "deleted_at": origin.observed_at if deleted else None,
        **origin.columns(),
    }


def _id(number: int | None) -> str | None:
    return str(number) if number else None
