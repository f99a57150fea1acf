"""Keys that programs show over HTTP: whose each is, what it is for, when it ends."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

# A migration must work with the previous code, which is still at work while it runs, and must not hold a lock for
# long. What the previous code cannot live with is split over two releases: first add, later take away.


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column("user_id", sa.UUID(as_uuid=False), nullable=True, comment="Whose it is"),
        sa.Column("name", sa.String(length=255), nullable=False, comment="What people call it"),
        sa.Column(
            "key_hash", sa.String(length=255), nullable=False, comment="SHA-256 of the key, which nobody else keeps"
        ),
        sa.Column(
            "permissions",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=True,
            comment="What it is for: read, operate or admin",
        ),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When it ends; null for never"),
        sa.Column(
            "last_used_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When it was shown last, to the minute"
        ),
        sa.Column(
            "created_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=True,
            comment="When it was made",
        ),
        sa.Column("revoked_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When it was ended by hand"),
        sa.CheckConstraint('permissions <@ \'["read", "operate", "admin"]\'', name=op.f("api_keys_permissions_check")),
        sa.CheckConstraint("jsonb_typeof(permissions) = 'array'", name=op.f("api_keys_permissions_shape_check")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("api_keys_user_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("api_keys_pkey")),
        sa.UniqueConstraint("key_hash", name="idx_api_keys_key_hash"),
        comment="Keys that programs show over HTTP",
    )
    op.create_index(
        "idx_api_keys_expires_at",
        "api_keys",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("expires_at IS NOT NULL"),
    )
    op.create_index("idx_api_keys_user_id", "api_keys", ["user_id"], unique=False)


def downgrade() -> None:
    op.drop_index("idx_api_keys_user_id", table_name="api_keys")
    op.drop_index("idx_api_keys_expires_at", table_name="api_keys", postgresql_where=sa.text("expires_at IS NOT NULL"))
    op.drop_table("api_keys")
