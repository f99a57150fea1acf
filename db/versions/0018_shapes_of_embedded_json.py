"""Let no column that views take apart hold JSON of another shape, whoever writes it."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

SHAPES = (
    ("github_issues", "labels", "array"),
    ("github_issues", "assignees", "array"),
    ("github_issues", "milestone", "object"),
    ("github_issues", "transferred_to", "object"),
    ("github_pull_requests", "labels", "array"),
    ("github_pull_requests", "assignees", "array"),
    ("github_pull_requests", "reviewers", "array"),
    ("github_pull_requests", "requested_teams", "array"),
    ("github_pull_requests", "milestone", "object"),
    ("github_pull_requests", "auto_merge", "object"),
    ("github_repositories", "topics", "array"),
    ("github_installations", "permissions", "object"),
    ("github_installations", "events", "array"),
    ("github_workflow_runs", "pull_requests", "array"),
)
CHECKS = [
    (table, f"{table}_{column}_shape_check", f"jsonb_typeof({column}) = '{shape}'") for table, column, shape in SHAPES
]
CHECKS.append(
    ("github_issues", "github_issues_transferred_to_number_check", "transferred_to ->> 'number' ~ '^[0-9]{1,9}$'")
)


def upgrade() -> None:
    for table, name, check in CHECKS:
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({check}) NOT VALID")
    for table, name, _ in CHECKS:  # reads the table, and stops nobody meanwhile
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def downgrade() -> None:
    for table, name, _ in CHECKS:
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
