"""The key of a repository's issues and pull requests is its only index."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

# A migration must work with the previous code, which is still at work while it runs, and must not hold a lock for
# long. What the previous code cannot live with is split over two releases: first add, later take away.


INDEXES = {"idx_github_issues_repo_id": "github_issues", "idx_github_prs_repo_id": "github_pull_requests"}


def upgrade() -> None:
    if op.get_context().as_sql:  # for an empty database
        for name, table in INDEXES.items():
            op.drop_index(name, table_name=table)
        return
    # However long others read these tables, nobody waits for this.
    with op.get_context().autocommit_block():
        limits = {name: op.get_bind().scalar(sa.text(f"SHOW {name}")) for name in ("lock_timeout", "statement_timeout")}
        for name in limits:
            op.execute(f"SET {name} = 0")
        for name, table in INDEXES.items():
            op.drop_index(name, table_name=table, if_exists=True, postgresql_concurrently=True)
        for name, value in limits.items():
            op.execute(f"SET {name} = '{value}'")


def downgrade() -> None:
    for name, table in INDEXES.items():
        op.create_index(name, table, ["repository_id"], unique=False)
