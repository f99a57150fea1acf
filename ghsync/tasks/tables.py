"""Tasks, what they wait for and attempts at them: seed 000, with what 002 adds.

002's ``tasks.dependencies`` are rows of ``task_dependencies``, its ``tasks.assigned_agent`` is ``assigned_agent_id``,
and its enumerations are text held by CHECKs, because an enumeration cannot lose a value and a CHECK can be replaced.

A task can be created with a title alone: ``type`` and ``specification`` have defaults.
"""

import sqlalchemy as sa

from ghsync.database import document, metadata, moment, one_of, reference, uuid_key
from ghsync.tasks.workflow_tables import EXECUTION_STATUSES

TASK_STATUSES = (
    "pending",
    "queued",
    "assigned",
    "ready",
    "blocked",
    "in_progress",
    "running",
    "in_review",
    "completed",
    "failed",
    "cancelled",
)
TDD_PHASES = ("red", "green", "refactor")
DEPENDENCY_TYPES = ("finish_to_start", "start_to_start", "finish_to_finish", "start_to_finish")

tasks = sa.Table(
    "tasks",
    metadata,
    uuid_key(),
    reference("project_id", "projects.id", "The project it belongs to", nullable=False, ondelete="CASCADE"),
    reference("workflow_execution_id", "workflow_executions.id", "The run it is a step of", ondelete="CASCADE"),
    reference("assigned_agent_id", "agents.id", "The agent that works on it"),
    sa.Column("type", sa.String(50), nullable=False, server_default="task", comment="Kind of work"),
    sa.Column("status", sa.String(50), server_default="pending", comment="Where it stands"),
    sa.Column("priority", sa.Integer, server_default="0", comment="Higher goes first"),
    document("specification", "What is to be done, for programs", nullable=False),
    document("input_data", "What the work starts from"),
    document("output_data", "What came out", default=None),
    document("error_details", "Why it failed", default=None),
    sa.Column("github_issue_number", sa.Integer, comment="Number of the issue it is linked to first"),
    sa.Column("github_pr_number", sa.Integer, comment="Number of the pull request it is linked to first"),
    sa.Column("test_specification", sa.Text, comment="What its tests have to prove"),
    sa.Column("tdd_phase", sa.String(20), comment="Step of test-driven work: red, green, refactor"),
    document("test_results", "What its tests said", default=None),
    moment("scheduled_at", "When it may begin"),
    moment("started_at", "When work began"),
    moment("completed_at", "When work ended"),
    moment("deadline_at", "When it has to be done"),
    moment("created_at", "When the row was made", default=True),
    moment("updated_at", "When the row last changed", default=True),
    sa.Column("title", sa.String(500), comment="What is to be done, in a line"),
    sa.Column("description", sa.Text, comment="What is to be done, for people"),
    reference("parent_task_id", "tasks.id", "The task it is a part of"),
    document("requirements", "What it has to fulfil"),
    document("context", "What helps to do it"),
    document("tags", "Words to find it by", default="[]"),
    one_of("status", TASK_STATUSES),
    one_of("tdd_phase", TDD_PHASES),
    sa.Index("idx_tasks_status", "status"),
    sa.Index("idx_tasks_type", "type"),
    sa.Index("idx_tasks_priority", sa.text("priority DESC")),
    sa.Index("idx_tasks_scheduled_at", "scheduled_at", postgresql_where=sa.text("scheduled_at IS NOT NULL")),
    sa.Index("idx_tasks_project_status", "project_id", "status"),
    sa.Index(
        "idx_tasks_active",
        sa.text("priority DESC"),
        "created_at",
        postgresql_where=sa.text("status NOT IN ('completed', 'failed', 'cancelled')"),
    ),
    sa.Index(
        "idx_tasks_agent_status",
        "assigned_agent_id",
        "status",
        postgresql_where=sa.text("assigned_agent_id IS NOT NULL"),
    ),
    sa.Index(
        "idx_tasks_pending",
        "scheduled_at",
        postgresql_where=sa.text("status = 'pending' AND scheduled_at IS NOT NULL"),
    ),
    # Links are looked up from the GitHub side: which task of this project holds this number?
    sa.Index(
        "idx_tasks_github_issue_number",
        "project_id",
        "github_issue_number",
        postgresql_where=sa.text("github_issue_number IS NOT NULL"),
    ),
    sa.Index(
        "idx_tasks_github_pr_number",
        "project_id",
        "github_pr_number",
        postgresql_where=sa.text("github_pr_number IS NOT NULL"),
    ),
    sa.Index("idx_task_spec_gin", "specification", postgresql_using="gin"),
    sa.Index("idx_tasks_requirements_gin", "requirements", postgresql_using="gin"),
    sa.Index("idx_tasks_tags_gin", "tags", postgresql_using="gin"),
    sa.Index(
        "idx_tasks_text_search",
        sa.text("to_tsvector('english'::regconfig, (title::text || ' '::text) || description)"),
        postgresql_using="gin",
    ),
    comment="Work to be done, linked to issues and pull requests",
)

task_dependencies = sa.Table(
    "task_dependencies",
    metadata,
    uuid_key(),
    reference("task_id", "tasks.id", "The task that waits", nullable=False, ondelete="CASCADE"),
    reference(
        "depends_on_task_id",
        "tasks.id",
        "The task it waits for",
        nullable=False,
        ondelete="CASCADE",
        index=False,
    ),
    sa.Column(
        "dependency_type",
        sa.String(50),
        server_default="finish_to_start",
        comment="Which end of one waits for which end of the other",
    ),
    one_of("dependency_type", DEPENDENCY_TYPES),
    sa.UniqueConstraint("task_id", "depends_on_task_id"),
    sa.Index("idx_task_dependencies_depends_on", "depends_on_task_id"),
    comment="Which task waits for which; cycles are refused",
)

task_executions = sa.Table(
    "task_executions",
    metadata,
    uuid_key(),
    reference("task_id", "tasks.id", "The task", nullable=False, ondelete="CASCADE"),
    sa.Column("agent_type", sa.String(50), nullable=False, comment="Kind of agent that tried"),
    sa.Column("execution_status", sa.String(50), server_default="queued", comment="Where the attempt stands"),
    document("input_context", "What the attempt started from"),
    document("output_results", "What came out"),
    document("error_details", "Why it failed"),
    moment("started_at", "When it began"),
    moment("completed_at", "When it ended"),
    sa.Column("memory_usage_mb", sa.Integer, comment="Memory it took, in megabytes"),
    sa.Column("cpu_time_ms", sa.Integer, comment="Processor time it took, in milliseconds"),
    one_of("execution_status", EXECUTION_STATUSES),
    sa.Index("idx_task_executions_status", "execution_status"),
    comment="Attempts at tasks",
)
