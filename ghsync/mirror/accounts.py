"""Organizations, users and projects (seed 000), and how they meet GitHub's accounts and repositories.

A GitHub account becomes an organization and a repository a project when they are first seen. Both are
ghsync's own rows: a person may rename them or move a repository to another project, and sync lets it be.

Where a seed declares UNIQUE and a plain index on one column, the unique constraint carries the index's name.
"""

import sqlalchemy as sa

from ghsync.database import document, encrypted, metadata, moment, one_of, reference, uuid_key

PROJECT_STATUSES = ("active", "inactive", "paused", "completed", "archived", "deleted")
MEMBERSHIP_SOURCES = ("local", "github")


def _membership() -> tuple[sa.schema.SchemaItem, ...]:
    """Who says that a person is a member, and until when."""
    return (
        moment("removed_at", "When the membership ended; null while it lasts"),
        sa.Column(
            "source",
            sa.String(50),
            nullable=False,
            server_default="local",
            comment="Who keeps this row: local people, or GitHub through sync",
        ),
        moment("observed_at", "When GitHub last said so; null for a local row"),
        moment("role_observed_at", "When GitHub last told the role: not every report of a member does"),
        moment("confirmed_at", "When its API last told so; null where only hooks have"),
        one_of("source", MEMBERSHIP_SOURCES),
    )


organizations = sa.Table(
    "organizations",
    metadata,
    uuid_key(),
    sa.Column("name", sa.String(255), nullable=False, comment="Name for people"),
    sa.Column("slug", sa.String(255), nullable=False, comment="Name for URLs, unique"),
    document("settings", "Settings of the organization"),
    sa.Column("subscription_tier", sa.String(50), server_default="free", comment="Plan of the organization"),
    moment("created_at", "When the row was made", default=True),
    moment("updated_at", "When the row last changed", default=True),
    moment("deleted_at", "When the organization was given up; null while it lives"),
    sa.Column(
        "github_account_id",
        sa.String(255),
        unique=True,
        comment="Numeric id of the GitHub account this organization stands for",
    ),
    sa.Column("github_login", sa.String(255), comment="Login of that GitHub account, follows renames"),
    sa.Column("github_account_type", sa.String(50), comment="What GitHub calls it: Organization, User"),
    sa.Column("account_login", sa.String(255), comment="Login that the account's own events told last"),
    moment("account_login_since", "Since when these are known to have told that login"),
    moment("account_observed_at", "When they last told a login: repositories observed before follow it"),
    # Slugs follow logins, which may swap within one statement: uniqueness is checked at its end.
    sa.UniqueConstraint("slug", name="idx_organizations_slug", deferrable=True, initially="IMMEDIATE"),
    sa.Index("idx_organizations_deleted_at", "deleted_at", postgresql_where=sa.text("deleted_at IS NULL")),
    comment="Tenants; a GitHub account gets one when it is first seen",
)

users = sa.Table(
    "users",
    metadata,
    uuid_key(),
    sa.Column("email", sa.String(255), nullable=False, comment="Email address, unique"),
    sa.Column("name", sa.String(255), nullable=False, comment="Name for people"),
    sa.Column("avatar_url", sa.Text, comment="Where the picture is"),
    sa.Column("github_id", sa.String(255), comment="Numeric id of the person's GitHub account, unique"),
    sa.Column("github_login", sa.String(255), comment="Login of that GitHub account, follows renames"),
    moment("observed_at", "When that login was seen"),
    sa.Column(
        "auth_provider",
        sa.String(50),
        nullable=False,
        server_default="local",
        comment="Who vouches for the person",
    ),
    sa.Column("password_hash", sa.Text, comment="Hash of the password; null when another provider vouches"),
    sa.Column("mfa_enabled", sa.Boolean, server_default=sa.false(), comment="Whether a second factor is asked for"),
    encrypted("mfa_secret", "Secret of the second factor, encrypted", key="id"),
    moment("last_login_at", "When the person last signed in"),
    moment("created_at", "When the row was made", default=True),
    moment("updated_at", "When the row last changed", default=True),
    moment("deleted_at", "When the person was removed; null while they stay"),
    sa.UniqueConstraint("email", name="idx_users_email"),
    sa.UniqueConstraint("github_id", name="idx_users_github_id"),
    comment="People who own, assign and administer",
)

organization_members = sa.Table(
    "organization_members",
    metadata,
    uuid_key(),
    reference(
        "organization_id",
        "organizations.id",
        "The organization",
        nullable=False,
        ondelete="CASCADE",
        index=False,
    ),
    reference("user_id", "users.id", "The person", nullable=False, ondelete="CASCADE", index=False),
    sa.Column(
        "role",
        sa.String(50),
        nullable=False,
        server_default="member",
        comment="What the person may do: owner, admin, member, ...",
    ),
    document("permissions", "Permissions beyond the role", default="[]"),
    reference("invited_by", "users.id", "Who invited the person"),
    moment("joined_at", "When the membership began", default=True),
    *_membership(),
    sa.UniqueConstraint("organization_id", "user_id"),
    sa.Index("idx_org_members_org_id", "organization_id"),
    sa.Index("idx_org_members_user_id", "user_id"),
    comment="Who belongs to which organization",
)

projects = sa.Table(
    "projects",
    metadata,
    uuid_key(),
    reference(
        "organization_id",
        "organizations.id",
        "The organization that owns the project",
        nullable=False,
        ondelete="CASCADE",
        index=False,
    ),
    reference(
        "followed_organization_id",
        "organizations.id",
        "Where sync put the project; where organization_id is another, people have moved it",
    ),
    sa.Column("name", sa.String(255), nullable=False, comment="Name for people"),
    sa.Column("slug", sa.String(255), nullable=False, comment="Name for URLs, unique in the organization"),
    sa.Column("description", sa.Text, comment="What the project is about"),
    sa.Column("repository_url", sa.Text, comment="Page of the repository the project was made for"),
    sa.Column("github_repo_id", sa.String(255), comment="Numeric GitHub id of the repository it was made for"),
    document("settings", "Settings of the project: rules for checks, scores and the life of tasks"),
    sa.Column("status", sa.String(50), server_default="active", comment="Whether work goes on"),
    reference("created_by", "users.id", "Who made the project; null when sync did"),
    moment("created_at", "When the row was made", default=True),
    moment("updated_at", "When the row last changed", default=True),
    moment("archived_at", "When the project was archived; null while it is not"),
    one_of("status", PROJECT_STATUSES),
    # Slugs follow repositories, whose names may swap within one statement: uniqueness is checked at its end.
    sa.UniqueConstraint("organization_id", "slug", deferrable=True, initially="IMMEDIATE"),
    sa.Index("idx_projects_org_id", "organization_id"),
    sa.Index("idx_projects_status", "status"),
    # Unique beyond the seed: two workers may see a repository for the first time at once.
    sa.Index(
        "idx_projects_github_repo_id",
        "github_repo_id",
        unique=True,
        postgresql_where=sa.text("github_repo_id IS NOT NULL"),
    ),
    comment="What tasks and repositories belong to; a repository gets one when it is first seen",
)

project_members = sa.Table(
    "project_members",
    metadata,
    uuid_key(),
    reference("project_id", "projects.id", "The project", nullable=False, ondelete="CASCADE"),
    reference("user_id", "users.id", "The person", nullable=False, ondelete="CASCADE"),
    sa.Column(
        "role",
        sa.String(50),
        nullable=False,
        server_default="developer",
        comment="What the person may do in the project",
    ),
    reference("added_by", "users.id", "Who added the person"),
    moment("added_at", "When the membership began", default=True),
    *_membership(),
    sa.UniqueConstraint("project_id", "user_id"),
    comment="Who works on which project",
)
