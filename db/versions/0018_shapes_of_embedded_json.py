"""Let no column that is taken apart hold JSON of another shape, whoever writes it; and tell of deliveries of no hook."""

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
SLUG = "lower(github_login) || '{}' || github_account_id"  # where ghsync numbers one, so that it follows the login
CHECKS = [
    (table, f"{table}_{column}_shape_check", f"jsonb_typeof({column}) = '{shape}'") for table, column, shape in SHAPES
]
CHECKS.append(
    ("github_issues", "github_issues_transferred_to_number_check", "transferred_to ->> 'number' ~ '^[0-9]{1,9}$'")
)


TARGET = "Who was hooked: type:id of the hook''s target"


def upgrade() -> None:
    op.execute(f"COMMENT ON COLUMN webhook_deliveries.hook_target IS '{TARGET}; unnamed where no header says it'")
    # What another program put there is as if it had not been read; a complete reading brings it back.
    for table, column, shape in SHAPES:
        op.execute(f"UPDATE {table} SET {column} = DEFAULT WHERE jsonb_typeof({column}) <> '{shape}'")
    op.execute("UPDATE github_issues SET transferred_to = NULL WHERE transferred_to ->> 'number' !~ '^[0-9]{1,9}$'")
    op.execute(f"UPDATE organizations SET slug = {SLUG.format('~')} WHERE slug = {SLUG.format('-')}")
    for table, name, check in CHECKS:
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({check}) NOT VALID")
    if op.get_context().as_sql:  # for an empty database, in whatever transaction
        for table, name, _ in CHECKS:
            op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")
        return
    with op.get_context().autocommit_block():  # each reads a table whole, and stops nobody meanwhile
        op.execute("SET statement_timeout = 0")
        for table, name, _ in CHECKS:
            op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")
        op.execute("SET statement_timeout = '60s'")


def downgrade() -> None:
    op.execute(f"COMMENT ON COLUMN webhook_deliveries.hook_target IS '{TARGET}'")
    for table, name, _ in CHECKS:
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
