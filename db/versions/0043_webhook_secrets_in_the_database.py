"""Webhook secrets in the database."""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

# A migration must work with the previous code, which is still at work while it runs, and must not hold a lock for
# long. What the previous code cannot live with is split over two releases: first add, later take away.


def upgrade() -> None:
    op.create_table(
        "sync_secrets",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column(
            "hook_target", sa.Text(), nullable=False, comment="Whose webhook: integration:ID of an App, repository:ID"
        ),
        sa.Column("secret", sa.Text(), nullable=False, comment="The secret, encrypted with GHSYNC_ENCRYPTION_KEYS"),
        sa.Column(
            "created_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="From when on receivers accept it",
        ),
        sa.Column(
            "told_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When GitHub was told to sign with it; null of one that it signed with before",
        ),
        sa.Column(
            "proved_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When a delivery that was signed with it had arrived",
        ),
        sa.Column(
            "accepted_until",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="Until when it counts; null while none has replaced it",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("sync_secrets_pkey")),
        comment="Secrets of webhooks beside the environment's: an App's, and those that a repository's replaced",
    )
    op.create_index("idx_sync_secrets_hook_target", "sync_secrets", ["hook_target", "created_at"], unique=False)
    op.create_index(
        "idx_sync_secrets_under_way",
        "sync_secrets",
        ["hook_target"],
        unique=True,
        postgresql_where=sa.text("proved_at IS NULL AND accepted_until IS NULL"),
    )
    op.add_column(
        "sync_processes",
        sa.Column(
            "secrets_read_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="As of when it accepts the webhook secrets that the database has; null for never",
        ),
    )


def downgrade() -> None:
    op.drop_column("sync_processes", "secrets_read_at")
    op.drop_index(
        "idx_sync_secrets_under_way",
        table_name="sync_secrets",
        postgresql_where=sa.text("proved_at IS NULL AND accepted_until IS NULL"),
    )
    op.drop_index("idx_sync_secrets_hook_target", table_name="sync_secrets")
    op.drop_table("sync_secrets")
