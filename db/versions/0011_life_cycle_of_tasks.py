"""Tasks follow their pull requests, and issues ask for them with a label, where a project's settings say so."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

KINDS = (
    "refetch_installation", "refetch_repository", "refetch_issue", "refetch_pull_request", "refetch_comment",
    "refetch_checks",
    "link_task", "track_pull_request", "backfill", "sweep", "heal", "audit", "purge",
)  # fmt: skip
SOURCES = ("manual", "external", "task_trailer", "branch", "closing_reference", "closing_keyword", "cross_reference")


def upgrade() -> None:
    op.create_table(
        "task_moves",
        sa.Column("task_id", sa.UUID(as_uuid=False), nullable=False, comment="The task"),
        sa.Column(
            "stage",
            sa.String(length=20),
            nullable=False,
            comment="What its pull requests were then: open, merged, closed",
        ),
        sa.Column(
            "status",
            sa.String(length=50),
            nullable=True,
            comment="The status it was moved to; null where others had decided",
        ),
        sa.Column("status_before", sa.String(length=50), nullable=True, comment="The status that others had given it"),
        sa.Column(
            "completed_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="The end of its work that came with the move",
        ),
        sa.Column(
            "moved_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When that was",
        ),
        sa.CheckConstraint("stage IN ('open', 'merged', 'closed')", name=op.f("task_moves_stage_check")),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name=op.f("task_moves_task_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("task_id", name=op.f("task_moves_pkey")),
        comment="Tasks that follow their pull requests: for what each was moved last, and what it was before",
    )
    op.create_table(
        "task_creations",
        sa.Column("issue_id", sa.UUID(as_uuid=False), nullable=False, comment="The issue with the label"),
        sa.Column("task_id", sa.UUID(as_uuid=False), nullable=True, comment="The task; null once somebody deleted it"),
        sa.Column(
            "created_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=False,
            comment="When it was created",
        ),
        sa.ForeignKeyConstraint(
            ["issue_id"], ["github_issues.id"], name=op.f("task_creations_issue_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], ["tasks.id"], name=op.f("task_creations_task_id_fkey"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("issue_id", name=op.f("task_creations_pkey")),
        comment="Issues that a task was created from, each once",
    )
    op.create_index(op.f("idx_task_creations_task_id"), "task_creations", ["task_id"], unique=False)

    _allow("task_github_links", "source", (*SOURCES[:2], "label", *SOURCES[2:]))
    _allow("github_mentions", "source", (*SOURCES[:2], "label", *SOURCES[2:]))
    _allow("sync_jobs", "kind", (*KINDS[:6], "apply_task_settings", *KINDS[6:]))


def downgrade() -> None:
    op.execute("DELETE FROM sync_jobs WHERE kind = 'apply_task_settings'")
    op.execute("DELETE FROM task_github_links WHERE source = 'label'")
    _allow("sync_jobs", "kind", KINDS)
    _allow("github_mentions", "source", SOURCES)
    _allow("task_github_links", "source", SOURCES)
    op.drop_table("task_creations")
    op.drop_table("task_moves")


def _allow(table: str, column: str, values: tuple[str, ...]) -> None:
    """Hold a column to these values from now on."""
    name = f"{table}_{column}_check"
    listed = ", ".join(f"'{value}'" for value in values)
    op.drop_constraint(op.f(name), table, type_="check")
    op.create_check_constraint(op.f(name), table, f"{column} IN ({listed})")
