-- Tasks that are not done yet, with where their pull request stands (seed 002: active tasks summary).
CREATE OR REPLACE VIEW active_tasks WITH (security_invoker = true) AS
SELECT t.id AS task_id,
       t.project_id,
       j.slug AS project,
       t.title,
       t.type,
       t.status,
       t.priority,
       t.parent_task_id,
       t.assigned_agent_id,
       a.name AS agent,
       w.workflow_id,
       (SELECT count(*) FROM task_dependencies d JOIN tasks other ON other.id = d.depends_on_task_id
        WHERE d.task_id = t.id AND other.status IS DISTINCT FROM 'completed') AS waits_for_tasks,
       t.github_issue_number,
       t.github_pr_number,
       pull_request.repository_name,
       pull_request.pr_number,
       pull_request.status AS pr_status,
       pull_request.merge_status,
       pull_request.review_status,
       pull_request.ci_status,
       t.created_at,
       t.updated_at,
       t.started_at,
       t.scheduled_at,
       t.deadline_at,
       coalesce(t.deadline_at < now(), false) AS overdue,
       round(extract(epoch FROM now() - t.created_at) / 86400, 1) AS age_days
FROM tasks t
JOIN projects j ON j.id = t.project_id
LEFT JOIN agents a ON a.id = t.assigned_agent_id
LEFT JOIN workflow_executions w ON w.id = t.workflow_execution_id
LEFT JOIN LATERAL (
    SELECT k.repository_name, k.pr_number, k.status, k.merge_status, k.review_status, k.ci_status
    FROM pr_tracking k
    JOIN github_repositories r ON r.id = k.repository_id
    WHERE k.task_id = t.id AND r.deleted_at IS NULL AND r.removed_at IS NULL
      AND NOT EXISTS (SELECT FROM github_pull_requests p WHERE p.id = k.pull_request_id AND p.deleted_at IS NOT NULL)
    ORDER BY k.status IN ('draft', 'open') DESC, k.pr_number = t.github_pr_number DESC NULLS LAST, k.created_at DESC
    LIMIT 1
) pull_request ON true
WHERE t.status NOT IN ('completed', 'failed', 'cancelled');

COMMENT ON VIEW active_tasks IS
    'Tasks that are neither completed nor failed nor cancelled, each with its pull request, unless that is gone or hidden';
COMMENT ON COLUMN active_tasks.task_id IS 'The task';
COMMENT ON COLUMN active_tasks.project_id IS 'The project it belongs to';
COMMENT ON COLUMN active_tasks.project IS 'The project''s slug';
COMMENT ON COLUMN active_tasks.title IS 'What is to be done, in a line';
COMMENT ON COLUMN active_tasks.type IS 'Kind of work';
COMMENT ON COLUMN active_tasks.status IS 'Where it stands';
COMMENT ON COLUMN active_tasks.priority IS 'Higher goes first';
COMMENT ON COLUMN active_tasks.parent_task_id IS 'The task it is a part of';
COMMENT ON COLUMN active_tasks.assigned_agent_id IS 'The agent that works on it';
COMMENT ON COLUMN active_tasks.agent IS 'That agent''s name for people';
COMMENT ON COLUMN active_tasks.workflow_id IS 'The workflow whose run it is a step of';
COMMENT ON COLUMN active_tasks.waits_for_tasks IS 'How many tasks it depends on that are not completed';
COMMENT ON COLUMN active_tasks.github_issue_number IS 'Number of the issue it is linked to first';
COMMENT ON COLUMN active_tasks.github_pr_number IS 'Number of the pull request it is linked to first';
COMMENT ON COLUMN active_tasks.repository_name IS 'Repository of the pull request that works on it, an open one first';
COMMENT ON COLUMN active_tasks.pr_number IS 'Number of that pull request';
COMMENT ON COLUMN active_tasks.pr_status IS 'Its status: draft, open, closed or merged';
COMMENT ON COLUMN active_tasks.merge_status IS 'Whether it can be merged';
COMMENT ON COLUMN active_tasks.review_status IS 'What its reviewers say';
COMMENT ON COLUMN active_tasks.ci_status IS 'What its checks say';
COMMENT ON COLUMN active_tasks.created_at IS 'When the task was made';
COMMENT ON COLUMN active_tasks.updated_at IS 'When its row last changed';
COMMENT ON COLUMN active_tasks.started_at IS 'When work began';
COMMENT ON COLUMN active_tasks.scheduled_at IS 'When it may begin';
COMMENT ON COLUMN active_tasks.deadline_at IS 'When it has to be done';
COMMENT ON COLUMN active_tasks.overdue IS 'Its deadline has passed';
COMMENT ON COLUMN active_tasks.age_days IS 'Days since it was made';
