"""Pages keep room for the next version of a row, which then no index has to learn of."""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

# A migration must work with the previous code, which is still at work while it runs, and must not hold a lock for
# long. What the previous code cannot live with is split over two releases: first add, later take away.


TABLES = ("github_issues", "github_pull_requests", "pr_tracking")


def upgrade() -> None:
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} SET (fillfactor = 85)")


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} RESET (fillfactor)")
