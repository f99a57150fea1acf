"""Issues.

Payload: https://docs.github.com/en/rest/issues/issues#get-an-issue
The issues API and `issue_comment` events speak of pull requests too (they carry ``pull_request``): those are not
issues here, and only their counters are used.
"""

from typing import Annotated, Any

import sqlalchemy as sa
from msgspec import UNSET, Meta, Struct

from ghsync.database import ROOM_FOR_UPDATES, document, metadata, moment, uuid_key
from ghsync.mirror import label
from ghsync.mirror import milestone as milestones
from ghsync.mirror.noun import Noun, Origin, Row, its_repository, mirror_columns
from ghsync.mirror.user import Author, Id, Integer, Time, User, author, identity, people, time

table = sa.Table(
    "github_issues",
    metadata,
    uuid_key(),
    its_repository(),
    sa.Column("github_id", sa.String(255), nullable=False, comment="GitHub's numeric id of the issue"),
    sa.Column("node_id", sa.String(255), comment="GitHub's GraphQL id"),
    sa.Column("number", sa.Integer, nullable=False, comment="Number within the repository"),
    sa.Column("title", sa.Text, nullable=False, comment="Title"),
    sa.Column("body", sa.Text, comment="Description, as Markdown"),
    sa.Column("state", sa.String(50), nullable=False, comment="open or closed"),
    sa.Column("state_reason", sa.String(50), comment="completed, not_planned, reopened, duplicate"),
    sa.Column("html_url", sa.Text, comment="Page on GitHub"),
    document("labels", "[{id,name,color,description}] in GitHub's order", default="[]", shape="array"),
    document("assignees", "[{id,login}] in GitHub's order", default="[]", shape="array"),
    document("milestone", "{id,number,title,state,due_on}", default=None, shape="object"),
    sa.Column("locked", sa.Boolean, server_default=sa.false(), comment="Conversation is locked"),
    sa.Column("comments_count", sa.Integer, comment="Number of comments"),
    document("metadata", "type, sub-issue and dependency summaries, where GitHub reports them"),
    sa.Column("created_by", sa.String(255), comment="Login of the author"),
    moment("created_at", "When it was opened"),
    moment("closed_at", "When it was closed"),
    document(
        "transferred_to", "{repository_github_id,github_id,number} of the issue it became", default=None, shape="object"
    ),
    *mirror_columns(),
    sa.Column("created_by_id", sa.String(255), comment="GitHub's id of the author; null for a deleted account"),
    sa.Column(
        "active_lock_reason", sa.String(50), comment="off-topic, too heated, resolved or spam, if it is locked for that"
    ),
    sa.UniqueConstraint("repository_id", "number"),
    sa.CheckConstraint("transferred_to ->> 'number' ~ '^[0-9]{1,9}$'", name="transferred_to_number"),
    comment="Issues of mirrored repositories (pull requests are not issues here)",
    postgresql_with=ROOM_FOR_UPDATES,
)
sa.Index("idx_github_issues_labels", table.c.labels, **label.CARRIERS)
sa.Index(
    "idx_github_issues_milestone",
    table.c.milestone["id"].astext,
    postgresql_where=table.c.milestone.is_not(None),
)
sa.Index("idx_github_issues_state", table.c.state)
sa.Index("idx_github_issues_number", table.c.number)
# Which issue was this one before it was transferred?
sa.Index("idx_github_issues_transferred_to", table.c.transferred_to["repository_github_id"].astext,
         postgresql_where=table.c.transferred_to.is_not(None))  # fmt: skip

noun = Noun(
    table,
    "issue",
    key=("repository_id", "number"),
    refetch="issue",
    sticky=("transferred_to",),
    posthumous=("transferred_to",),
    belongs_to="number",
)

SUMMARIES = ("type", "sub_issues_summary", "issue_dependencies_summary", "parent_issue_url")


class Payload(Struct, frozen=True):
    """An ``issue`` object."""

    id: Id
    number: Integer
    title: str | None = None
    state: str | None = None
    node_id: str | None = None
    body: str | None = None
    state_reason: str | None = None
    html_url: str | None = None
    user: Author = UNSET
    labels: list[label.Payload] | None = None
    assignees: list[User | None] | None = None
    milestone: milestones.Payload | None = None
    locked: bool | None = None
    active_lock_reason: str | None = None
    comments: Integer | None = None
    created_at: Time = None
    updated_at: Time = None
    closed_at: Time = None
    pull_request: Any = None  # whatever it is, it says that this is a pull request
    type: Any = UNSET
    sub_issues_summary: Any = UNSET
    issue_dependencies_summary: Any = UNSET
    parent_issue_url: Any = UNSET


TransferredTo = Annotated[int, Meta(ge=0, le=999_999_999)]
"""A number that the CHECK of ``transferred_to`` allows: it is looked up as an integer."""


class Destination(Struct, frozen=True):
    """``changes.new_issue`` of a transfer."""

    id: Id
    number: TransferredTo


class DestinationRepository(Struct, frozen=True):
    """``changes.new_repository`` of a transfer."""

    id: Id


class Transfer(Struct, frozen=True):
    """``changes`` of `issues.transferred`."""

    new_issue: Destination | None = None
    new_repository: DestinationRepository | None = None


def row(payload: Payload, origin: Origin, *, deleted: bool = False, transfer: Transfer | None = None) -> Row:
    """The row of an ``issue`` object."""
    return {
        "number": payload.number,
        "github_id": str(payload.id),
        "node_id": payload.node_id,
        "title": payload.title or "",
        "body": payload.body or None,  # GraphQL answers "" for both, so there is only one of them here
        "state": payload.state or "open",
        "state_reason": payload.state_reason,
        "html_url": payload.html_url,
        "labels": label.embedded(payload.labels),
        "assignees": people(payload.assignees),
        "milestone": milestones.embedded(payload.milestone),
        "locked": bool(payload.locked),
        "active_lock_reason": payload.active_lock_reason,
        "comments_count": payload.comments,
        "metadata": _metadata(payload),
        "created_by": author(payload.user),
        "created_by_id": identity(payload.user),
        "created_at": time(payload.created_at),
        "updated_at": time(payload.updated_at),
        "closed_at": time(payload.closed_at),
        "transferred_to": _destination(transfer),
        "deleted_at": origin.observed_at if deleted else None,
        **origin.columns(),
    }


def _metadata(payload: Payload) -> dict[str, Any]:
    reported = {name: getattr(payload, name) for name in SUMMARIES}
    if isinstance(reported["type"], dict):
        reported["type"] = {name: reported["type"].get(name) for name in ("name", "color")}
    return {name: value for name, value in reported.items() if value is not None and value is not UNSET}


def _destination(transfer: Transfer | None) -> dict[str, Any] | None:
    if transfer is None or transfer.new_issue is None or transfer.new_repository is None:
        return None
    return {
        "repository_github_id": str(transfer.new_repository.id),
        "github_id": str(transfer.new_issue.id),
        "number": transfer.new_issue.number,
    }
