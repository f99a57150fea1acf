"""Roles of PostgreSQL that read with the eyes of one person."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

# A migration must work with the previous code, which is still at work while it runs, and must not hold a lock for
# long. What the previous code cannot live with is split over two releases: first add, later take away.


def upgrade() -> None:
    op.create_table(
        "database_readers",
        sa.Column("role", sa.String(length=63), nullable=False, comment="The role that logs in"),
        sa.Column(
            "user_id",
            sa.UUID(as_uuid=False),
            nullable=True,
            comment="Who reads with it; null for what is to be seen of all organizations",
        ),
        sa.Column(
            "created_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=True,
            comment="When it was let in",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("database_readers_user_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("role", name=op.f("database_readers_pkey")),
        comment="Roles of PostgreSQL that read with the eyes of one person; a role that is none of these sees nothing",
    )
    op.create_index(op.f("idx_database_readers_user_id"), "database_readers", ["user_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("idx_database_readers_user_id"), table_name="database_readers")
    op.drop_table("database_readers")
