"""Workflows, agents and tasks."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "agents",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column("project_id", sa.UUID(as_uuid=False), nullable=False, comment="The project it works on"),
        sa.Column("agent_type", sa.String(length=50), nullable=False, comment="What it is good for"),
        sa.Column("instance_id", sa.String(length=255), nullable=False, comment="Name of the running instance, unique"),
        sa.Column("name", sa.String(length=255), nullable=False, comment="Name for people"),
        sa.Column("status", sa.String(length=50), server_default="inactive", nullable=True, comment="What it is doing"),
        sa.Column(
            "configuration",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=True,
            comment="How it is set up",
        ),
        sa.Column(
            "capabilities", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=True, comment="What it can do"
        ),
        sa.Column("version", sa.String(length=50), nullable=False, comment="Version of its program"),
        sa.Column("working_directory", sa.Text(), nullable=True, comment="Where it works"),
        sa.Column("claude_instructions", sa.Text(), nullable=True, comment="Its standing instructions"),
        sa.Column(
            "custom_commands",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=True,
            comment="Commands it knows",
        ),
        sa.Column(
            "performance_metrics",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=True,
            comment="How well it does",
        ),
        sa.Column(
            "last_heartbeat_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When it last said that it lives"
        ),
        sa.Column(
            "created_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=True,
            comment="When the row was made",
        ),
        sa.Column(
            "updated_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=True,
            comment="When the row last changed",
        ),
        sa.Column("started_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When it started"),
        sa.Column("stopped_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When it stopped"),
        sa.Column(
            "tdd_metrics",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=True,
            comment="How well it does in test-driven work",
        ),
        sa.CheckConstraint(
            "status IN ('inactive', 'starting', 'active', 'idle', 'busy', 'paused', 'stopping', 'stopped', 'error', 'failed', 'offline')",
            name=op.f("agents_status_check"),
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("agents_project_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("agents_pkey")),
        sa.UniqueConstraint("instance_id", name="idx_agents_instance_id"),
        comment="Programs that work on tasks",
    )
    op.create_index("idx_agent_config_gin", "agents", ["configuration"], unique=False, postgresql_using="gin")
    op.create_index(
        "idx_agents_active",
        "agents",
        ["project_id", "agent_type"],
        unique=False,
        postgresql_where=sa.text("status = 'active'"),
    )
    op.create_index(op.f("idx_agents_project_id"), "agents", ["project_id"], unique=False)
    op.create_index("idx_agents_status", "agents", ["status"], unique=False)
    op.create_index("idx_agents_type", "agents", ["agent_type"], unique=False)
    op.create_table(
        "workflows",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column("project_id", sa.UUID(as_uuid=False), nullable=False, comment="The project it belongs to"),
        sa.Column("name", sa.String(length=255), nullable=False, comment="Name for people"),
        sa.Column(
            "type", sa.String(length=50), server_default="ci_cd", nullable=False, comment="Kind of definition (000)"
        ),
        sa.Column(
            "definition",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
            comment="Its steps and what follows what",
        ),
        sa.Column("status", sa.String(length=50), server_default="draft", nullable=False, comment="Where it stands"),
        sa.Column("version", sa.Integer(), server_default="1", nullable=True, comment="Version of the definition"),
        sa.Column("created_by", sa.UUID(as_uuid=False), nullable=True, comment="Who made it"),
        sa.Column(
            "created_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=True,
            comment="When the row was made",
        ),
        sa.Column(
            "updated_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=True,
            comment="When the row last changed",
        ),
        sa.Column("description", sa.Text(), nullable=True, comment="What it is for"),
        sa.Column(
            "workflow_type", sa.String(length=50), server_default="ci_cd", nullable=False, comment="Kind of run (001)"
        ),
        sa.Column("priority", sa.Integer(), server_default="0", nullable=True, comment="Higher goes first"),
        sa.Column(
            "configuration",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=True,
            comment="How it runs",
        ),
        sa.Column(
            "environment", sa.String(length=50), server_default="development", nullable=True, comment="Where it runs"
        ),
        sa.Column("started_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When it began"),
        sa.Column("completed_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When it ended"),
        sa.Column(
            "estimated_duration_minutes", sa.Integer(), nullable=True, comment="How long it should take, in minutes"
        ),
        sa.Column("actual_duration_minutes", sa.Integer(), nullable=True, comment="How long it took, in minutes"),
        sa.Column("parent_workflow_id", sa.UUID(as_uuid=False), nullable=True, comment="The workflow it is a part of"),
        sa.Column("triggered_by", sa.String(length=255), nullable=True, comment="Name of who or what started it"),
        sa.Column(
            "tags",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=True,
            comment="Words to find it by",
        ),
        sa.Column(
            "metadata",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=True,
            comment="Anything else",
        ),
        sa.Column("updated_by", sa.String(length=255), nullable=True, comment="Name of who last changed it"),
        sa.CheckConstraint(
            "status IN ('draft', 'pending', 'active', 'running', 'paused', 'completed', 'failed', 'cancelled', 'inactive', 'archived')",
            name=op.f("workflows_status_check"),
        ),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("workflows_created_by_fkey")),
        sa.ForeignKeyConstraint(
            ["parent_workflow_id"], ["workflows.id"], name=op.f("workflows_parent_workflow_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("workflows_project_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("workflows_pkey")),
        comment="Ways of working, from requirement to deployment",
    )
    op.create_index("idx_workflow_def_gin", "workflows", ["definition"], unique=False, postgresql_using="gin")
    op.create_index(
        "idx_workflows_active_priority",
        "workflows",
        [sa.literal_column("priority DESC"), sa.literal_column("created_at DESC")],
        unique=False,
        postgresql_where=sa.text("status IN ('pending', 'running')"),
    )
    op.create_index(op.f("idx_workflows_created_by"), "workflows", ["created_by"], unique=False)
    op.create_index(
        "idx_workflows_env_status_priority",
        "workflows",
        ["environment", "status", sa.literal_column("priority DESC")],
        unique=False,
    )
    op.create_index(op.f("idx_workflows_parent_workflow_id"), "workflows", ["parent_workflow_id"], unique=False)
    op.create_index(
        "idx_workflows_priority_status", "workflows", [sa.literal_column("priority DESC"), "status"], unique=False
    )
    op.create_index(op.f("idx_workflows_project_id"), "workflows", ["project_id"], unique=False)
    op.create_index("idx_workflows_status", "workflows", ["status"], unique=False)
    op.create_index("idx_workflows_tags_gin", "workflows", ["tags"], unique=False, postgresql_using="gin")
    op.create_index("idx_workflows_type", "workflows", ["type"], unique=False)
    op.create_index("idx_workflows_type_status", "workflows", ["workflow_type", "status"], unique=False)
    op.create_table(
        "workflow_executions",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column("workflow_id", sa.UUID(as_uuid=False), nullable=False, comment="The workflow"),
        sa.Column(
            "execution_number", sa.Integer(), sa.Identity(always=False), nullable=False, comment="Number for people"
        ),
        sa.Column("status", sa.String(length=50), server_default="pending", nullable=True, comment="Where it stands"),
        sa.Column(
            "context",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=True,
            comment="What it was started with",
        ),
        sa.Column(
            "variables",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=True,
            comment="What its steps pass on",
        ),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True, comment="What came out"),
        sa.Column("error", sa.Text(), nullable=True, comment="Why it failed"),
        sa.Column("started_by", sa.UUID(as_uuid=False), nullable=True, comment="Who started it"),
        sa.Column(
            "started_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=True,
            comment="When it began",
        ),
        sa.Column("completed_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When it ended"),
        sa.CheckConstraint(
            "status IN ('pending', 'queued', 'running', 'paused', 'completed', 'failed', 'cancelled', 'timeout', 'skipped')",
            name=op.f("workflow_executions_status_check"),
        ),
        sa.ForeignKeyConstraint(["started_by"], ["users.id"], name=op.f("workflow_executions_started_by_fkey")),
        sa.ForeignKeyConstraint(
            ["workflow_id"], ["workflows.id"], name=op.f("workflow_executions_workflow_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("workflow_executions_pkey")),
        sa.UniqueConstraint(
            "workflow_id", "execution_number", name=op.f("workflow_executions_workflow_id_execution_number_key")
        ),
        comment="Runs of workflows",
    )
    op.create_index("idx_workflow_executions_started_at", "workflow_executions", ["started_at"], unique=False)
    op.create_index(op.f("idx_workflow_executions_started_by"), "workflow_executions", ["started_by"], unique=False)
    op.create_index("idx_workflow_executions_status", "workflow_executions", ["status"], unique=False)
    op.create_index(op.f("idx_workflow_executions_workflow_id"), "workflow_executions", ["workflow_id"], unique=False)
    op.create_table(
        "tasks",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column("project_id", sa.UUID(as_uuid=False), nullable=False, comment="The project it belongs to"),
        sa.Column("workflow_execution_id", sa.UUID(as_uuid=False), nullable=True, comment="The run it is a step of"),
        sa.Column("assigned_agent_id", sa.UUID(as_uuid=False), nullable=True, comment="The agent that works on it"),
        sa.Column("type", sa.String(length=50), server_default="task", nullable=False, comment="Kind of work"),
        sa.Column("status", sa.String(length=50), server_default="pending", nullable=True, comment="Where it stands"),
        sa.Column("priority", sa.Integer(), server_default="0", nullable=True, comment="Higher goes first"),
        sa.Column(
            "specification",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
            comment="What is to be done, for programs",
        ),
        sa.Column(
            "input_data",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=True,
            comment="What the work starts from",
        ),
        sa.Column("output_data", postgresql.JSONB(astext_type=sa.Text()), nullable=True, comment="What came out"),
        sa.Column("error_details", postgresql.JSONB(astext_type=sa.Text()), nullable=True, comment="Why it failed"),
        sa.Column(
            "github_issue_number", sa.Integer(), nullable=True, comment="Number of the issue it is linked to first"
        ),
        sa.Column(
            "github_pr_number", sa.Integer(), nullable=True, comment="Number of the pull request it is linked to first"
        ),
        sa.Column("test_specification", sa.Text(), nullable=True, comment="What its tests have to prove"),
        sa.Column(
            "tdd_phase", sa.String(length=20), nullable=True, comment="Step of test-driven work: red, green, refactor"
        ),
        sa.Column(
            "test_results", postgresql.JSONB(astext_type=sa.Text()), nullable=True, comment="What its tests said"
        ),
        sa.Column("scheduled_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When it may begin"),
        sa.Column("started_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When work began"),
        sa.Column("completed_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When work ended"),
        sa.Column("deadline_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When it has to be done"),
        sa.Column(
            "created_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=True,
            comment="When the row was made",
        ),
        sa.Column(
            "updated_at",
            sa.TIMESTAMP(timezone=True),
            server_default=sa.text("CURRENT_TIMESTAMP"),
            nullable=True,
            comment="When the row last changed",
        ),
        sa.Column("title", sa.String(length=500), nullable=True, comment="What is to be done, in a line"),
        sa.Column("description", sa.Text(), nullable=True, comment="What is to be done, for people"),
        sa.Column("parent_task_id", sa.UUID(as_uuid=False), nullable=True, comment="The task it is a part of"),
        sa.Column(
            "requirements",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=True,
            comment="What it has to fulfil",
        ),
        sa.Column(
            "context",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=True,
            comment="What helps to do it",
        ),
        sa.Column(
            "tags",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=True,
            comment="Words to find it by",
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'queued', 'assigned', 'ready', 'blocked', 'in_progress', 'running', 'in_review', 'completed', 'failed', 'cancelled')",
            name=op.f("tasks_status_check"),
        ),
        sa.CheckConstraint("tdd_phase IN ('red', 'green', 'refactor')", name=op.f("tasks_tdd_phase_check")),
        sa.ForeignKeyConstraint(["assigned_agent_id"], ["agents.id"], name=op.f("tasks_assigned_agent_id_fkey")),
        sa.ForeignKeyConstraint(["parent_task_id"], ["tasks.id"], name=op.f("tasks_parent_task_id_fkey")),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("tasks_project_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workflow_execution_id"],
            ["workflow_executions.id"],
            name=op.f("tasks_workflow_execution_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("tasks_pkey")),
        comment="Work to be done, linked to issues and pull requests",
    )
    op.create_index("idx_task_spec_gin", "tasks", ["specification"], unique=False, postgresql_using="gin")
    op.create_index(
        "idx_tasks_agent_status",
        "tasks",
        ["assigned_agent_id", "status"],
        unique=False,
        postgresql_where=sa.text("assigned_agent_id IS NOT NULL"),
    )
    op.create_index(op.f("idx_tasks_assigned_agent_id"), "tasks", ["assigned_agent_id"], unique=False)
    op.create_index(
        "idx_tasks_github_issue_number",
        "tasks",
        ["project_id", "github_issue_number"],
        unique=False,
        postgresql_where=sa.text("github_issue_number IS NOT NULL"),
    )
    op.create_index(
        "idx_tasks_github_pr_number",
        "tasks",
        ["project_id", "github_pr_number"],
        unique=False,
        postgresql_where=sa.text("github_pr_number IS NOT NULL"),
    )
    op.create_index(op.f("idx_tasks_parent_task_id"), "tasks", ["parent_task_id"], unique=False)
    op.create_index(
        "idx_tasks_pending",
        "tasks",
        ["scheduled_at"],
        unique=False,
        postgresql_where=sa.text("status = 'pending' AND scheduled_at IS NOT NULL"),
    )
    op.create_index("idx_tasks_priority", "tasks", [sa.literal_column("priority DESC")], unique=False)
    op.create_index(op.f("idx_tasks_project_id"), "tasks", ["project_id"], unique=False)
    op.create_index("idx_tasks_project_status", "tasks", ["project_id", "status"], unique=False)
    op.create_index("idx_tasks_requirements_gin", "tasks", ["requirements"], unique=False, postgresql_using="gin")
    op.create_index(
        "idx_tasks_scheduled_at",
        "tasks",
        ["scheduled_at"],
        unique=False,
        postgresql_where=sa.text("scheduled_at IS NOT NULL"),
    )
    op.create_index("idx_tasks_status", "tasks", ["status"], unique=False)
    op.create_index("idx_tasks_tags_gin", "tasks", ["tags"], unique=False, postgresql_using="gin")
    op.create_index(
        "idx_tasks_text_search",
        "tasks",
        [sa.literal_column("to_tsvector('english'::regconfig, (title::text || ' '::text) || description)")],
        unique=False,
        postgresql_using="gin",
    )
    op.create_index("idx_tasks_type", "tasks", ["type"], unique=False)
    op.create_index(op.f("idx_tasks_workflow_execution_id"), "tasks", ["workflow_execution_id"], unique=False)
    op.create_table(
        "agent_sessions",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column("session_id", sa.String(length=255), nullable=False, comment="Name the agent knows it by, unique"),
        sa.Column("agent_name", sa.String(length=100), nullable=False, comment="Name of the agent"),
        sa.Column("agent_version", sa.String(length=50), nullable=True, comment="Version of the agent"),
        sa.Column(
            "agent_type", sa.String(length=50), server_default="ai_assistant", nullable=False, comment="Kind of agent"
        ),
        sa.Column("status", sa.String(length=50), server_default="active", nullable=False, comment="Where it stands"),
        sa.Column(
            "session_data",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=True,
            comment="State of the session",
        ),
        sa.Column(
            "context_data",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=True,
            comment="What the agent was told",
        ),
        sa.Column("total_requests", sa.Integer(), server_default="0", nullable=True, comment="Requests made"),
        sa.Column(
            "successful_requests", sa.Integer(), server_default="0", nullable=True, comment="Requests that succeeded"
        ),
        sa.Column("failed_requests", sa.Integer(), server_default="0", nullable=True, comment="Requests that failed"),
        sa.Column(
            "avg_response_time_ms",
            sa.Numeric(precision=10, scale=2),
            nullable=True,
            comment="Mean response time, in milliseconds",
        ),
        sa.Column("tokens_used", sa.Integer(), server_default="0", nullable=True, comment="Model tokens used"),
        sa.Column("api_calls_made", sa.Integer(), server_default="0", nullable=True, comment="API calls made"),
        sa.Column(
            "cost_usd",
            sa.Numeric(precision=10, scale=4),
            server_default=sa.text("0"),
            nullable=True,
            comment="What it cost, in US dollars",
        ),
        sa.Column("workflow_id", sa.UUID(as_uuid=False), nullable=True, comment="The workflow it works for"),
        sa.Column("task_id", sa.UUID(as_uuid=False), nullable=True, comment="The task it works on"),
        sa.Column("parent_session_id", sa.UUID(as_uuid=False), nullable=True, comment="The session that started it"),
        sa.Column(
            "started_at",
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
            comment="When it was last active",
        ),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When it expires"),
        sa.Column("ended_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When it ended"),
        sa.Column("client_ip", postgresql.INET(), nullable=True, comment="Address it came from"),
        sa.Column("user_agent", sa.Text(), nullable=True, comment="Program it came from"),
        sa.Column(
            "metadata",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=True,
            comment="Anything else",
        ),
        sa.CheckConstraint(
            "status IN ('active', 'idle', 'paused', 'completed', 'failed', 'expired', 'terminated', 'ended')",
            name=op.f("agent_sessions_status_check"),
        ),
        sa.ForeignKeyConstraint(
            ["parent_session_id"], ["agent_sessions.id"], name=op.f("agent_sessions_parent_session_id_fkey")
        ),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name=op.f("agent_sessions_task_id_fkey")),
        sa.ForeignKeyConstraint(["workflow_id"], ["workflows.id"], name=op.f("agent_sessions_workflow_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("agent_sessions_pkey")),
        sa.UniqueConstraint("session_id", name="idx_agent_sessions_session_id"),
        comment="Conversations with agents, their state and cost",
    )
    op.create_index(
        "idx_agent_sessions_expires_at",
        "agent_sessions",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("expires_at IS NOT NULL"),
    )
    op.create_index(op.f("idx_agent_sessions_parent_session_id"), "agent_sessions", ["parent_session_id"], unique=False)
    op.create_index(
        "idx_agent_sessions_performance", "agent_sessions", ["agent_name", "avg_response_time_ms"], unique=False
    )
    op.create_index(op.f("idx_agent_sessions_task_id"), "agent_sessions", ["task_id"], unique=False)
    op.create_index(op.f("idx_agent_sessions_workflow_id"), "agent_sessions", ["workflow_id"], unique=False)
    op.create_table(
        "task_dependencies",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column("task_id", sa.UUID(as_uuid=False), nullable=False, comment="The task that waits"),
        sa.Column("depends_on_task_id", sa.UUID(as_uuid=False), nullable=False, comment="The task it waits for"),
        sa.Column(
            "dependency_type",
            sa.String(length=50),
            server_default="finish_to_start",
            nullable=True,
            comment="Which end of one waits for which end of the other",
        ),
        sa.CheckConstraint(
            "dependency_type IN ('finish_to_start', 'start_to_start', 'finish_to_finish', 'start_to_finish')",
            name=op.f("task_dependencies_dependency_type_check"),
        ),
        sa.ForeignKeyConstraint(
            ["depends_on_task_id"],
            ["tasks.id"],
            name=op.f("task_dependencies_depends_on_task_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], ["tasks.id"], name=op.f("task_dependencies_task_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("task_dependencies_pkey")),
        sa.UniqueConstraint(
            "task_id", "depends_on_task_id", name=op.f("task_dependencies_task_id_depends_on_task_id_key")
        ),
        comment="Which task waits for which; cycles are refused",
    )
    op.create_index("idx_task_dependencies_depends_on", "task_dependencies", ["depends_on_task_id"], unique=False)
    op.create_index(op.f("idx_task_dependencies_task_id"), "task_dependencies", ["task_id"], unique=False)
    op.create_table(
        "task_executions",
        sa.Column(
            "id", sa.UUID(as_uuid=False), server_default=sa.text("gen_random_uuid()"), nullable=False, comment="Key"
        ),
        sa.Column("task_id", sa.UUID(as_uuid=False), nullable=False, comment="The task"),
        sa.Column("agent_type", sa.String(length=50), nullable=False, comment="Kind of agent that tried"),
        sa.Column(
            "execution_status",
            sa.String(length=50),
            server_default="queued",
            nullable=True,
            comment="Where the attempt stands",
        ),
        sa.Column(
            "input_context",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=True,
            comment="What the attempt started from",
        ),
        sa.Column(
            "output_results",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=True,
            comment="What came out",
        ),
        sa.Column(
            "error_details",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=True,
            comment="Why it failed",
        ),
        sa.Column("started_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When it began"),
        sa.Column("completed_at", sa.TIMESTAMP(timezone=True), nullable=True, comment="When it ended"),
        sa.Column("memory_usage_mb", sa.Integer(), nullable=True, comment="Memory it took, in megabytes"),
        sa.Column("cpu_time_ms", sa.Integer(), nullable=True, comment="Processor time it took, in milliseconds"),
        sa.CheckConstraint(
            "execution_status IN ('pending', 'queued', 'running', 'paused', 'completed', 'failed', 'cancelled', 'timeout', 'skipped')",
            name=op.f("task_executions_execution_status_check"),
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], ["tasks.id"], name=op.f("task_executions_task_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("task_executions_pkey")),
        comment="Attempts at tasks",
    )
    op.create_index("idx_task_executions_status", "task_executions", ["execution_status"], unique=False)
    op.create_index(op.f("idx_task_executions_task_id"), "task_executions", ["task_id"], unique=False)


def downgrade() -> None:
    op.drop_table("task_executions")
    op.drop_table("task_dependencies")
    op.drop_table("agent_sessions")
    op.drop_table("tasks")
    op.drop_table("workflow_executions")
    op.drop_table("workflows")
    op.drop_table("agents")
