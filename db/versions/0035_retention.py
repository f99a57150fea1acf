"""How long is kept what grows with time, by policies; a delivery that is done may be without its payload."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

# A migration must work with the previous code, which is still at work while it runs, and must not hold a lock for
# long. What the previous code cannot live with is split over two releases: first add, later take away.


POLICIES = (
    ("audit_logs", 365, True, False),
    ("change_events", 180, False, True),
    ("sync_findings", 90, False, True),
    ("sync_runs", 30, False, True),
    ("webhook_deliveries", 90, False, True),
    ("webhook_deliveries.body", 30, False, True),
)
COLUMNS = ("table_name", "retention_days", "archive_enabled", "delete_enabled")
CHECK = "webhook_deliveries_body_until_done_check"


def upgrade() -> None:
    policies = op.create_table(
        "data_retention_policies",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column(
            "table_name",
            sa.String(length=255),
            nullable=False,
            comment="The table, or TABLE.COLUMN: that alone",
        ),
        sa.Column(
            "retention_days", sa.Integer(), nullable=False, comment="How long it is kept, a month from its end on"
        ),
        sa.Column(
            "archive_enabled",
            sa.Boolean(),
            server_default=sa.text("true"),
            nullable=False,
            comment="Whether partitions move to the schema archive then; if deleted too, they go when twice as old",
        ),
        sa.Column(
            "delete_enabled",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Whether it is deleted then",
        ),
        sa.Column("last_run_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When ghsync last saw to it"),
        sa.Column(
            "created_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=True,
            comment="When the policy was made",
        ),
        sa.Column(
            "done_before", sa.TIMESTAMP(timezone=True), nullable=True, comment="What is older than this has gone"
        ),
        sa.CheckConstraint(
            "NOT archive_enabled OR table_name IN ('audit_logs', 'change_events', 'webhook_deliveries')",
            name=op.f("data_retention_policies_only_partitions_are_archived_check"),
        ),
        sa.CheckConstraint(
            "table_name IN ('audit_logs', 'change_events', 'webhook_deliveries', 'sync_findings', 'sync_runs', "
            "'webhook_deliveries.body')",
            name=op.f("data_retention_policies_table_name_check"),
        ),
        sa.CheckConstraint(
            "retention_days BETWEEN 1 AND 36500", name=op.f("data_retention_policies_retention_days_check")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("data_retention_policies_pkey")),
        sa.UniqueConstraint("table_name", name=op.f("data_retention_policies_table_name_key")),
        comment="How long is kept what grows with time; without a policy it is kept for ever",
    )
    op.bulk_insert(policies, [dict(zip(COLUMNS, policy, strict=True)) for policy in POLICIES])
    op.alter_column(
        "webhook_deliveries",
        "body",
        existing_type=postgresql.BYTEA(),
        nullable=True,
        comment="The signed bytes, as they came; null once past their retention",
        existing_comment="The signed bytes, as they came",
    )
    op.create_check_constraint(  # of the deliveries that are there, the next migration makes sure
        op.f(CHECK),
        "webhook_deliveries",
        "body IS NOT NULL OR status IN ('processed', 'ignored')",
        postgresql_not_valid=True,
    )


def downgrade() -> None:
    op.drop_constraint(op.f(CHECK), "webhook_deliveries", type_="check")
    op.execute("UPDATE webhook_deliveries SET body = '' WHERE body IS NULL")
    op.alter_column(
        "webhook_deliveries",
        "body",
        existing_type=postgresql.BYTEA(),
        nullable=False,
        comment="The signed bytes, as they came",
        existing_comment="The signed bytes, as they came; null once past their retention",
    )
    op.drop_table("data_retention_policies")
