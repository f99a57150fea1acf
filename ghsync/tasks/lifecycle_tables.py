"""What the life cycle of tasks has to remember, so that it neither undoes what others do nor repeats itself."""

import sqlalchemy as sa

from ghsync.database import metadata, moment, one_of, reference

STAGES = ("open", "merged", "closed")

task_moves = sa.Table(
    "task_moves",
    metadata,
    sa.Column("task_id", sa.UUID(as_uuid=False), sa.ForeignKey("tasks.id", ondelete="CASCADE"), primary_key=True,
              comment="The task"),
    sa.Column("stage", sa.String(20), nullable=False, comment="What its pull requests were then: open, merged, closed"),
    sa.Column("status", sa.String(50), comment="The status it was moved to; null where others had decided"),
    sa.Column("status_before", sa.String(50), comment="The status that others had given it"),
    moment("completed_at", "The end of its work that came with the move"),
    moment("moved_at", "When that was", default=True, nullable=False),
    one_of("stage", STAGES),
    comment="Tasks that follow their pull requests: for what each was moved last, and what it was before",
)  # fmt: skip

task_creations = sa.Table(
    "task_creations",
    metadata,
    sa.Column("issue_id", sa.UUID(as_uuid=False), sa.ForeignKey("github_issues.id", ondelete="CASCADE"),
              primary_key=True, comment="The issue with the label"),
    reference("task_id", "tasks.id", "The task; null once somebody deleted it", ondelete="SET NULL"),
    moment("created_at", "When it was created", default=True, nullable=False),
    comment="Issues that a task was created from, each once",
)  # fmt: skip
