"""Readers read as the owner does: what changed is in ``db/sql/``, and no table does."""

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
