"""Installations of the App: which account let us in, and whether we still are.

Payload: https://docs.github.com/en/webhooks/webhook-events-and-payloads#installation
"""

from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from ghsync.database import document, metadata, moment, reference, uuid_key
from ghsync.mirror.noun import Group, Noun, Origin, Row, mirror_columns, version_columns
from ghsync.mirror.user import Id, Name, Time, User, Word, login, time

table = sa.Table(
    "github_installations",
    metadata,
    uuid_key(),
    reference("organization_id", "organizations.id", "Organization of the account", ondelete="SET NULL"),
    sa.Column("github_id", sa.String(255), nullable=False, unique=True, comment="GitHub's numeric id"),
    sa.Column("app_id", sa.String(255), comment="GitHub's id of the App"),
    sa.Column("app_slug", sa.String(255), comment="The App's URL name"),
    sa.Column("account_id", sa.String(255), comment="GitHub's id of the account"),
    sa.Column("account_login", sa.String(255), comment="The account's login"),
    sa.Column("account_type", sa.String(50), comment="User, Organization or Enterprise"),
    sa.Column("repository_selection", sa.String(50), comment="all or selected"),
    document("permissions", "What the App may do, as GitHub reports it", shape="object"),
    document("events", "Events the App receives", default="[]", shape="array"),
    moment("suspended_at", "Since when the installation is suspended"),
    sa.Column("suspended_by", sa.String(255), comment="Login of who suspended it"),
    *version_columns("account"),
    moment("created_at", "When the App was installed"),
    *mirror_columns(),
    comment="Installations of the GitHub App, one per account",
)

# Renames of the account arrive apart from the installation.
ACCOUNT = Group("account", ("account_id", "account_login", "account_type", "organization_id"))

noun = Noun(
    table,
    "installation",
    key=("github_id",),
    refetch="installation",
    groups=(ACCOUNT,),
)


class Account(Struct, frozen=True):
    """The account of an installation; an enterprise has a slug and no login."""

    id: Id
    login: Name | None = None
    slug: Name | None = None
    type: Word = "Enterprise"


class Payload(Struct, frozen=True):
    """An ``installation`` object, whole or the stub that other events carry."""

    id: Id
    account: Account | None = None
    app_id: Id | None = None
    app_slug: str | None = None
    repository_selection: str | None = None
    permissions: dict[str, Any] | None = None
    events: list[str] | None = None
    created_at: Time = None
    updated_at: Time = None
    suspended_at: Time = None
    suspended_by: User | None = None


def row(payload: Payload, origin: Origin, *, deleted: bool = False) -> Row:
    """The row of a whole ``installation`` object."""
    return {
        "github_id": str(payload.id),
        "app_id": str(payload.app_id) if payload.app_id else None,
        "app_slug": payload.app_slug,
        "repository_selection": payload.repository_selection,
        "permissions": payload.permissions or {},
        "events": payload.events or [],
        "suspended_at": time(payload.suspended_at),
        "suspended_by": login(payload.suspended_by),
        "created_at": time(payload.created_at),
        "updated_at": time(payload.updated_at),
        "deleted_at": origin.observed_at if deleted else None,
        **(account_columns(payload.account, origin) if payload.account else {}),
        **origin.columns(),
    }


def account_columns(account: Account, origin: Origin) -> Row:
    """What a payload says of the account; an enterprise has a slug where others have a login."""
    return {
        "account_id": str(account.id),
        "account_login": account.login or account.slug,
        "account_type": account.type,
        ACCOUNT.updated_at: None,
        ACCOUNT.observed_at: origin.observed_at,
    }


def account_row(installation_id: int, account: Account, origin: Origin) -> Row:
    """The row of a payload that knows an installation only by its id and account."""
    return {
        "github_id": str(installation_id),
        "sync_source": origin.source,
        **account_columns(account, origin),
    }
