"""Drop indexes of the repository alone where the table's key begins with it.

Each cost a write for every row and every change, and while tables are small the planner may take it for the key.
"""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

TABLES = (
    "github_branches", "github_check_runs", "github_check_suites", "github_comments", "github_commit_statuses",
    "github_labels", "github_milestones", "github_repository_aliases", "github_review_threads", "github_reviews",
    "github_security_alerts", "github_workflow_runs",
)  # fmt: skip


def upgrade() -> None:
    for table in TABLES:
        op.drop_index(op.f(f"idx_{table}_repository_id"), table_name=table)


def downgrade() -> None:
    for table in TABLES:
        op.create_index(op.f(f"idx_{table}_repository_id"), table, ["repository_id"])
