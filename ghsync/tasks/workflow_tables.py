"""Workflows and their runs: seed 000, with what 001 adds.

Where the seeds disagree, 000 decides: ``created_by`` is a user's key (001 has a name, and ``triggered_by`` for one), a
workflow belongs to a project, and a fresh one is a draft. 000's ``type`` and 001's ``workflow_type`` both stay.
"""

import sqlalchemy as sa

from ghsync.database import document, metadata, moment, one_of, reference, uuid_key

WORKFLOW_STATUSES = (
    "draft",
    "pending",
    "active",
    "running",
    "paused",
    "completed",
    "failed",
    "cancelled",
    "inactive",
    "archived",
)
EXECUTION_STATUSES = (
    "pending",
    "queued",
    "running",
    "paused",
    "completed",
    "failed",
    "cancelled",
    "timeout",
    "skipped",
)

workflows = sa.Table(
    "workflows",
    metadata,
    uuid_key(),
    reference("project_id", "projects.id", "The project it belongs to", nullable=False, ondelete="CASCADE"),
    sa.Column("name", sa.String(255), nullable=False, comment="Name for people"),
    sa.Column("type", sa.String(50), nullable=False, server_default="ci_cd", comment="Kind of definition (000)"),
    document("definition", "Its steps and what follows what", nullable=False),
    sa.Column("status", sa.String(50), nullable=False, server_default="draft", comment="Where it stands"),
    sa.Column("version", sa.Integer, server_default="1", comment="Version of the definition"),
    reference("created_by", "users.id", "Who made it"),
    moment("created_at", "When the row was made", default=True),
    moment("updated_at", "When the row last changed", default=True),
    sa.Column("description", sa.Text, comment="What it is for"),
    sa.Column(
        "workflow_type",
        sa.String(50),
        nullable=False,
        server_default="ci_cd",
        comment="Kind of run (001)",
    ),
    sa.Column("priority", sa.Integer, server_default="0", comment="Higher goes first"),
    document("configuration", "How it runs"),
    sa.Column("environment", sa.String(50), server_default="development", comment="Where it runs"),
    moment("started_at", "When it began"),
    moment("completed_at", "When it ended"),
    sa.Column("estimated_duration_minutes", sa.Integer, comment="How long it should take, in minutes"),
    sa.Column("actual_duration_minutes", sa.Integer, comment="How long it took, in minutes"),
    reference("parent_workflow_id", "workflows.id", "The workflow it is a part of"),
    sa.Column("triggered_by", sa.String(255), comment="Name of who or what started it"),
    document("tags", "Words to find it by", default="[]"),
    document("metadata", "Anything else"),
    sa.Column("updated_by", sa.String(255), comment="Name of who last changed it"),
    one_of("status", WORKFLOW_STATUSES),
    sa.Index("idx_workflows_type", "type"),
    sa.Index("idx_workflows_status", "status"),
    sa.Index("idx_workflows_type_status", "workflow_type", "status"),
    sa.Index("idx_workflows_priority_status", sa.text("priority DESC"), "status"),
    sa.Index(
        "idx_workflows_active_priority",
        sa.text("priority DESC"),
        sa.text("created_at DESC"),
        postgresql_where=sa.text("status IN ('pending', 'running')"),
    ),
    sa.Index("idx_workflows_env_status_priority", "environment", "status", sa.text("priority DESC")),
    sa.Index("idx_workflows_tags_gin", "tags", postgresql_using="gin"),
    sa.Index("idx_workflow_def_gin", "definition", postgresql_using="gin"),
    comment="Ways of working, from requirement to deployment",
)

workflow_executions = sa.Table(
    "workflow_executions",
    metadata,
    uuid_key(),
    reference("workflow_id", "workflows.id", "The workflow", nullable=False, ondelete="CASCADE"),
    sa.Column("execution_number", sa.Integer, sa.Identity(), nullable=False, comment="Number for people"),
    sa.Column("status", sa.String(50), server_default="pending", comment="Where it stands"),
    document("context", "What it was started with"),
    document("variables", "What its steps pass on"),
    document("result", "What came out", default=None),
    sa.Column("error", sa.Text, comment="Why it failed"),
    reference("started_by", "users.id", "Who started it"),
    moment("started_at", "When it began", default=True),
    moment("completed_at", "When it ended"),
    one_of("status", EXECUTION_STATUSES),
    sa.UniqueConstraint("workflow_id", "execution_number"),
    sa.Index("idx_workflow_executions_status", "status"),
    sa.Index("idx_workflow_executions_started_at", "started_at"),
    comment="Runs of workflows",
)
