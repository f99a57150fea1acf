"""Who the API says is a member."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

# A migration must work with the previous code, which is still at work while it runs, and must not hold a lock for
# long. What the previous code cannot live with is split over two releases: first add, later take away.


def upgrade() -> None:
    op.add_column(
        "organization_members",
        sa.Column(
            "confirmed_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When its API last told so; null where only hooks have",
        ),
    )
    op.add_column(
        "project_members",
        sa.Column(
            "confirmed_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When its API last told so; null where only hooks have",
        ),
    )


def downgrade() -> None:
    op.drop_column("project_members", "confirmed_at")
    op.drop_column("organization_members", "confirmed_at")
