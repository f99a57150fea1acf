"""Reviews of pull requests.

Payload: https://docs.github.com/en/rest/pulls/reviews#get-a-review-for-a-pull-request
REST does not say when a review was changed last: what it answers is as new as the question.
"""

import sqlalchemy as sa
from msgspec import UNSET, Struct

from ghsync.database import metadata, moment, uuid_key
from ghsync.mirror.noun import Group, Noun, Origin, Row, its_repository, mirror_columns, version_columns
from ghsync.mirror.user import Author, Id, Time, author, identity, time

table = sa.Table(
    "github_reviews",
    metadata,
    uuid_key(),
    its_repository(),
    sa.Column("github_id", sa.String(255), nullable=False, comment="GitHub's numeric id"),
    sa.Column("node_id", sa.String(255), comment="GitHub's GraphQL id"),
    sa.Column("number", sa.Integer, nullable=False, comment="Number of the pull request"),
    sa.Column("author", sa.String(255), comment="Login of the reviewer"),
    sa.Column("author_id", sa.String(255), comment="GitHub's id of the reviewer; null for a deleted account"),
    sa.Column("state", sa.String(50), nullable=False, comment="approved, changes_requested, commented, dismissed"),
    sa.Column("body", sa.Text, comment="Text, as Markdown"),
    sa.Column("html_url", sa.Text, comment="Page on GitHub"),
    sa.Column("commit_sha", sa.String(64), comment="Commit that was reviewed"),
    sa.Column("author_association", sa.String(50), comment="The reviewer's standing in the repository"),
    sa.Column(
        "author_can_push", sa.Boolean,
        comment="Whether the reviewer may write to the repository, as the API tells; null while it has not",
    ),
    *version_columns("access"),
    moment("submitted_at", "When it was submitted"),
    *mirror_columns(),
    sa.UniqueConstraint("repository_id", "github_id"),
    comment="Reviews of pull requests",
)  # fmt: skip
sa.Index("idx_github_reviews_number", table.c.repository_id, table.c.number)

ACCESS = Group("access", ("author_can_push",))
"""What a review does not change by: who may write today may not tomorrow, and no hook tells."""

noun = Noun(
    table,
    "review",
    key=("repository_id", "github_id"),
    refetch="pull_request",
    about="pull request",
    tracked=True,
    groups=(ACCESS,),
    undated="as_asked",
    belongs_to="number",
)


class Payload(Struct, frozen=True):
    """A ``review`` object; one that is ``pending`` is seen by its author alone, and is not mirrored."""

    id: Id
    state: str = "commented"
    node_id: str | None = None
    user: Author = UNSET
    body: str | None = None
    html_url: str | None = None
    commit_id: str | None = None
    author_association: str | None = None
    author_can_push: bool | None = None
    submitted_at: Time = None
    updated_at: Time = None

    @property
    def pending(self) -> bool:
        """Whether it was begun and not submitted."""
        return self.state.lower() == "pending"


def row(payload: Payload, number: int, origin: Origin) -> Row:
    """The row of a ``review`` of the pull request ``number``; without access where only GraphQL would tell it."""
    whole: Row = {
        "github_id": str(payload.id),
        "node_id": payload.node_id,
        "number": number,
        "author": author(payload.user),
        "author_id": identity(payload.user),
        "state": payload.state.lower(),
        "body": payload.body or None,
        "html_url": payload.html_url,
        "commit_sha": payload.commit_id,
        "author_association": payload.author_association,
        "submitted_at": time(payload.submitted_at),
        "updated_at": time(payload.updated_at),
        "deleted_at": None,
        **origin.columns(),
    }
    if payload.author_can_push is not None:
        whole |= {"author_can_push": payload.author_can_push, ACCESS.observed_at: origin.observed_at}
    return whole
