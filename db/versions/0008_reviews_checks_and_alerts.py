"""Check suites, workflow runs, review threads and security alerts; comments on lines; the Apps of check runs."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "github_check_suites",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column("repository_id", sa.UUID(as_uuid=False), nullable=False, comment="Its repository"),
        sa.Column("github_id", sa.String(length=255), nullable=False, comment="GitHub's numeric id"),
        sa.Column("node_id", sa.String(length=255), nullable=True, comment="GitHub's GraphQL id"),
        sa.Column("head_sha", sa.String(length=64), nullable=False, comment="Commit that is checked"),
        sa.Column(
            "head_branch", sa.String(length=255), nullable=True, comment="Branch that was pushed; null for a fork's"
        ),
        sa.Column("app_id", sa.String(length=255), nullable=True, comment="GitHub's id of the App that it belongs to"),
        sa.Column("app_slug", sa.String(length=255), nullable=True, comment="That App's name in addresses"),
        sa.Column(
            "status", sa.String(length=50), nullable=True, comment="requested, queued, in_progress, completed, ..."
        ),
        sa.Column(
            "conclusion",
            sa.String(length=50),
            nullable=True,
            comment="success, failure, neutral, ...; null until completed",
        ),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When it was made"),
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
    op.create_index(
        op.f("idx_github_check_suites_repository_id"), "github_check_suites", ["repository_id"], unique=False
    )
    op.create_table(
        "github_review_threads",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column("repository_id", sa.UUID(as_uuid=False), nullable=False, comment="Its repository"),
        sa.Column(
            "node_id", sa.String(length=255), nullable=False, comment="GitHub's GraphQL id; a thread has no other"
        ),
        sa.Column("number", sa.Integer(), nullable=False, comment="Number of the pull request"),
        sa.Column("path", sa.Text(), nullable=True, comment="File that it is about"),
        sa.Column("line", sa.Integer(), nullable=True, comment="Line that it was begun on; null for a whole file"),
        sa.Column("first_comment_id", sa.String(length=255), nullable=True, comment="GitHub's id of its first comment"),
        sa.Column("resolved", sa.Boolean(), nullable=False, comment="Is settled"),
        sa.Column("resolved_by", sa.String(length=255), nullable=True, comment="Login of who settled it"),
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
    op.create_index(
        op.f("idx_github_review_threads_repository_id"), "github_review_threads", ["repository_id"], unique=False
    )
    op.create_table(
        "github_security_alerts",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column("repository_id", sa.UUID(as_uuid=False), nullable=False, comment="Its repository"),
        sa.Column("kind", sa.String(length=20), nullable=False, comment="Which of GitHub's scanners found it"),
        sa.Column("number", sa.Integer(), nullable=False, comment="Number within the repository and the kind"),
        sa.Column(
            "state", sa.String(length=50), nullable=False, comment="open, fixed, dismissed, auto_dismissed or resolved"
        ),
        sa.Column(
            "severity",
            sa.String(length=50),
            nullable=True,
            comment="critical, high, medium, low; or error, warning, note",
        ),
        sa.Column("rule", sa.Text(), nullable=True, comment="Rule, advisory or type of secret"),
        sa.Column("tool", sa.String(length=255), nullable=True, comment="Tool that found it"),
        sa.Column("summary", sa.Text(), nullable=True, comment="What it is, in a line"),
        sa.Column(
            "ref",
            sa.Text(),
            nullable=True,
            comment="Where code scanning saw it last: refs/heads/... or refs/pull/N/merge",
        ),
        sa.Column(
            "commit_sha", sa.String(length=64), nullable=True, comment="Commit at which code scanning saw it last"
        ),
        sa.Column(
            "pull_request_number", sa.Integer(), nullable=True, comment="The pull request that ref names, if it does"
        ),
        sa.Column("html_url", sa.Text(), nullable=True, comment="Page on GitHub"),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When it was found"),
        sa.Column(
            "closed_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When it was fixed, dismissed or resolved"
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
    op.create_index(
        op.f("idx_github_security_alerts_repository_id"), "github_security_alerts", ["repository_id"], unique=False
    )
    op.create_table(
        "github_workflow_runs",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column("repository_id", sa.UUID(as_uuid=False), nullable=False, comment="Its repository"),
        sa.Column(
            "github_id",
            sa.String(length=255),
            nullable=False,
            comment="GitHub's numeric id; the same for every attempt",
        ),
        sa.Column("node_id", sa.String(length=255), nullable=True, comment="GitHub's GraphQL id"),
        sa.Column("workflow_id", sa.String(length=255), nullable=True, comment="GitHub's id of the workflow"),
        sa.Column("name", sa.Text(), nullable=True, comment="Name of the workflow"),
        sa.Column("event", sa.String(length=255), nullable=True, comment="What triggered it: push, pull_request, ..."),
        sa.Column("head_sha", sa.String(length=64), nullable=False, comment="Commit that it runs on"),
        sa.Column("head_branch", sa.String(length=255), nullable=True, comment="Branch that it runs on"),
        sa.Column("run_number", sa.Integer(), nullable=True, comment="Number within the workflow"),
        sa.Column("run_attempt", sa.Integer(), nullable=True, comment="How often it was run, as far as known"),
        sa.Column(
            "status",
            sa.String(length=50),
            nullable=True,
            comment="requested, waiting, queued, in_progress, completed, ...",
        ),
        sa.Column(
            "conclusion",
            sa.String(length=50),
            nullable=True,
            comment="success, failure, action_required, ...; null until completed",
        ),
        sa.Column(
            "check_suite_id",
            sa.String(length=255),
            nullable=True,
            comment="GitHub's id of the suite that holds its checks",
        ),
        sa.Column("html_url", sa.Text(), nullable=True, comment="Page on GitHub"),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When it was made"),
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
    op.create_index(
        op.f("idx_github_workflow_runs_repository_id"), "github_workflow_runs", ["repository_id"], unique=False
    )
    op.add_column(
        "github_check_runs",
        sa.Column("app_id", sa.String(length=255), nullable=True, comment="GitHub's id of the App that ran it"),
    )
    op.alter_column(
        "github_check_runs",
        "app_slug",
        existing_type=sa.VARCHAR(length=255),
        comment="That App's name in addresses",
        existing_comment="App that ran it",
        existing_nullable=True,
    )
    op.alter_column(
        "github_check_runs",
        "status",
        existing_type=sa.VARCHAR(length=50),
        comment="queued, in_progress or completed, as a rule",
        existing_comment="queued, in_progress or completed",
        existing_nullable=False,
    )
    op.create_table_comment(
        "github_check_runs",
        "Check runs, joined by head commit; superseded attempts are kept",
        existing_comment="Check runs, joined by head commit",
        schema=None,
    )
    op.add_column(
        "github_comments",
        sa.Column(
            "review_id",
            sa.String(length=255),
            nullable=True,
            comment="GitHub's id of the review that a comment on a line is part of",
        ),
    )
    op.add_column(
        "github_comments",
        sa.Column(
            "in_reply_to_id",
            sa.String(length=255),
            nullable=True,
            comment="GitHub's id of the first comment of its thread",
        ),
    )
    op.add_column(
        "github_comments", sa.Column("path", sa.Text(), nullable=True, comment="File that a comment on a line is about")
    )
    op.add_column(
        "github_comments",
        sa.Column("line", sa.Integer(), nullable=True, comment="Line that it was made on; null for a whole file"),
    )
    op.add_column(
        "github_comments",
        sa.Column("commit_sha", sa.String(length=64), nullable=True, comment="Commit that it was made on"),
    )


def downgrade() -> None:
    op.drop_column("github_comments", "commit_sha")
    op.drop_column("github_comments", "line")
    op.drop_column("github_comments", "path")
    op.drop_column("github_comments", "in_reply_to_id")
    op.drop_column("github_comments", "review_id")
    op.create_table_comment(
        "github_check_runs",
        "Check runs, joined by head commit",
        existing_comment="Check runs, joined by head commit; superseded attempts are kept",
        schema=None,
    )
    op.alter_column(
        "github_check_runs",
        "status",
        existing_type=sa.VARCHAR(length=50),
        comment="queued, in_progress or completed",
        existing_comment="queued, in_progress or completed, as a rule",
        existing_nullable=False,
    )
    op.alter_column(
        "github_check_runs",
        "app_slug",
        existing_type=sa.VARCHAR(length=255),
        comment="App that ran it",
        existing_comment="That App's name in addresses",
        existing_nullable=True,
    )
    op.drop_column("github_check_runs", "app_id")
    op.drop_index(op.f("idx_github_workflow_runs_repository_id"), table_name="github_workflow_runs")
    op.drop_index("idx_github_workflow_runs_head_sha", table_name="github_workflow_runs")
    op.drop_table("github_workflow_runs")
    op.drop_index(op.f("idx_github_security_alerts_repository_id"), table_name="github_security_alerts")
    op.drop_index(
        "idx_github_security_alerts_open",
        table_name="github_security_alerts",
        postgresql_where=sa.text("state = 'open' AND deleted_at IS NULL"),
    )
    op.drop_table("github_security_alerts")
    op.drop_index(op.f("idx_github_review_threads_repository_id"), table_name="github_review_threads")
    op.drop_index("idx_github_review_threads_number", table_name="github_review_threads")
    op.drop_table("github_review_threads")
    op.drop_index(op.f("idx_github_check_suites_repository_id"), table_name="github_check_suites")
    op.drop_index("idx_github_check_suites_head_sha", table_name="github_check_suites")
    op.drop_table("github_check_suites")
