"""What GraphQL is not asked for: what a GitHub's schema lacks, and what a credential is not shown."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sync_omissions",
        sa.Column(
            "asker", sa.Text(), nullable=False, comment="Address of the API that lacks it, or who is not shown it"
        ),
        sa.Column(
            "left_out",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
            comment="Parts of GraphQL's documents that are not asked for, each with the reason",
        ),
        sa.Column(
            "permissions",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="The installation's permissions at that time",
        ),
        sa.Column(
            "learned_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When that was found out; it is for a day",
        ),
        sa.PrimaryKeyConstraint("asker", name=op.f("sync_omissions_pkey")),
        comment="What GraphQL is not asked for, by who lacks it",
    )


def downgrade() -> None:
    op.drop_table("sync_omissions")
