"""The inbox, the work that is due and the history of runs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="Key, in order of arrival"),
        sa.Column("hook_target", sa.Text(), nullable=False, comment="Who was hooked: type:id of the hook's target"),
        sa.Column("guid", sa.Text(), nullable=False, comment="X-GitHub-Delivery; the same for every redelivery"),
        sa.Column("event", sa.Text(), nullable=False, comment="X-GitHub-Event"),
        sa.Column("action", sa.Text(), nullable=True, comment="action of the payload"),
        sa.Column("repository", sa.Text(), nullable=True, comment="full_name of the payload's repository"),
        sa.Column("installation_id", sa.Text(), nullable=True, comment="GitHub's id of the payload's installation"),
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
            "next_attempt_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When it may be projected (again)",
        ),
        sa.Column("last_error", sa.Text(), nullable=True, comment="What the last failure said"),
        sa.Column(
            "received_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When it arrived",
        ),
        sa.Column(
            "processed_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When it was projected, ignored or parked",
        ),
        sa.Column(
            "headers",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
            comment="Request headers, names in lower case",
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
    # Payloads are written once and read once: compressing them costs more than it saves.
    op.execute("ALTER TABLE webhook_deliveries ALTER COLUMN body SET STORAGE EXTERNAL")
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
    op.create_table(
        "sync_jobs",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column("kind", sa.String(length=50), nullable=False, comment="What is to be done"),
        sa.Column("key", sa.Text(), nullable=False, comment="What it is about; with kind unique"),
        sa.Column("repository_id", sa.UUID(as_uuid=False), nullable=True, comment="Repository it is about"),
        sa.Column("priority", sa.Integer(), server_default="10", nullable=False, comment="Smaller is sooner"),
        sa.Column(
            "due_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When it is due",
        ),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False, comment="Failures so far"),
        sa.Column("reason", sa.Text(), nullable=True, comment="Why it became due first"),
        sa.Column("last_error", sa.Text(), nullable=True, comment="What the last failure said"),
        sa.Column(
            "parked_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="Since when it has failed too often to be tried; null until then",
        ),
        sa.Column(
            "payload",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=True,
            comment="What the job needs besides its key",
        ),
        sa.Column(
            "created_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When it became known",
        ),
        sa.CheckConstraint(
            "kind IN ('refetch_installation', 'refetch_repository', 'refetch_issue', 'refetch_pull_request', 'refetch_comment', 'refetch_checks', 'link_task', 'track_pull_request', 'backfill', 'sweep', 'heal', 'audit', 'purge')",
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
    op.create_index(op.f("idx_sync_jobs_repository_id"), "sync_jobs", ["repository_id"], unique=False)
    op.create_table(
        "sync_runs",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column(
            "kind",
            sa.String(length=50),
            nullable=False,
            comment="backfill, resync, sweep, heal, audit, refetch (an hour of them is one run)",
        ),
        sa.Column("installation_id", sa.UUID(as_uuid=False), nullable=True, comment="Installation it ran for"),
        sa.Column("repository_id", sa.UUID(as_uuid=False), nullable=True, comment="Repository it ran for"),
        sa.Column("status", sa.String(length=20), server_default="running", nullable=False, comment="State"),
        sa.Column(
            "claim",
            sa.UUID(as_uuid=False),
            nullable=True,
            comment="Whoever is on it; another one when another process goes on",
        ),
        sa.Column(
            "cursor",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=True,
            comment="Where it goes on after a stop",
        ),
        sa.Column("requests", sa.Integer(), server_default="0", nullable=False, comment="API requests it cost"),
        sa.Column("points", sa.Integer(), server_default="0", nullable=False, comment="GraphQL points it cost"),
        sa.Column("rows_seen", sa.Integer(), server_default="0", nullable=False, comment="Rows it read"),
        sa.Column("rows_written", sa.Integer(), server_default="0", nullable=False, comment="Rows it changed"),
        sa.Column("last_error", sa.Text(), nullable=True, comment="What stopped it"),
        sa.Column(
            "started_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When it started",
        ),
        sa.Column("finished_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When it ended"),
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
    op.create_index(op.f("idx_sync_runs_installation_id"), "sync_runs", ["installation_id"], unique=False)
    op.create_index(
        "idx_sync_runs_repository_id", "sync_runs", ["repository_id", "kind", "status", "finished_at"], unique=False
    )
    op.create_index(
        "idx_sync_runs_idle",
        "sync_runs",
        ["started_at"],
        unique=False,
        postgresql_where=sa.text("kind IN ('sweep', 'heal') AND status = 'succeeded' AND rows_written = 0"),
    )
    op.create_index(
        "idx_sync_runs_refetch",
        "sync_runs",
        ["started_at"],
        unique=True,
        postgresql_where=sa.text("kind = 'refetch'"),
    )
    op.create_index("idx_sync_runs_started_at", "sync_runs", ["started_at"], unique=False)


def downgrade() -> None:
    op.drop_table("sync_runs")
    op.drop_table("sync_jobs")
    op.drop_table("webhook_deliveries")
