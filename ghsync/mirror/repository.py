"""Repositories, and every name they were seen under.

A repository is known by GitHub's id. Names are reused and swapped, so they are data, never keys.
Payload: https://docs.github.com/en/rest/repos/repos#get-a-repository
"""

from datetime import datetime
from typing import Annotated

import sqlalchemy as sa
from msgspec import Meta, Struct

from ghsync.database import document, encrypted, metadata, moment, reference, uuid_key
from ghsync.mirror.noun import Group, Noun, Origin, Row, mirror_columns, version_columns
from ghsync.mirror.user import Id, Name, Time, Word, time

table = sa.Table(
    "github_repositories",
    metadata,
    uuid_key(),
    reference("project_id", "projects.id", "Project it belongs to", nullable=False, ondelete="CASCADE", index=False),
    reference("installation_id", "github_installations.id", "Installation that sees it", ondelete="SET NULL"),
    sa.Column("github_id", sa.String(255), nullable=False, unique=True, comment="GitHub's numeric id"),
    sa.Column("node_id", sa.String(255), comment="GitHub's GraphQL id"),
    sa.Column("owner", sa.String(255), nullable=False, comment="Login of the owning account"),
    sa.Column("owner_id", sa.String(255), comment="GitHub's id of the owning account"),
    sa.Column("name", sa.String(255), nullable=False, comment="Name without the owner"),
    sa.Column("full_name", sa.String(255), nullable=False, comment="owner/name as last seen; may be another's by now"),
    sa.Column(
        "tracked_name", sa.String(255), nullable=False,
        comment="full_name where this repository owns it, else full_name~github_id; unique once settled",
    ),
    sa.Column("default_branch", sa.String(255), server_default="main", comment="Default branch"),
    sa.Column("html_url", sa.Text, comment="Page on GitHub"),
    sa.Column("description", sa.Text, comment="Description"),
    sa.Column("homepage", sa.Text, comment="Home page"),
    sa.Column("language", sa.String(255), comment="Main programming language"),
    sa.Column("visibility", sa.String(50), comment="public, private or internal"),
    sa.Column("private", sa.Boolean, comment="Not public"),
    sa.Column("archived", sa.Boolean, server_default=sa.false(), comment="Read-only on GitHub"),
    sa.Column("disabled", sa.Boolean, server_default=sa.false(), comment="Disabled by GitHub"),
    sa.Column("fork", sa.Boolean, server_default=sa.false(), comment="Is a fork"),
    document("topics", "Topics, in GitHub's order", default="[]", shape="array"),
    sa.Column("webhook_id", sa.String(255), comment="Id of a repository webhook, where one is used"),
    encrypted("webhook_secret", "Secret of that webhook, encrypted with GHSYNC_ENCRYPTION_KEYS", key="github_id"),
    document("permissions", "What the App may do in it"),
    document("metadata", "Free for users; ghsync does not write it"),
    moment("removed_at", "Since when neither the App nor a webhook of its own sees it; null while one does"),
    moment("access_ended_at", "When its installation came to see it no longer, as far as that was told of it alone"),
    *version_columns("access"),
    *version_columns("owner"),
    moment("alive_at", "When a webhook last told of it as living"),
    moment("heard_at", "When a webhook that is no installation's last told of it: its own, or its organization's"),
    moment("created_at", "When it was created on GitHub"),
    *mirror_columns(),
    # Names swap within one statement, so uniqueness is checked at its end.
    sa.UniqueConstraint("tracked_name", deferrable=True, initially="IMMEDIATE"),
    comment="Mirrored repositories",
)  # fmt: skip
sa.Index("idx_github_repos_project_id", table.c.project_id)
sa.Index("idx_github_repos_full_name", table.c.full_name)
sa.Index("idx_github_repos_lower_full_name", sa.func.lower(table.c.full_name))
sa.Index("idx_github_repos_owner_id", table.c.owner_id)

aliases = sa.Table(
    "github_repository_aliases",
    metadata,
    uuid_key(),
    reference(
        "repository_id", "github_repositories.id", "The repository", nullable=False, ondelete="CASCADE", index=False
    ),
    sa.Column("full_name", sa.String(255), nullable=False, comment="A name it was seen under, the present one too"),
    moment("first_observed_at", "Since when GitHub is known to have used that name", nullable=False),
    sa.UniqueConstraint("repository_id", "full_name"),
    comment="Every name a repository was ever seen under",
)
sa.Index("idx_github_repository_aliases_lower_full_name", sa.func.lower(aliases.c.full_name))

ACCESS = Group("access", ("installation_id", "access_ended_at"))
REMOVAL = Group("access", ("access_ended_at",))
# Pushes of 2016 name their owner without the id.
OWNER = Group("owner", ("owner_id",))

noun = Noun(
    table,
    "repository",
    key=("github_id",),
    refetch="repository",
    groups=(ACCESS, OWNER),
    latest=("alive_at", "heard_at"),
    alive=("verified_at", "alive_at"),
    generated=("removed_at",),
    initial=("project_id", "tracked_name"),
    unmirrored=("webhook_id", "webhook_secret", "permissions", "metadata"),
)


FullName = Annotated[str, Meta(pattern=r"^[^/]{0,100}(?:/[\s\S]{0,100})?$")]
"""The owner's login and the repository's name, each no longer than `Name`: other names are made of either."""


class Owner(Struct, frozen=True):
    """The owning account; ``push`` payloads say ``name`` where others say ``login``."""

    id: Id | None = None
    login: Name | None = None
    name: Name | None = None
    type: Word | None = None


class Payload(Struct, frozen=True):
    """A ``repository`` object, whole or the few fields that installation events carry."""

    id: Id
    full_name: FullName
    name: Name | None = None
    node_id: str | None = None
    owner: Owner | None = None
    private: bool | None = None
    visibility: str | None = None
    default_branch: str | None = None
    html_url: str | None = None
    description: str | None = None
    homepage: str | None = None
    language: str | None = None
    archived: bool = False
    disabled: bool = False
    fork: bool = False
    has_issues: bool = True
    has_pull_requests: bool = True
    topics: list[str] | None = None
    created_at: Time = None
    updated_at: Time = None


def row(payload: Payload, origin: Origin, *, deleted: bool = False) -> Row:
    """The row of a ``repository`` object; one without ``updated_at`` is older than any that has it."""
    owner_in_name, _, name_in_name = payload.full_name.partition("/")
    owner = payload.owner or Owner()
    private = payload.private
    updated_at = time(payload.updated_at)
    owned = {OWNER.updated_at: updated_at, OWNER.observed_at: origin.observed_at} if owner.id else {}
    return {
        "github_id": str(payload.id),
        "node_id": payload.node_id,
        "owner": owner.login or owner.name or owner_in_name,
        "owner_id": str(owner.id) if owner.id else None,
        "name": payload.name or name_in_name,
        "full_name": payload.full_name,
        "default_branch": payload.default_branch or "main",
        "html_url": payload.html_url,
        "description": payload.description,
        "homepage": payload.homepage,
        "language": payload.language,
        "visibility": payload.visibility or ("private" if private else "public" if private is not None else None),
        "private": private,
        "archived": payload.archived,
        "disabled": payload.disabled,
        "fork": payload.fork,
        "topics": payload.topics or [],
        "created_at": time(payload.created_at),
        "updated_at": updated_at,
        "deleted_at": origin.observed_at if deleted else None,
        **owned,
        **origin.columns(),
    }


def access_row(github_id: int, removed_at: datetime) -> Row:
    """The row of a repository of which nothing is known but that its installation does not see it."""
    return {
        "github_id": str(github_id),
        "access_ended_at": removed_at,
        REMOVAL.updated_at: None,
        REMOVAL.observed_at: removed_at,
    }
