"""Find what is due of one kind, and what changed on one issue or pull request, without reading anything else."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

NUMBER = "Number of the issue or pull request that the row is, or is a part of"
INDEXES = {
    "idx_sync_jobs_kind": "sync_jobs (kind, priority, due_at) WHERE parked_at IS NULL",
    "idx_change_events_number": "change_events (repository_id, number, seq) WHERE number IS NOT NULL",
}


def upgrade() -> None:
    op.execute(f"COMMENT ON COLUMN change_events.number IS '{NUMBER}'")
    if op.get_context().as_sql:  # for an empty database, in whatever transaction
        for name, columns in INDEXES.items():
            op.execute(f"CREATE INDEX {name} ON {columns}")
        return
    # Concurrently: the feed may hold millions of entries, and whoever writes does not wait for its index. One that was
    # interrupted is left behind, invalid: https://www.postgresql.org/docs/current/sql-createindex.html
    with op.get_context().autocommit_block():
        op.execute("SET statement_timeout = 0")
        for name, columns in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {columns}")
        op.execute("SET statement_timeout = '60s'")


def downgrade() -> None:
    op.execute("COMMENT ON COLUMN change_events.number IS 'Number of the issue or pull request'")
    with op.get_context().autocommit_block():
        for name in INDEXES:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
