"""Views and functions to read the mirror with: dashboards, health, and how it was at a moment."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The last run of a repository, however many it had.
    op.create_index("idx_sync_runs_newest", "sync_runs", ["repository_id", "started_at"])
    op.create_index(
        "idx_pr_tracking_open_quality",
        "pr_tracking",
        ["quality_score"],
        postgresql_where=sa.text("status IN ('draft', 'open')"),
    )
    op.create_index(
        "idx_github_prs_deleted", "github_pull_requests", ["id"], postgresql_where=sa.text("deleted_at IS NOT NULL")
    )
    op.create_index(
        "idx_tasks_active",
        "tasks",
        [sa.text("priority DESC"), "created_at"],
        postgresql_where=sa.text("status NOT IN ('completed', 'failed', 'cancelled')"),
    )


def downgrade() -> None:
    op.drop_index("idx_tasks_active", table_name="tasks")
    op.drop_index("idx_github_prs_deleted", table_name="github_pull_requests")
    op.drop_index("idx_pr_tracking_open_quality", table_name="pr_tracking")
    op.drop_index("idx_sync_runs_newest", table_name="sync_runs")
