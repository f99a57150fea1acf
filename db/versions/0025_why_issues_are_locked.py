"""Why issues are locked."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

# A migration must work with the previous code, which is still at work while it runs, and must not hold a lock for
# long. What the previous code cannot live with is split over two releases: first add, later take away.


def upgrade() -> None:
    op.add_column(
        "github_issues",
        sa.Column(
            "active_lock_reason",
            sa.String(length=50),
            nullable=True,
            comment="off-topic, too heated, resolved or spam, if it is locked for that",
        ),
    )


def downgrade() -> None:
    op.drop_column("github_issues", "active_lock_reason")
