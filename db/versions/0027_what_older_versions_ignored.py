"""What older versions have ignored is found by an index, and what a person gave up has a mark of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

# A migration must work with the previous code, which is still at work while it runs, and must not hold a lock for
# long. What the previous code cannot live with is split over two releases: first add, later take away.


INDEX = "idx_webhook_deliveries_not_understood"
IGNORED = sa.text("status = 'ignored' AND dismissed_at IS NULL")

DISMISSED = """
UPDATE webhook_deliveries SET dismissed_at = processed_at
WHERE status = 'ignored' AND last_error LIKE 'Dismissed by %'
"""


def upgrade() -> None:
    op.add_column(
        "webhook_deliveries",
        sa.Column("dismissed_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When a person gave it up"),
        if_not_exists=True,  # where what follows was broken off, it is
    )
    if op.get_context().as_sql:  # for an empty database
        op.create_index(INDEX, "webhook_deliveries", ["event", "id"], postgresql_where=IGNORED)
        return
    # Deliveries go on to arrive meanwhile, however long it takes to read the inbox, or others have read in it: nobody
    # waits for either. An index that was broken off is made anew.
    with op.get_context().autocommit_block():
        limits = {name: op.get_bind().scalar(sa.text(f"SHOW {name}")) for name in ("lock_timeout", "statement_timeout")}
        for name in limits:
            op.execute(f"SET {name} = 0")
        op.execute(DISMISSED)
        op.drop_index(INDEX, table_name="webhook_deliveries", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            INDEX, "webhook_deliveries", ["event", "id"], postgresql_where=IGNORED, postgresql_concurrently=True
        )
        for name, value in limits.items():
            op.execute(f"SET {name} = '{value}'")


def downgrade() -> None:
    op.drop_index(INDEX, table_name="webhook_deliveries")
    op.drop_column("webhook_deliveries", "dismissed_at")
