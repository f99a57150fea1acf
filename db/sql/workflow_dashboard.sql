-- Every workflow with what became of its runs, tasks, pull requests and sessions (seed 001: workflow_dashboard).
CREATE OR REPLACE VIEW workflow_dashboard WITH (security_invoker = true) AS
SELECT w.id AS workflow_id,
       w.project_id,
       j.slug AS project,
       w.name,
       w.workflow_type,
       w.environment,
       w.status,
       w.priority,
       execution.total AS executions,
       execution.active AS active_executions,
       execution.completed AS completed_executions,
       execution.failed AS failed_executions,
       round(100.0 * execution.completed / nullif(execution.completed + execution.failed, 0), 2) AS success_rate,
       execution.average_seconds AS average_duration_seconds,
       execution.last_started_at,
       w.estimated_duration_minutes,
       w.actual_duration_minutes,
       execution.tasks,
       execution.active_tasks,
       execution.completed_tasks,
       execution.failed_tasks,
       pull_request.total AS pull_requests,
       pull_request.open AS open_pull_requests,
       pull_request.merged AS merged_pull_requests,
       session.total AS sessions,
       session.active AS active_sessions,
       session.tokens_used,
       session.cost_usd,
       w.created_at,
       w.updated_at
FROM workflows w
JOIN projects j ON j.id = w.project_id
CROSS JOIN LATERAL (
    SELECT count(*) AS total,
           count(*) FILTER (WHERE e.status IN ('pending', 'queued', 'running', 'paused')) AS active,
           count(*) FILTER (WHERE e.status = 'completed') AS completed,
           count(*) FILTER (WHERE e.status IN ('failed', 'timeout')) AS failed,
           round(avg(extract(epoch FROM e.completed_at - e.started_at))
                 FILTER (WHERE e.status = 'completed'), 1) AS average_seconds,
           max(e.started_at) AS last_started_at,
           coalesce(sum(task.total), 0)::bigint AS tasks,
           coalesce(sum(task.active), 0)::bigint AS active_tasks,
           coalesce(sum(task.completed), 0)::bigint AS completed_tasks,
           coalesce(sum(task.failed), 0)::bigint AS failed_tasks
    FROM workflow_executions e
    CROSS JOIN LATERAL (
        SELECT count(*) AS total,
               count(*) FILTER (WHERE t.status NOT IN ('completed', 'failed', 'cancelled')) AS active,
               count(*) FILTER (WHERE t.status = 'completed') AS completed,
               count(*) FILTER (WHERE t.status = 'failed') AS failed
        FROM tasks t WHERE t.workflow_execution_id = e.id
    ) task
    WHERE e.workflow_id = w.id
) execution
CROSS JOIN LATERAL (
    SELECT count(*) AS total,
           count(*) FILTER (WHERE t.status IN ('draft', 'open')) AS open,
           count(*) FILTER (WHERE t.status = 'merged') AS merged
    FROM pr_tracking t
    JOIN github_repositories r ON r.id = t.repository_id
    WHERE t.workflow_id = w.id AND r.deleted_at IS NULL AND r.removed_at IS NULL
      AND NOT EXISTS (SELECT FROM github_pull_requests p WHERE p.id = t.pull_request_id AND p.deleted_at IS NOT NULL)
) pull_request
CROSS JOIN LATERAL (
    SELECT count(*) AS total,
           count(*) FILTER (WHERE s.status IN ('active', 'idle', 'paused')) AS active,
           coalesce(sum(s.tokens_used), 0) AS tokens_used,
           coalesce(sum(s.cost_usd), 0) AS cost_usd
    FROM agent_sessions s WHERE s.workflow_id = w.id
) session;

COMMENT ON VIEW workflow_dashboard IS
    'Every workflow with its runs, tasks, pull requests and sessions; pull requests without those that are gone or hidden';
COMMENT ON COLUMN workflow_dashboard.workflow_id IS 'The workflow';
COMMENT ON COLUMN workflow_dashboard.project_id IS 'The project it belongs to';
COMMENT ON COLUMN workflow_dashboard.project IS 'The project''s slug';
COMMENT ON COLUMN workflow_dashboard.name IS 'Name';
COMMENT ON COLUMN workflow_dashboard.workflow_type IS 'Kind of workflow';
COMMENT ON COLUMN workflow_dashboard.environment IS 'Where it runs';
COMMENT ON COLUMN workflow_dashboard.status IS 'Where it stands';
COMMENT ON COLUMN workflow_dashboard.priority IS 'Higher goes first';
COMMENT ON COLUMN workflow_dashboard.executions IS 'Runs of it';
COMMENT ON COLUMN workflow_dashboard.active_executions IS 'Runs that have not ended';
COMMENT ON COLUMN workflow_dashboard.completed_executions IS 'Runs that ended well';
COMMENT ON COLUMN workflow_dashboard.failed_executions IS 'Runs that failed or took too long';
COMMENT ON COLUMN workflow_dashboard.success_rate IS
    'Completed runs of those that completed or failed, in percent; null before the first';
COMMENT ON COLUMN workflow_dashboard.average_duration_seconds IS 'Mean duration of completed runs, in seconds';
COMMENT ON COLUMN workflow_dashboard.last_started_at IS 'When the last run began';
COMMENT ON COLUMN workflow_dashboard.estimated_duration_minutes IS 'How long it should take, in minutes';
COMMENT ON COLUMN workflow_dashboard.actual_duration_minutes IS 'How long it took, in minutes, as its programs say';
COMMENT ON COLUMN workflow_dashboard.tasks IS 'Tasks of its runs';
COMMENT ON COLUMN workflow_dashboard.active_tasks IS 'Of these, neither completed nor failed nor cancelled';
COMMENT ON COLUMN workflow_dashboard.completed_tasks IS 'Of these, completed';
COMMENT ON COLUMN workflow_dashboard.failed_tasks IS 'Of these, failed';
COMMENT ON COLUMN workflow_dashboard.pull_requests IS 'Pull requests of its tasks';
COMMENT ON COLUMN workflow_dashboard.open_pull_requests IS 'Of these, open or draft';
COMMENT ON COLUMN workflow_dashboard.merged_pull_requests IS 'Of these, merged';
COMMENT ON COLUMN workflow_dashboard.sessions IS 'Agent sessions that worked for it';
COMMENT ON COLUMN workflow_dashboard.active_sessions IS 'Of these, not ended';
COMMENT ON COLUMN workflow_dashboard.tokens_used IS 'Model tokens that they used';
COMMENT ON COLUMN workflow_dashboard.cost_usd IS 'What they cost, in US dollars';
COMMENT ON COLUMN workflow_dashboard.created_at IS 'When the workflow was made';
COMMENT ON COLUMN workflow_dashboard.updated_at IS 'When its row last changed';
