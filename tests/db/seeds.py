"""What the seeds declare, copied by hand: ``name type [not null] [= default]``.

``seed:`` marks what the seed has where it was decided otherwise; db/README.md gives the reasons.
"""

import re

import psycopg

_COLUMNS = {
    "organizations": """
        id uuid not null = gen_random_uuid()
        name varchar(255) not null
        slug varchar(255) not null
        settings jsonb = '{}'
        subscription_tier varchar(50) = 'free'
        created_at timestamptz = CURRENT_TIMESTAMP
        updated_at timestamptz = CURRENT_TIMESTAMP
        deleted_at timestamptz
    """,
    "users": """
        id uuid not null = gen_random_uuid()
        email varchar(255) not null
        name varchar(255) not null
        avatar_url text
        github_id varchar(255)
        auth_provider varchar(50) not null = 'local'
        password_hash text
        mfa_enabled boolean = false
        mfa_secret text
        last_login_at timestamptz
        created_at timestamptz = CURRENT_TIMESTAMP
        updated_at timestamptz = CURRENT_TIMESTAMP
        deleted_at timestamptz
    """,
    "organization_members": """
        id uuid not null = gen_random_uuid()
        organization_id uuid not null
        user_id uuid not null
        role varchar(50) not null = 'member'
        permissions jsonb = '[]'
        invited_by uuid
        joined_at timestamptz = CURRENT_TIMESTAMP
    """,
    "projects": """
        id uuid not null = gen_random_uuid()
        organization_id uuid not null
        name varchar(255) not null
        slug varchar(255) not null
        description text
        repository_url text
        github_repo_id varchar(255)
        settings jsonb = '{}'
        status varchar(50) = 'active'
        created_by uuid
        created_at timestamptz = CURRENT_TIMESTAMP
        updated_at timestamptz = CURRENT_TIMESTAMP
        archived_at timestamptz
    """,
    "project_members": """
        id uuid not null = gen_random_uuid()
        project_id uuid not null
        user_id uuid not null
        role varchar(50) not null = 'developer'
        added_by uuid
        added_at timestamptz = CURRENT_TIMESTAMP
    """,
    "agents": """
        id uuid not null = gen_random_uuid()
        project_id uuid not null
        agent_type varchar(50) not null
        instance_id varchar(255) not null
        name varchar(255) not null
        status varchar(50) = 'inactive'
        configuration jsonb = '{}'
        capabilities text[] = '{}'
        version varchar(50) not null
        working_directory text
        claude_instructions text
        custom_commands jsonb = '[]'
        performance_metrics jsonb = '{}'
        last_heartbeat_at timestamptz
        created_at timestamptz = CURRENT_TIMESTAMP
        updated_at timestamptz = CURRENT_TIMESTAMP
        started_at timestamptz
        stopped_at timestamptz
        tdd_metrics jsonb = '{}'
    """,
    # 000, then 001. seed: type has no default, definition has none, status may be null and 001's is 'pending',
    # 001's created_by is varchar(255).
    "workflows": """
        id uuid not null = gen_random_uuid()
        project_id uuid not null
        name varchar(255) not null
        type varchar(50) not null = 'ci_cd'
        definition jsonb not null = '{}'
        status varchar(50) not null = 'draft'
        version integer = 1
        created_by uuid
        created_at timestamptz = CURRENT_TIMESTAMP
        updated_at timestamptz = CURRENT_TIMESTAMP
        description text
        workflow_type varchar(50) not null = 'ci_cd'
        priority integer = 0
        configuration jsonb = '{}'
        environment varchar(50) = 'development'
        started_at timestamptz
        completed_at timestamptz
        estimated_duration_minutes integer
        actual_duration_minutes integer
        parent_workflow_id uuid
        triggered_by varchar(255)
        tags jsonb = '[]'
        metadata jsonb = '{}'
        updated_by varchar(255)
    """,
    # seed: execution_number is a serial.
    "workflow_executions": """
        id uuid not null = gen_random_uuid()
        workflow_id uuid not null
        execution_number integer not null = identity
        status varchar(50) = 'pending'
        context jsonb = '{}'
        variables jsonb = '{}'
        result jsonb
        error text
        started_by uuid
        started_at timestamptz = CURRENT_TIMESTAMP
        completed_at timestamptz
    """,
    # 000, then 002. seed: type and specification have no default, 002's title is not null.
    "tasks": """
        id uuid not null = gen_random_uuid()
        project_id uuid not null
        workflow_execution_id uuid
        assigned_agent_id uuid
        type varchar(50) not null = 'task'
        status varchar(50) = 'pending'
        priority integer = 0
        specification jsonb not null = '{}'
        input_data jsonb = '{}'
        output_data jsonb
        error_details jsonb
        github_issue_number integer
        github_pr_number integer
        test_specification text
        tdd_phase varchar(20)
        test_results jsonb
        scheduled_at timestamptz
        started_at timestamptz
        completed_at timestamptz
        deadline_at timestamptz
        created_at timestamptz = CURRENT_TIMESTAMP
        updated_at timestamptz = CURRENT_TIMESTAMP
        parent_task_id uuid
        title varchar(500)
        description text
        requirements jsonb = '{}'
        context jsonb = '{}'
        tags jsonb = '[]'
    """,
    "task_dependencies": """
        id uuid not null = gen_random_uuid()
        task_id uuid not null
        depends_on_task_id uuid not null
        dependency_type varchar(50) = 'finish_to_start'
    """,
    # seed: agent_type and execution_status are enumerations.
    "task_executions": """
        id uuid not null = gen_random_uuid()
        task_id uuid not null
        agent_type varchar(50) not null
        execution_status varchar(50) = 'queued'
        input_context jsonb = '{}'
        output_results jsonb = '{}'
        error_details jsonb = '{}'
        started_at timestamptz
        completed_at timestamptz
        memory_usage_mb integer
        cpu_time_ms integer
    """,
    "agent_sessions": """
        id uuid not null = gen_random_uuid()
        session_id varchar(255) not null
        agent_name varchar(100) not null
        agent_version varchar(50)
        agent_type varchar(50) not null = 'ai_assistant'
        status varchar(50) not null = 'active'
        session_data jsonb = '{}'
        context_data jsonb = '{}'
        total_requests integer = 0
        successful_requests integer = 0
        failed_requests integer = 0
        avg_response_time_ms numeric(10,2)
        tokens_used integer = 0
        api_calls_made integer = 0
        cost_usd numeric(10,4) = 0
        workflow_id uuid
        task_id uuid
        parent_session_id uuid
        started_at timestamptz = CURRENT_TIMESTAMP
        last_activity_at timestamptz = CURRENT_TIMESTAMP
        expires_at timestamptz
        ended_at timestamptz
        client_ip inet
        user_agent text
        metadata jsonb = '{}'
    """,
    # seed: created_at and updated_at default to CURRENT_TIMESTAMP; here they are GitHub's, synced_at is ours.
    "github_repositories": """
        id uuid not null = gen_random_uuid()
        project_id uuid not null
        github_id varchar(255) not null
        owner varchar(255) not null
        name varchar(255) not null
        full_name varchar(255) not null
        default_branch varchar(255) = 'main'
        webhook_id varchar(255)
        webhook_secret text
        permissions jsonb = '{}'
        metadata jsonb = '{}'
        created_at timestamptz
        updated_at timestamptz
        synced_at timestamptz = CURRENT_TIMESTAMP
    """,
    "github_issues": """
        id uuid not null = gen_random_uuid()
        repository_id uuid not null
        github_id varchar(255) not null
        number integer not null
        title text not null
        body text
        state varchar(50) not null
        labels jsonb = '[]'
        assignees jsonb = '[]'
        created_by varchar(255)
        created_at timestamptz
        updated_at timestamptz
        closed_at timestamptz
        synced_at timestamptz = CURRENT_TIMESTAMP
    """,
    # seed: mergeable is stored; here it follows from what was reported for the present head and base.
    "github_pull_requests": """
        id uuid not null = gen_random_uuid()
        repository_id uuid not null
        github_id varchar(255) not null
        number integer not null
        title text not null
        body text
        state varchar(50) not null
        head_ref varchar(255)
        base_ref varchar(255)
        draft boolean = false
        merged boolean = false
        mergeable boolean = generated
        labels jsonb = '[]'
        reviewers jsonb = '[]'
        created_by varchar(255)
        created_at timestamptz
        updated_at timestamptz
        merged_at timestamptz
        closed_at timestamptz
        synced_at timestamptz = CURRENT_TIMESTAMP
    """,
    "pr_tracking": """
        id uuid not null = gen_random_uuid()
        pr_number integer not null
        pr_url varchar(500) not null
        repository_name varchar(255) not null
        repository_url varchar(500)
        title varchar(500) not null
        description text
        branch_name varchar(255) not null
        base_branch varchar(255) not null = 'main'
        status varchar(50) not null = 'open'
        merge_status varchar(50) = 'pending'
        review_status varchar(50) = 'pending'
        ci_status varchar(50) = 'pending'
        test_coverage_percentage numeric(5,2)
        quality_score numeric(5,2)
        security_scan_status varchar(50) = 'pending'
        lines_added integer = 0
        lines_deleted integer = 0
        files_changed integer = 0
        commits_count integer = 0
        workflow_id uuid
        task_id uuid
        created_by_session_id uuid
        created_at timestamptz = CURRENT_TIMESTAMP
        updated_at timestamptz = CURRENT_TIMESTAMP
        merged_at timestamptz
        closed_at timestamptz
        author varchar(255)
        assignees jsonb = '[]'
        reviewers jsonb = '[]'
        labels jsonb = '[]'
        metadata jsonb = '{}'
    """,
    "api_keys": """
        id uuid not null = gen_random_uuid()
        user_id uuid
        name varchar(255) not null
        key_hash varchar(255) not null
        permissions jsonb = '[]'
        expires_at timestamptz
        last_used_at timestamptz
        created_at timestamptz = CURRENT_TIMESTAMP
        revoked_at timestamptz
    """,
    "sessions": """
        id uuid not null = gen_random_uuid()
        user_id uuid not null
        token_hash varchar(255) not null
        ip_address inet
        user_agent text
        expires_at timestamptz not null
        created_at timestamptz = CURRENT_TIMESTAMP
        last_activity_at timestamptz = CURRENT_TIMESTAMP
    """,
    "system_metrics": """
        id uuid not null = gen_random_uuid()
        metric_category varchar(50) not null
        metric_name varchar(100) not null
        metric_type varchar(50) not null = 'gauge'
        numeric_value numeric(20,6)
        string_value text
        boolean_value boolean
        json_value jsonb
        aggregation_period varchar(50) = 'instant'
        aggregation_function varchar(50) = 'last'
        dimensions jsonb = '{}'
        tags jsonb = '{}'
        workflow_id uuid
        task_id uuid
        session_id uuid
        pr_id uuid
        timestamp timestamptz = CURRENT_TIMESTAMP
        recorded_at timestamptz = CURRENT_TIMESTAMP
        source_system varchar(100)
        source_component varchar(100)
        metadata jsonb = '{}'
    """,
    # seed: archive_enabled and delete_enabled may be null.
    "data_retention_policies": """
        id uuid not null = gen_random_uuid()
        table_name varchar(255) not null
        retention_days integer not null
        archive_enabled boolean not null = true
        delete_enabled boolean not null = false
        last_run_at timestamptz
        created_at timestamptz = CURRENT_TIMESTAMP
    """,
    # 000, then 001's audit_logs_enhanced without entity_type, entity_id and timestamp. It is partitioned by created_at,
    # which cannot be null then.
    "audit_logs": """
        id uuid not null = gen_random_uuid()
        user_id uuid
        organization_id uuid
        action varchar(255) not null
        resource_type varchar(100) not null
        resource_id uuid
        old_values jsonb
        new_values jsonb
        ip_address inet
        user_agent text
        created_at timestamptz not null = CURRENT_TIMESTAMP
        entity_name varchar(255)
        action_category varchar(50) not null = 'data'
        action_result varchar(50) = 'success'
        changed_fields jsonb = '[]'
        actor_type varchar(50) not null = 'user'
        actor_id varchar(255)
        actor_name varchar(255)
        session_id uuid
        workflow_id uuid
        task_id uuid
        request_id varchar(255)
        correlation_id varchar(255)
        request_method varchar(10)
        request_url text
        duration_ms integer
        error_code varchar(50)
        error_message text
        error_stack text
        compliance_tags jsonb = '[]'
        security_level varchar(20) = 'normal'
        data_classification varchar(20) = 'internal'
        metadata jsonb = '{}'
    """,
}

COLUMNS = {table: [line.strip() for line in lines.strip().splitlines()] for table, lines in _COLUMNS.items()}

# Indexes that a seed names, with what it says of them.
INDEXES = """
    idx_organizations_slug (slug)
    idx_organizations_deleted_at (deleted_at) WHERE (deleted_at IS NULL)
    idx_users_email (email)
    idx_users_github_id (github_id)
    idx_org_members_org_id (organization_id)
    idx_org_members_user_id (user_id)
    idx_projects_org_id (organization_id)
    idx_projects_status (status)
    idx_projects_github_repo_id (github_repo_id) WHERE (github_repo_id IS NOT NULL)
    idx_project_members_project_id (project_id)
    idx_project_members_user_id (user_id)
    idx_agents_project_id (project_id)
    idx_agents_type (agent_type)
    idx_agents_status (status)
    idx_agents_instance_id (instance_id)
    idx_agents_active (project_id, agent_type) WHERE
    idx_agent_config_gin USING gin (configuration)
    idx_workflows_project_id (project_id)
    idx_workflows_type (type)
    idx_workflows_status (status)
    idx_workflows_type_status (workflow_type, status)
    idx_workflows_priority_status (priority DESC, status)
    idx_workflows_active_priority (priority DESC, created_at DESC) WHERE
    idx_workflows_env_status_priority (environment, status, priority DESC)
    idx_workflows_tags_gin USING gin (tags)
    idx_workflow_def_gin USING gin (definition)
    idx_workflow_executions_workflow_id (workflow_id)
    idx_workflow_executions_status (status)
    idx_workflow_executions_started_at (started_at)
    idx_tasks_project_id (project_id)
    idx_tasks_workflow_execution_id (workflow_execution_id)
    idx_tasks_assigned_agent_id (assigned_agent_id)
    idx_tasks_status (status)
    idx_tasks_type (type)
    idx_tasks_priority (priority DESC)
    idx_tasks_scheduled_at (scheduled_at) WHERE (scheduled_at IS NOT NULL)
    idx_tasks_project_status (project_id, status)
    idx_tasks_agent_status (assigned_agent_id, status) WHERE (assigned_agent_id IS NOT NULL)
    idx_tasks_pending (scheduled_at) WHERE
    idx_task_spec_gin USING gin (specification)
    idx_task_dependencies_task_id (task_id)
    idx_task_dependencies_depends_on (depends_on_task_id)
    idx_agent_sessions_session_id (session_id)
    idx_agent_sessions_expires_at (expires_at)
    idx_agent_sessions_performance
    idx_github_repos_project_id (project_id)
    idx_github_repos_full_name (full_name)
    idx_github_issues_state (state)
    idx_github_issues_number (number)
    idx_github_prs_state (state)
    idx_github_prs_number (number)
    idx_pr_tracking_repo_pr (repository_name, pr_number)
    idx_pr_tracking_quality_score (quality_score)
    idx_pr_tracking_ci_status (ci_status)
    idx_api_keys_user_id (user_id)
    idx_api_keys_key_hash (key_hash)
    idx_api_keys_expires_at (expires_at)
    idx_sessions_user_id (user_id)
    idx_sessions_token_hash (token_hash)
    idx_sessions_expires_at (expires_at)
    idx_system_metrics_category_name (metric_category, metric_name)
    idx_system_metrics_timestamp ("timestamp")
    idx_system_metrics_aggregation (aggregation_period, aggregation_function)
    idx_audit_logs_user_id (user_id)
    idx_audit_logs_org_id (organization_id)
    idx_audit_logs_resource (resource_type, resource_id)
    idx_audit_logs_created_at (created_at)
    idx_audit_logs_security_level (security_level)
"""
INDEXES = [line.strip() for line in INDEXES.strip().splitlines()]

_DESCRIPTION = """
    SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
           CASE WHEN a.attidentity <> '' THEN 'identity'
                WHEN a.attgenerated <> '' THEN 'generated'
                ELSE pg_get_expr(d.adbin, d.adrelid) END
    FROM pg_attribute a
    LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
    WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attnum"""


def described(connection: psycopg.Connection, table: str) -> list[str]:
    """The table's columns in the same words."""
    return [_line(*column) for column in connection.execute(_DESCRIPTION, [table])]


def _line(name: str, type_name: str, not_null: bool, default: str | None) -> str:
    short = type_name.replace("character varying", "varchar").replace("timestamp with time zone", "timestamptz")
    literal = re.sub(r"::[a-z ]+(\[\])?$", "", default) if default else None
    return f"{name} {short}" + " not null" * not_null + (f" = {literal}" if literal else "")
