"""Organizations, users and projects."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "organizations",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column("name", sa.String(length=255), nullable=False, comment="Name for people"),
        sa.Column("slug", sa.String(length=255), nullable=False, comment="Name for URLs, unique"),
        sa.Column(
            "settings",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=True,
            comment="Settings of the organization",
        ),
        sa.Column(
            "subscription_tier",
            sa.String(length=50),
            server_default="free",
            nullable=True,
            comment="Plan of the organization",
        ),
        sa.Column(
            "created_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=True,
            comment="When the row was made",
        ),
        sa.Column(
            "updated_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=True,
            comment="When the row last changed",
        ),
        sa.Column(
            "deleted_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When the organization was given up; null while it lives",
        ),
        sa.Column(
            "github_account_id",
            sa.String(length=255),
            nullable=True,
            comment="Numeric id of the GitHub account this organization stands for",
        ),
        sa.Column(
            "github_login",
            sa.String(length=255),
            nullable=True,
            comment="Login of that GitHub account, follows renames",
        ),
        sa.Column(
            "github_account_type",
            sa.String(length=50),
            nullable=True,
            comment="What GitHub calls it: Organization, User",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("organizations_pkey")),
        sa.UniqueConstraint("github_account_id", name=op.f("organizations_github_account_id_key")),
        sa.UniqueConstraint("slug", name="idx_organizations_slug", initially="IMMEDIATE", deferrable=True),
        comment="Tenants; a GitHub account gets one when it is first seen",
    )
    op.create_index(
        "idx_organizations_deleted_at",
        "organizations",
        ["deleted_at"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "users",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column("email", sa.String(length=255), nullable=False, comment="Email address, unique"),
        sa.Column("name", sa.String(length=255), nullable=False, comment="Name for people"),
        sa.Column("avatar_url", sa.Text(), nullable=True, comment="Where the picture is"),
        sa.Column(
            "github_id",
            sa.String(length=255),
            nullable=True,
            comment="Numeric id of the person's GitHub account, unique",
        ),
        sa.Column(
            "github_login",
            sa.String(length=255),
            nullable=True,
            comment="Login of that GitHub account, follows renames",
        ),
        sa.Column("observed_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When that login was seen"),
        sa.Column(
            "auth_provider",
            sa.String(length=50),
            server_default="local",
            nullable=False,
            comment="Who vouches for the person",
        ),
        sa.Column(
            "password_hash",
            sa.Text(),
            nullable=True,
            comment="Hash of the password; null when another provider vouches",
        ),
        sa.Column(
            "mfa_enabled",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=True,
            comment="Whether a second factor is asked for",
        ),
        sa.Column("mfa_secret", sa.Text(), nullable=True, comment="Secret of the second factor, encrypted"),
        sa.Column(
            "last_login_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When the person last signed in"
        ),
        sa.Column(
            "created_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=True,
            comment="When the row was made",
        ),
        sa.Column(
            "updated_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=True,
            comment="When the row last changed",
        ),
        sa.Column(
            "deleted_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When the person was removed; null while they stay",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("users_pkey")),
        sa.UniqueConstraint("email", name="idx_users_email"),
        sa.UniqueConstraint("github_id", name="idx_users_github_id"),
        comment="People who own, assign and administer",
    )
    op.create_table(
        "organization_members",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column("organization_id", sa.UUID(as_uuid=False), nullable=False, comment="The organization"),
        sa.Column("user_id", sa.UUID(as_uuid=False), nullable=False, comment="The person"),
        sa.Column(
            "role",
            sa.String(length=50),
            server_default="member",
            nullable=False,
            comment="What the person may do: owner, admin, member, ...",
        ),
        sa.Column(
            "permissions",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=True,
            comment="Permissions beyond the role",
        ),
        sa.Column("invited_by", sa.UUID(as_uuid=False), nullable=True, comment="Who invited the person"),
        sa.Column(
            "joined_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=True,
            comment="When the membership began",
        ),
        sa.Column(
            "removed_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When the membership ended; null while it lasts",
        ),
        sa.Column(
            "source",
            sa.String(length=50),
            server_default="local",
            nullable=False,
            comment="Who keeps this row: local people, or GitHub through sync",
        ),
        sa.Column(
            "observed_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When GitHub last said so; null for a local row",
        ),
        sa.Column(
            "role_observed_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When GitHub last told the role: not every report of a member does",
        ),
        sa.CheckConstraint("source IN ('local', 'github')", name=op.f("organization_members_source_check")),
        sa.ForeignKeyConstraint(["invited_by"], ["users.id"], name=op.f("organization_members_invited_by_fkey")),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("organization_members_organization_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("organization_members_user_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("organization_members_pkey")),
        sa.UniqueConstraint(
            "organization_id", "user_id", name=op.f("organization_members_organization_id_user_id_key")
        ),
        comment="Who belongs to which organization",
    )
    op.create_index("idx_org_members_org_id", "organization_members", ["organization_id"], unique=False)
    op.create_index("idx_org_members_user_id", "organization_members", ["user_id"], unique=False)
    op.create_index(op.f("idx_organization_members_invited_by"), "organization_members", ["invited_by"], unique=False)
    op.create_table(
        "projects",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column(
            "organization_id", sa.UUID(as_uuid=False), nullable=False, comment="The organization that owns the project"
        ),
        sa.Column(
            "followed_organization_id",
            sa.UUID(as_uuid=False),
            nullable=True,
            comment="Where sync put the project; where organization_id is another, people have moved it",
        ),
        sa.Column("name", sa.String(length=255), nullable=False, comment="Name for people"),
        sa.Column("slug", sa.String(length=255), nullable=False, comment="Name for URLs, unique in the organization"),
        sa.Column("description", sa.Text(), nullable=True, comment="What the project is about"),
        sa.Column(
            "repository_url", sa.Text(), nullable=True, comment="Page of the repository the project was made for"
        ),
        sa.Column(
            "github_repo_id",
            sa.String(length=255),
            nullable=True,
            comment="Numeric GitHub id of the repository it was made for",
        ),
        sa.Column(
            "settings",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=True,
            comment="Settings of the project: rules for checks, scores and the life of tasks",
        ),
        sa.Column(
            "status", sa.String(length=50), server_default="active", nullable=True, comment="Whether work goes on"
        ),
        sa.Column(
            "created_by", sa.UUID(as_uuid=False), nullable=True, comment="Who made the project; null when sync did"
        ),
        sa.Column(
            "created_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=True,
            comment="When the row was made",
        ),
        sa.Column(
            "updated_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=True,
            comment="When the row last changed",
        ),
        sa.Column(
            "archived_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When the project was archived; null while it is not",
        ),
        sa.CheckConstraint(
            "status IN ('active', 'inactive', 'paused', 'completed', 'archived', 'deleted')",
            name=op.f("projects_status_check"),
        ),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("projects_created_by_fkey")),
        sa.ForeignKeyConstraint(
            ["followed_organization_id"], ["organizations.id"], name=op.f("projects_followed_organization_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("projects_organization_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("projects_pkey")),
        sa.UniqueConstraint(
            "organization_id",
            "slug",
            deferrable=True,
            initially="IMMEDIATE",
            name=op.f("projects_organization_id_slug_key"),
        ),
        comment="What tasks and repositories belong to; a repository gets one when it is first seen",
    )
    op.create_index(op.f("idx_projects_created_by"), "projects", ["created_by"], unique=False)
    op.create_index(
        "idx_projects_github_repo_id",
        "projects",
        ["github_repo_id"],
        unique=True,
        postgresql_where=sa.text("github_repo_id IS NOT NULL"),
    )
    op.create_index(
        op.f("idx_projects_followed_organization_id"), "projects", ["followed_organization_id"], unique=False
    )
    op.create_index("idx_projects_org_id", "projects", ["organization_id"], unique=False)
    op.create_index("idx_projects_status", "projects", ["status"], unique=False)
    op.create_table(
        "project_members",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column("project_id", sa.UUID(as_uuid=False), nullable=False, comment="The project"),
        sa.Column("user_id", sa.UUID(as_uuid=False), nullable=False, comment="The person"),
        sa.Column(
            "role",
            sa.String(length=50),
            server_default="developer",
            nullable=False,
            comment="What the person may do in the project",
        ),
        sa.Column("added_by", sa.UUID(as_uuid=False), nullable=True, comment="Who added the person"),
        sa.Column(
            "added_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=True,
            comment="When the membership began",
        ),
        sa.Column(
            "removed_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When the membership ended; null while it lasts",
        ),
        sa.Column(
            "source",
            sa.String(length=50),
            server_default="local",
            nullable=False,
            comment="Who keeps this row: local people, or GitHub through sync",
        ),
        sa.Column(
            "observed_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When GitHub last said so; null for a local row",
        ),
        sa.Column(
            "role_observed_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When GitHub last told the role: not every report of a member does",
        ),
        sa.CheckConstraint("source IN ('local', 'github')", name=op.f("project_members_source_check")),
        sa.ForeignKeyConstraint(["added_by"], ["users.id"], name=op.f("project_members_added_by_fkey")),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("project_members_project_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("project_members_user_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("project_members_pkey")),
        sa.UniqueConstraint("project_id", "user_id", name=op.f("project_members_project_id_user_id_key")),
        comment="Who works on which project",
    )
    op.create_index(op.f("idx_project_members_added_by"), "project_members", ["added_by"], unique=False)
    op.create_index(op.f("idx_project_members_project_id"), "project_members", ["project_id"], unique=False)
    op.create_index(op.f("idx_project_members_user_id"), "project_members", ["user_id"], unique=False)

    op.execute("COMMENT ON TABLE alembic_version IS 'The migration this database is at'")
    op.execute("COMMENT ON COLUMN alembic_version.version_num IS 'Its revision'")


def downgrade() -> None:
    op.drop_table("project_members")
    op.drop_table("projects")
    op.drop_table("organization_members")
    op.drop_table("users")
    op.drop_table("organizations")
