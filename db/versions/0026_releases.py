"""Releases."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

# A migration must work with the previous code, which is still at work while it runs, and must not hold a lock for
# long. What the previous code cannot live with is split over two releases: first add, later take away.


def upgrade() -> None:
    op.create_table(
        "github_releases",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column("repository_id", sa.UUID(as_uuid=False), nullable=False, comment="Its repository"),
        sa.Column("github_id", sa.String(length=255), nullable=False, comment="GitHub's numeric id"),
        sa.Column("node_id", sa.String(length=255), nullable=True, comment="GitHub's GraphQL id"),
        sa.Column("tag_name", sa.String(length=255), nullable=False, comment="Tag, which a draft need not have yet"),
        sa.Column("name", sa.Text(), nullable=True, comment="Title"),
        sa.Column("body", sa.Text(), nullable=True, comment="Notes, as Markdown"),
        sa.Column("draft", sa.Boolean(), nullable=False, comment="Not published yet, or not any more"),
        sa.Column("prerelease", sa.Boolean(), nullable=False, comment="Not meant for everybody yet"),
        sa.Column("html_url", sa.Text(), nullable=True, comment="Page on GitHub"),
        sa.Column("created_by", sa.String(length=255), nullable=True, comment="Login of the author"),
        sa.Column(
            "created_by_id",
            sa.String(length=255),
            nullable=True,
            comment="GitHub's id of the author; null for a deleted account",
        ),
        sa.Column(
            "published_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When it was published; null for a draft",
        ),
        sa.Column(
            "updated_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When GitHub last changed it, by GitHub's clock; null while unknown",
        ),
        sa.Column(
            "observed_at",
            sa.TIMESTAMP(timezone=True),
            nullable=False,
            comment="When GitHub held this state; breaks ties of updated_at",
        ),
        sa.Column("observed_by", sa.String(length=10), nullable=False, comment="What observed_at was read from"),
        sa.Column(
            "synced_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=True,
            comment="When this row was last written",
        ),
        sa.Column("sync_source", sa.String(length=20), nullable=False, comment="The door the last write came through"),
        sa.Column(
            "verified_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When GitHub's API last confirmed this row",
        ),
        sa.Column(
            "deleted_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When it was gone from GitHub; null while it is there",
        ),
        sa.CheckConstraint("observed_by IN ('guid', 'arrival', 'api')", name=op.f("github_releases_observed_by_check")),
        sa.CheckConstraint(
            "sync_source IN ('webhook', 'backfill', 'reconcile', 'resync', 'replay')",
            name=op.f("github_releases_sync_source_check"),
        ),
        sa.ForeignKeyConstraint(
            ["repository_id"],
            ["github_repositories.id"],
            name=op.f("github_releases_repository_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("github_releases_pkey")),
        sa.UniqueConstraint("repository_id", "github_id", name=op.f("github_releases_repository_id_github_id_key")),
        comment="Releases of mirrored repositories",
    )
    op.create_index(
        "idx_github_releases_published",
        "github_releases",
        ["repository_id", "published_at"],
        unique=False,
        postgresql_where=sa.text("NOT draft AND NOT prerelease AND deleted_at IS NULL"),
    )
    # What has been ignored until now tells of releases.
    op.execute("""
        UPDATE webhook_deliveries SET status = 'pending', processed_at = NULL, next_attempt_at = CURRENT_TIMESTAMP
        WHERE event = 'release' AND status = 'ignored'
    """)


def downgrade() -> None:
    op.drop_index(
        "idx_github_releases_published",
        table_name="github_releases",
        postgresql_where=sa.text("NOT draft AND NOT prerelease AND deleted_at IS NULL"),
    )
    op.drop_table("github_releases")
