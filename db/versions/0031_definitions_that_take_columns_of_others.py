"""Definitions that take columns of others: what changed is in ``db/sql/``, and no table does."""

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
