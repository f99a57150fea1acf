"""Processes tell that they live, and which of them leads."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sync_processes",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False, comment="Key, made by the process"),
        sa.Column("kind", sa.String(length=20), nullable=False, comment="serve or work"),
        sa.Column("host", sa.Text(), nullable=False, comment="Name of its host"),
        sa.Column("pid", sa.Integer(), nullable=False, comment="Its number there"),
        sa.Column("version", sa.Text(), nullable=False, comment="Version of ghsync"),
        sa.Column(
            "started_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When it started",
        ),
        sa.Column(
            "seen_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When it last told that it lives",
        ),
        sa.Column(
            "leading_since",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="Since when it leads the schedule; null when it does not",
        ),
        sa.Column(
            "replaced_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When another took the lead from it, because it did not prove that it lives",
        ),
        sa.CheckConstraint("kind IN ('serve', 'work')", name=op.f("sync_processes_kind_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("sync_processes_pkey")),
        comment="Processes at work; who ends in order takes its row along",
    )


def downgrade() -> None:
    op.drop_table("sync_processes")
