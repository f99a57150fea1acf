"""Partitions are made one by one, last month's too: what changed is in ``db/sql/``, and no table does."""

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
