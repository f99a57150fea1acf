"""Who says something is known by id, who may judge by what the API tells, and for whom a workflow ran by number."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

AUTHORS = {"github_issues": "created_by_id", "github_pull_requests": "created_by_id", "github_comments": "author_id",
           "github_reviews": "author_id"}  # fmt: skip


def upgrade() -> None:
    for table, column in AUTHORS.items():
        who = "reviewer" if table == "github_reviews" else "author"
        comment = f"GitHub's id of the {who}; null for a deleted account"
        op.add_column(table, sa.Column(column, sa.String(length=255), nullable=True, comment=comment))
    op.add_column(
        "github_reviews",
        sa.Column(
            "author_can_push",
            sa.Boolean(),
            nullable=True,
            comment="Whether the reviewer may write to the repository, as the API tells; null while it has not",
        ),
    )
    op.add_column(
        "github_workflow_runs",
        sa.Column(
            "pull_requests",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="[number] of the pull requests that it names; none for a fork's, null while unknown",
        ),
    )
    _version("github_reviews", "access")
    _version("github_workflow_runs", "naming")
    # With what they are called with by the previous code they go on working: what is new has a default.
    op.execute("DROP FUNCTION IF EXISTS counted_checks(uuid, text)")
    op.execute("DROP FUNCTION IF EXISTS counted_reviews(uuid, integer, text, jsonb)")


def downgrade() -> None:
    for table, columns in {
        "github_workflow_runs": ("naming_observed_at", "naming_updated_at", "pull_requests"),
        "github_reviews": ("access_observed_at", "access_updated_at", "author_can_push"),
    }.items():
        for column in columns:
            op.drop_column(table, column)
    for table, column in AUTHORS.items():
        op.drop_column(table, column)


def _version(table: str, group: str) -> None:
    """Order a column group by itself."""
    for name in ("updated_at", "observed_at"):
        comment = f"{name} of the payload that last reported the {group} columns"
        op.add_column(table, sa.Column(f"{group}_{name}", sa.TIMESTAMP(timezone=True), nullable=True, comment=comment))
