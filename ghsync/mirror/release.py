"""Releases of a repository, and drafts of them.

Payload: https://docs.github.com/en/rest/releases/releases#get-a-release
Webhooks tell no time of change. And ``created_at``, in REST the commit's time, is not mirrored: GraphQL does not say
whether its own is, too.
"""

import sqlalchemy as sa
from msgspec import UNSET, Struct

from ghsync.database import metadata, moment, uuid_key
from ghsync.mirror.noun import Listing, Noun, Origin, Row, its_repository, mirror_columns
from ghsync.mirror.user import Author, Id, Time, author, identity, time

table = sa.Table(
    "github_releases",
    metadata,
    uuid_key(),
    its_repository(),
    sa.Column("github_id", sa.String(255), nullable=False, comment="GitHub's numeric id"),
    sa.Column("node_id", sa.String(255), comment="GitHub's GraphQL id"),
    sa.Column("tag_name", sa.String(255), nullable=False, comment="Tag, which a draft need not have yet"),
    sa.Column("name", sa.Text, comment="Title"),
    sa.Column("body", sa.Text, comment="Notes, as Markdown"),
    sa.Column("draft", sa.Boolean, nullable=False, comment="Not published yet, or not any more"),
    sa.Column("prerelease", sa.Boolean, nullable=False, comment="Not meant for everybody yet"),
    sa.Column("html_url", sa.Text, comment="Page on GitHub"),
    sa.Column("created_by", sa.String(255), comment="Login of the author"),
    sa.Column("created_by_id", sa.String(255), comment="GitHub's id of the author; null for a deleted account"),
    moment("published_at", "When it was published; null for a draft"),
    *mirror_columns(),
    sa.UniqueConstraint("repository_id", "github_id"),
    comment="Releases of mirrored repositories",
)
sa.Index(
    "idx_github_releases_published",
    table.c.repository_id,
    table.c.published_at,
    postgresql_where=~table.c.draft & ~table.c.prerelease & table.c.deleted_at.is_(None),
)

noun = Noun(
    table,
    "release",
    key=("repository_id", "github_id"),
    refetch="repository",
    # Drafts are shown to whoever may push. GraphQL has only people for authors, and none where a bot is one.
    listing=Listing(
        "releases", by="github_id", permission="contents", hidden="draft", query="releases", whole="author"
    ),
    dated=False,
)


class Payload(Struct, frozen=True):
    """A ``release`` object."""

    id: Id
    tag_name: str = ""
    node_id: str | None = None
    name: str | None = None
    body: str | None = None
    draft: bool | None = None
    prerelease: bool = False
    html_url: str | None = None
    author: Author = UNSET
    published_at: Time = None


def row(payload: Payload, origin: Origin, *, deleted: bool = False) -> Row:
    """The row of a ``release`` object."""
    published_at = time(payload.published_at)
    return {
        "github_id": str(payload.id),
        "node_id": payload.node_id,
        "tag_name": payload.tag_name,
        "name": payload.name or None,
        "body": payload.body or None,  # REST says null where GraphQL has "", and the other way round
        # Of one that does not say so, or not legibly, nobody is told before it was published.
        "draft": published_at is None if payload.draft is None else payload.draft,
        "prerelease": payload.prerelease,
        "html_url": payload.html_url,
        "created_by": author(payload.author),
        "created_by_id": identity(payload.author),
        "published_at": published_at,
        "updated_at": None,
        "deleted_at": origin.observed_at if deleted else None,
        **origin.columns(),
    }
