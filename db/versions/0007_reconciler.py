"""How far the API has been read, what a complete listing has shown so far, and what audits found."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sync_marks",
        sa.Column("repository_id", sa.UUID(as_uuid=False), nullable=False, comment="Repository that was read"),
        sa.Column(
            "issues_through",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="updated_at of the newest issue read; all that are older have been read too",
        ),
        sa.Column(
            "pull_requests_through", sa.TIMESTAMP(timezone=True), nullable=True, comment="The same for pull requests"
        ),
        sa.Column(
            "complete_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When the last complete listing began; null before the first",
        ),
        sa.Column(
            "blocked_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When GitHub last said that it has blocked the repository; null where it has not",
        ),
        sa.ForeignKeyConstraint(
            ["repository_id"],
            ["github_repositories.id"],
            name=op.f("sync_marks_repository_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("repository_id", name=op.f("sync_marks_pkey")),
        comment="How far the API has been read, by repository",
    )
    op.create_table(
        "sync_seen",
        sa.Column("run_id", sa.UUID(as_uuid=False), nullable=False, comment="The run that read it"),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False, comment="Issue or pull request"),
        sa.ForeignKeyConstraint(["run_id"], ["sync_runs.id"], name=op.f("sync_seen_run_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "number", name=op.f("sync_seen_pkey")),
        comment="What a complete listing has shown so far; who is not among them when it ends is asked for by itself",
    )
    op.create_table(
        "sync_findings",
        sa.Column(
            "id",
            sa.UUID(as_uuid=False),
            server_default=sa.text("gen_random_uuid()"),
            nullable=False,
            comment="Key",
        ),
        sa.Column("run_id", sa.UUID(as_uuid=False), nullable=False, comment="The audit that found it"),
        sa.Column("repository_id", sa.UUID(as_uuid=False), nullable=True, comment="Repository it is in"),
        sa.Column("entity_type", sa.String(length=50), nullable=False, comment="Table of the row that was wrong"),
        sa.Column("number", sa.Integer(), nullable=False, comment="Its issue or pull request number"),
        sa.Column(
            "mirrored",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=True,
            comment="The fields that were wrong, as they were here",
        ),
        sa.Column(
            "actual",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=True,
            comment="The same fields as GitHub had them",
        ),
        sa.Column(
            "found_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When it was found",
        ),
        sa.ForeignKeyConstraint(
            ["repository_id"],
            ["github_repositories.id"],
            name=op.f("sync_findings_repository_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["sync_runs.id"], name=op.f("sync_findings_run_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("sync_findings_pkey")),
        comment="What audits found to be wrong; it was put right at once",
    )
    op.create_index("idx_sync_findings_found_at", "sync_findings", ["found_at"], unique=False)
    op.create_index("idx_sync_findings_repository_id", "sync_findings", ["repository_id"], unique=False)
    op.create_index("idx_sync_findings_run_id", "sync_findings", ["run_id"], unique=False)
    op.create_index("idx_sync_runs_kind", "sync_runs", ["kind", "status", "finished_at"], unique=False)


def downgrade() -> None:
    op.drop_index("idx_sync_runs_kind", table_name="sync_runs")
    op.drop_table("sync_findings")
    op.drop_table("sync_seen")
    op.drop_table("sync_marks")
