"""An index of what older versions have ignored."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

# A migration must work with the previous code, which is still at work while it runs, and must not hold a lock for
# long. What the previous code cannot live with is split over two releases: first add, later take away.


INDEX = "idx_webhook_deliveries_not_understood"
IGNORED = sa.text("status = 'ignored' AND last_error IS NULL")


def upgrade() -> None:
    if op.get_context().as_sql:  # for an empty database
        op.create_index(INDEX, "webhook_deliveries", ["event", "id"], postgresql_where=IGNORED)
        return
    # Deliveries go on to arrive while it is built; one that was broken off is made anew.
    with op.get_context().autocommit_block():
        op.drop_index(INDEX, table_name="webhook_deliveries", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            INDEX, "webhook_deliveries", ["event", "id"], postgresql_where=IGNORED, postgresql_concurrently=True
        )


def downgrade() -> None:
    op.drop_index(INDEX, table_name="webhook_deliveries")
