"""What `pr_tracking` says of reviews, checks, security, coverage and quality, why, and by which rules."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

SQL = Path(__file__).parent.parent / "sql"

FILES = (
    "tracking_rules",
    "counted_checks",
    "counted_reviews",
    "concerning_alerts",
    "quality_score",
    "pr_blockers",
    "projects_refuse_tracking_rules",
    "pull_requests_due_for_tracking",
)


def upgrade() -> None:
    for name in FILES:
        text = SQL.joinpath(f"{name}.sql").read_text()
        op.execute(sa.text(text.replace(":", r"\:")))  # a colon in a regular expression is no parameter


def downgrade() -> None:
    op.execute("DROP TRIGGER github_repositories_due_for_tracking ON github_repositories")
    op.execute("DROP TRIGGER projects_due_for_tracking ON projects")
    op.execute("DROP TRIGGER projects_refuse_tracking_rules ON projects")
    for function in (
        "github_repositories_due_for_tracking()",
        "projects_due_for_tracking()",
        "pull_requests_due_for_tracking(uuid[])",
        "projects_refuse_tracking_rules()",
        "tracking_rules_fault(jsonb)",
        "pr_blockers(text, integer)",
        "pr_blockers(uuid, integer)",
        "quality_score(jsonb, text, text, text, numeric, integer)",
        "concerning_alerts(uuid, integer, text, boolean, jsonb)",
        "counted_reviews(uuid, integer, text, jsonb)",
        "counted_checks(uuid, text)",
        "tracking_rules(jsonb)",
    ):
        op.execute(f"DROP FUNCTION {function}")
