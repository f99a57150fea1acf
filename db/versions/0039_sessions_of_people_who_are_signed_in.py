"""Sessions of people who are signed in, and repositories that somebody asked to have read."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

# A migration must work with the previous code, which is still at work while it runs, and must not hold a lock for
# long. What the previous code cannot live with is split over two releases: first add, later take away.


OLD_KINDS = (
    "refetch_installation", "refetch_repository", "refetch_issue", "refetch_pull_request", "refetch_comment",
    "refetch_checks", "apply_task_settings", "link_task", "track_pull_request", "backfill", "sweep", "heal", "audit",
    "purge",
)  # fmt: skip
NEW_KINDS = (
    "refetch_installation", "refetch_repository", "refetch_issue", "refetch_pull_request", "refetch_comment",
    "refetch_checks", "apply_task_settings", "link_task", "track_pull_request", "resync", "heal",
)  # fmt: skip


def _allow(kinds: tuple[str, ...]) -> None:
    """Hold ``sync_jobs.kind`` to these; none but those that both lists have was ever written."""
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.drop_constraint(op.f("sync_jobs_kind_check"), "sync_jobs", type_="check")
    op.create_check_constraint(op.f("sync_jobs_kind_check"), "sync_jobs", f"kind IN ({listed})")


def upgrade() -> None:
    _allow(NEW_KINDS)
    op.create_table(
        "sessions",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column("user_id", sa.UUID(as_uuid=False), nullable=False, comment="Whose it is"),
        sa.Column("token_hash", sa.String(length=255), nullable=False, comment="SHA-256 of what the browser shows"),
        sa.Column("ip_address", postgresql.INET(), nullable=True, comment="Address that it began from"),
        sa.Column("user_agent", sa.Text(), nullable=True, comment="Program that it began with"),
        sa.Column(
            "expires_at", sa.TIMESTAMP(timezone=True), nullable=False, comment="When it ends, whatever is done in it"
        ),
        sa.Column(
            "created_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=True,
            comment="When it began",
        ),
        sa.Column(
            "last_activity_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=True,
            comment="When something was done in it last, to the minute",
        ),
        sa.Column(
            "api_key_id", sa.UUID(as_uuid=False), nullable=False, comment="The key that it began with, and ends with"
        ),
        sa.ForeignKeyConstraint(
            ["api_key_id"], ["api_keys.id"], name=op.f("sessions_api_key_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("sessions_user_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("sessions_pkey")),
        sa.UniqueConstraint("token_hash", name="idx_sessions_token_hash"),
        comment="People who are signed in over HTTP",
    )
    op.create_index(op.f("idx_sessions_api_key_id"), "sessions", ["api_key_id"], unique=False)
    op.create_index("idx_sessions_expires_at", "sessions", ["expires_at"], unique=False)
    op.create_index("idx_sessions_user_id", "sessions", ["user_id"], unique=False)


def downgrade() -> None:
    op.execute("DELETE FROM sync_jobs WHERE kind = 'resync'")
    _allow(OLD_KINDS)
    op.drop_index("idx_sessions_user_id", table_name="sessions")
    op.drop_index("idx_sessions_expires_at", table_name="sessions")
    op.drop_index(op.f("idx_sessions_api_key_id"), table_name="sessions")
    op.drop_table("sessions")
