"""Labels of a repository.

GitHub gives a label no time of change, so labels are ordered by observation alone. A renamed or deleted label also
changes every issue that carries it, and GitHub sends no event for those: see `overlay`.
Payload: https://docs.github.com/en/webhooks/webhook-events-and-payloads#label
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from ghsync.database import metadata, uuid_key
from ghsync.mirror.noun import Listing, Noun, Origin, Row, its_repository, mirror_columns
from ghsync.mirror.user import Id

table = sa.Table(
    "github_labels",
    metadata,
    uuid_key(),
    its_repository(),
    sa.Column("github_id", sa.String(255), nullable=False, comment="GitHub's numeric id"),
    sa.Column("node_id", sa.String(255), comment="GitHub's GraphQL id"),
    sa.Column("name", sa.Text, nullable=False, comment="Name"),
    sa.Column("color", sa.String(50), comment="Six hexadecimal digits"),
    sa.Column("description", sa.Text, comment="Description"),
    sa.Column("is_default", sa.Boolean, server_default=sa.false(), comment="One of GitHub's own labels"),
    *mirror_columns(),
    sa.UniqueConstraint("repository_id", "github_id"),
    comment="Labels of mirrored repositories",
)
sa.Index("idx_github_labels_observed_at", table.c.repository_id, table.c.observed_at)

CARRIERS: Mapping[str, Any] = {
    "postgresql_using": "gin",
    "postgresql_ops": {"labels": "jsonb_path_ops"},
    "postgresql_with": {"fastupdate": "off"},
}
"""How an index finds what carries a label: at once, without a list of what is new, which each look would read whole.

https://www.postgresql.org/docs/current/gin.html#GIN-FAST-UPDATE
"""

noun = Noun(
    table,
    "label",
    key=("repository_id", "github_id"),
    refetch="repository",
    shown=("name", "color", "description"),
    listing=Listing("labels", by="name"),
    dated=False,
)


class Payload(Struct, frozen=True):
    """A ``label`` object."""

    id: Id
    name: str = ""
    node_id: str | None = None
    color: str | None = None
    description: str | None = None
    default: bool = False


def row(payload: Payload, origin: Origin, *, deleted: bool = False) -> Row:
    """The row of a ``label`` object."""
    return {
        "github_id": str(payload.id),
        "node_id": payload.node_id,
        "name": payload.name,
        "color": payload.color,
        "description": payload.description or None,  # either may be said of none, here and where issues show it
        "is_default": payload.default,
        "updated_at": None,
        "deleted_at": origin.observed_at if deleted else None,
        **origin.columns(),
    }


def embedded(labels: list[Payload] | None) -> list[dict[str, Any]]:
    """``[{id, name, color, description}]`` in GitHub's order, as issues carry them."""
    return [
        {"id": label.id, "name": label.name, "color": label.color, "description": label.description or None}
        for label in labels or ()
    ]
