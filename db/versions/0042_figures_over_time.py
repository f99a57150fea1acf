"""Figures over time."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

# A migration must work with the previous code, which is still at work while it runs, and must not hold a lock for
# long. What the previous code cannot live with is split over two releases: first add, later take away.


CHECK = "data_retention_policies_table_name_check"
OLD = (
    "audit_logs", "change_events", "webhook_deliveries", "sync_findings", "sync_runs", "webhook_deliveries.body",
    "github_repositories",
)  # fmt: skip
NEW = "system_metrics"


def _allow(*names: str) -> None:
    listed = ", ".join(f"'{name}'" for name in names)
    op.drop_constraint(op.f(CHECK), "data_retention_policies", type_="check")
    op.create_check_constraint(op.f(CHECK), "data_retention_policies", f"table_name IN ({listed})")


def upgrade() -> None:
    _allow(*OLD, NEW)
    op.execute(
        "INSERT INTO data_retention_policies (table_name, retention_days, archive_enabled, delete_enabled) "
        f"VALUES ('{NEW}', 30, false, true)"
    )
    op.create_table(
        "system_metrics",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column(
            "metric_category", sa.String(length=50), nullable=False, comment="What it is about: inbox, database, ..."
        ),
        sa.Column("metric_name", sa.String(length=100), nullable=False, comment="Its name, as /metrics has it"),
        sa.Column(
            "metric_type", sa.String(length=50), server_default="gauge", nullable=False, comment="Gauge, counter, ..."
        ),
        sa.Column(
            "numeric_value",
            sa.Numeric(precision=20, scale=6),
            nullable=True,
            comment="Its value, where that is a number",
        ),
        sa.Column("string_value", sa.Text(), nullable=True, comment="Its value, where that is a text"),
        sa.Column("boolean_value", sa.Boolean(), nullable=True, comment="Its value, where that is yes or no"),
        sa.Column(
            "json_value",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="Its value, where that is more than one",
        ),
        sa.Column(
            "aggregation_period",
            sa.String(length=50),
            server_default="instant",
            nullable=True,
            comment="Of what time it is, such as instant",
        ),
        sa.Column(
            "aggregation_function",
            sa.String(length=50),
            server_default="last",
            nullable=True,
            comment="What it is of that time, such as last",
        ),
        sa.Column(
            "dimensions",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=True,
            comment="What it is of: the labels that /metrics has",
        ),
        sa.Column(
            "tags",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=True,
            comment="Anything to find it by",
        ),
        sa.Column("workflow_id", sa.UUID(as_uuid=False), nullable=True, comment="The workflow it is of"),
        sa.Column("task_id", sa.UUID(as_uuid=False), nullable=True, comment="The task it is of"),
        sa.Column("session_id", sa.UUID(as_uuid=False), nullable=True, comment="The agent session it is of"),
        sa.Column("pr_id", sa.UUID(as_uuid=False), nullable=True, comment="The pull request it is of"),
        sa.Column(
            "timestamp",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=True,
            comment="When it was so",
        ),
        sa.Column(
            "recorded_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=True,
            comment="When it was written",
        ),
        sa.Column(
            "source_system",
            sa.String(length=100),
            nullable=True,
            comment="What measured it: ghsync, or another program",
        ),
        sa.Column("source_component", sa.String(length=100), nullable=True, comment="Which part of that"),
        sa.Column(
            "metadata",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=True,
            comment="Anything else",
        ),
        sa.ForeignKeyConstraint(
            ["pr_id"], ["pr_tracking.id"], name=op.f("system_metrics_pr_id_fkey"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["agent_sessions.id"], name=op.f("system_metrics_session_id_fkey"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], ["tasks.id"], name=op.f("system_metrics_task_id_fkey"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["workflow_id"], ["workflows.id"], name=op.f("system_metrics_workflow_id_fkey"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("system_metrics_pkey")),
        comment="Figures over time: ghsync's own every quarter of an hour, and whatever others measure",
    )
    op.create_index(
        "idx_system_metrics_aggregation", "system_metrics", ["aggregation_period", "aggregation_function"], unique=False
    )
    op.create_index(
        "idx_system_metrics_category_name", "system_metrics", ["metric_category", "metric_name"], unique=False
    )
    op.create_index(op.f("idx_system_metrics_pr_id"), "system_metrics", ["pr_id"], unique=False)
    op.create_index(op.f("idx_system_metrics_session_id"), "system_metrics", ["session_id"], unique=False)
    op.create_index(op.f("idx_system_metrics_task_id"), "system_metrics", ["task_id"], unique=False)
    op.create_index("idx_system_metrics_timestamp", "system_metrics", ["timestamp"], unique=False)
    op.create_index(op.f("idx_system_metrics_workflow_id"), "system_metrics", ["workflow_id"], unique=False)


def downgrade() -> None:
    op.execute(f"DELETE FROM data_retention_policies WHERE table_name = '{NEW}'")
    _allow(*OLD)
    op.drop_index(op.f("idx_system_metrics_workflow_id"), table_name="system_metrics")
    op.drop_index("idx_system_metrics_timestamp", table_name="system_metrics")
    op.drop_index(op.f("idx_system_metrics_task_id"), table_name="system_metrics")
    op.drop_index(op.f("idx_system_metrics_session_id"), table_name="system_metrics")
    op.drop_index(op.f("idx_system_metrics_pr_id"), table_name="system_metrics")
    op.drop_index("idx_system_metrics_category_name", table_name="system_metrics")
    op.drop_index("idx_system_metrics_aggregation", table_name="system_metrics")
    op.drop_table("system_metrics")
