"""All tables of the first release.

It is the revision 0024, since databases of before it went through 24 migrations to these same tables.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = None
branch_labels = None
depends_on = None

UUID = sa.UUID(as_uuid=False)
TIME = sa.TIMESTAMP(timezone=True)
JSONB = postgresql.JSONB()
NOW = sa.text("CURRENT_TIMESTAMP")
RANDOM = sa.text("gen_random_uuid()")

TABLES = (
    "organizations", "users", "organization_members", "projects", "project_members",
    "github_installations", "github_repositories", "github_repository_aliases", "github_labels",
    "github_milestones", "github_branches", "github_issues", "github_pull_requests", "github_comments",
    "github_reviews", "github_review_threads", "github_check_suites", "github_check_runs", "github_workflow_runs",
    "github_commit_statuses", "github_security_alerts",
    "webhook_deliveries",
    "sync_jobs", "sync_runs", "sync_seen", "sync_marks", "sync_findings", "sync_processes",
    "sync_budgets", "sync_tokens", "sync_etags", "sync_omissions",
    "agents", "workflows", "workflow_executions", "tasks", "agent_sessions", "task_dependencies", "task_executions",
    "task_moves", "task_creations",
    "github_mentions", "task_github_links", "pr_tracking",
    "change_feed", "change_events", "audit_logs",
)  # fmt: skip


def upgrade() -> None:
    _accounts_and_projects()
    _mirror()
    _inbox()
    _reconciler()
    _github_api()
    _workflows_agents_and_tasks()
    _links_and_tracking()
    _changes()
    op.execute("ALTER TABLE webhook_deliveries ALTER COLUMN body SET STORAGE EXTERNAL")
    op.execute("INSERT INTO change_feed DEFAULT VALUES")
    op.execute("COMMENT ON TABLE alembic_version IS 'The migration this database is at'")
    op.execute("COMMENT ON COLUMN alembic_version.version_num IS 'Its revision'")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _accounts_and_projects() -> None:
    """Accounts and projects."""
    op.create_table(
        "organizations",
        sa.Column("id", UUID, server_default=RANDOM, nullable=False, comment="Key"),
        sa.Column("name", sa.String(length=255), nullable=False, comment="Name for people"),
        sa.Column("slug", sa.String(length=255), nullable=False, comment="Name for URLs, unique"),
        sa.Column("settings", JSONB, server_default=sa.text("'{}'::jsonb"), comment="Settings of the organization"),
        sa.Column("subscription_tier", sa.String(length=50), server_default="free", comment="Plan of the organization"),
        sa.Column("created_at", TIME, server_default=NOW, comment="When the row was made"),
        sa.Column("updated_at", TIME, server_default=NOW, comment="When the row last changed"),
        sa.Column("deleted_at", TIME, comment="When the organization was given up; null while it lives"),
        sa.Column(
            "github_account_id",
            sa.String(length=255),
            comment="Numeric id of the GitHub account this organization stands for",
        ),
        sa.Column("github_login", sa.String(length=255), comment="Login of that GitHub account, follows renames"),
        sa.Column("github_account_type", sa.String(length=50), comment="What GitHub calls it: Organization, User"),
        sa.Column("account_login", sa.String(length=255), comment="Login that the account's own events told last"),
        sa.Column("account_login_since", TIME, comment="Since when these are known to have told that login"),
        sa.Column(
            "account_observed_at", TIME, comment="When they last told a login: repositories observed before follow it"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("organizations_pkey")),
        sa.UniqueConstraint("github_account_id", name=op.f("organizations_github_account_id_key")),
        sa.UniqueConstraint("slug", deferrable=True, initially="IMMEDIATE", name="idx_organizations_slug"),
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
        sa.Column("id", UUID, server_default=RANDOM, nullable=False, comment="Key"),
        sa.Column("email", sa.String(length=255), nullable=False, comment="Email address, unique"),
        sa.Column("name", sa.String(length=255), nullable=False, comment="Name for people"),
        sa.Column("avatar_url", sa.Text(), comment="Where the picture is"),
        sa.Column("github_id", sa.String(length=255), comment="Numeric id of the person's GitHub account, unique"),
        sa.Column("github_login", sa.String(length=255), comment="Login of that GitHub account, follows renames"),
        sa.Column("observed_at", TIME, comment="When that login was seen"),
        sa.Column(
            "auth_provider",
            sa.String(length=50),
            server_default="local",
            nullable=False,
            comment="Who vouches for the person",
        ),
        sa.Column("password_hash", sa.Text(), comment="Hash of the password; null when another provider vouches"),
        sa.Column(
            "mfa_enabled", sa.Boolean(), server_default=sa.text("false"), comment="Whether a second factor is asked for"
        ),
        sa.Column("mfa_secret", sa.Text(), comment="Secret of the second factor, encrypted"),
        sa.Column("last_login_at", TIME, comment="When the person last signed in"),
        sa.Column("created_at", TIME, server_default=NOW, comment="When the row was made"),
        sa.Column("updated_at", TIME, server_default=NOW, comment="When the row last changed"),
        sa.Column("deleted_at", TIME, comment="When the person was removed; null while they stay"),
        sa.PrimaryKeyConstraint("id", name=op.f("users_pkey")),
        sa.UniqueConstraint("email", name="idx_users_email"),
        sa.UniqueConstraint("github_id", name="idx_users_github_id"),
        comment="People who own, assign and administer",
    )

    op.create_table(
        "organization_members",
        sa.Column("id", UUID, server_default=RANDOM, nullable=False, comment="Key"),
        sa.Column("organization_id", UUID, nullable=False, comment="The organization"),
        sa.Column("user_id", UUID, nullable=False, comment="The person"),
        sa.Column(
            "role",
            sa.String(length=50),
            server_default="member",
            nullable=False,
            comment="What the person may do: owner, admin, member, ...",
        ),
        sa.Column("permissions", JSONB, server_default=sa.text("'[]'::jsonb"), comment="Permissions beyond the role"),
        sa.Column("invited_by", UUID, comment="Who invited the person"),
        sa.Column("joined_at", TIME, server_default=NOW, comment="When the membership began"),
        sa.Column("removed_at", TIME, comment="When the membership ended; null while it lasts"),
        sa.Column(
            "source",
            sa.String(length=50),
            server_default="local",
            nullable=False,
            comment="Who keeps this row: local people, or GitHub through sync",
        ),
        sa.Column("observed_at", TIME, comment="When GitHub last said so; null for a local row"),
        sa.Column(
            "role_observed_at", TIME, comment="When GitHub last told the role: not every report of a member does"
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
        sa.Column("id", UUID, server_default=RANDOM, nullable=False, comment="Key"),
        sa.Column("organization_id", UUID, nullable=False, comment="The organization that owns the project"),
        sa.Column(
            "followed_organization_id",
            UUID,
            comment="Where sync put the project; where organization_id is another, people have moved it",
        ),
        sa.Column("name", sa.String(length=255), nullable=False, comment="Name for people"),
        sa.Column("slug", sa.String(length=255), nullable=False, comment="Name for URLs, unique in the organization"),
        sa.Column("description", sa.Text(), comment="What the project is about"),
        sa.Column("repository_url", sa.Text(), comment="Page of the repository the project was made for"),
        sa.Column(
            "github_repo_id", sa.String(length=255), comment="Numeric GitHub id of the repository it was made for"
        ),
        sa.Column(
            "settings",
            JSONB,
            server_default=sa.text("'{}'::jsonb"),
            comment="Settings of the project: rules for checks, scores and the life of tasks",
        ),
        sa.Column("status", sa.String(length=50), server_default="active", comment="Whether work goes on"),
        sa.Column("created_by", UUID, comment="Who made the project; null when sync did"),
        sa.Column("created_at", TIME, server_default=NOW, comment="When the row was made"),
        sa.Column("updated_at", TIME, server_default=NOW, comment="When the row last changed"),
        sa.Column("archived_at", TIME, comment="When the project was archived; null while it is not"),
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
        op.f("idx_projects_followed_organization_id"), "projects", ["followed_organization_id"], unique=False
    )
    op.create_index(
        "idx_projects_github_repo_id",
        "projects",
        ["github_repo_id"],
        unique=True,
        postgresql_where=sa.text("github_repo_id IS NOT NULL"),
    )
    op.create_index("idx_projects_org_id", "projects", ["organization_id"], unique=False)
    op.create_index("idx_projects_status", "projects", ["status"], unique=False)

    op.create_table(
        "project_members",
        sa.Column("id", UUID, server_default=RANDOM, nullable=False, comment="Key"),
        sa.Column("project_id", UUID, nullable=False, comment="The project"),
        sa.Column("user_id", UUID, nullable=False, comment="The person"),
        sa.Column(
            "role",
            sa.String(length=50),
            server_default="developer",
            nullable=False,
            comment="What the person may do in the project",
        ),
        sa.Column("added_by", UUID, comment="Who added the person"),
        sa.Column("added_at", TIME, server_default=NOW, comment="When the membership began"),
        sa.Column("removed_at", TIME, comment="When the membership ended; null while it lasts"),
        sa.Column(
            "source",
            sa.String(length=50),
            server_default="local",
            nullable=False,
            comment="Who keeps this row: local people, or GitHub through sync",
        ),
        sa.Column("observed_at", TIME, comment="When GitHub last said so; null for a local row"),
        sa.Column(
            "role_observed_at", TIME, comment="When GitHub last told the role: not every report of a member does"
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


def _mirror() -> None:
    """What is mirrored of GitHub."""
    op.create_table(
        "github_installations",
        sa.Column("id", UUID, server_default=RANDOM, nullable=False, comment="Key"),
        sa.Column("organization_id", UUID, comment="Organization of the account"),
        sa.Column("github_id", sa.String(length=255), nullable=False, comment="GitHub's numeric id"),
        sa.Column("app_id", sa.String(length=255), comment="GitHub's id of the App"),
        sa.Column("app_slug", sa.String(length=255), comment="The App's URL name"),
        sa.Column("account_id", sa.String(length=255), comment="GitHub's id of the account"),
        sa.Column("account_login", sa.String(length=255), comment="The account's login"),
        sa.Column("account_type", sa.String(length=50), comment="User, Organization or Enterprise"),
        sa.Column("repository_selection", sa.String(length=50), comment="all or selected"),
        sa.Column(
            "permissions",
            JSONB,
            server_default=sa.text("'{}'::jsonb"),
            comment="What the App may do, as GitHub reports it",
        ),
        sa.Column("events", JSONB, server_default=sa.text("'[]'::jsonb"), comment="Events the App receives"),
        sa.Column("suspended_at", TIME, comment="Since when the installation is suspended"),
        sa.Column("suspended_by", sa.String(length=255), comment="Login of who suspended it"),
        sa.Column(
            "account_updated_at", TIME, comment="updated_at of the payload that last reported the account columns"
        ),
        sa.Column(
            "account_observed_at", TIME, comment="observed_at of the payload that last reported the account columns"
        ),
        sa.Column("created_at", TIME, comment="When the App was installed"),
        sa.Column("updated_at", TIME, comment="When GitHub last changed it, by GitHub's clock; null while unknown"),
        sa.Column(
            "observed_at", TIME, nullable=False, comment="When GitHub held this state; breaks ties of updated_at"
        ),
        sa.Column("observed_by", sa.String(length=10), nullable=False, comment="What observed_at was read from"),
        sa.Column("synced_at", TIME, server_default=NOW, comment="When this row was last written"),
        sa.Column("sync_source", sa.String(length=20), nullable=False, comment="The door the last write came through"),
        sa.Column("verified_at", TIME, comment="When GitHub's API last confirmed this row"),
        sa.Column("deleted_at", TIME, comment="When it was gone from GitHub; null while it is there"),
        sa.CheckConstraint("jsonb_typeof(events) = 'array'", name=op.f("github_installations_events_shape_check")),
        sa.CheckConstraint(
            "jsonb_typeof(permissions) = 'object'", name=op.f("github_installations_permissions_shape_check")
        ),
        sa.CheckConstraint(
            "observed_by IN ('guid', 'arrival', 'api')", name=op.f("github_installations_observed_by_check")
        ),
        sa.CheckConstraint(
            "sync_source IN ('webhook', 'backfill', 'reconcile', 'resync', 'replay')",
            name=op.f("github_installations_sync_source_check"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("github_installations_organization_id_fkey"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("github_installations_pkey")),
        sa.UniqueConstraint("github_id", name=op.f("github_installations_github_id_key")),
        comment="Installations of the GitHub App, one per account",
    )
    op.create_index(
        op.f("idx_github_installations_organization_id"), "github_installations", ["organization_id"], unique=False
    )

    op.create_table(
        "github_repositories",
        sa.Column("id", UUID, server_default=RANDOM, nullable=False, comment="Key"),
        sa.Column("project_id", UUID, nullable=False, comment="Project it belongs to"),
        sa.Column("installation_id", UUID, comment="Installation that sees it"),
        sa.Column("github_id", sa.String(length=255), nullable=False, comment="GitHub's numeric id"),
        sa.Column("node_id", sa.String(length=255), comment="GitHub's GraphQL id"),
        sa.Column("owner", sa.String(length=255), nullable=False, comment="Login of the owning account"),
        sa.Column("owner_id", sa.String(length=255), comment="GitHub's id of the owning account"),
        sa.Column("name", sa.String(length=255), nullable=False, comment="Name without the owner"),
        sa.Column(
            "full_name",
            sa.String(length=255),
            nullable=False,
            comment="owner/name as last seen; may be another's by now",
        ),
        sa.Column(
            "tracked_name",
            sa.String(length=255),
            nullable=False,
            comment="full_name where this repository owns it, else full_name~github_id; unique once settled",
        ),
        sa.Column("default_branch", sa.String(length=255), server_default="main", comment="Default branch"),
        sa.Column("html_url", sa.Text(), comment="Page on GitHub"),
        sa.Column("description", sa.Text(), comment="Description"),
        sa.Column("homepage", sa.Text(), comment="Home page"),
        sa.Column("language", sa.String(length=255), comment="Main programming language"),
        sa.Column("visibility", sa.String(length=50), comment="public, private or internal"),
        sa.Column("private", sa.Boolean(), comment="Not public"),
        sa.Column("archived", sa.Boolean(), server_default=sa.text("false"), comment="Read-only on GitHub"),
        sa.Column("disabled", sa.Boolean(), server_default=sa.text("false"), comment="Disabled by GitHub"),
        sa.Column("fork", sa.Boolean(), server_default=sa.text("false"), comment="Is a fork"),
        sa.Column("topics", JSONB, server_default=sa.text("'[]'::jsonb"), comment="Topics, in GitHub's order"),
        sa.Column("webhook_id", sa.String(length=255), comment="Id of a repository webhook, where one is used"),
        sa.Column("webhook_secret", sa.Text(), comment="Secret of that webhook, encrypted with GHSYNC_ENCRYPTION_KEYS"),
        sa.Column("permissions", JSONB, server_default=sa.text("'{}'::jsonb"), comment="What the App may do in it"),
        sa.Column(
            "metadata", JSONB, server_default=sa.text("'{}'::jsonb"), comment="Free for users; ghsync does not write it"
        ),
        sa.Column(
            "removed_at",
            TIME,
            comment="Since when neither the App nor a webhook of its own sees it; null while one does",
        ),
        sa.Column(
            "access_ended_at",
            TIME,
            comment="When its installation came to see it no longer, as far as that was told of it alone",
        ),
        sa.Column("access_updated_at", TIME, comment="updated_at of the payload that last reported the access columns"),
        sa.Column(
            "access_observed_at", TIME, comment="observed_at of the payload that last reported the access columns"
        ),
        sa.Column("owner_updated_at", TIME, comment="updated_at of the payload that last reported the owner columns"),
        sa.Column("owner_observed_at", TIME, comment="observed_at of the payload that last reported the owner columns"),
        sa.Column("alive_at", TIME, comment="When a webhook last told of it as living"),
        sa.Column(
            "heard_at",
            TIME,
            comment="When a webhook that is no installation's last told of it: its own, or its organization's",
        ),
        sa.Column("created_at", TIME, comment="When it was created on GitHub"),
        sa.Column("updated_at", TIME, comment="When GitHub last changed it, by GitHub's clock; null while unknown"),
        sa.Column(
            "observed_at", TIME, nullable=False, comment="When GitHub held this state; breaks ties of updated_at"
        ),
        sa.Column("observed_by", sa.String(length=10), nullable=False, comment="What observed_at was read from"),
        sa.Column("synced_at", TIME, server_default=NOW, comment="When this row was last written"),
        sa.Column("sync_source", sa.String(length=20), nullable=False, comment="The door the last write came through"),
        sa.Column("verified_at", TIME, comment="When GitHub's API last confirmed this row"),
        sa.Column("deleted_at", TIME, comment="When it was gone from GitHub; null while it is there"),
        sa.CheckConstraint("jsonb_typeof(topics) = 'array'", name=op.f("github_repositories_topics_shape_check")),
        sa.CheckConstraint(
            "observed_by IN ('guid', 'arrival', 'api')", name=op.f("github_repositories_observed_by_check")
        ),
        sa.CheckConstraint(
            "sync_source IN ('webhook', 'backfill', 'reconcile', 'resync', 'replay')",
            name=op.f("github_repositories_sync_source_check"),
        ),
        sa.ForeignKeyConstraint(
            ["installation_id"],
            ["github_installations.id"],
            name=op.f("github_repositories_installation_id_fkey"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("github_repositories_project_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("github_repositories_pkey")),
        sa.UniqueConstraint("github_id", name=op.f("github_repositories_github_id_key")),
        sa.UniqueConstraint(
            "tracked_name", deferrable=True, initially="IMMEDIATE", name=op.f("github_repositories_tracked_name_key")
        ),
        comment="Mirrored repositories",
    )
    op.create_index("idx_github_repos_full_name", "github_repositories", ["full_name"], unique=False)
    op.create_index(
        "idx_github_repos_lower_full_name", "github_repositories", [sa.literal_column("lower(full_name)")], unique=False
    )
    op.create_index("idx_github_repos_owner_id", "github_repositories", ["owner_id"], unique=False)
    op.create_index("idx_github_repos_project_id", "github_repositories", ["project_id"], unique=False)
    op.create_index(
        op.f("idx_github_repositories_installation_id"), "github_repositories", ["installation_id"], unique=False
    )

    op.create_table(
        "github_repository_aliases",
        sa.Column("id", UUID, server_default=RANDOM, nullable=False, comment="Key"),
        sa.Column("repository_id", UUID, nullable=False, comment="The repository"),
        sa.Column(
            "full_name", sa.String(length=255), nullable=False, comment="A name it was seen under, the present one too"
        ),
        sa.Column(
            "first_observed_at", TIME, nullable=False, comment="Since when GitHub is known to have used that name"
        ),
        sa.ForeignKeyConstraint(
            ["repository_id"],
            ["github_repositories.id"],
            name=op.f("github_repository_aliases_repository_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("github_repository_aliases_pkey")),
        sa.UniqueConstraint(
            "repository_id", "full_name", name=op.f("github_repository_aliases_repository_id_full_name_key")
        ),
        comment="Every name a repository was ever seen under",
    )
    op.create_index(
        "idx_github_repository_aliases_lower_full_name",
        "github_repository_aliases",
        [sa.literal_column("lower(full_name)")],
        unique=False,
    )

    op.create_table(
        "github_labels",
        sa.Column("id", UUID, server_default=RANDOM, nullable=False, comment="Key"),
        sa.Column("repository_id", UUID, nullable=False, comment="Its repository"),
        sa.Column("github_id", sa.String(length=255), nullable=False, comment="GitHub's numeric id"),
        sa.Column("node_id", sa.String(length=255), comment="GitHub's GraphQL id"),
        sa.Column("name", sa.Text(), nullable=False, comment="Name"),
        sa.Column("color", sa.String(length=50), comment="Six hexadecimal digits"),
        sa.Column("description", sa.Text(), comment="Description"),
        sa.Column("is_default", sa.Boolean(), server_default=sa.text("false"), comment="One of GitHub's own labels"),
        sa.Column("updated_at", TIME, comment="When GitHub last changed it, by GitHub's clock; null while unknown"),
        sa.Column(
            "observed_at", TIME, nullable=False, comment="When GitHub held this state; breaks ties of updated_at"
        ),
        sa.Column("observed_by", sa.String(length=10), nullable=False, comment="What observed_at was read from"),
        sa.Column("synced_at", TIME, server_default=NOW, comment="When this row was last written"),
        sa.Column("sync_source", sa.String(length=20), nullable=False, comment="The door the last write came through"),
        sa.Column("verified_at", TIME, comment="When GitHub's API last confirmed this row"),
        sa.Column("deleted_at", TIME, comment="When it was gone from GitHub; null while it is there"),
        sa.CheckConstraint("observed_by IN ('guid', 'arrival', 'api')", name=op.f("github_labels_observed_by_check")),
        sa.CheckConstraint(
            "sync_source IN ('webhook', 'backfill', 'reconcile', 'resync', 'replay')",
            name=op.f("github_labels_sync_source_check"),
        ),
        sa.ForeignKeyConstraint(
            ["repository_id"],
            ["github_repositories.id"],
            name=op.f("github_labels_repository_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("github_labels_pkey")),
        sa.UniqueConstraint("repository_id", "github_id", name=op.f("github_labels_repository_id_github_id_key")),
        comment="Labels of mirrored repositories",
    )
    op.create_index("idx_github_labels_observed_at", "github_labels", ["repository_id", "observed_at"], unique=False)

    op.create_table(
        "github_milestones",
        sa.Column("id", UUID, server_default=RANDOM, nullable=False, comment="Key"),
        sa.Column("repository_id", UUID, nullable=False, comment="Its repository"),
        sa.Column("github_id", sa.String(length=255), nullable=False, comment="GitHub's numeric id"),
        sa.Column("node_id", sa.String(length=255), comment="GitHub's GraphQL id"),
        sa.Column("number", sa.Integer(), nullable=False, comment="Number within the repository"),
        sa.Column("title", sa.Text(), nullable=False, comment="Title"),
        sa.Column("description", sa.Text(), comment="Description"),
        sa.Column("state", sa.String(length=50), nullable=False, comment="open or closed"),
        sa.Column("html_url", sa.Text(), comment="Page on GitHub"),
        sa.Column("created_by", sa.String(length=255), comment="Login of the creator"),
        sa.Column("due_on", TIME, comment="When it is due"),
        sa.Column("created_at", TIME, comment="When it was created on GitHub"),
        sa.Column("closed_at", TIME, comment="When it was closed"),
        sa.Column("updated_at", TIME, comment="When GitHub last changed it, by GitHub's clock; null while unknown"),
        sa.Column(
            "observed_at", TIME, nullable=False, comment="When GitHub held this state; breaks ties of updated_at"
        ),
        sa.Column("observed_by", sa.String(length=10), nullable=False, comment="What observed_at was read from"),
        sa.Column("synced_at", TIME, server_default=NOW, comment="When this row was last written"),
        sa.Column("sync_source", sa.String(length=20), nullable=False, comment="The door the last write came through"),
        sa.Column("verified_at", TIME, comment="When GitHub's API last confirmed this row"),
        sa.Column("deleted_at", TIME, comment="When it was gone from GitHub; null while it is there"),
        sa.CheckConstraint(
            "observed_by IN ('guid', 'arrival', 'api')", name=op.f("github_milestones_observed_by_check")
        ),
        sa.CheckConstraint(
            "sync_source IN ('webhook', 'backfill', 'reconcile', 'resync', 'replay')",
            name=op.f("github_milestones_sync_source_check"),
        ),
        sa.ForeignKeyConstraint(
            ["repository_id"],
            ["github_repositories.id"],
            name=op.f("github_milestones_repository_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("github_milestones_pkey")),
        sa.UniqueConstraint("repository_id", "github_id", name=op.f("github_milestones_repository_id_github_id_key")),
        comment="Milestones of mirrored repositories",
    )
    op.create_index("idx_github_milestones_number", "github_milestones", ["repository_id", "number"], unique=False)
    op.create_index(
        "idx_github_milestones_observed_at", "github_milestones", ["repository_id", "observed_at"], unique=False
    )

    op.create_table(
        "github_branches",
        sa.Column("id", UUID, server_default=RANDOM, nullable=False, comment="Key"),
        sa.Column("repository_id", UUID, nullable=False, comment="Its repository"),
        sa.Column("name", sa.String(length=255), nullable=False, comment="Name without refs/heads/"),
        sa.Column("head_sha", sa.String(length=64), comment="Newest commit; null while the branch is deleted"),
        sa.Column("updated_at", TIME, comment="When GitHub last changed it, by GitHub's clock; null while unknown"),
        sa.Column(
            "observed_at", TIME, nullable=False, comment="When GitHub held this state; breaks ties of updated_at"
        ),
        sa.Column("observed_by", sa.String(length=10), nullable=False, comment="What observed_at was read from"),
        sa.Column("synced_at", TIME, server_default=NOW, comment="When this row was last written"),
        sa.Column("sync_source", sa.String(length=20), nullable=False, comment="The door the last write came through"),
        sa.Column("verified_at", TIME, comment="When GitHub's API last confirmed this row"),
        sa.Column("deleted_at", TIME, comment="When it was gone from GitHub; null while it is there"),
        sa.CheckConstraint("observed_by IN ('guid', 'arrival', 'api')", name=op.f("github_branches_observed_by_check")),
        sa.CheckConstraint(
            "sync_source IN ('webhook', 'backfill', 'reconcile', 'resync', 'replay')",
            name=op.f("github_branches_sync_source_check"),
        ),
        sa.ForeignKeyConstraint(
            ["repository_id"],
            ["github_repositories.id"],
            name=op.f("github_branches_repository_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("github_branches_pkey")),
        sa.UniqueConstraint("repository_id", "name", name=op.f("github_branches_repository_id_name_key")),
        comment="Branches that were pushed to since ghsync watches",
    )
    op.create_index(
        "idx_github_branches_observed_at", "github_branches", ["repository_id", "observed_at"], unique=False
    )

    op.create_table(
        "github_issues",
        sa.Column("id", UUID, server_default=RANDOM, nullable=False, comment="Key"),
        sa.Column("repository_id", UUID, nullable=False, comment="Its repository"),
        sa.Column("github_id", sa.String(length=255), nullable=False, comment="GitHub's numeric id of the issue"),
        sa.Column("node_id", sa.String(length=255), comment="GitHub's GraphQL id"),
        sa.Column("number", sa.Integer(), nullable=False, comment="Number within the repository"),
        sa.Column("title", sa.Text(), nullable=False, comment="Title"),
        sa.Column("body", sa.Text(), comment="Description, as Markdown"),
        sa.Column("state", sa.String(length=50), nullable=False, comment="open or closed"),
        sa.Column("state_reason", sa.String(length=50), comment="completed, not_planned, reopened, duplicate"),
        sa.Column("html_url", sa.Text(), comment="Page on GitHub"),
        sa.Column(
            "labels",
            JSONB,
            server_default=sa.text("'[]'::jsonb"),
            comment="[{id,name,color,description}] in GitHub's order",
        ),
        sa.Column("assignees", JSONB, server_default=sa.text("'[]'::jsonb"), comment="[{id,login}] in GitHub's order"),
        sa.Column("milestone", JSONB, comment="{id,number,title,state,due_on}"),
        sa.Column("locked", sa.Boolean(), server_default=sa.text("false"), comment="Conversation is locked"),
        sa.Column("comments_count", sa.Integer(), comment="Number of comments"),
        sa.Column(
            "metadata",
            JSONB,
            server_default=sa.text("'{}'::jsonb"),
            comment="type, sub-issue and dependency summaries, where GitHub reports them",
        ),
        sa.Column("created_by", sa.String(length=255), comment="Login of the author"),
        sa.Column("created_at", TIME, comment="When it was opened"),
        sa.Column("closed_at", TIME, comment="When it was closed"),
        sa.Column("transferred_to", JSONB, comment="{repository_github_id,github_id,number} of the issue it became"),
        sa.Column("updated_at", TIME, comment="When GitHub last changed it, by GitHub's clock; null while unknown"),
        sa.Column(
            "observed_at", TIME, nullable=False, comment="When GitHub held this state; breaks ties of updated_at"
        ),
        sa.Column("observed_by", sa.String(length=10), nullable=False, comment="What observed_at was read from"),
        sa.Column("synced_at", TIME, server_default=NOW, comment="When this row was last written"),
        sa.Column("sync_source", sa.String(length=20), nullable=False, comment="The door the last write came through"),
        sa.Column("verified_at", TIME, comment="When GitHub's API last confirmed this row"),
        sa.Column("deleted_at", TIME, comment="When it was gone from GitHub; null while it is there"),
        sa.Column(
            "created_by_id", sa.String(length=255), comment="GitHub's id of the author; null for a deleted account"
        ),
        sa.CheckConstraint("jsonb_typeof(assignees) = 'array'", name=op.f("github_issues_assignees_shape_check")),
        sa.CheckConstraint("jsonb_typeof(labels) = 'array'", name=op.f("github_issues_labels_shape_check")),
        sa.CheckConstraint("jsonb_typeof(milestone) = 'object'", name=op.f("github_issues_milestone_shape_check")),
        sa.CheckConstraint(
            "jsonb_typeof(transferred_to) = 'object'", name=op.f("github_issues_transferred_to_shape_check")
        ),
        sa.CheckConstraint("observed_by IN ('guid', 'arrival', 'api')", name=op.f("github_issues_observed_by_check")),
        sa.CheckConstraint(
            "sync_source IN ('webhook', 'backfill', 'reconcile', 'resync', 'replay')",
            name=op.f("github_issues_sync_source_check"),
        ),
        sa.CheckConstraint(
            "transferred_to ->> 'number' ~ '^[0-9]{1,9}$'", name=op.f("github_issues_transferred_to_number_check")
        ),
        sa.ForeignKeyConstraint(
            ["repository_id"],
            ["github_repositories.id"],
            name=op.f("github_issues_repository_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("github_issues_pkey")),
        sa.UniqueConstraint("repository_id", "number", name=op.f("github_issues_repository_id_number_key")),
        comment="Issues of mirrored repositories (pull requests are not issues here)",
    )
    op.create_index(
        "idx_github_issues_labels",
        "github_issues",
        ["labels"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"labels": "jsonb_path_ops"},
    )
    op.create_index(
        "idx_github_issues_milestone",
        "github_issues",
        [sa.literal_column("(milestone ->> 'id')")],
        unique=False,
        postgresql_where=sa.text("milestone IS NOT NULL"),
    )
    op.create_index("idx_github_issues_number", "github_issues", ["number"], unique=False)
    op.create_index("idx_github_issues_repo_id", "github_issues", ["repository_id"], unique=False)
    op.create_index("idx_github_issues_state", "github_issues", ["state"], unique=False)
    op.create_index(
        "idx_github_issues_transferred_to",
        "github_issues",
        [sa.literal_column("(transferred_to ->> 'repository_github_id')")],
        unique=False,
        postgresql_where=sa.text("transferred_to IS NOT NULL"),
    )

    op.create_table(
        "github_pull_requests",
        sa.Column("id", UUID, server_default=RANDOM, nullable=False, comment="Key"),
        sa.Column("repository_id", UUID, nullable=False, comment="Its repository"),
        sa.Column(
            "github_id", sa.String(length=255), nullable=False, comment="GitHub's numeric id of the pull request"
        ),
        sa.Column("node_id", sa.String(length=255), comment="GitHub's GraphQL id"),
        sa.Column("number", sa.Integer(), nullable=False, comment="Number within the repository"),
        sa.Column("title", sa.Text(), nullable=False, comment="Title"),
        sa.Column("body", sa.Text(), comment="Description, as Markdown"),
        sa.Column("state", sa.String(length=50), nullable=False, comment="open or closed"),
        sa.Column("html_url", sa.Text(), comment="Page on GitHub"),
        sa.Column("head_ref", sa.String(length=255), comment="Branch with the changes"),
        sa.Column("head_sha", sa.String(length=64), comment="Its newest commit"),
        sa.Column(
            "head_repository_id", sa.String(length=255), comment="GitHub's id of the head's repository, for ever"
        ),
        sa.Column("base_ref", sa.String(length=255), comment="Branch it goes into"),
        sa.Column("base_sha", sa.String(length=64), comment="That branch's commit, as the pull request knows it"),
        sa.Column("draft", sa.Boolean(), server_default=sa.text("false"), comment="Is a draft"),
        sa.Column("merged", sa.Boolean(), server_default=sa.text("false"), comment="Was merged; final"),
        sa.Column(
            "merged_into_default",
            sa.Boolean(),
            server_default=sa.text("false"),
            comment="Was merged into the default branch of that time; final",
        ),
        sa.Column("reported_mergeable", sa.Boolean(), comment="mergeable of the newest report that was not null"),
        sa.Column("reported_mergeable_state", sa.String(length=50), comment="mergeable_state of that report"),
        sa.Column("reported_head_sha", sa.String(length=64), comment="head_sha of that report"),
        sa.Column("reported_base_sha", sa.String(length=64), comment="base_sha of that report"),
        sa.Column("reported_base_ref", sa.String(length=255), comment="base_ref of that report"),
        sa.Column(
            "mergeability_updated_at",
            TIME,
            comment="updated_at of the payload that last reported the mergeability columns",
        ),
        sa.Column(
            "mergeability_observed_at",
            TIME,
            comment="observed_at of the payload that last reported the mergeability columns",
        ),
        sa.Column(
            "labels",
            JSONB,
            server_default=sa.text("'[]'::jsonb"),
            comment="[{id,name,color,description}] in GitHub's order",
        ),
        sa.Column("assignees", JSONB, server_default=sa.text("'[]'::jsonb"), comment="[{id,login}] in GitHub's order"),
        sa.Column(
            "reviewers",
            JSONB,
            server_default=sa.text("'[]'::jsonb"),
            comment="[{id,login}] of those asked for review and not heard yet",
        ),
        sa.Column(
            "requested_teams",
            JSONB,
            server_default=sa.text("'[]'::jsonb"),
            comment="[{id,slug}] of the teams asked for review",
        ),
        sa.Column("milestone", JSONB, comment="{id,number,title,state,due_on}"),
        sa.Column("auto_merge", JSONB, comment="{merge_method,enabled_by} while auto-merge is on"),
        sa.Column("locked", sa.Boolean(), server_default=sa.text("false"), comment="Conversation is locked"),
        sa.Column("merge_commit_sha", sa.String(length=64), comment="The merge commit, once merged"),
        sa.Column("merged_by", sa.String(length=255), comment="Login of who merged it"),
        sa.Column("additions", sa.Integer(), comment="Lines added"),
        sa.Column("deletions", sa.Integer(), comment="Lines deleted"),
        sa.Column("changed_files", sa.Integer(), comment="Files changed"),
        sa.Column("commits", sa.Integer(), comment="Commits"),
        sa.Column("review_comments_count", sa.Integer(), comment="Number of review comments"),
        sa.Column("stats_updated_at", TIME, comment="updated_at of the payload that last reported the stats columns"),
        sa.Column("stats_observed_at", TIME, comment="observed_at of the payload that last reported the stats columns"),
        sa.Column("comments_count", sa.Integer(), comment="Number of comments on the conversation"),
        sa.Column(
            "comments_updated_at", TIME, comment="updated_at of the payload that last reported the comments columns"
        ),
        sa.Column(
            "comments_observed_at", TIME, comment="observed_at of the payload that last reported the comments columns"
        ),
        sa.Column("created_by", sa.String(length=255), comment="Login of the author"),
        sa.Column("created_at", TIME, comment="When it was opened"),
        sa.Column("merged_at", TIME, comment="When it was merged"),
        sa.Column("closed_at", TIME, comment="When it was closed or merged"),
        sa.Column("updated_at", TIME, comment="When GitHub last changed it, by GitHub's clock; null while unknown"),
        sa.Column(
            "observed_at", TIME, nullable=False, comment="When GitHub held this state; breaks ties of updated_at"
        ),
        sa.Column("observed_by", sa.String(length=10), nullable=False, comment="What observed_at was read from"),
        sa.Column("synced_at", TIME, server_default=NOW, comment="When this row was last written"),
        sa.Column("sync_source", sa.String(length=20), nullable=False, comment="The door the last write came through"),
        sa.Column("verified_at", TIME, comment="When GitHub's API last confirmed this row"),
        sa.Column("deleted_at", TIME, comment="When it was gone from GitHub; null while it is there"),
        sa.Column(
            "mergeable",
            sa.Boolean(),
            sa.Computed(
                "CASE WHEN NOT merged AND reported_head_sha = head_sha AND reported_base_sha = base_sha AND reported_base_ref = base_ref THEN reported_mergeable END",
                persisted=True,
            ),
            comment="The newest report that holds for this head and base; null while unknown",
        ),
        sa.Column(
            "mergeable_state",
            sa.String(length=50),
            sa.Computed(
                "CASE WHEN NOT merged AND reported_head_sha = head_sha AND reported_base_sha = base_sha AND reported_base_ref = base_ref AND reported_mergeable IS NOT NULL THEN reported_mergeable_state ELSE 'unknown' END",
                persisted=True,
            ),
            comment="GitHub's word for it (clean, dirty, blocked, behind, unstable, ...); unknown while unknown",
        ),
        sa.Column(
            "created_by_id", sa.String(length=255), comment="GitHub's id of the author; null for a deleted account"
        ),
        sa.Column(
            "author_association",
            sa.String(length=50),
            comment="How the author stands to the repository: OWNER, MEMBER, ...; the API's word before a webhook's",
        ),
        sa.Column(
            "standing_updated_at", TIME, comment="updated_at of the payload that last reported the standing columns"
        ),
        sa.Column(
            "standing_observed_at", TIME, comment="observed_at of the payload that last reported the standing columns"
        ),
        sa.CheckConstraint("NOT merged OR state = 'closed'", name=op.f("github_pull_requests_merged_is_closed_check")),
        sa.CheckConstraint(
            "jsonb_typeof(assignees) = 'array'", name=op.f("github_pull_requests_assignees_shape_check")
        ),
        sa.CheckConstraint(
            "jsonb_typeof(auto_merge) = 'object'", name=op.f("github_pull_requests_auto_merge_shape_check")
        ),
        sa.CheckConstraint("jsonb_typeof(labels) = 'array'", name=op.f("github_pull_requests_labels_shape_check")),
        sa.CheckConstraint(
            "jsonb_typeof(milestone) = 'object'", name=op.f("github_pull_requests_milestone_shape_check")
        ),
        sa.CheckConstraint(
            "jsonb_typeof(requested_teams) = 'array'", name=op.f("github_pull_requests_requested_teams_shape_check")
        ),
        sa.CheckConstraint(
            "jsonb_typeof(reviewers) = 'array'", name=op.f("github_pull_requests_reviewers_shape_check")
        ),
        sa.CheckConstraint(
            "observed_by IN ('guid', 'arrival', 'api')", name=op.f("github_pull_requests_observed_by_check")
        ),
        sa.CheckConstraint(
            "sync_source IN ('webhook', 'backfill', 'reconcile', 'resync', 'replay')",
            name=op.f("github_pull_requests_sync_source_check"),
        ),
        sa.ForeignKeyConstraint(
            ["repository_id"],
            ["github_repositories.id"],
            name=op.f("github_pull_requests_repository_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("github_pull_requests_pkey")),
        sa.UniqueConstraint("repository_id", "number", name=op.f("github_pull_requests_repository_id_number_key")),
        comment="Pull requests of mirrored repositories",
    )
    op.create_index(
        "idx_github_prs_deleted",
        "github_pull_requests",
        ["id"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index("idx_github_prs_head_sha", "github_pull_requests", ["head_sha"], unique=False)
    op.create_index(
        "idx_github_prs_labels",
        "github_pull_requests",
        ["labels"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"labels": "jsonb_path_ops"},
    )
    op.create_index(
        "idx_github_prs_milestone",
        "github_pull_requests",
        [sa.literal_column("(milestone ->> 'id')")],
        unique=False,
        postgresql_where=sa.text("milestone IS NOT NULL"),
    )
    op.create_index("idx_github_prs_number", "github_pull_requests", ["number"], unique=False)
    op.create_index(
        "idx_github_prs_open_base",
        "github_pull_requests",
        ["repository_id", "base_ref"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "idx_github_prs_open_head",
        "github_pull_requests",
        ["repository_id", "head_ref"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("idx_github_prs_repo_id", "github_pull_requests", ["repository_id"], unique=False)
    op.create_index(
        "idx_github_prs_reported_base",
        "github_pull_requests",
        ["repository_id", "reported_base_ref"],
        unique=False,
        postgresql_where=sa.text("reported_base_ref IS NOT NULL"),
    )
    op.create_index("idx_github_prs_state", "github_pull_requests", ["state"], unique=False)

    op.create_table(
        "github_comments",
        sa.Column("id", UUID, server_default=RANDOM, nullable=False, comment="Key"),
        sa.Column("repository_id", UUID, nullable=False, comment="Its repository"),
        sa.Column("kind", sa.String(length=20), nullable=False, comment="Where the comment was made"),
        sa.Column("github_id", sa.String(length=255), nullable=False, comment="GitHub's numeric id"),
        sa.Column("node_id", sa.String(length=255), comment="GitHub's GraphQL id"),
        sa.Column("number", sa.Integer(), nullable=False, comment="Number of the issue or pull request"),
        sa.Column("author", sa.String(length=255), comment="Login of the author"),
        sa.Column("author_id", sa.String(length=255), comment="GitHub's id of the author; null for a deleted account"),
        sa.Column("body", sa.Text(), comment="Text, as Markdown"),
        sa.Column("html_url", sa.Text(), comment="Page on GitHub"),
        sa.Column("created_at", TIME, comment="When it was made"),
        sa.Column(
            "review_id", sa.String(length=255), comment="GitHub's id of the review that a comment on a line is part of"
        ),
        sa.Column("in_reply_to_id", sa.String(length=255), comment="GitHub's id of the first comment of its thread"),
        sa.Column("path", sa.Text(), comment="File that a comment on a line is about"),
        sa.Column("line", sa.Integer(), comment="Line that it was made on; null for a whole file"),
        sa.Column("commit_sha", sa.String(length=64), comment="Commit that it was made on"),
        sa.Column("comments_count", sa.Integer(), comment="Comments on the issue, as reported with this comment"),
        sa.Column(
            "comments_updated_at", TIME, comment="updated_at of the payload that last reported the comments columns"
        ),
        sa.Column(
            "comments_observed_at", TIME, comment="observed_at of the payload that last reported the comments columns"
        ),
        sa.Column("updated_at", TIME, comment="When GitHub last changed it, by GitHub's clock; null while unknown"),
        sa.Column(
            "observed_at", TIME, nullable=False, comment="When GitHub held this state; breaks ties of updated_at"
        ),
        sa.Column("observed_by", sa.String(length=10), nullable=False, comment="What observed_at was read from"),
        sa.Column("synced_at", TIME, server_default=NOW, comment="When this row was last written"),
        sa.Column("sync_source", sa.String(length=20), nullable=False, comment="The door the last write came through"),
        sa.Column("verified_at", TIME, comment="When GitHub's API last confirmed this row"),
        sa.Column("deleted_at", TIME, comment="When it was gone from GitHub; null while it is there"),
        sa.CheckConstraint(
            "kind IN ('issue_comment', 'review_comment', 'commit_comment')", name=op.f("github_comments_kind_check")
        ),
        sa.CheckConstraint("observed_by IN ('guid', 'arrival', 'api')", name=op.f("github_comments_observed_by_check")),
        sa.CheckConstraint(
            "sync_source IN ('webhook', 'backfill', 'reconcile', 'resync', 'replay')",
            name=op.f("github_comments_sync_source_check"),
        ),
        sa.ForeignKeyConstraint(
            ["repository_id"],
            ["github_repositories.id"],
            name=op.f("github_comments_repository_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("github_comments_pkey")),
        sa.UniqueConstraint(
            "repository_id", "kind", "github_id", name=op.f("github_comments_repository_id_kind_github_id_key")
        ),
        comment="Comments on issues and pull requests",
    )
    op.create_index("idx_github_comments_number", "github_comments", ["repository_id", "number"], unique=False)

    op.create_table(
        "github_reviews",
        sa.Column("id", UUID, server_default=RANDOM, nullable=False, comment="Key"),
        sa.Column("repository_id", UUID, nullable=False, comment="Its repository"),
        sa.Column("github_id", sa.String(length=255), nullable=False, comment="GitHub's numeric id"),
        sa.Column("node_id", sa.String(length=255), comment="GitHub's GraphQL id"),
        sa.Column("number", sa.Integer(), nullable=False, comment="Number of the pull request"),
        sa.Column("author", sa.String(length=255), comment="Login of the reviewer"),
        sa.Column(
            "author_id", sa.String(length=255), comment="GitHub's id of the reviewer; null for a deleted account"
        ),
        sa.Column(
            "state", sa.String(length=50), nullable=False, comment="approved, changes_requested, commented, dismissed"
        ),
        sa.Column("body", sa.Text(), comment="Text, as Markdown"),
        sa.Column("html_url", sa.Text(), comment="Page on GitHub"),
        sa.Column("commit_sha", sa.String(length=64), comment="Commit that was reviewed"),
        sa.Column("author_association", sa.String(length=50), comment="The reviewer's standing in the repository"),
        sa.Column(
            "author_can_push",
            sa.Boolean(),
            comment="Whether the reviewer may write to the repository, as the API tells; null while it has not",
        ),
        sa.Column("access_updated_at", TIME, comment="updated_at of the payload that last reported the access columns"),
        sa.Column(
            "access_observed_at", TIME, comment="observed_at of the payload that last reported the access columns"
        ),
        sa.Column("submitted_at", TIME, comment="When it was submitted"),
        sa.Column("updated_at", TIME, comment="When GitHub last changed it, by GitHub's clock; null while unknown"),
        sa.Column(
            "observed_at", TIME, nullable=False, comment="When GitHub held this state; breaks ties of updated_at"
        ),
        sa.Column("observed_by", sa.String(length=10), nullable=False, comment="What observed_at was read from"),
        sa.Column("synced_at", TIME, server_default=NOW, comment="When this row was last written"),
        sa.Column("sync_source", sa.String(length=20), nullable=False, comment="The door the last write came through"),
        sa.Column("verified_at", TIME, comment="When GitHub's API last confirmed this row"),
        sa.Column("deleted_at", TIME, comment="When it was gone from GitHub; null while it is there"),
        sa.CheckConstraint("observed_by IN ('guid', 'arrival', 'api')", name=op.f("github_reviews_observed_by_check")),
        sa.CheckConstraint(
            "sync_source IN ('webhook', 'backfill', 'reconcile', 'resync', 'replay')",
            name=op.f("github_reviews_sync_source_check"),
        ),
        sa.ForeignKeyConstraint(
            ["repository_id"],
            ["github_repositories.id"],
            name=op.f("github_reviews_repository_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("github_reviews_pkey")),
        sa.UniqueConstraint("repository_id", "github_id", name=op.f("github_reviews_repository_id_github_id_key")),
        comment="Reviews of pull requests",
    )
    op.create_index("idx_github_reviews_number", "github_reviews", ["repository_id", "number"], unique=False)

    op.create_table(
        "github_review_threads",
        sa.Column("id", UUID, server_default=RANDOM, nullable=False, comment="Key"),
        sa.Column("repository_id", UUID, nullable=False, comment="Its repository"),
        sa.Column(
            "node_id", sa.String(length=255), nullable=False, comment="GitHub's GraphQL id; a thread has no other"
        ),
        sa.Column("number", sa.Integer(), nullable=False, comment="Number of the pull request"),
        sa.Column("path", sa.Text(), comment="File that it is about"),
        sa.Column("line", sa.Integer(), comment="Line that it was begun on; null for a whole file"),
        sa.Column("first_comment_id", sa.String(length=255), comment="GitHub's id of its first comment"),
        sa.Column("resolved", sa.Boolean(), nullable=False, comment="Is settled"),
        sa.Column("resolved_by", sa.String(length=255), comment="Login of who settled it"),
        sa.Column("updated_at", TIME, comment="When GitHub last changed it, by GitHub's clock; null while unknown"),
        sa.Column(
            "observed_at", TIME, nullable=False, comment="When GitHub held this state; breaks ties of updated_at"
        ),
        sa.Column("observed_by", sa.String(length=10), nullable=False, comment="What observed_at was read from"),
        sa.Column("synced_at", TIME, server_default=NOW, comment="When this row was last written"),
        sa.Column("sync_source", sa.String(length=20), nullable=False, comment="The door the last write came through"),
        sa.Column("verified_at", TIME, comment="When GitHub's API last confirmed this row"),
        sa.Column("deleted_at", TIME, comment="When it was gone from GitHub; null while it is there"),
        sa.CheckConstraint(
            "observed_by IN ('guid', 'arrival', 'api')", name=op.f("github_review_threads_observed_by_check")
        ),
        sa.CheckConstraint(
            "sync_source IN ('webhook', 'backfill', 'reconcile', 'resync', 'replay')",
            name=op.f("github_review_threads_sync_source_check"),
        ),
        sa.ForeignKeyConstraint(
            ["repository_id"],
            ["github_repositories.id"],
            name=op.f("github_review_threads_repository_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("github_review_threads_pkey")),
        sa.UniqueConstraint("repository_id", "node_id", name=op.f("github_review_threads_repository_id_node_id_key")),
        comment="Threads of review comments",
    )
    op.create_index(
        "idx_github_review_threads_number", "github_review_threads", ["repository_id", "number"], unique=False
    )

    op.create_table(
        "github_check_suites",
        sa.Column("id", UUID, server_default=RANDOM, nullable=False, comment="Key"),
        sa.Column("repository_id", UUID, nullable=False, comment="Its repository"),
        sa.Column("github_id", sa.String(length=255), nullable=False, comment="GitHub's numeric id"),
        sa.Column("node_id", sa.String(length=255), comment="GitHub's GraphQL id"),
        sa.Column("head_sha", sa.String(length=64), nullable=False, comment="Commit that is checked"),
        sa.Column("head_branch", sa.String(length=255), comment="Branch that was pushed; null for a fork's"),
        sa.Column("app_id", sa.String(length=255), comment="GitHub's id of the App that it belongs to"),
        sa.Column("app_slug", sa.String(length=255), comment="That App's name in addresses"),
        sa.Column("status", sa.String(length=50), comment="requested, queued, in_progress, completed, ..."),
        sa.Column("conclusion", sa.String(length=50), comment="success, failure, neutral, ...; null until completed"),
        sa.Column("created_at", TIME, comment="When it was made"),
        sa.Column("updated_at", TIME, comment="When GitHub last changed it, by GitHub's clock; null while unknown"),
        sa.Column(
            "observed_at", TIME, nullable=False, comment="When GitHub held this state; breaks ties of updated_at"
        ),
        sa.Column("observed_by", sa.String(length=10), nullable=False, comment="What observed_at was read from"),
        sa.Column("synced_at", TIME, server_default=NOW, comment="When this row was last written"),
        sa.Column("sync_source", sa.String(length=20), nullable=False, comment="The door the last write came through"),
        sa.Column("verified_at", TIME, comment="When GitHub's API last confirmed this row"),
        sa.Column("deleted_at", TIME, comment="When it was gone from GitHub; null while it is there"),
        sa.CheckConstraint(
            "observed_by IN ('guid', 'arrival', 'api')", name=op.f("github_check_suites_observed_by_check")
        ),
        sa.CheckConstraint(
            "sync_source IN ('webhook', 'backfill', 'reconcile', 'resync', 'replay')",
            name=op.f("github_check_suites_sync_source_check"),
        ),
        sa.ForeignKeyConstraint(
            ["repository_id"],
            ["github_repositories.id"],
            name=op.f("github_check_suites_repository_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("github_check_suites_pkey")),
        sa.UniqueConstraint("repository_id", "github_id", name=op.f("github_check_suites_repository_id_github_id_key")),
        comment="Check suites, joined by head commit",
    )
    op.create_index(
        "idx_github_check_suites_head_sha", "github_check_suites", ["repository_id", "head_sha"], unique=False
    )

    op.create_table(
        "github_check_runs",
        sa.Column("id", UUID, server_default=RANDOM, nullable=False, comment="Key"),
        sa.Column("repository_id", UUID, nullable=False, comment="Its repository"),
        sa.Column("github_id", sa.String(length=255), nullable=False, comment="GitHub's numeric id"),
        sa.Column("node_id", sa.String(length=255), comment="GitHub's GraphQL id"),
        sa.Column("head_sha", sa.String(length=64), nullable=False, comment="Commit that was checked"),
        sa.Column("name", sa.Text(), nullable=False, comment="Name of the check"),
        sa.Column("app_id", sa.String(length=255), comment="GitHub's id of the App that ran it"),
        sa.Column("app_slug", sa.String(length=255), comment="That App's name in addresses"),
        sa.Column("check_suite_id", sa.String(length=255), comment="GitHub's id of its suite"),
        sa.Column(
            "status", sa.String(length=50), nullable=False, comment="queued, in_progress or completed, as a rule"
        ),
        sa.Column(
            "conclusion", sa.String(length=50), comment="success, failure, neutral, skipped, ...; null until completed"
        ),
        sa.Column("html_url", sa.Text(), comment="Page on GitHub"),
        sa.Column("title", sa.Text(), comment="Title of its output"),
        sa.Column("summary", sa.Text(), comment="Summary of its output"),
        sa.Column("started_at", TIME, comment="When it started"),
        sa.Column("completed_at", TIME, comment="When it ended"),
        sa.Column("updated_at", TIME, comment="When GitHub last changed it, by GitHub's clock; null while unknown"),
        sa.Column(
            "observed_at", TIME, nullable=False, comment="When GitHub held this state; breaks ties of updated_at"
        ),
        sa.Column("observed_by", sa.String(length=10), nullable=False, comment="What observed_at was read from"),
        sa.Column("synced_at", TIME, server_default=NOW, comment="When this row was last written"),
        sa.Column("sync_source", sa.String(length=20), nullable=False, comment="The door the last write came through"),
        sa.Column("verified_at", TIME, comment="When GitHub's API last confirmed this row"),
        sa.Column("deleted_at", TIME, comment="When it was gone from GitHub; null while it is there"),
        sa.CheckConstraint(
            "observed_by IN ('guid', 'arrival', 'api')", name=op.f("github_check_runs_observed_by_check")
        ),
        sa.CheckConstraint(
            "sync_source IN ('webhook', 'backfill', 'reconcile', 'resync', 'replay')",
            name=op.f("github_check_runs_sync_source_check"),
        ),
        sa.ForeignKeyConstraint(
            ["repository_id"],
            ["github_repositories.id"],
            name=op.f("github_check_runs_repository_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("github_check_runs_pkey")),
        sa.UniqueConstraint("repository_id", "github_id", name=op.f("github_check_runs_repository_id_github_id_key")),
        comment="Check runs, joined by head commit; superseded attempts are kept",
    )
    op.create_index("idx_github_check_runs_head_sha", "github_check_runs", ["repository_id", "head_sha"], unique=False)

    op.create_table(
        "github_workflow_runs",
        sa.Column("id", UUID, server_default=RANDOM, nullable=False, comment="Key"),
        sa.Column("repository_id", UUID, nullable=False, comment="Its repository"),
        sa.Column(
            "github_id",
            sa.String(length=255),
            nullable=False,
            comment="GitHub's numeric id; the same for every attempt",
        ),
        sa.Column("node_id", sa.String(length=255), comment="GitHub's GraphQL id"),
        sa.Column("workflow_id", sa.String(length=255), comment="GitHub's id of the workflow"),
        sa.Column("name", sa.Text(), comment="Name of the workflow"),
        sa.Column("event", sa.String(length=255), comment="What triggered it: push, pull_request, ..."),
        sa.Column("head_sha", sa.String(length=64), nullable=False, comment="Commit that it runs on"),
        sa.Column("head_branch", sa.String(length=255), comment="Branch that it runs on"),
        sa.Column("run_number", sa.Integer(), comment="Number within the workflow"),
        sa.Column("run_attempt", sa.Integer(), comment="How often it was run, as far as known"),
        sa.Column("status", sa.String(length=50), comment="requested, waiting, queued, in_progress, completed, ..."),
        sa.Column(
            "conclusion", sa.String(length=50), comment="success, failure, action_required, ...; null until completed"
        ),
        sa.Column("check_suite_id", sa.String(length=255), comment="GitHub's id of the suite that holds its checks"),
        sa.Column("html_url", sa.Text(), comment="Page on GitHub"),
        sa.Column(
            "pull_requests",
            JSONB,
            comment="[number] of the pull requests that it names; none for a fork's, null while unknown",
        ),
        sa.Column("naming_updated_at", TIME, comment="updated_at of the payload that last reported the naming columns"),
        sa.Column(
            "naming_observed_at", TIME, comment="observed_at of the payload that last reported the naming columns"
        ),
        sa.Column("created_at", TIME, comment="When it was made"),
        sa.Column("updated_at", TIME, comment="When GitHub last changed it, by GitHub's clock; null while unknown"),
        sa.Column(
            "observed_at", TIME, nullable=False, comment="When GitHub held this state; breaks ties of updated_at"
        ),
        sa.Column("observed_by", sa.String(length=10), nullable=False, comment="What observed_at was read from"),
        sa.Column("synced_at", TIME, server_default=NOW, comment="When this row was last written"),
        sa.Column("sync_source", sa.String(length=20), nullable=False, comment="The door the last write came through"),
        sa.Column("verified_at", TIME, comment="When GitHub's API last confirmed this row"),
        sa.Column("deleted_at", TIME, comment="When it was gone from GitHub; null while it is there"),
        sa.CheckConstraint(
            "jsonb_typeof(pull_requests) = 'array'", name=op.f("github_workflow_runs_pull_requests_shape_check")
        ),
        sa.CheckConstraint(
            "observed_by IN ('guid', 'arrival', 'api')", name=op.f("github_workflow_runs_observed_by_check")
        ),
        sa.CheckConstraint(
            "sync_source IN ('webhook', 'backfill', 'reconcile', 'resync', 'replay')",
            name=op.f("github_workflow_runs_sync_source_check"),
        ),
        sa.ForeignKeyConstraint(
            ["repository_id"],
            ["github_repositories.id"],
            name=op.f("github_workflow_runs_repository_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("github_workflow_runs_pkey")),
        sa.UniqueConstraint(
            "repository_id", "github_id", name=op.f("github_workflow_runs_repository_id_github_id_key")
        ),
        comment="Workflow runs of GitHub Actions, joined by head commit",
    )
    op.create_index(
        "idx_github_workflow_runs_head_sha", "github_workflow_runs", ["repository_id", "head_sha"], unique=False
    )

    op.create_table(
        "github_commit_statuses",
        sa.Column("id", UUID, server_default=RANDOM, nullable=False, comment="Key"),
        sa.Column("repository_id", UUID, nullable=False, comment="Its repository"),
        sa.Column("github_id", sa.String(length=255), nullable=False, comment="GitHub's numeric id"),
        sa.Column("head_sha", sa.String(length=64), nullable=False, comment="Commit it speaks of"),
        sa.Column("context", sa.Text(), nullable=False, comment="Name of the status"),
        sa.Column("state", sa.String(length=50), nullable=False, comment="error, failure, pending or success"),
        sa.Column("description", sa.Text(), comment="Short text"),
        sa.Column("target_url", sa.Text(), comment="Page with details"),
        sa.Column("creator", sa.String(length=255), comment="Login of who set it"),
        sa.Column("created_at", TIME, comment="When it was set"),
        sa.Column("updated_at", TIME, comment="When GitHub last changed it, by GitHub's clock; null while unknown"),
        sa.Column(
            "observed_at", TIME, nullable=False, comment="When GitHub held this state; breaks ties of updated_at"
        ),
        sa.Column("observed_by", sa.String(length=10), nullable=False, comment="What observed_at was read from"),
        sa.Column("synced_at", TIME, server_default=NOW, comment="When this row was last written"),
        sa.Column("sync_source", sa.String(length=20), nullable=False, comment="The door the last write came through"),
        sa.Column("verified_at", TIME, comment="When GitHub's API last confirmed this row"),
        sa.Column("deleted_at", TIME, comment="When it was gone from GitHub; null while it is there"),
        sa.CheckConstraint(
            "observed_by IN ('guid', 'arrival', 'api')", name=op.f("github_commit_statuses_observed_by_check")
        ),
        sa.CheckConstraint(
            "sync_source IN ('webhook', 'backfill', 'reconcile', 'resync', 'replay')",
            name=op.f("github_commit_statuses_sync_source_check"),
        ),
        sa.ForeignKeyConstraint(
            ["repository_id"],
            ["github_repositories.id"],
            name=op.f("github_commit_statuses_repository_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("github_commit_statuses_pkey")),
        sa.UniqueConstraint(
            "repository_id", "github_id", name=op.f("github_commit_statuses_repository_id_github_id_key")
        ),
        comment="Commit statuses, joined by head commit; the greatest id of a context counts",
    )
    op.create_index(
        "idx_github_commit_statuses_head_sha", "github_commit_statuses", ["repository_id", "head_sha"], unique=False
    )

    op.create_table(
        "github_security_alerts",
        sa.Column("id", UUID, server_default=RANDOM, nullable=False, comment="Key"),
        sa.Column("repository_id", UUID, nullable=False, comment="Its repository"),
        sa.Column("kind", sa.String(length=20), nullable=False, comment="Which of GitHub's scanners found it"),
        sa.Column("number", sa.Integer(), nullable=False, comment="Number within the repository and the kind"),
        sa.Column(
            "state", sa.String(length=50), nullable=False, comment="open, fixed, dismissed, auto_dismissed or resolved"
        ),
        sa.Column("severity", sa.String(length=50), comment="critical, high, medium, low; or error, warning, note"),
        sa.Column("rule", sa.Text(), comment="Rule, advisory or type of secret"),
        sa.Column("tool", sa.String(length=255), comment="Tool that found it"),
        sa.Column("summary", sa.Text(), comment="What it is, in a line"),
        sa.Column("ref", sa.Text(), comment="Where code scanning saw it last: refs/heads/... or refs/pull/N/merge"),
        sa.Column("commit_sha", sa.String(length=64), comment="Commit at which code scanning saw it last"),
        sa.Column("pull_request_number", sa.Integer(), comment="The pull request that ref names, if it does"),
        sa.Column("html_url", sa.Text(), comment="Page on GitHub"),
        sa.Column("created_at", TIME, comment="When it was found"),
        sa.Column("closed_at", TIME, comment="When it was fixed, dismissed or resolved"),
        sa.Column("updated_at", TIME, comment="When GitHub last changed it, by GitHub's clock; null while unknown"),
        sa.Column(
            "observed_at", TIME, nullable=False, comment="When GitHub held this state; breaks ties of updated_at"
        ),
        sa.Column("observed_by", sa.String(length=10), nullable=False, comment="What observed_at was read from"),
        sa.Column("synced_at", TIME, server_default=NOW, comment="When this row was last written"),
        sa.Column("sync_source", sa.String(length=20), nullable=False, comment="The door the last write came through"),
        sa.Column("verified_at", TIME, comment="When GitHub's API last confirmed this row"),
        sa.Column("deleted_at", TIME, comment="When it was gone from GitHub; null while it is there"),
        sa.Column(
            "instance_updated_at", TIME, comment="updated_at of the payload that last reported the instance columns"
        ),
        sa.Column(
            "instance_observed_at", TIME, comment="observed_at of the payload that last reported the instance columns"
        ),
        sa.CheckConstraint(
            "kind IN ('code_scanning', 'dependabot', 'secret_scanning')", name=op.f("github_security_alerts_kind_check")
        ),
        sa.CheckConstraint(
            "observed_by IN ('guid', 'arrival', 'api')", name=op.f("github_security_alerts_observed_by_check")
        ),
        sa.CheckConstraint(
            "sync_source IN ('webhook', 'backfill', 'reconcile', 'resync', 'replay')",
            name=op.f("github_security_alerts_sync_source_check"),
        ),
        sa.ForeignKeyConstraint(
            ["repository_id"],
            ["github_repositories.id"],
            name=op.f("github_security_alerts_repository_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("github_security_alerts_pkey")),
        sa.UniqueConstraint(
            "repository_id", "kind", "number", name=op.f("github_security_alerts_repository_id_kind_number_key")
        ),
        comment="Security alerts of mirrored repositories",
    )
    op.create_index(
        "idx_github_security_alerts_open",
        "github_security_alerts",
        ["repository_id"],
        unique=False,
        postgresql_where=sa.text("state = 'open' AND deleted_at IS NULL"),
    )


def _inbox() -> None:
    """Deliveries."""
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="Key, in order of arrival"),
        sa.Column(
            "hook_target",
            sa.Text(),
            nullable=False,
            comment="Who was hooked: type:id of the hook's target; unnamed where no header says it",
        ),
        sa.Column("guid", sa.Text(), nullable=False, comment="X-GitHub-Delivery; the same for every redelivery"),
        sa.Column("event", sa.Text(), nullable=False, comment="X-GitHub-Event"),
        sa.Column("action", sa.Text(), comment="action of the payload"),
        sa.Column("repository", sa.Text(), comment="full_name of the payload's repository"),
        sa.Column("installation_id", sa.Text(), comment="GitHub's id of the payload's installation"),
        sa.Column(
            "sync_source",
            sa.String(length=20),
            server_default="webhook",
            nullable=False,
            comment="The door it came through last, for the rows that it writes",
        ),
        sa.Column(
            "status", sa.String(length=20), server_default="pending", nullable=False, comment="State; see ARCHITECTURE"
        ),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False, comment="Failed projections so far"),
        sa.Column(
            "next_attempt_at", TIME, server_default=NOW, nullable=False, comment="When it may be projected (again)"
        ),
        sa.Column("last_error", sa.Text(), comment="What the last failure said"),
        sa.Column("received_at", TIME, server_default=NOW, nullable=False, comment="When it arrived"),
        sa.Column("processed_at", TIME, comment="When it was projected, ignored or parked"),
        sa.Column(
            "headers",
            JSONB,
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
            comment="Request headers that GitHub itself sends, names in lower case",
        ),
        sa.Column("body", sa.LargeBinary(), nullable=False, comment="The signed bytes, as they came"),
        sa.CheckConstraint(
            "(status = 'pending') = (processed_at IS NULL)", name=op.f("webhook_deliveries_processed_when_done_check")
        ),
        sa.CheckConstraint(
            "status <> 'parked' OR last_error IS NOT NULL", name=op.f("webhook_deliveries_parked_says_why_check")
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'processed', 'ignored', 'parked')", name=op.f("webhook_deliveries_status_check")
        ),
        sa.CheckConstraint(
            "sync_source IN ('webhook', 'replay', 'reconcile')", name=op.f("webhook_deliveries_sync_source_check")
        ),
        sa.CheckConstraint("attempts >= 0", name=op.f("webhook_deliveries_attempts_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("webhook_deliveries_pkey")),
        sa.UniqueConstraint("hook_target", "guid", name=op.f("webhook_deliveries_hook_target_guid_key")),
        comment="Verified webhook deliveries: pending -> processed | ignored | parked",
    )
    op.create_index(
        "idx_webhook_deliveries_parked",
        "webhook_deliveries",
        ["id"],
        unique=False,
        postgresql_where=sa.text("status = 'parked'"),
    )
    op.create_index(
        "idx_webhook_deliveries_pending",
        "webhook_deliveries",
        ["next_attempt_at", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index("idx_webhook_deliveries_received_at", "webhook_deliveries", ["received_at"], unique=False)
    op.create_index("idx_webhook_deliveries_repository", "webhook_deliveries", ["repository", "id"], unique=False)


def _reconciler() -> None:
    """What is due, what was read and who is at work."""
    op.create_table(
        "sync_jobs",
        sa.Column("id", UUID, server_default=RANDOM, nullable=False, comment="Key"),
        sa.Column("kind", sa.String(length=50), nullable=False, comment="What is to be done"),
        sa.Column("key", sa.Text(), nullable=False, comment="What it is about; with kind unique"),
        sa.Column("repository_id", UUID, comment="Repository it is about"),
        sa.Column("priority", sa.Integer(), server_default="10", nullable=False, comment="Smaller is sooner"),
        sa.Column("due_at", TIME, server_default=NOW, nullable=False, comment="When it is due"),
        sa.Column(
            "attempts",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="Attempts so far that failed, or that decided nothing",
        ),
        sa.Column("reason", sa.Text(), comment="Why it became due first"),
        sa.Column("last_error", sa.Text(), comment="What the last failure said"),
        sa.Column("parked_at", TIME, comment="Since when it has failed too often to be tried; null until then"),
        sa.Column(
            "payload", JSONB, server_default=sa.text("'{}'::jsonb"), comment="What the job needs besides its key"
        ),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False, comment="When it became known"),
        sa.CheckConstraint(
            "kind IN ('refetch_installation', 'refetch_repository', 'refetch_issue', 'refetch_pull_request', 'refetch_comment', 'refetch_checks', 'apply_task_settings', 'link_task', 'track_pull_request', 'backfill', 'sweep', 'heal', 'audit', 'purge')",
            name=op.f("sync_jobs_kind_check"),
        ),
        sa.CheckConstraint("attempts >= 0", name=op.f("sync_jobs_attempts_check")),
        sa.ForeignKeyConstraint(
            ["repository_id"], ["github_repositories.id"], name=op.f("sync_jobs_repository_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("sync_jobs_pkey")),
        sa.UniqueConstraint("kind", "key", name=op.f("sync_jobs_kind_key_key")),
        comment="Coalescing set of work due",
    )
    op.create_index("idx_sync_jobs_due", "sync_jobs", ["priority", "due_at"], unique=False)
    op.create_index(
        "idx_sync_jobs_kind",
        "sync_jobs",
        ["kind", "priority", "due_at"],
        unique=False,
        postgresql_where=sa.text("parked_at IS NULL"),
    )
    op.create_index(op.f("idx_sync_jobs_repository_id"), "sync_jobs", ["repository_id"], unique=False)

    op.create_table(
        "sync_runs",
        sa.Column("id", UUID, server_default=RANDOM, nullable=False, comment="Key"),
        sa.Column(
            "kind",
            sa.String(length=50),
            nullable=False,
            comment="backfill, resync, sweep, heal, audit, refetch (an hour of them is one run)",
        ),
        sa.Column("installation_id", UUID, comment="Installation it ran for"),
        sa.Column("repository_id", UUID, comment="Repository it ran for"),
        sa.Column("status", sa.String(length=20), server_default="running", nullable=False, comment="State"),
        sa.Column("claim", UUID, comment="Whoever is on it; another one when another process goes on"),
        sa.Column("cursor", JSONB, server_default=sa.text("'{}'::jsonb"), comment="Where it goes on after a stop"),
        sa.Column("requests", sa.Integer(), server_default="0", nullable=False, comment="API requests it cost"),
        sa.Column("points", sa.Integer(), server_default="0", nullable=False, comment="GraphQL points it cost"),
        sa.Column("rows_seen", sa.Integer(), server_default="0", nullable=False, comment="Rows it read"),
        sa.Column("rows_written", sa.Integer(), server_default="0", nullable=False, comment="Rows it changed"),
        sa.Column("last_error", sa.Text(), comment="What stopped it, or what it could not read"),
        sa.Column("started_at", TIME, server_default=NOW, nullable=False, comment="When it started"),
        sa.Column("finished_at", TIME, comment="When it ended"),
        sa.CheckConstraint(
            "status IN ('running', 'succeeded', 'failed', 'interrupted')", name=op.f("sync_runs_status_check")
        ),
        sa.ForeignKeyConstraint(
            ["installation_id"],
            ["github_installations.id"],
            name=op.f("sync_runs_installation_id_fkey"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["repository_id"], ["github_repositories.id"], name=op.f("sync_runs_repository_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("sync_runs_pkey")),
        comment="History of reconciliation, with what it cost",
    )
    op.create_index(
        "idx_sync_runs_idle",
        "sync_runs",
        ["started_at"],
        unique=False,
        postgresql_where=sa.text("kind IN ('sweep', 'heal') AND status = 'succeeded' AND rows_written = 0"),
    )
    op.create_index(op.f("idx_sync_runs_installation_id"), "sync_runs", ["installation_id"], unique=False)
    op.create_index("idx_sync_runs_kind", "sync_runs", ["kind", "status", "finished_at"], unique=False)
    op.create_index("idx_sync_runs_newest", "sync_runs", ["repository_id", "started_at"], unique=False)
    op.create_index(
        "idx_sync_runs_refetch", "sync_runs", ["started_at"], unique=True, postgresql_where=sa.text("kind = 'refetch'")
    )
    op.create_index(
        "idx_sync_runs_repository_id", "sync_runs", ["repository_id", "kind", "status", "finished_at"], unique=False
    )
    op.create_index("idx_sync_runs_started_at", "sync_runs", ["started_at"], unique=False)

    op.create_table(
        "sync_seen",
        sa.Column("run_id", UUID, nullable=False, comment="The run that read it"),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False, comment="Issue or pull request"),
        sa.ForeignKeyConstraint(["run_id"], ["sync_runs.id"], name=op.f("sync_seen_run_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "number", name=op.f("sync_seen_pkey")),
        comment="What a complete listing has shown so far; who is not among them when it ends is asked for by itself",
    )

    op.create_table(
        "sync_marks",
        sa.Column("repository_id", UUID, nullable=False, comment="Repository that was read"),
        sa.Column(
            "issues_through", TIME, comment="updated_at of the newest issue read; all that are older have been read too"
        ),
        sa.Column("pull_requests_through", TIME, comment="The same for pull requests"),
        sa.Column("complete_at", TIME, comment="When the last complete listing began; null before the first"),
        sa.Column(
            "blocked_at",
            TIME,
            comment="When GitHub last said that it has blocked the repository; null where it has not",
        ),
        sa.Column("read_with", JSONB, comment="Permissions of the last complete listing, where known"),
        sa.CheckConstraint("jsonb_typeof(read_with) = 'array'", name=op.f("sync_marks_read_with_shape_check")),
        sa.ForeignKeyConstraint(
            ["repository_id"],
            ["github_repositories.id"],
            name=op.f("sync_marks_repository_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("repository_id", name=op.f("sync_marks_pkey")),
        comment="How far the API has been read, by repository",
    )

    op.create_table(
        "sync_findings",
        sa.Column("id", UUID, server_default=RANDOM, nullable=False, comment="Key"),
        sa.Column("run_id", UUID, nullable=False, comment="The audit that found it"),
        sa.Column("repository_id", UUID, comment="Repository it is in"),
        sa.Column("entity_type", sa.String(length=50), nullable=False, comment="Table of the row that was wrong"),
        sa.Column("number", sa.Integer(), nullable=False, comment="Its issue or pull request number"),
        sa.Column(
            "mirrored",
            JSONB,
            server_default=sa.text("'{}'::jsonb"),
            comment="The fields that were wrong, as they were here",
        ),
        sa.Column("actual", JSONB, server_default=sa.text("'{}'::jsonb"), comment="The same fields as GitHub had them"),
        sa.Column("found_at", TIME, server_default=NOW, nullable=False, comment="When it was found"),
        sa.ForeignKeyConstraint(
            ["repository_id"],
            ["github_repositories.id"],
            name=op.f("sync_findings_repository_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["sync_runs.id"], name=op.f("sync_findings_run_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("sync_findings_pkey")),
        comment="What audits found to be wrong; it was put right at once",
    )
    op.create_index("idx_sync_findings_found_at", "sync_findings", ["found_at"], unique=False)
    op.create_index(op.f("idx_sync_findings_repository_id"), "sync_findings", ["repository_id"], unique=False)
    op.create_index(op.f("idx_sync_findings_run_id"), "sync_findings", ["run_id"], unique=False)

    op.create_table(
        "sync_processes",
        sa.Column("id", UUID, nullable=False, comment="Key, made by the process"),
        sa.Column("kind", sa.String(length=20), nullable=False, comment="serve or work"),
        sa.Column("host", sa.Text(), nullable=False, comment="Name of its host"),
        sa.Column("pid", sa.Integer(), nullable=False, comment="Its number there"),
        sa.Column("version", sa.Text(), nullable=False, comment="Version of ghsync"),
        sa.Column("started_at", TIME, server_default=NOW, nullable=False, comment="When it started"),
        sa.Column("seen_at", TIME, server_default=NOW, nullable=False, comment="When it last told that it lives"),
        sa.Column("leading_since", TIME, comment="Since when it leads the schedule; null when it does not"),
        sa.Column(
            "replaced_at", TIME, comment="When another took the lead from it, because it did not prove that it lives"
        ),
        sa.CheckConstraint("kind IN ('serve', 'work')", name=op.f("sync_processes_kind_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("sync_processes_pkey")),
        comment="Processes at work; who ends in order takes its row along",
    )


def _github_api() -> None:
    """What all processes share about GitHub's API."""
    op.create_table(
        "sync_budgets",
        sa.Column(
            "credential", sa.Text(), nullable=False, comment="Who asks: app:ID, installation:ID, token:FINGERPRINT"
        ),
        sa.Column("resource", sa.Text(), nullable=False, comment="core, graphql, ...; all: secondary limits"),
        sa.Column("request_limit", sa.Integer(), comment="Requests or points in each window; null until GitHub told"),
        sa.Column("remaining", sa.Integer(), comment="What is left of it, without what is under way"),
        sa.Column("resets_at", TIME, comment="When the next window begins"),
        sa.Column("blocked_until", TIME, comment="GitHub asked for silence until then"),
        sa.Column("refusals", sa.Integer(), server_default="0", nullable=False, comment="Times it asked so in a row"),
        sa.Column("updated_at", TIME, server_default=NOW, nullable=False, comment="When this was last heard of"),
        sa.PrimaryKeyConstraint("credential", "resource", name=op.f("sync_budgets_pkey")),
        comment="Rate limits of GitHub, by credential; every process takes its requests from here",
    )

    op.create_table(
        "sync_tokens",
        sa.Column("installation_id", sa.Text(), nullable=False, comment="GitHub's id of the installation"),
        sa.Column("token", sa.Text(), comment="Its access token, encrypted; null until the first is there"),
        sa.Column("expires_at", TIME, comment="When the token expires, by GitHub's clock"),
        sa.Column("permissions", JSONB, comment="What it was granted when it was made, where known"),
        sa.Column("leased_until", TIME, comment="A process is fetching the next one, and has until then"),
        sa.CheckConstraint("jsonb_typeof(permissions) = 'object'", name=op.f("sync_tokens_permissions_shape_check")),
        sa.PrimaryKeyConstraint("installation_id", name=op.f("sync_tokens_pkey")),
        comment="Access tokens of installations, shared by all processes",
    )

    op.create_table(
        "sync_etags",
        sa.Column("credential", sa.Text(), nullable=False, comment="Who asked"),
        sa.Column("url", sa.Text(), nullable=False, comment="What was asked"),
        sa.Column("token", sa.Text(), nullable=False, comment="Fingerprint of the token that it was asked with"),
        sa.Column("etag", sa.Text(), nullable=False, comment="GitHub's name for the answer"),
        sa.Column("seen_at", TIME, server_default=NOW, nullable=False, comment="When it was answered"),
        sa.PrimaryKeyConstraint("credential", "url", name=op.f("sync_etags_pkey")),
        comment="ETags of answers of GitHub's API; kept for a day",
    )
    op.create_index("idx_sync_etags_seen_at", "sync_etags", ["seen_at"], unique=False)

    op.create_table(
        "sync_omissions",
        sa.Column(
            "asker", sa.Text(), nullable=False, comment="Address of the API that lacks it, or who is not shown it"
        ),
        sa.Column(
            "left_out",
            JSONB,
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
            comment="Parts of GraphQL's documents that are not asked for, each with the reason",
        ),
        sa.Column("permissions", JSONB, comment="Permissions of the installation's token at that time"),
        sa.Column(
            "learned_at", TIME, server_default=NOW, nullable=False, comment="When that was found out; it is for a day"
        ),
        sa.PrimaryKeyConstraint("asker", name=op.f("sync_omissions_pkey")),
        comment="What GraphQL is not asked for, by who lacks it",
    )


def _workflows_agents_and_tasks() -> None:
    """Workflows, agents and tasks."""
    op.create_table(
        "agents",
        sa.Column("id", UUID, server_default=RANDOM, nullable=False, comment="Key"),
        sa.Column("project_id", UUID, nullable=False, comment="The project it works on"),
        sa.Column("agent_type", sa.String(length=50), nullable=False, comment="What it is good for"),
        sa.Column("instance_id", sa.String(length=255), nullable=False, comment="Name of the running instance, unique"),
        sa.Column("name", sa.String(length=255), nullable=False, comment="Name for people"),
        sa.Column("status", sa.String(length=50), server_default="inactive", comment="What it is doing"),
        sa.Column("configuration", JSONB, server_default=sa.text("'{}'::jsonb"), comment="How it is set up"),
        sa.Column("capabilities", postgresql.ARRAY(sa.Text()), server_default="{}", comment="What it can do"),
        sa.Column("version", sa.String(length=50), nullable=False, comment="Version of its program"),
        sa.Column("working_directory", sa.Text(), comment="Where it works"),
        sa.Column("claude_instructions", sa.Text(), comment="Its standing instructions"),
        sa.Column("custom_commands", JSONB, server_default=sa.text("'[]'::jsonb"), comment="Commands it knows"),
        sa.Column("performance_metrics", JSONB, server_default=sa.text("'{}'::jsonb"), comment="How well it does"),
        sa.Column("last_heartbeat_at", TIME, comment="When it last said that it lives"),
        sa.Column("created_at", TIME, server_default=NOW, comment="When the row was made"),
        sa.Column("updated_at", TIME, server_default=NOW, comment="When the row last changed"),
        sa.Column("started_at", TIME, comment="When it started"),
        sa.Column("stopped_at", TIME, comment="When it stopped"),
        sa.Column(
            "tdd_metrics", JSONB, server_default=sa.text("'{}'::jsonb"), comment="How well it does in test-driven work"
        ),
        sa.CheckConstraint(
            "status IN ('inactive', 'starting', 'active', 'idle', 'busy', 'paused', 'stopping', 'stopped', 'error', 'failed', 'offline')",
            name=op.f("agents_status_check"),
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("agents_project_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("agents_pkey")),
        sa.UniqueConstraint("instance_id", name="idx_agents_instance_id"),
        comment="Programs that work on tasks",
    )
    op.create_index("idx_agent_config_gin", "agents", ["configuration"], unique=False, postgresql_using="gin")
    op.create_index(
        "idx_agents_active",
        "agents",
        ["project_id", "agent_type"],
        unique=False,
        postgresql_where=sa.text("status = 'active'"),
    )
    op.create_index(op.f("idx_agents_project_id"), "agents", ["project_id"], unique=False)
    op.create_index("idx_agents_status", "agents", ["status"], unique=False)
    op.create_index("idx_agents_type", "agents", ["agent_type"], unique=False)

    op.create_table(
        "workflows",
        sa.Column("id", UUID, server_default=RANDOM, nullable=False, comment="Key"),
        sa.Column("project_id", UUID, nullable=False, comment="The project it belongs to"),
        sa.Column("name", sa.String(length=255), nullable=False, comment="Name for people"),
        sa.Column(
            "type", sa.String(length=50), server_default="ci_cd", nullable=False, comment="Kind of definition (000)"
        ),
        sa.Column(
            "definition",
            JSONB,
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
            comment="Its steps and what follows what",
        ),
        sa.Column("status", sa.String(length=50), server_default="draft", nullable=False, comment="Where it stands"),
        sa.Column("version", sa.Integer(), server_default="1", comment="Version of the definition"),
        sa.Column("created_by", UUID, comment="Who made it"),
        sa.Column("created_at", TIME, server_default=NOW, comment="When the row was made"),
        sa.Column("updated_at", TIME, server_default=NOW, comment="When the row last changed"),
        sa.Column("description", sa.Text(), comment="What it is for"),
        sa.Column(
            "workflow_type", sa.String(length=50), server_default="ci_cd", nullable=False, comment="Kind of run (001)"
        ),
        sa.Column("priority", sa.Integer(), server_default="0", comment="Higher goes first"),
        sa.Column("configuration", JSONB, server_default=sa.text("'{}'::jsonb"), comment="How it runs"),
        sa.Column("environment", sa.String(length=50), server_default="development", comment="Where it runs"),
        sa.Column("started_at", TIME, comment="When it began"),
        sa.Column("completed_at", TIME, comment="When it ended"),
        sa.Column("estimated_duration_minutes", sa.Integer(), comment="How long it should take, in minutes"),
        sa.Column("actual_duration_minutes", sa.Integer(), comment="How long it took, in minutes"),
        sa.Column("parent_workflow_id", UUID, comment="The workflow it is a part of"),
        sa.Column("triggered_by", sa.String(length=255), comment="Name of who or what started it"),
        sa.Column("tags", JSONB, server_default=sa.text("'[]'::jsonb"), comment="Words to find it by"),
        sa.Column("metadata", JSONB, server_default=sa.text("'{}'::jsonb"), comment="Anything else"),
        sa.Column("updated_by", sa.String(length=255), comment="Name of who last changed it"),
        sa.CheckConstraint(
            "status IN ('draft', 'pending', 'active', 'running', 'paused', 'completed', 'failed', 'cancelled', 'inactive', 'archived')",
            name=op.f("workflows_status_check"),
        ),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("workflows_created_by_fkey")),
        sa.ForeignKeyConstraint(
            ["parent_workflow_id"], ["workflows.id"], name=op.f("workflows_parent_workflow_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("workflows_project_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("workflows_pkey")),
        comment="Ways of working, from requirement to deployment",
    )
    op.create_index("idx_workflow_def_gin", "workflows", ["definition"], unique=False, postgresql_using="gin")
    op.create_index(
        "idx_workflows_active_priority",
        "workflows",
        [sa.literal_column("priority DESC"), sa.literal_column("created_at DESC")],
        unique=False,
        postgresql_where=sa.text("status IN ('pending', 'running')"),
    )
    op.create_index(op.f("idx_workflows_created_by"), "workflows", ["created_by"], unique=False)
    op.create_index(
        "idx_workflows_env_status_priority",
        "workflows",
        ["environment", "status", sa.literal_column("priority DESC")],
        unique=False,
    )
    op.create_index(op.f("idx_workflows_parent_workflow_id"), "workflows", ["parent_workflow_id"], unique=False)
    op.create_index(
        "idx_workflows_priority_status", "workflows", [sa.literal_column("priority DESC"), "status"], unique=False
    )
    op.create_index(op.f("idx_workflows_project_id"), "workflows", ["project_id"], unique=False)
    op.create_index("idx_workflows_status", "workflows", ["status"], unique=False)
    op.create_index("idx_workflows_tags_gin", "workflows", ["tags"], unique=False, postgresql_using="gin")
    op.create_index("idx_workflows_type", "workflows", ["type"], unique=False)
    op.create_index("idx_workflows_type_status", "workflows", ["workflow_type", "status"], unique=False)

    op.create_table(
        "workflow_executions",
        sa.Column("id", UUID, server_default=RANDOM, nullable=False, comment="Key"),
        sa.Column("workflow_id", UUID, nullable=False, comment="The workflow"),
        sa.Column(
            "execution_number", sa.Integer(), sa.Identity(always=False), nullable=False, comment="Number for people"
        ),
        sa.Column("status", sa.String(length=50), server_default="pending", comment="Where it stands"),
        sa.Column("context", JSONB, server_default=sa.text("'{}'::jsonb"), comment="What it was started with"),
        sa.Column("variables", JSONB, server_default=sa.text("'{}'::jsonb"), comment="What its steps pass on"),
        sa.Column("result", JSONB, comment="What came out"),
        sa.Column("error", sa.Text(), comment="Why it failed"),
        sa.Column("started_by", UUID, comment="Who started it"),
        sa.Column("started_at", TIME, server_default=NOW, comment="When it began"),
        sa.Column("completed_at", TIME, comment="When it ended"),
        sa.CheckConstraint(
            "status IN ('pending', 'queued', 'running', 'paused', 'completed', 'failed', 'cancelled', 'timeout', 'skipped')",
            name=op.f("workflow_executions_status_check"),
        ),
        sa.ForeignKeyConstraint(["started_by"], ["users.id"], name=op.f("workflow_executions_started_by_fkey")),
        sa.ForeignKeyConstraint(
            ["workflow_id"], ["workflows.id"], name=op.f("workflow_executions_workflow_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("workflow_executions_pkey")),
        sa.UniqueConstraint(
            "workflow_id", "execution_number", name=op.f("workflow_executions_workflow_id_execution_number_key")
        ),
        comment="Runs of workflows",
    )
    op.create_index("idx_workflow_executions_started_at", "workflow_executions", ["started_at"], unique=False)
    op.create_index(op.f("idx_workflow_executions_started_by"), "workflow_executions", ["started_by"], unique=False)
    op.create_index("idx_workflow_executions_status", "workflow_executions", ["status"], unique=False)
    op.create_index(op.f("idx_workflow_executions_workflow_id"), "workflow_executions", ["workflow_id"], unique=False)

    op.create_table(
        "tasks",
        sa.Column("id", UUID, server_default=RANDOM, nullable=False, comment="Key"),
        sa.Column("project_id", UUID, nullable=False, comment="The project it belongs to"),
        sa.Column("workflow_execution_id", UUID, comment="The run it is a step of"),
        sa.Column("assigned_agent_id", UUID, comment="The agent that works on it"),
        sa.Column("type", sa.String(length=50), server_default="task", nullable=False, comment="Kind of work"),
        sa.Column("status", sa.String(length=50), server_default="pending", comment="Where it stands"),
        sa.Column("priority", sa.Integer(), server_default="0", comment="Higher goes first"),
        sa.Column(
            "specification",
            JSONB,
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
            comment="What is to be done, for programs",
        ),
        sa.Column("input_data", JSONB, server_default=sa.text("'{}'::jsonb"), comment="What the work starts from"),
        sa.Column("output_data", JSONB, comment="What came out"),
        sa.Column("error_details", JSONB, comment="Why it failed"),
        sa.Column("github_issue_number", sa.Integer(), comment="Number of the issue it is linked to first"),
        sa.Column("github_pr_number", sa.Integer(), comment="Number of the pull request it is linked to first"),
        sa.Column("test_specification", sa.Text(), comment="What its tests have to prove"),
        sa.Column("tdd_phase", sa.String(length=20), comment="Step of test-driven work: red, green, refactor"),
        sa.Column("test_results", JSONB, comment="What its tests said"),
        sa.Column("scheduled_at", TIME, comment="When it may begin"),
        sa.Column("started_at", TIME, comment="When work began"),
        sa.Column("completed_at", TIME, comment="When work ended"),
        sa.Column("deadline_at", TIME, comment="When it has to be done"),
        sa.Column("created_at", TIME, server_default=NOW, comment="When the row was made"),
        sa.Column("updated_at", TIME, server_default=NOW, comment="When the row last changed"),
        sa.Column("title", sa.String(length=500), comment="What is to be done, in a line"),
        sa.Column("description", sa.Text(), comment="What is to be done, for people"),
        sa.Column("parent_task_id", UUID, comment="The task it is a part of"),
        sa.Column("requirements", JSONB, server_default=sa.text("'{}'::jsonb"), comment="What it has to fulfil"),
        sa.Column("context", JSONB, server_default=sa.text("'{}'::jsonb"), comment="What helps to do it"),
        sa.Column("tags", JSONB, server_default=sa.text("'[]'::jsonb"), comment="Words to find it by"),
        sa.CheckConstraint(
            "status IN ('pending', 'queued', 'assigned', 'ready', 'blocked', 'in_progress', 'running', 'in_review', 'completed', 'failed', 'cancelled')",
            name=op.f("tasks_status_check"),
        ),
        sa.CheckConstraint("tdd_phase IN ('red', 'green', 'refactor')", name=op.f("tasks_tdd_phase_check")),
        sa.ForeignKeyConstraint(["assigned_agent_id"], ["agents.id"], name=op.f("tasks_assigned_agent_id_fkey")),
        sa.ForeignKeyConstraint(["parent_task_id"], ["tasks.id"], name=op.f("tasks_parent_task_id_fkey")),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("tasks_project_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workflow_execution_id"],
            ["workflow_executions.id"],
            name=op.f("tasks_workflow_execution_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("tasks_pkey")),
        comment="Work to be done, linked to issues and pull requests",
    )
    op.create_index("idx_task_spec_gin", "tasks", ["specification"], unique=False, postgresql_using="gin")
    op.create_index(
        "idx_tasks_active",
        "tasks",
        [sa.literal_column("priority DESC"), "created_at"],
        unique=False,
        postgresql_where=sa.text("status NOT IN ('completed', 'failed', 'cancelled')"),
    )
    op.create_index(
        "idx_tasks_agent_status",
        "tasks",
        ["assigned_agent_id", "status"],
        unique=False,
        postgresql_where=sa.text("assigned_agent_id IS NOT NULL"),
    )
    op.create_index(op.f("idx_tasks_assigned_agent_id"), "tasks", ["assigned_agent_id"], unique=False)
    op.create_index(
        "idx_tasks_github_issue_number",
        "tasks",
        ["project_id", "github_issue_number"],
        unique=False,
        postgresql_where=sa.text("github_issue_number IS NOT NULL"),
    )
    op.create_index(
        "idx_tasks_github_pr_number",
        "tasks",
        ["project_id", "github_pr_number"],
        unique=False,
        postgresql_where=sa.text("github_pr_number IS NOT NULL"),
    )
    op.create_index(op.f("idx_tasks_parent_task_id"), "tasks", ["parent_task_id"], unique=False)
    op.create_index(
        "idx_tasks_pending",
        "tasks",
        ["scheduled_at"],
        unique=False,
        postgresql_where=sa.text("status = 'pending' AND scheduled_at IS NOT NULL"),
    )
    op.create_index("idx_tasks_priority", "tasks", [sa.literal_column("priority DESC")], unique=False)
    op.create_index(op.f("idx_tasks_project_id"), "tasks", ["project_id"], unique=False)
    op.create_index("idx_tasks_project_status", "tasks", ["project_id", "status"], unique=False)
    op.create_index("idx_tasks_requirements_gin", "tasks", ["requirements"], unique=False, postgresql_using="gin")
    op.create_index(
        "idx_tasks_scheduled_at",
        "tasks",
        ["scheduled_at"],
        unique=False,
        postgresql_where=sa.text("scheduled_at IS NOT NULL"),
    )
    op.create_index("idx_tasks_status", "tasks", ["status"], unique=False)
    op.create_index("idx_tasks_tags_gin", "tasks", ["tags"], unique=False, postgresql_using="gin")
    op.create_index(
        "idx_tasks_text_search",
        "tasks",
        [sa.literal_column("to_tsvector('english'::regconfig, (title::text || ' '::text) || description)")],
        unique=False,
        postgresql_using="gin",
    )
    op.create_index("idx_tasks_type", "tasks", ["type"], unique=False)
    op.create_index(op.f("idx_tasks_workflow_execution_id"), "tasks", ["workflow_execution_id"], unique=False)

    op.create_table(
        "agent_sessions",
        sa.Column("id", UUID, server_default=RANDOM, nullable=False, comment="Key"),
        sa.Column("session_id", sa.String(length=255), nullable=False, comment="Name the agent knows it by, unique"),
        sa.Column("agent_name", sa.String(length=100), nullable=False, comment="Name of the agent"),
        sa.Column("agent_version", sa.String(length=50), comment="Version of the agent"),
        sa.Column(
            "agent_type", sa.String(length=50), server_default="ai_assistant", nullable=False, comment="Kind of agent"
        ),
        sa.Column("status", sa.String(length=50), server_default="active", nullable=False, comment="Where it stands"),
        sa.Column("session_data", JSONB, server_default=sa.text("'{}'::jsonb"), comment="State of the session"),
        sa.Column("context_data", JSONB, server_default=sa.text("'{}'::jsonb"), comment="What the agent was told"),
        sa.Column("total_requests", sa.Integer(), server_default="0", comment="Requests made"),
        sa.Column("successful_requests", sa.Integer(), server_default="0", comment="Requests that succeeded"),
        sa.Column("failed_requests", sa.Integer(), server_default="0", comment="Requests that failed"),
        sa.Column(
            "avg_response_time_ms", sa.Numeric(precision=10, scale=2), comment="Mean response time, in milliseconds"
        ),
        sa.Column("tokens_used", sa.Integer(), server_default="0", comment="Model tokens used"),
        sa.Column("api_calls_made", sa.Integer(), server_default="0", comment="API calls made"),
        sa.Column(
            "cost_usd",
            sa.Numeric(precision=10, scale=4),
            server_default=sa.text("0"),
            comment="What it cost, in US dollars",
        ),
        sa.Column("workflow_id", UUID, comment="The workflow it works for"),
        sa.Column("task_id", UUID, comment="The task it works on"),
        sa.Column("parent_session_id", UUID, comment="The session that started it"),
        sa.Column("started_at", TIME, server_default=NOW, comment="When it began"),
        sa.Column("last_activity_at", TIME, server_default=NOW, comment="When it was last active"),
        sa.Column("expires_at", TIME, comment="When it expires"),
        sa.Column("ended_at", TIME, comment="When it ended"),
        sa.Column("client_ip", postgresql.INET(), comment="Address it came from"),
        sa.Column("user_agent", sa.Text(), comment="Program it came from"),
        sa.Column("metadata", JSONB, server_default=sa.text("'{}'::jsonb"), comment="Anything else"),
        sa.CheckConstraint(
            "status IN ('active', 'idle', 'paused', 'completed', 'failed', 'expired', 'terminated', 'ended')",
            name=op.f("agent_sessions_status_check"),
        ),
        sa.ForeignKeyConstraint(
            ["parent_session_id"], ["agent_sessions.id"], name=op.f("agent_sessions_parent_session_id_fkey")
        ),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name=op.f("agent_sessions_task_id_fkey")),
        sa.ForeignKeyConstraint(["workflow_id"], ["workflows.id"], name=op.f("agent_sessions_workflow_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("agent_sessions_pkey")),
        sa.UniqueConstraint("session_id", name="idx_agent_sessions_session_id"),
        comment="Conversations with agents, their state and cost",
    )
    op.create_index(
        "idx_agent_sessions_expires_at",
        "agent_sessions",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("expires_at IS NOT NULL"),
    )
    op.create_index(op.f("idx_agent_sessions_parent_session_id"), "agent_sessions", ["parent_session_id"], unique=False)
    op.create_index(
        "idx_agent_sessions_performance", "agent_sessions", ["agent_name", "avg_response_time_ms"], unique=False
    )
    op.create_index(op.f("idx_agent_sessions_task_id"), "agent_sessions", ["task_id"], unique=False)
    op.create_index(op.f("idx_agent_sessions_workflow_id"), "agent_sessions", ["workflow_id"], unique=False)

    op.create_table(
        "task_dependencies",
        sa.Column("id", UUID, server_default=RANDOM, nullable=False, comment="Key"),
        sa.Column("task_id", UUID, nullable=False, comment="The task that waits"),
        sa.Column("depends_on_task_id", UUID, nullable=False, comment="The task it waits for"),
        sa.Column(
            "dependency_type",
            sa.String(length=50),
            server_default="finish_to_start",
            comment="Which end of one waits for which end of the other",
        ),
        sa.CheckConstraint(
            "dependency_type IN ('finish_to_start', 'start_to_start', 'finish_to_finish', 'start_to_finish')",
            name=op.f("task_dependencies_dependency_type_check"),
        ),
        sa.ForeignKeyConstraint(
            ["depends_on_task_id"],
            ["tasks.id"],
            name=op.f("task_dependencies_depends_on_task_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], ["tasks.id"], name=op.f("task_dependencies_task_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("task_dependencies_pkey")),
        sa.UniqueConstraint(
            "task_id", "depends_on_task_id", name=op.f("task_dependencies_task_id_depends_on_task_id_key")
        ),
        comment="Which task waits for which; cycles are refused",
    )
    op.create_index("idx_task_dependencies_depends_on", "task_dependencies", ["depends_on_task_id"], unique=False)
    op.create_index(op.f("idx_task_dependencies_task_id"), "task_dependencies", ["task_id"], unique=False)

    op.create_table(
        "task_executions",
        sa.Column("id", UUID, server_default=RANDOM, nullable=False, comment="Key"),
        sa.Column("task_id", UUID, nullable=False, comment="The task"),
        sa.Column("agent_type", sa.String(length=50), nullable=False, comment="Kind of agent that tried"),
        sa.Column(
            "execution_status", sa.String(length=50), server_default="queued", comment="Where the attempt stands"
        ),
        sa.Column(
            "input_context", JSONB, server_default=sa.text("'{}'::jsonb"), comment="What the attempt started from"
        ),
        sa.Column("output_results", JSONB, server_default=sa.text("'{}'::jsonb"), comment="What came out"),
        sa.Column("error_details", JSONB, server_default=sa.text("'{}'::jsonb"), comment="Why it failed"),
        sa.Column("started_at", TIME, comment="When it began"),
        sa.Column("completed_at", TIME, comment="When it ended"),
        sa.Column("memory_usage_mb", sa.Integer(), comment="Memory it took, in megabytes"),
        sa.Column("cpu_time_ms", sa.Integer(), comment="Processor time it took, in milliseconds"),
        sa.CheckConstraint(
            "execution_status IN ('pending', 'queued', 'running', 'paused', 'completed', 'failed', 'cancelled', 'timeout', 'skipped')",
            name=op.f("task_executions_execution_status_check"),
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], ["tasks.id"], name=op.f("task_executions_task_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("task_executions_pkey")),
        comment="Attempts at tasks",
    )
    op.create_index("idx_task_executions_status", "task_executions", ["execution_status"], unique=False)
    op.create_index(op.f("idx_task_executions_task_id"), "task_executions", ["task_id"], unique=False)

    op.create_table(
        "task_moves",
        sa.Column("task_id", UUID, nullable=False, comment="The task"),
        sa.Column(
            "stage",
            sa.String(length=20),
            nullable=False,
            comment="What its pull requests were then: open, merged, closed",
        ),
        sa.Column("status", sa.String(length=50), comment="The status it was moved to; null where others had decided"),
        sa.Column("status_before", sa.String(length=50), comment="The status that others had given it"),
        sa.Column("completed_at", TIME, comment="The end of its work that came with the move"),
        sa.Column("moved_at", TIME, server_default=NOW, nullable=False, comment="When that was"),
        sa.CheckConstraint("stage IN ('open', 'merged', 'closed')", name=op.f("task_moves_stage_check")),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name=op.f("task_moves_task_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("task_id", name=op.f("task_moves_pkey")),
        comment="Tasks that follow their pull requests: for what each was moved last, and what it was before",
    )

    op.create_table(
        "task_creations",
        sa.Column("issue_id", UUID, nullable=False, comment="The issue with the label"),
        sa.Column("task_id", UUID, comment="The task; null once somebody deleted it"),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False, comment="When it was created"),
        sa.ForeignKeyConstraint(
            ["issue_id"], ["github_issues.id"], name=op.f("task_creations_issue_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], ["tasks.id"], name=op.f("task_creations_task_id_fkey"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("issue_id", name=op.f("task_creations_pkey")),
        comment="Issues that a task was created from, each once",
    )
    op.create_index(op.f("idx_task_creations_task_id"), "task_creations", ["task_id"], unique=False)


def _links_and_tracking() -> None:
    """What is derived: links and the state of pull requests."""
    op.create_table(
        "github_mentions",
        sa.Column("id", UUID, server_default=RANDOM, nullable=False, comment="Key"),
        sa.Column("repository_id", UUID, nullable=False, comment="Repository of the text"),
        sa.Column("kind", sa.String(length=20), nullable=False, comment="Whose text it is: issue or pull_request"),
        sa.Column("number", sa.Integer(), nullable=False, comment="Number of the issue or pull request with the text"),
        sa.Column("source", sa.String(length=30), nullable=False, comment="How the text says it"),
        sa.Column("task", sa.String(length=36), comment="Task named by its id or its first eight characters"),
        sa.Column(
            "target_name", sa.String(length=255), comment="owner/name of the issue; null for the same repository"
        ),
        sa.Column("target_number", sa.Integer(), comment="Number of the issue"),
        sa.Column("evidence", sa.Text(), comment="The words"),
        sa.Column(
            "observed_at", TIME, nullable=False, comment="When the text said so; decides whose name target_name was"
        ),
        sa.CheckConstraint("kind IN ('issue', 'pull_request')", name=op.f("github_mentions_kind_check")),
        sa.CheckConstraint(
            "source IN ('manual', 'external', 'label', 'task_trailer', 'branch', 'closing_reference', 'closing_keyword', 'cross_reference')",
            name=op.f("github_mentions_source_check"),
        ),
        sa.CheckConstraint(
            "(task IS NULL) <> (target_number IS NULL)", name=op.f("github_mentions_names_one_thing_check")
        ),
        sa.ForeignKeyConstraint(
            ["repository_id"],
            ["github_repositories.id"],
            name=op.f("github_mentions_repository_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("github_mentions_pkey")),
        comment="What texts and branches say of tasks and issues, resolved or not",
    )
    op.create_index("idx_github_mentions_item", "github_mentions", ["repository_id", "kind", "number"], unique=False)
    op.create_index(
        "idx_github_mentions_target",
        "github_mentions",
        ["repository_id", "target_number"],
        unique=False,
        postgresql_where=sa.text("target_name IS NULL AND target_number IS NOT NULL"),
    )
    op.create_index(
        "idx_github_mentions_target_name",
        "github_mentions",
        [sa.literal_column("lower(target_name)"), "target_number"],
        unique=False,
        postgresql_where=sa.text("target_name IS NOT NULL"),
    )
    op.create_index(
        "idx_github_mentions_task",
        "github_mentions",
        [sa.literal_column("left(task, 8)")],
        unique=False,
        postgresql_where=sa.text("task IS NOT NULL"),
    )

    op.create_table(
        "task_github_links",
        sa.Column("id", UUID, server_default=RANDOM, nullable=False, comment="Key"),
        sa.Column("task_id", UUID, nullable=False, comment="The task"),
        sa.Column("repository_id", UUID, nullable=False, comment="Repository of the issue or pull request"),
        sa.Column("kind", sa.String(length=20), nullable=False, comment="issue or pull_request"),
        sa.Column("number", sa.Integer(), nullable=False, comment="Its number within the repository"),
        sa.Column("source", sa.String(length=30), nullable=False, comment="Why they belong together"),
        sa.Column("confidence", sa.Numeric(precision=3, scale=2), nullable=False, comment="How surely, 0 to 1"),
        sa.Column("evidence", sa.Text(), comment="The words or the person that say so"),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False, comment="When the link was found"),
        sa.CheckConstraint("kind IN ('issue', 'pull_request')", name=op.f("task_github_links_kind_check")),
        sa.CheckConstraint(
            "source IN ('manual', 'external', 'label', 'task_trailer', 'branch', 'closing_reference', 'closing_keyword', 'cross_reference')",
            name=op.f("task_github_links_source_check"),
        ),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1", name=op.f("task_github_links_confidence_check")),
        sa.ForeignKeyConstraint(
            ["repository_id"],
            ["github_repositories.id"],
            name=op.f("task_github_links_repository_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], ["tasks.id"], name=op.f("task_github_links_task_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("task_github_links_pkey")),
        sa.UniqueConstraint(
            "task_id",
            "repository_id",
            "kind",
            "number",
            "source",
            name=op.f("task_github_links_task_id_repository_id_kind_number_source_key"),
        ),
        comment="Links between tasks and issues or pull requests; one row per reason",
    )
    op.create_index(
        "idx_task_github_links_item", "task_github_links", ["repository_id", "kind", "number"], unique=False
    )

    op.create_table(
        "pr_tracking",
        sa.Column("id", UUID, server_default=RANDOM, nullable=False, comment="Key"),
        sa.Column("repository_id", UUID, nullable=False, comment="Its repository"),
        sa.Column("pull_request_id", UUID, nullable=False, comment="The mirrored pull request"),
        sa.Column("pr_number", sa.Integer(), nullable=False, comment="Number within the repository"),
        sa.Column("pr_url", sa.String(length=500), nullable=False, comment="Page on GitHub"),
        sa.Column(
            "repository_name", sa.String(length=255), nullable=False, comment="owner/name today; follows renames"
        ),
        sa.Column("repository_url", sa.String(length=500), comment="The repository's page on GitHub"),
        sa.Column("title", sa.String(length=500), nullable=False, comment="Title"),
        sa.Column("description", sa.Text(), comment="Description, as Markdown"),
        sa.Column("branch_name", sa.String(length=255), nullable=False, comment="Branch with the changes"),
        sa.Column(
            "base_branch", sa.String(length=255), server_default="main", nullable=False, comment="Branch it goes into"
        ),
        sa.Column(
            "status",
            sa.String(length=50),
            server_default="open",
            nullable=False,
            comment="draft, open, closed or merged",
        ),
        sa.Column("merge_status", sa.String(length=50), server_default="pending", comment="Whether it can be merged"),
        sa.Column("review_status", sa.String(length=50), server_default="pending", comment="What reviewers say"),
        sa.Column("ci_status", sa.String(length=50), server_default="pending", comment="What checks of the head say"),
        sa.Column("test_coverage_percentage", sa.Numeric(precision=5, scale=2), comment="0 to 100"),
        sa.Column("quality_score", sa.Numeric(precision=5, scale=2), comment="0 to 100; null while nothing is known"),
        sa.Column(
            "security_scan_status", sa.String(length=50), server_default="pending", comment="What security scans say"
        ),
        sa.Column("lines_added", sa.Integer(), server_default="0", comment="Lines added"),
        sa.Column("lines_deleted", sa.Integer(), server_default="0", comment="Lines deleted"),
        sa.Column("files_changed", sa.Integer(), server_default="0", comment="Files changed"),
        sa.Column("commits_count", sa.Integer(), server_default="0", comment="Commits"),
        sa.Column("workflow_id", UUID, comment="Workflow of the task"),
        sa.Column("task_id", UUID, comment="Task this pull request works on"),
        sa.Column("created_by_session_id", UUID, comment="Session of the task"),
        sa.Column("created_at", TIME, server_default=NOW, comment="When it was opened"),
        sa.Column("updated_at", TIME, server_default=NOW, comment="When GitHub last changed it"),
        sa.Column("merged_at", TIME, comment="When it was merged"),
        sa.Column("closed_at", TIME, comment="When it was closed or merged"),
        sa.Column("author", sa.String(length=255), comment="Login of the author"),
        sa.Column("assignees", JSONB, server_default=sa.text("'[]'::jsonb"), comment="[{id,login}]"),
        sa.Column(
            "reviewers",
            JSONB,
            server_default=sa.text("'[]'::jsonb"),
            comment="[{login,state,submitted_at}] of everyone asked or heard",
        ),
        sa.Column("labels", JSONB, server_default=sa.text("'[]'::jsonb"), comment="[{id,name,color,description}]"),
        sa.Column(
            "metadata", JSONB, server_default=sa.text("'{}'::jsonb"), comment="Facts that have no column of their own"
        ),
        sa.CheckConstraint(
            "ci_status IN ('none', 'pending', 'success', 'failure')", name=op.f("pr_tracking_ci_status_check")
        ),
        sa.CheckConstraint(
            "merge_status IN ('pending', 'mergeable', 'conflicting', 'blocked', 'behind', 'unstable', 'merged', 'closed')",
            name=op.f("pr_tracking_merge_status_check"),
        ),
        sa.CheckConstraint(
            "review_status IN ('pending', 'review_requested', 'commented', 'changes_requested', 'approved')",
            name=op.f("pr_tracking_review_status_check"),
        ),
        sa.CheckConstraint(
            "security_scan_status IN ('none', 'pending', 'passed', 'failed')",
            name=op.f("pr_tracking_security_scan_status_check"),
        ),
        sa.CheckConstraint("status IN ('draft', 'open', 'closed', 'merged')", name=op.f("pr_tracking_status_check")),
        sa.CheckConstraint("quality_score BETWEEN 0 AND 100", name=op.f("pr_tracking_quality_score_check")),
        sa.CheckConstraint(
            "test_coverage_percentage BETWEEN 0 AND 100", name=op.f("pr_tracking_test_coverage_percentage_check")
        ),
        sa.ForeignKeyConstraint(
            ["created_by_session_id"],
            ["agent_sessions.id"],
            name=op.f("pr_tracking_created_by_session_id_fkey"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["pull_request_id"],
            ["github_pull_requests.id"],
            name=op.f("pr_tracking_pull_request_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["repository_id"],
            ["github_repositories.id"],
            name=op.f("pr_tracking_repository_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name=op.f("pr_tracking_task_id_fkey"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["workflow_id"], ["workflows.id"], name=op.f("pr_tracking_workflow_id_fkey"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pr_tracking_pkey")),
        sa.UniqueConstraint("repository_id", "pr_number", name=op.f("pr_tracking_repository_id_pr_number_key")),
        sa.UniqueConstraint(
            "repository_name", "pr_number", deferrable=True, initially="IMMEDIATE", name="idx_pr_tracking_repo_pr"
        ),
        comment="Life of every pull request: derived, never written by hand",
    )
    op.create_index(
        "idx_pr_tracking_active",
        "pr_tracking",
        ["repository_id", "status"],
        unique=False,
        postgresql_where=sa.text("status IN ('draft', 'open')"),
    )
    op.create_index("idx_pr_tracking_ci_status", "pr_tracking", ["ci_status"], unique=False)
    op.create_index(
        op.f("idx_pr_tracking_created_by_session_id"), "pr_tracking", ["created_by_session_id"], unique=False
    )
    op.create_index(
        "idx_pr_tracking_open_quality",
        "pr_tracking",
        ["quality_score"],
        unique=False,
        postgresql_where=sa.text("status IN ('draft', 'open')"),
    )
    op.create_index(op.f("idx_pr_tracking_pull_request_id"), "pr_tracking", ["pull_request_id"], unique=False)
    op.create_index(
        "idx_pr_tracking_quality_score",
        "pr_tracking",
        ["quality_score"],
        unique=False,
        postgresql_where=sa.text("quality_score IS NOT NULL"),
    )
    op.create_index(op.f("idx_pr_tracking_task_id"), "pr_tracking", ["task_id"], unique=False)
    op.create_index(op.f("idx_pr_tracking_workflow_id"), "pr_tracking", ["workflow_id"], unique=False)


def _changes() -> None:
    """The change feed and the audit log."""
    op.create_table(
        "change_feed",
        sa.Column("id", sa.Boolean(), server_default=sa.text("true"), nullable=False, comment="Always true: one row"),
        sa.Column("last_seq", sa.BigInteger(), server_default="0", nullable=False, comment="Position given out last"),
        sa.CheckConstraint("id", name=op.f("change_feed_one_row_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("change_feed_pkey")),
        comment="Where the change feed stands; its row lock puts commits in order",
    )

    op.create_table(
        "change_events",
        sa.Column(
            "seq",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="Position in the feed: no gaps, in order of commit",
        ),
        sa.Column("entity_type", sa.String(length=63), nullable=False, comment="Table that changed"),
        sa.Column("entity_id", UUID, nullable=False, comment="Row that changed"),
        sa.Column("repository_id", UUID, comment="Its repository"),
        sa.Column(
            "number", sa.Integer(), comment="Number of the issue or pull request that the row is, or is a part of"
        ),
        sa.Column("operation", sa.String(length=10), nullable=False, comment="What happened to the row"),
        sa.Column("old_values", JSONB, comment="Changed fields before; null for a new row"),
        sa.Column("new_values", JSONB, comment="Changed fields after; all fields of a new row"),
        sa.Column("sync_source", sa.String(length=20), nullable=False, comment="The door it came through"),
        sa.Column("observed_at", TIME, comment="When GitHub held the new state"),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False, comment="When it was written"),
        sa.CheckConstraint(
            "operation IN ('insert', 'update', 'delete', 'restore')", name=op.f("change_events_operation_check")
        ),
        sa.ForeignKeyConstraint(
            ["repository_id"],
            ["github_repositories.id"],
            name=op.f("change_events_repository_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("change_events_pkey")),
        comment="Gap-free feed of every change of a mirrored or derived row",
    )
    op.create_index("idx_change_events_created_at", "change_events", ["created_at"], unique=False)
    op.create_index("idx_change_events_entity", "change_events", ["entity_type", "entity_id", "seq"], unique=False)
    op.create_index(
        "idx_change_events_number",
        "change_events",
        ["repository_id", "number", "seq"],
        unique=False,
        postgresql_where=sa.text("number IS NOT NULL"),
    )
    op.create_index("idx_change_events_repository_id", "change_events", ["repository_id", "seq"], unique=False)

    op.create_table(
        "audit_logs",
        sa.Column("id", UUID, server_default=RANDOM, nullable=False, comment="Key"),
        sa.Column("user_id", UUID, comment="The user who acted, when it was one"),
        sa.Column("organization_id", UUID, comment="The organization it happened in"),
        sa.Column("action", sa.String(length=255), nullable=False, comment="What was done, such as delivery.replayed"),
        sa.Column("resource_type", sa.String(length=100), nullable=False, comment="Kind of thing it was done to"),
        sa.Column("resource_id", UUID, comment="Key of that thing, when it has a UUID"),
        sa.Column("old_values", JSONB, comment="Values of the changed fields before"),
        sa.Column("new_values", JSONB, comment="Values of the changed fields after"),
        sa.Column("ip_address", postgresql.INET(), comment="Address the act came from"),
        sa.Column("user_agent", sa.Text(), comment="Program the act came from"),
        sa.Column("created_at", TIME, server_default=NOW, comment="When it happened"),
        sa.Column("entity_name", sa.String(length=255), comment="Name of the thing for people: a GUID, owner/name"),
        sa.Column(
            "action_category",
            sa.String(length=50),
            server_default="data",
            nullable=False,
            comment="Sort of act: data, security, configuration, ...",
        ),
        sa.Column("action_result", sa.String(length=50), server_default="success", comment="How the act ended"),
        sa.Column(
            "changed_fields", JSONB, server_default=sa.text("'[]'::jsonb"), comment="Names of the changed fields"
        ),
        sa.Column(
            "actor_type",
            sa.String(length=50),
            server_default="user",
            nullable=False,
            comment="Sort of actor: user, agent, system, ...",
        ),
        sa.Column("actor_id", sa.String(length=255), comment="Id of the actor in the actor's own system"),
        sa.Column("actor_name", sa.String(length=255), comment="Name of the actor for people"),
        sa.Column("session_id", UUID, comment="The agent session that acted"),
        sa.Column("workflow_id", UUID, comment="The workflow it was part of"),
        sa.Column("task_id", UUID, comment="The task it was part of"),
        sa.Column("request_id", sa.String(length=255), comment="Id of the request that caused it"),
        sa.Column("correlation_id", sa.String(length=255), comment="Id shared by everything one cause brought about"),
        sa.Column("request_method", sa.String(length=10), comment="HTTP method of the request"),
        sa.Column("request_url", sa.Text(), comment="URL of the request"),
        sa.Column("duration_ms", sa.Integer(), comment="How long it took, in milliseconds"),
        sa.Column("error_code", sa.String(length=50), comment="Code of the error, when it failed"),
        sa.Column("error_message", sa.Text(), comment="The error in a sentence"),
        sa.Column("error_stack", sa.Text(), comment="The error's traceback"),
        sa.Column("compliance_tags", JSONB, server_default=sa.text("'[]'::jsonb"), comment="Rules the act matters to"),
        sa.Column("security_level", sa.String(length=20), server_default="normal", comment="How much it matters"),
        sa.Column(
            "data_classification",
            sa.String(length=20),
            server_default="internal",
            comment="How confidential the values are",
        ),
        sa.Column("metadata", JSONB, server_default=sa.text("'{}'::jsonb"), comment="Anything else"),
        sa.CheckConstraint(
            "action_result IN ('success', 'failure', 'partial', 'denied')", name=op.f("audit_logs_action_result_check")
        ),
        sa.CheckConstraint(
            "data_classification IN ('public', 'internal', 'confidential', 'restricted')",
            name=op.f("audit_logs_data_classification_check"),
        ),
        sa.CheckConstraint(
            "security_level IN ('low', 'normal', 'elevated', 'high', 'critical')",
            name=op.f("audit_logs_security_level_check"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("audit_logs_organization_id_fkey")
        ),
        sa.ForeignKeyConstraint(["session_id"], ["agent_sessions.id"], name=op.f("audit_logs_session_id_fkey")),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name=op.f("audit_logs_task_id_fkey")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("audit_logs_user_id_fkey")),
        sa.ForeignKeyConstraint(["workflow_id"], ["workflows.id"], name=op.f("audit_logs_workflow_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("audit_logs_pkey")),
        comment="Who did what to what, and when",
    )
    op.create_index("idx_audit_logs_created_at", "audit_logs", ["created_at"], unique=False)
    op.create_index("idx_audit_logs_org_id", "audit_logs", ["organization_id"], unique=False)
    op.create_index("idx_audit_logs_resource", "audit_logs", ["resource_type", "resource_id"], unique=False)
    op.create_index("idx_audit_logs_security_level", "audit_logs", ["security_level"], unique=False)
    op.create_index(op.f("idx_audit_logs_session_id"), "audit_logs", ["session_id"], unique=False)
    op.create_index(op.f("idx_audit_logs_task_id"), "audit_logs", ["task_id"], unique=False)
    op.create_index(op.f("idx_audit_logs_user_id"), "audit_logs", ["user_id"], unique=False)
    op.create_index(op.f("idx_audit_logs_workflow_id"), "audit_logs", ["workflow_id"], unique=False)
