"""What all processes share when they ask GitHub's API: rate limits, tokens of installations, ETags."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sync_budgets",
        sa.Column(
            "credential", sa.Text(), nullable=False, comment="Who asks: app:ID, installation:ID, token:FINGERPRINT"
        ),
        sa.Column("resource", sa.Text(), nullable=False, comment="core, graphql, ...; all: secondary limits"),
        sa.Column(
            "request_limit",
            sa.Integer(),
            nullable=True,
            comment="Requests or points in each window; null until GitHub told",
        ),
        sa.Column("remaining", sa.Integer(), nullable=True, comment="What is left of it, without what is under way"),
        sa.Column("resets_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When the next window begins"),
        sa.Column(
            "blocked_until", sa.TIMESTAMP(timezone=True), nullable=True, comment="GitHub asked for silence until then"
        ),
        sa.Column("refusals", sa.Integer(), server_default="0", nullable=False, comment="Times it asked so in a row"),
        sa.Column(
            "updated_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When this was last heard of",
        ),
        sa.PrimaryKeyConstraint("credential", "resource", name=op.f("sync_budgets_pkey")),
        comment="Rate limits of GitHub, by credential; every process takes its requests from here",
    )
    op.create_table(
        "sync_tokens",
        sa.Column("installation_id", sa.Text(), nullable=False, comment="GitHub's id of the installation"),
        sa.Column(
            "token", sa.Text(), nullable=True, comment="Its access token, encrypted; null until the first is there"
        ),
        sa.Column(
            "expires_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When the token expires, by GitHub's clock",
        ),
        sa.Column(
            "leased_until",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="A process is fetching the next one, and has until then",
        ),
        sa.PrimaryKeyConstraint("installation_id", name=op.f("sync_tokens_pkey")),
        comment="Access tokens of installations, shared by all processes",
    )
    op.create_table(
        "sync_etags",
        sa.Column("credential", sa.Text(), nullable=False, comment="Who asked"),
        sa.Column("url", sa.Text(), nullable=False, comment="What was asked"),
        sa.Column("token", sa.Text(), nullable=False, comment="Fingerprint of the token that it was asked with"),
        sa.Column("etag", sa.Text(), nullable=False, comment="GitHub's name for the answer"),
        sa.Column(
            "seen_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When it was answered",
        ),
        sa.PrimaryKeyConstraint("credential", "url", name=op.f("sync_etags_pkey")),
        comment="ETags of answers of GitHub's API; kept for a day",
    )
    op.create_index("idx_sync_etags_seen_at", "sync_etags", ["seen_at"], unique=False)


def downgrade() -> None:
    op.drop_index("idx_sync_etags_seen_at", table_name="sync_etags")
    op.drop_table("sync_etags")
    op.drop_table("sync_tokens")
    op.drop_table("sync_budgets")
