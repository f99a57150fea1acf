"""Milestones of a repository.

Payload: https://docs.github.com/en/webhooks/webhook-events-and-payloads#milestone
"""

from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from ghsync.database import metadata, moment, uuid_key
from ghsync.mirror.noun import Listing, Noun, Origin, Row, its_repository, mirror_columns
from ghsync.mirror.user import Id, Integer, Time, User, login, time

table = sa.Table(
    "github_milestones",
    metadata,
    uuid_key(),
    its_repository(),
    sa.Column("github_id", sa.String(255), nullable=False, comment="GitHub's numeric id"),
    sa.Column("node_id", sa.String(255), comment="GitHub's GraphQL id"),
    sa.Column("number", sa.Integer, nullable=False, comment="Number within the repository"),
    sa.Column("title", sa.Text, nullable=False, comment="Title"),
    sa.Column("description", sa.Text, comment="Description"),
    sa.Column("state", sa.String(50), nullable=False, comment="open or closed"),
    sa.Column("html_url", sa.Text, comment="Page on GitHub"),
    sa.Column("created_by", sa.String(255), comment="Login of the creator"),
    moment("due_on", "When it is due"),
    moment("created_at", "When it was created on GitHub"),
    moment("closed_at", "When it was closed"),
    *mirror_columns(),
    sa.UniqueConstraint("repository_id", "github_id"),
    comment="Milestones of mirrored repositories",
)
sa.Index("idx_github_milestones_number", table.c.repository_id, table.c.number)
sa.Index("idx_github_milestones_observed_at", table.c.repository_id, table.c.observed_at)

noun = Noun(
    table,
    "milestone",
    key=("repository_id", "github_id"),
    refetch="repository",
    shown=("number", "title", "state", "due_on"),
    listing=Listing("milestones", by="number", params={"state": "all"}, kinds=("issues", "pull_requests")),
)


class Payload(Struct, frozen=True):
    """A ``milestone`` object."""

    id: Id
    number: Integer
    title: str = ""
    state: str = "open"
    node_id: str | None = None
    description: str | None = None
    html_url: str | None = None
    creator: User | None = None
    due_on: Time = None
    created_at: Time = None
    updated_at: Time = None
    closed_at: Time = None


def row(payload: Payload, origin: Origin, *, deleted: bool = False) -> Row:
    """The row of a ``milestone`` object."""
    return {
        "github_id": str(payload.id),
        "node_id": payload.node_id,
        "number": payload.number,
        "title": payload.title,
        "description": payload.description or None,
        "state": payload.state,
        "html_url": payload.html_url,
        "created_by": login(payload.creator),
        "due_on": time(payload.due_on),
        "created_at": time(payload.created_at),
        "updated_at": time(payload.updated_at),
        "closed_at": time(payload.closed_at),
        "deleted_at": origin.observed_at if deleted else None,
        **origin.columns(),
    }


def embedded(milestone: Payload | None) -> dict[str, Any] | None:
    """``{id, number, title, state, due_on}``, as issues carry it."""
    if milestone is None:
        return None
    return {
        "id": milestone.id,
        "number": milestone.number,
        "title": milestone.title,
        "state": milestone.state,
        "due_on": time(milestone.due_on),
    }
