"""Tracking, links, the change feed and the audit log."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
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
        sa.Column("entity_id", sa.UUID(as_uuid=False), nullable=False, comment="Row that changed"),
        sa.Column("repository_id", sa.UUID(as_uuid=False), nullable=True, comment="Its repository"),
        sa.Column("number", sa.Integer(), nullable=True, comment="Number of the issue or pull request"),
        sa.Column("operation", sa.String(length=10), nullable=False, comment="What happened to the row"),
        sa.Column(
            "old_values",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="Changed fields before; null for a new row",
        ),
        sa.Column(
            "new_values",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="Changed fields after; all fields of a new row",
        ),
        sa.Column("sync_source", sa.String(length=20), nullable=False, comment="The door it came through"),
        sa.Column("observed_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When GitHub held the new state"),
        sa.Column(
            "created_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When it was written",
        ),
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
    op.create_index("idx_change_events_repository_id", "change_events", ["repository_id", "seq"], unique=False)
    op.create_table(
        "github_mentions",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column("repository_id", sa.UUID(as_uuid=False), nullable=False, comment="Repository of the text"),
        sa.Column("kind", sa.String(length=20), nullable=False, comment="Whose text it is: issue or pull_request"),
        sa.Column("number", sa.Integer(), nullable=False, comment="Number of the issue or pull request with the text"),
        sa.Column("source", sa.String(length=30), nullable=False, comment="How the text says it"),
        sa.Column(
            "task", sa.String(length=36), nullable=True, comment="Task named by its id or its first eight characters"
        ),
        sa.Column(
            "target_name",
            sa.String(length=255),
            nullable=True,
            comment="owner/name of the issue; null for the same repository",
        ),
        sa.Column("target_number", sa.Integer(), nullable=True, comment="Number of the issue"),
        sa.Column("evidence", sa.Text(), nullable=True, comment="The words"),
        sa.Column(
            "observed_at",
            sa.TIMESTAMP(timezone=True),
            nullable=False,
            comment="When the text said so; decides whose name target_name was",
        ),
        sa.CheckConstraint("kind IN ('issue', 'pull_request')", name=op.f("github_mentions_kind_check")),
        sa.CheckConstraint(
            "source IN ('manual', 'external', 'task_trailer', 'branch', 'closing_reference', 'closing_keyword', 'cross_reference')",
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
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column("task_id", sa.UUID(as_uuid=False), nullable=False, comment="The task"),
        sa.Column(
            "repository_id", sa.UUID(as_uuid=False), nullable=False, comment="Repository of the issue or pull request"
        ),
        sa.Column("kind", sa.String(length=20), nullable=False, comment="issue or pull_request"),
        sa.Column("number", sa.Integer(), nullable=False, comment="Its number within the repository"),
        sa.Column("source", sa.String(length=30), nullable=False, comment="Why they belong together"),
        sa.Column("confidence", sa.Numeric(precision=3, scale=2), nullable=False, comment="How surely, 0 to 1"),
        sa.Column("evidence", sa.Text(), nullable=True, comment="The words or the person that say so"),
        sa.Column(
            "created_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When the link was found",
        ),
        sa.CheckConstraint("kind IN ('issue', 'pull_request')", name=op.f("task_github_links_kind_check")),
        sa.CheckConstraint(
            "source IN ('manual', 'external', 'task_trailer', 'branch', 'closing_reference', 'closing_keyword', 'cross_reference')",
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
        "audit_logs",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column("user_id", sa.UUID(as_uuid=False), nullable=True, comment="The user who acted, when it was one"),
        sa.Column("organization_id", sa.UUID(as_uuid=False), nullable=True, comment="The organization it happened in"),
        sa.Column("action", sa.String(length=255), nullable=False, comment="What was done, such as delivery.replayed"),
        sa.Column("resource_type", sa.String(length=100), nullable=False, comment="Kind of thing it was done to"),
        sa.Column(
            "resource_id", sa.UUID(as_uuid=False), nullable=True, comment="Key of that thing, when it has a UUID"
        ),
        sa.Column(
            "old_values",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="Values of the changed fields before",
        ),
        sa.Column(
            "new_values",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="Values of the changed fields after",
        ),
        sa.Column("ip_address", postgresql.INET(), nullable=True, comment="Address the act came from"),
        sa.Column("user_agent", sa.Text(), nullable=True, comment="Program the act came from"),
        sa.Column(
            "created_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=True,
            comment="When it happened",
        ),
        sa.Column(
            "entity_name",
            sa.String(length=255),
            nullable=True,
            comment="Name of the thing for people: a GUID, owner/name",
        ),
        sa.Column(
            "action_category",
            sa.String(length=50),
            server_default="data",
            nullable=False,
            comment="Sort of act: data, security, configuration, ...",
        ),
        sa.Column(
            "action_result", sa.String(length=50), server_default="success", nullable=True, comment="How the act ended"
        ),
        sa.Column(
            "changed_fields",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=True,
            comment="Names of the changed fields",
        ),
        sa.Column(
            "actor_type",
            sa.String(length=50),
            server_default="user",
            nullable=False,
            comment="Sort of actor: user, agent, system, ...",
        ),
        sa.Column(
            "actor_id", sa.String(length=255), nullable=True, comment="Id of the actor in the actor's own system"
        ),
        sa.Column("actor_name", sa.String(length=255), nullable=True, comment="Name of the actor for people"),
        sa.Column("session_id", sa.UUID(as_uuid=False), nullable=True, comment="The agent session that acted"),
        sa.Column("workflow_id", sa.UUID(as_uuid=False), nullable=True, comment="The workflow it was part of"),
        sa.Column("task_id", sa.UUID(as_uuid=False), nullable=True, comment="The task it was part of"),
        sa.Column("request_id", sa.String(length=255), nullable=True, comment="Id of the request that caused it"),
        sa.Column(
            "correlation_id",
            sa.String(length=255),
            nullable=True,
            comment="Id shared by everything one cause brought about",
        ),
        sa.Column("request_method", sa.String(length=10), nullable=True, comment="HTTP method of the request"),
        sa.Column("request_url", sa.Text(), nullable=True, comment="URL of the request"),
        sa.Column("duration_ms", sa.Integer(), nullable=True, comment="How long it took, in milliseconds"),
        sa.Column("error_code", sa.String(length=50), nullable=True, comment="Code of the error, when it failed"),
        sa.Column("error_message", sa.Text(), nullable=True, comment="The error in a sentence"),
        sa.Column("error_stack", sa.Text(), nullable=True, comment="The error's traceback"),
        sa.Column(
            "compliance_tags",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=True,
            comment="Rules the act matters to",
        ),
        sa.Column(
            "security_level",
            sa.String(length=20),
            server_default="normal",
            nullable=True,
            comment="How much it matters",
        ),
        sa.Column(
            "data_classification",
            sa.String(length=20),
            server_default="internal",
            nullable=True,
            comment="How confidential the values are",
        ),
        sa.Column(
            "metadata",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=True,
            comment="Anything else",
        ),
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
    op.create_table(
        "pr_tracking",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column("repository_id", sa.UUID(as_uuid=False), nullable=False, comment="Its repository"),
        sa.Column("pull_request_id", sa.UUID(as_uuid=False), nullable=False, comment="The mirrored pull request"),
        sa.Column("pr_number", sa.Integer(), nullable=False, comment="Number within the repository"),
        sa.Column("pr_url", sa.String(length=500), nullable=False, comment="Page on GitHub"),
        sa.Column(
            "repository_name", sa.String(length=255), nullable=False, comment="owner/name today; follows renames"
        ),
        sa.Column("repository_url", sa.String(length=500), nullable=True, comment="The repository's page on GitHub"),
        sa.Column("title", sa.String(length=500), nullable=False, comment="Title"),
        sa.Column("description", sa.Text(), nullable=True, comment="Description, as Markdown"),
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
        sa.Column(
            "merge_status",
            sa.String(length=50),
            server_default="pending",
            nullable=True,
            comment="Whether it can be merged",
        ),
        sa.Column(
            "review_status", sa.String(length=50), server_default="pending", nullable=True, comment="What reviewers say"
        ),
        sa.Column(
            "ci_status",
            sa.String(length=50),
            server_default="pending",
            nullable=True,
            comment="What checks of the head say",
        ),
        sa.Column("test_coverage_percentage", sa.Numeric(precision=5, scale=2), nullable=True, comment="0 to 100"),
        sa.Column(
            "quality_score",
            sa.Numeric(precision=5, scale=2),
            nullable=True,
            comment="0 to 100; null while nothing is known",
        ),
        sa.Column(
            "security_scan_status",
            sa.String(length=50),
            server_default="pending",
            nullable=True,
            comment="What security scans say",
        ),
        sa.Column("lines_added", sa.Integer(), server_default="0", nullable=True, comment="Lines added"),
        sa.Column("lines_deleted", sa.Integer(), server_default="0", nullable=True, comment="Lines deleted"),
        sa.Column("files_changed", sa.Integer(), server_default="0", nullable=True, comment="Files changed"),
        sa.Column("commits_count", sa.Integer(), server_default="0", nullable=True, comment="Commits"),
        sa.Column("workflow_id", sa.UUID(as_uuid=False), nullable=True, comment="Workflow of the task"),
        sa.Column("task_id", sa.UUID(as_uuid=False), nullable=True, comment="Task this pull request works on"),
        sa.Column("created_by_session_id", sa.UUID(as_uuid=False), nullable=True, comment="Session of the task"),
        sa.Column(
            "created_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=True,
            comment="When it was opened",
        ),
        sa.Column(
            "updated_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=True,
            comment="When GitHub last changed it",
        ),
        sa.Column("merged_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When it was merged"),
        sa.Column("closed_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When it was closed or merged"),
        sa.Column("author", sa.String(length=255), nullable=True, comment="Login of the author"),
        sa.Column(
            "assignees",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=True,
            comment="[{id,login}]",
        ),
        sa.Column(
            "reviewers",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=True,
            comment="[{login,state,submitted_at}] of everyone asked or heard",
        ),
        sa.Column(
            "labels",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=True,
            comment="[{id,name,color,description}]",
        ),
        sa.Column(
            "metadata",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=True,
            comment="Facts that have no column of their own",
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

    op.execute("INSERT INTO change_feed DEFAULT VALUES")


def downgrade() -> None:
    op.drop_table("pr_tracking")
    op.drop_table("audit_logs")
    op.drop_table("task_github_links")
    op.drop_table("github_mentions")
    op.drop_table("change_events")
    op.drop_table("change_feed")
