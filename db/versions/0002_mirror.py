"""The mirror of GitHub."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "github_installations",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column("organization_id", sa.UUID(as_uuid=False), nullable=True, comment="Organization of the account"),
        sa.Column("github_id", sa.String(length=255), nullable=False, comment="GitHub's numeric id"),
        sa.Column("app_id", sa.String(length=255), nullable=True, comment="GitHub's id of the App"),
        sa.Column("app_slug", sa.String(length=255), nullable=True, comment="The App's URL name"),
        sa.Column("account_id", sa.String(length=255), nullable=True, comment="GitHub's id of the account"),
        sa.Column("account_login", sa.String(length=255), nullable=True, comment="The account's login"),
        sa.Column("account_type", sa.String(length=50), nullable=True, comment="User, Organization or Enterprise"),
        sa.Column("repository_selection", sa.String(length=50), nullable=True, comment="all or selected"),
        sa.Column(
            "permissions",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=True,
            comment="What the App may do, as GitHub reports it",
        ),
        sa.Column(
            "events",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=True,
            comment="Events the App receives",
        ),
        sa.Column(
            "suspended_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="Since when the installation is suspended",
        ),
        sa.Column("suspended_by", sa.String(length=255), nullable=True, comment="Login of who suspended it"),
        sa.Column(
            "account_updated_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="updated_at of the payload that last reported the account columns",
        ),
        sa.Column(
            "account_observed_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="observed_at of the payload that last reported the account columns",
        ),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When the App was installed"),
        sa.Column(
            "updated_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When GitHub last changed it, by GitHub's clock; null while unknown",
        ),
        sa.Column(
            "observed_at",
            sa.TIMESTAMP(timezone=True),
            nullable=False,
            comment="When GitHub held this state; breaks ties of updated_at",
        ),
        sa.Column("observed_by", sa.String(length=10), nullable=False, comment="What observed_at was read from"),
        sa.Column(
            "synced_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=True,
            comment="When this row was last written",
        ),
        sa.Column("sync_source", sa.String(length=20), nullable=False, comment="The door the last write came through"),
        sa.Column(
            "verified_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When GitHub's API last confirmed this row",
        ),
        sa.Column(
            "deleted_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When it was gone from GitHub; null while it is there",
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
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column("project_id", sa.UUID(as_uuid=False), nullable=False, comment="Project it belongs to"),
        sa.Column("installation_id", sa.UUID(as_uuid=False), nullable=True, comment="Installation that sees it"),
        sa.Column("github_id", sa.String(length=255), nullable=False, comment="GitHub's numeric id"),
        sa.Column("node_id", sa.String(length=255), nullable=True, comment="GitHub's GraphQL id"),
        sa.Column("owner", sa.String(length=255), nullable=False, comment="Login of the owning account"),
        sa.Column("owner_id", sa.String(length=255), nullable=True, comment="GitHub's id of the owning account"),
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
        sa.Column(
            "default_branch", sa.String(length=255), server_default="main", nullable=True, comment="Default branch"
        ),
        sa.Column("html_url", sa.Text(), nullable=True, comment="Page on GitHub"),
        sa.Column("description", sa.Text(), nullable=True, comment="Description"),
        sa.Column("homepage", sa.Text(), nullable=True, comment="Home page"),
        sa.Column("language", sa.String(length=255), nullable=True, comment="Main programming language"),
        sa.Column("visibility", sa.String(length=50), nullable=True, comment="public, private or internal"),
        sa.Column("private", sa.Boolean(), nullable=True, comment="Not public"),
        sa.Column(
            "archived", sa.Boolean(), server_default=sa.text("false"), nullable=True, comment="Read-only on GitHub"
        ),
        sa.Column(
            "disabled", sa.Boolean(), server_default=sa.text("false"), nullable=True, comment="Disabled by GitHub"
        ),
        sa.Column("fork", sa.Boolean(), server_default=sa.text("false"), nullable=True, comment="Is a fork"),
        sa.Column(
            "topics",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=True,
            comment="Topics, in GitHub's order",
        ),
        sa.Column(
            "webhook_id", sa.String(length=255), nullable=True, comment="Id of a repository webhook, where one is used"
        ),
        sa.Column(
            "webhook_secret",
            sa.Text(),
            nullable=True,
            comment="Secret of that webhook, encrypted with GHSYNC_ENCRYPTION_KEYS",
        ),
        sa.Column(
            "permissions",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=True,
            comment="What the App may do in it",
        ),
        sa.Column(
            "metadata",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=True,
            comment="Free for users; ghsync does not write it",
        ),
        sa.Column(
            "removed_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="Since when the App no longer sees it; null while it does",
        ),
        sa.Column(
            "access_updated_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="updated_at of the payload that last reported the access columns",
        ),
        sa.Column(
            "access_observed_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="observed_at of the payload that last reported the access columns",
        ),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When it was created on GitHub"),
        sa.Column(
            "updated_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When GitHub last changed it, by GitHub's clock; null while unknown",
        ),
        sa.Column(
            "observed_at",
            sa.TIMESTAMP(timezone=True),
            nullable=False,
            comment="When GitHub held this state; breaks ties of updated_at",
        ),
        sa.Column("observed_by", sa.String(length=10), nullable=False, comment="What observed_at was read from"),
        sa.Column(
            "synced_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=True,
            comment="When this row was last written",
        ),
        sa.Column("sync_source", sa.String(length=20), nullable=False, comment="The door the last write came through"),
        sa.Column(
            "verified_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When GitHub's API last confirmed this row",
        ),
        sa.Column(
            "deleted_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When it was gone from GitHub; null while it is there",
        ),
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
        "github_branches",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column("repository_id", sa.UUID(as_uuid=False), nullable=False, comment="Its repository"),
        sa.Column("name", sa.String(length=255), nullable=False, comment="Name without refs/heads/"),
        sa.Column(
            "head_sha", sa.String(length=64), nullable=True, comment="Newest commit; null while the branch is deleted"
        ),
        sa.Column(
            "updated_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When GitHub last changed it, by GitHub's clock; null while unknown",
        ),
        sa.Column(
            "observed_at",
            sa.TIMESTAMP(timezone=True),
            nullable=False,
            comment="When GitHub held this state; breaks ties of updated_at",
        ),
        sa.Column("observed_by", sa.String(length=10), nullable=False, comment="What observed_at was read from"),
        sa.Column(
            "synced_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=True,
            comment="When this row was last written",
        ),
        sa.Column("sync_source", sa.String(length=20), nullable=False, comment="The door the last write came through"),
        sa.Column(
            "verified_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When GitHub's API last confirmed this row",
        ),
        sa.Column(
            "deleted_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When it was gone from GitHub; null while it is there",
        ),
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
    op.create_index(op.f("idx_github_branches_repository_id"), "github_branches", ["repository_id"], unique=False)
    op.create_table(
        "github_check_runs",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column("repository_id", sa.UUID(as_uuid=False), nullable=False, comment="Its repository"),
        sa.Column("github_id", sa.String(length=255), nullable=False, comment="GitHub's numeric id"),
        sa.Column("node_id", sa.String(length=255), nullable=True, comment="GitHub's GraphQL id"),
        sa.Column("head_sha", sa.String(length=64), nullable=False, comment="Commit that was checked"),
        sa.Column("name", sa.Text(), nullable=False, comment="Name of the check"),
        sa.Column("app_slug", sa.String(length=255), nullable=True, comment="App that ran it"),
        sa.Column("check_suite_id", sa.String(length=255), nullable=True, comment="GitHub's id of its suite"),
        sa.Column("status", sa.String(length=50), nullable=False, comment="queued, in_progress or completed"),
        sa.Column(
            "conclusion",
            sa.String(length=50),
            nullable=True,
            comment="success, failure, neutral, skipped, ...; null until completed",
        ),
        sa.Column("html_url", sa.Text(), nullable=True, comment="Page on GitHub"),
        sa.Column("title", sa.Text(), nullable=True, comment="Title of its output"),
        sa.Column("summary", sa.Text(), nullable=True, comment="Summary of its output"),
        sa.Column("started_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When it started"),
        sa.Column("completed_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When it ended"),
        sa.Column(
            "updated_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When GitHub last changed it, by GitHub's clock; null while unknown",
        ),
        sa.Column(
            "observed_at",
            sa.TIMESTAMP(timezone=True),
            nullable=False,
            comment="When GitHub held this state; breaks ties of updated_at",
        ),
        sa.Column("observed_by", sa.String(length=10), nullable=False, comment="What observed_at was read from"),
        sa.Column(
            "synced_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=True,
            comment="When this row was last written",
        ),
        sa.Column("sync_source", sa.String(length=20), nullable=False, comment="The door the last write came through"),
        sa.Column(
            "verified_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When GitHub's API last confirmed this row",
        ),
        sa.Column(
            "deleted_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When it was gone from GitHub; null while it is there",
        ),
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
        comment="Check runs, joined by head commit",
    )
    op.create_index("idx_github_check_runs_head_sha", "github_check_runs", ["repository_id", "head_sha"], unique=False)
    op.create_index(op.f("idx_github_check_runs_repository_id"), "github_check_runs", ["repository_id"], unique=False)
    op.create_table(
        "github_comments",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column("repository_id", sa.UUID(as_uuid=False), nullable=False, comment="Its repository"),
        sa.Column("kind", sa.String(length=20), nullable=False, comment="Where the comment was made"),
        sa.Column("github_id", sa.String(length=255), nullable=False, comment="GitHub's numeric id"),
        sa.Column("node_id", sa.String(length=255), nullable=True, comment="GitHub's GraphQL id"),
        sa.Column("number", sa.Integer(), nullable=False, comment="Number of the issue or pull request"),
        sa.Column("author", sa.String(length=255), nullable=True, comment="Login of the author"),
        sa.Column("body", sa.Text(), nullable=True, comment="Text, as Markdown"),
        sa.Column("html_url", sa.Text(), nullable=True, comment="Page on GitHub"),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When it was made"),
        sa.Column(
            "comments_count",
            sa.Integer(),
            nullable=True,
            comment="Comments on the issue, as reported with this comment",
        ),
        sa.Column(
            "comments_updated_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="updated_at of the payload that last reported the comments columns",
        ),
        sa.Column(
            "comments_observed_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="observed_at of the payload that last reported the comments columns",
        ),
        sa.Column(
            "updated_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When GitHub last changed it, by GitHub's clock; null while unknown",
        ),
        sa.Column(
            "observed_at",
            sa.TIMESTAMP(timezone=True),
            nullable=False,
            comment="When GitHub held this state; breaks ties of updated_at",
        ),
        sa.Column("observed_by", sa.String(length=10), nullable=False, comment="What observed_at was read from"),
        sa.Column(
            "synced_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=True,
            comment="When this row was last written",
        ),
        sa.Column("sync_source", sa.String(length=20), nullable=False, comment="The door the last write came through"),
        sa.Column(
            "verified_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When GitHub's API last confirmed this row",
        ),
        sa.Column(
            "deleted_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When it was gone from GitHub; null while it is there",
        ),
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
    op.create_index(op.f("idx_github_comments_repository_id"), "github_comments", ["repository_id"], unique=False)
    op.create_table(
        "github_commit_statuses",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column("repository_id", sa.UUID(as_uuid=False), nullable=False, comment="Its repository"),
        sa.Column("github_id", sa.String(length=255), nullable=False, comment="GitHub's numeric id"),
        sa.Column("head_sha", sa.String(length=64), nullable=False, comment="Commit it speaks of"),
        sa.Column("context", sa.Text(), nullable=False, comment="Name of the status"),
        sa.Column("state", sa.String(length=50), nullable=False, comment="error, failure, pending or success"),
        sa.Column("description", sa.Text(), nullable=True, comment="Short text"),
        sa.Column("target_url", sa.Text(), nullable=True, comment="Page with details"),
        sa.Column("creator", sa.String(length=255), nullable=True, comment="Login of who set it"),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When it was set"),
        sa.Column(
            "updated_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When GitHub last changed it, by GitHub's clock; null while unknown",
        ),
        sa.Column(
            "observed_at",
            sa.TIMESTAMP(timezone=True),
            nullable=False,
            comment="When GitHub held this state; breaks ties of updated_at",
        ),
        sa.Column("observed_by", sa.String(length=10), nullable=False, comment="What observed_at was read from"),
        sa.Column(
            "synced_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=True,
            comment="When this row was last written",
        ),
        sa.Column("sync_source", sa.String(length=20), nullable=False, comment="The door the last write came through"),
        sa.Column(
            "verified_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When GitHub's API last confirmed this row",
        ),
        sa.Column(
            "deleted_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When it was gone from GitHub; null while it is there",
        ),
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
    op.create_index(
        op.f("idx_github_commit_statuses_repository_id"), "github_commit_statuses", ["repository_id"], unique=False
    )
    op.create_table(
        "github_issues",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column("repository_id", sa.UUID(as_uuid=False), nullable=False, comment="Its repository"),
        sa.Column("github_id", sa.String(length=255), nullable=False, comment="GitHub's numeric id of the issue"),
        sa.Column("node_id", sa.String(length=255), nullable=True, comment="GitHub's GraphQL id"),
        sa.Column("number", sa.Integer(), nullable=False, comment="Number within the repository"),
        sa.Column("title", sa.Text(), nullable=False, comment="Title"),
        sa.Column("body", sa.Text(), nullable=True, comment="Description, as Markdown"),
        sa.Column("state", sa.String(length=50), nullable=False, comment="open or closed"),
        sa.Column(
            "state_reason", sa.String(length=50), nullable=True, comment="completed, not_planned, reopened, duplicate"
        ),
        sa.Column("html_url", sa.Text(), nullable=True, comment="Page on GitHub"),
        sa.Column(
            "labels",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=True,
            comment="[{id,name,color,description}] in GitHub's order",
        ),
        sa.Column(
            "assignees",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=True,
            comment="[{id,login}] in GitHub's order",
        ),
        sa.Column(
            "milestone",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="{id,number,title,state,due_on}",
        ),
        sa.Column(
            "locked", sa.Boolean(), server_default=sa.text("false"), nullable=True, comment="Conversation is locked"
        ),
        sa.Column("comments_count", sa.Integer(), nullable=True, comment="Number of comments"),
        sa.Column(
            "metadata",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=True,
            comment="type, sub-issue and dependency summaries, where GitHub reports them",
        ),
        sa.Column("created_by", sa.String(length=255), nullable=True, comment="Login of the author"),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When it was opened"),
        sa.Column("closed_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When it was closed"),
        sa.Column(
            "transferred_to",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="{repository_github_id,github_id,number} of the issue it became",
        ),
        sa.Column(
            "updated_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When GitHub last changed it, by GitHub's clock; null while unknown",
        ),
        sa.Column(
            "observed_at",
            sa.TIMESTAMP(timezone=True),
            nullable=False,
            comment="When GitHub held this state; breaks ties of updated_at",
        ),
        sa.Column("observed_by", sa.String(length=10), nullable=False, comment="What observed_at was read from"),
        sa.Column(
            "synced_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=True,
            comment="When this row was last written",
        ),
        sa.Column("sync_source", sa.String(length=20), nullable=False, comment="The door the last write came through"),
        sa.Column(
            "verified_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When GitHub's API last confirmed this row",
        ),
        sa.Column(
            "deleted_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When it was gone from GitHub; null while it is there",
        ),
        sa.CheckConstraint("observed_by IN ('guid', 'arrival', 'api')", name=op.f("github_issues_observed_by_check")),
        sa.CheckConstraint(
            "sync_source IN ('webhook', 'backfill', 'reconcile', 'resync', 'replay')",
            name=op.f("github_issues_sync_source_check"),
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
    op.create_index("idx_github_issues_number", "github_issues", ["number"], unique=False)
    op.create_index("idx_github_issues_repo_id", "github_issues", ["repository_id"], unique=False)
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
    op.create_index("idx_github_issues_state", "github_issues", ["state"], unique=False)
    op.create_index(
        "idx_github_issues_transferred_to",
        "github_issues",
        [sa.literal_column("(transferred_to ->> 'repository_github_id')")],
        unique=False,
        postgresql_where=sa.text("transferred_to IS NOT NULL"),
    )
    op.create_table(
        "github_labels",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column("repository_id", sa.UUID(as_uuid=False), nullable=False, comment="Its repository"),
        sa.Column("github_id", sa.String(length=255), nullable=False, comment="GitHub's numeric id"),
        sa.Column("node_id", sa.String(length=255), nullable=True, comment="GitHub's GraphQL id"),
        sa.Column("name", sa.Text(), nullable=False, comment="Name"),
        sa.Column("color", sa.String(length=50), nullable=True, comment="Six hexadecimal digits"),
        sa.Column("description", sa.Text(), nullable=True, comment="Description"),
        sa.Column(
            "is_default",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=True,
            comment="One of GitHub's own labels",
        ),
        sa.Column(
            "updated_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When GitHub last changed it, by GitHub's clock; null while unknown",
        ),
        sa.Column(
            "observed_at",
            sa.TIMESTAMP(timezone=True),
            nullable=False,
            comment="When GitHub held this state; breaks ties of updated_at",
        ),
        sa.Column("observed_by", sa.String(length=10), nullable=False, comment="What observed_at was read from"),
        sa.Column(
            "synced_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=True,
            comment="When this row was last written",
        ),
        sa.Column("sync_source", sa.String(length=20), nullable=False, comment="The door the last write came through"),
        sa.Column(
            "verified_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When GitHub's API last confirmed this row",
        ),
        sa.Column(
            "deleted_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When it was gone from GitHub; null while it is there",
        ),
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
    op.create_index(op.f("idx_github_labels_repository_id"), "github_labels", ["repository_id"], unique=False)
    op.create_table(
        "github_milestones",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column("repository_id", sa.UUID(as_uuid=False), nullable=False, comment="Its repository"),
        sa.Column("github_id", sa.String(length=255), nullable=False, comment="GitHub's numeric id"),
        sa.Column("node_id", sa.String(length=255), nullable=True, comment="GitHub's GraphQL id"),
        sa.Column("number", sa.Integer(), nullable=False, comment="Number within the repository"),
        sa.Column("title", sa.Text(), nullable=False, comment="Title"),
        sa.Column("description", sa.Text(), nullable=True, comment="Description"),
        sa.Column("state", sa.String(length=50), nullable=False, comment="open or closed"),
        sa.Column("html_url", sa.Text(), nullable=True, comment="Page on GitHub"),
        sa.Column("created_by", sa.String(length=255), nullable=True, comment="Login of the creator"),
        sa.Column("due_on", sa.TIMESTAMP(timezone=True), nullable=True, comment="When it is due"),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When it was created on GitHub"),
        sa.Column("closed_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When it was closed"),
        sa.Column(
            "updated_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When GitHub last changed it, by GitHub's clock; null while unknown",
        ),
        sa.Column(
            "observed_at",
            sa.TIMESTAMP(timezone=True),
            nullable=False,
            comment="When GitHub held this state; breaks ties of updated_at",
        ),
        sa.Column("observed_by", sa.String(length=10), nullable=False, comment="What observed_at was read from"),
        sa.Column(
            "synced_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=True,
            comment="When this row was last written",
        ),
        sa.Column("sync_source", sa.String(length=20), nullable=False, comment="The door the last write came through"),
        sa.Column(
            "verified_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When GitHub's API last confirmed this row",
        ),
        sa.Column(
            "deleted_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When it was gone from GitHub; null while it is there",
        ),
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
    op.create_index(op.f("idx_github_milestones_repository_id"), "github_milestones", ["repository_id"], unique=False)
    op.create_table(
        "github_pull_requests",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column("repository_id", sa.UUID(as_uuid=False), nullable=False, comment="Its repository"),
        sa.Column(
            "github_id", sa.String(length=255), nullable=False, comment="GitHub's numeric id of the pull request"
        ),
        sa.Column("node_id", sa.String(length=255), nullable=True, comment="GitHub's GraphQL id"),
        sa.Column("number", sa.Integer(), nullable=False, comment="Number within the repository"),
        sa.Column("title", sa.Text(), nullable=False, comment="Title"),
        sa.Column("body", sa.Text(), nullable=True, comment="Description, as Markdown"),
        sa.Column("state", sa.String(length=50), nullable=False, comment="open or closed"),
        sa.Column("html_url", sa.Text(), nullable=True, comment="Page on GitHub"),
        sa.Column("head_ref", sa.String(length=255), nullable=True, comment="Branch with the changes"),
        sa.Column("head_sha", sa.String(length=64), nullable=True, comment="Its newest commit"),
        sa.Column(
            "head_repository_id",
            sa.String(length=255),
            nullable=True,
            comment="GitHub's id of the head's repository, for ever",
        ),
        sa.Column("base_ref", sa.String(length=255), nullable=True, comment="Branch it goes into"),
        sa.Column(
            "base_sha",
            sa.String(length=64),
            nullable=True,
            comment="That branch's commit, as the pull request knows it",
        ),
        sa.Column("draft", sa.Boolean(), server_default=sa.text("false"), nullable=True, comment="Is a draft"),
        sa.Column("merged", sa.Boolean(), server_default=sa.text("false"), nullable=True, comment="Was merged; final"),
        sa.Column(
            "merged_into_default",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=True,
            comment="Was merged into the default branch of that time; final",
        ),
        sa.Column(
            "mergeable",
            sa.Boolean(),
            sa.Computed(
                "CASE WHEN NOT merged AND reported_head_sha = head_sha AND reported_base_sha = base_sha THEN reported_mergeable END",
                persisted=True,
            ),
            nullable=True,
            comment="The newest report that holds for this head and base; null while unknown",
        ),
        sa.Column(
            "mergeable_state",
            sa.String(length=50),
            sa.Computed(
                "CASE WHEN NOT merged AND reported_head_sha = head_sha AND reported_base_sha = base_sha AND reported_mergeable IS NOT NULL THEN reported_mergeable_state ELSE 'unknown' END",
                persisted=True,
            ),
            nullable=True,
            comment="GitHub's word for it (clean, dirty, blocked, behind, unstable, ...); unknown while unknown",
        ),
        sa.Column(
            "reported_mergeable",
            sa.Boolean(),
            nullable=True,
            comment="mergeable of the newest report that was not null",
        ),
        sa.Column(
            "reported_mergeable_state", sa.String(length=50), nullable=True, comment="mergeable_state of that report"
        ),
        sa.Column("reported_head_sha", sa.String(length=64), nullable=True, comment="head_sha of that report"),
        sa.Column("reported_base_sha", sa.String(length=64), nullable=True, comment="base_sha of that report"),
        sa.Column("reported_base_ref", sa.String(length=255), nullable=True, comment="base_ref of that report"),
        sa.Column(
            "mergeability_updated_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="updated_at of the payload that last reported the mergeability columns",
        ),
        sa.Column(
            "mergeability_observed_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="observed_at of the payload that last reported the mergeability columns",
        ),
        sa.Column(
            "labels",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=True,
            comment="[{id,name,color,description}] in GitHub's order",
        ),
        sa.Column(
            "assignees",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=True,
            comment="[{id,login}] in GitHub's order",
        ),
        sa.Column(
            "reviewers",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=True,
            comment="[{id,login}] of those asked for review and not heard yet",
        ),
        sa.Column(
            "requested_teams",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=True,
            comment="[{id,slug}] of the teams asked for review",
        ),
        sa.Column(
            "milestone",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="{id,number,title,state,due_on}",
        ),
        sa.Column(
            "auto_merge",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="{merge_method,enabled_by} while auto-merge is on",
        ),
        sa.Column(
            "locked", sa.Boolean(), server_default=sa.text("false"), nullable=True, comment="Conversation is locked"
        ),
        sa.Column("merge_commit_sha", sa.String(length=64), nullable=True, comment="The merge commit, once merged"),
        sa.Column("merged_by", sa.String(length=255), nullable=True, comment="Login of who merged it"),
        sa.Column("additions", sa.Integer(), nullable=True, comment="Lines added"),
        sa.Column("deletions", sa.Integer(), nullable=True, comment="Lines deleted"),
        sa.Column("changed_files", sa.Integer(), nullable=True, comment="Files changed"),
        sa.Column("commits", sa.Integer(), nullable=True, comment="Commits"),
        sa.Column("review_comments_count", sa.Integer(), nullable=True, comment="Number of review comments"),
        sa.Column(
            "stats_updated_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="updated_at of the payload that last reported the stats columns",
        ),
        sa.Column(
            "stats_observed_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="observed_at of the payload that last reported the stats columns",
        ),
        sa.Column("comments_count", sa.Integer(), nullable=True, comment="Number of comments on the conversation"),
        sa.Column(
            "comments_updated_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="updated_at of the payload that last reported the comments columns",
        ),
        sa.Column(
            "comments_observed_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="observed_at of the payload that last reported the comments columns",
        ),
        sa.Column("created_by", sa.String(length=255), nullable=True, comment="Login of the author"),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When it was opened"),
        sa.Column("merged_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When it was merged"),
        sa.Column("closed_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When it was closed or merged"),
        sa.Column(
            "updated_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When GitHub last changed it, by GitHub's clock; null while unknown",
        ),
        sa.Column(
            "observed_at",
            sa.TIMESTAMP(timezone=True),
            nullable=False,
            comment="When GitHub held this state; breaks ties of updated_at",
        ),
        sa.Column("observed_by", sa.String(length=10), nullable=False, comment="What observed_at was read from"),
        sa.Column(
            "synced_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=True,
            comment="When this row was last written",
        ),
        sa.Column("sync_source", sa.String(length=20), nullable=False, comment="The door the last write came through"),
        sa.Column(
            "verified_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When GitHub's API last confirmed this row",
        ),
        sa.Column(
            "deleted_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When it was gone from GitHub; null while it is there",
        ),
        sa.CheckConstraint("NOT merged OR state = 'closed'", name=op.f("github_pull_requests_merged_is_closed_check")),
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
    op.create_index("idx_github_prs_head_sha", "github_pull_requests", ["head_sha"], unique=False)
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
    op.create_index("idx_github_prs_state", "github_pull_requests", ["state"], unique=False)
    op.create_table(
        "github_repository_aliases",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column("repository_id", sa.UUID(as_uuid=False), nullable=False, comment="The repository"),
        sa.Column(
            "full_name", sa.String(length=255), nullable=False, comment="A name it was seen under, the present one too"
        ),
        sa.Column(
            "first_observed_at",
            sa.TIMESTAMP(timezone=True),
            nullable=False,
            comment="Since when GitHub is known to have used that name",
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
    op.create_index(
        op.f("idx_github_repository_aliases_repository_id"),
        "github_repository_aliases",
        ["repository_id"],
        unique=False,
    )
    op.create_table(
        "github_reviews",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column("repository_id", sa.UUID(as_uuid=False), nullable=False, comment="Its repository"),
        sa.Column("github_id", sa.String(length=255), nullable=False, comment="GitHub's numeric id"),
        sa.Column("node_id", sa.String(length=255), nullable=True, comment="GitHub's GraphQL id"),
        sa.Column("number", sa.Integer(), nullable=False, comment="Number of the pull request"),
        sa.Column("author", sa.String(length=255), nullable=True, comment="Login of the reviewer"),
        sa.Column(
            "state", sa.String(length=50), nullable=False, comment="approved, changes_requested, commented, dismissed"
        ),
        sa.Column("body", sa.Text(), nullable=True, comment="Text, as Markdown"),
        sa.Column("html_url", sa.Text(), nullable=True, comment="Page on GitHub"),
        sa.Column("commit_sha", sa.String(length=64), nullable=True, comment="Commit that was reviewed"),
        sa.Column(
            "author_association",
            sa.String(length=50),
            nullable=True,
            comment="The reviewer's standing in the repository",
        ),
        sa.Column("submitted_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When it was submitted"),
        sa.Column(
            "updated_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When GitHub last changed it, by GitHub's clock; null while unknown",
        ),
        sa.Column(
            "observed_at",
            sa.TIMESTAMP(timezone=True),
            nullable=False,
            comment="When GitHub held this state; breaks ties of updated_at",
        ),
        sa.Column("observed_by", sa.String(length=10), nullable=False, comment="What observed_at was read from"),
        sa.Column(
            "synced_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=True,
            comment="When this row was last written",
        ),
        sa.Column("sync_source", sa.String(length=20), nullable=False, comment="The door the last write came through"),
        sa.Column(
            "verified_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When GitHub's API last confirmed this row",
        ),
        sa.Column(
            "deleted_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When it was gone from GitHub; null while it is there",
        ),
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
    op.create_index(op.f("idx_github_reviews_repository_id"), "github_reviews", ["repository_id"], unique=False)


def downgrade() -> None:
    op.drop_table("github_reviews")
    op.drop_table("github_repository_aliases")
    op.drop_table("github_pull_requests")
    op.drop_table("github_milestones")
    op.drop_table("github_labels")
    op.drop_table("github_issues")
    op.drop_table("github_commit_statuses")
    op.drop_table("github_comments")
    op.drop_table("github_check_runs")
    op.drop_table("github_branches")
    op.drop_table("github_repositories")
    op.drop_table("github_installations")
