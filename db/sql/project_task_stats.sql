-- Tasks by project (seed 000: project_task_stats), as of its last refresh. The unique index lets it be refreshed while it
-- is read: REFRESH MATERIALIZED VIEW CONCURRENTLY project_task_stats.
CREATE MATERIALIZED VIEW IF NOT EXISTS project_task_stats AS
SELECT p.id AS project_id,
       count(t.id) AS total_tasks,
       count(t.id) FILTER (WHERE t.status NOT IN ('completed', 'failed', 'cancelled')) AS active_tasks,
       count(t.id) FILTER (WHERE t.status = 'completed') AS completed_tasks,
       count(t.id) FILTER (WHERE t.status = 'failed') AS failed_tasks,
       avg(extract(epoch FROM t.completed_at - t.created_at)) AS avg_completion_time_seconds,
       max(t.updated_at) AS last_activity,
       now() AS refreshed_at
FROM projects p
LEFT JOIN tasks t ON t.project_id = p.id
GROUP BY p.id;

CREATE UNIQUE INDEX IF NOT EXISTS idx_project_task_stats ON project_task_stats (project_id);

COMMENT ON MATERIALIZED VIEW project_task_stats IS 'Tasks by project, as of its last refresh';
COMMENT ON COLUMN project_task_stats.project_id IS 'The project';
COMMENT ON COLUMN project_task_stats.total_tasks IS 'Its tasks';
COMMENT ON COLUMN project_task_stats.active_tasks IS 'Of these, neither completed nor failed nor cancelled';
COMMENT ON COLUMN project_task_stats.completed_tasks IS 'Of these, completed';
COMMENT ON COLUMN project_task_stats.failed_tasks IS 'Of these, failed';
COMMENT ON COLUMN project_task_stats.avg_completion_time_seconds IS
    'Mean time from when a task was made until it was completed, in seconds';
COMMENT ON COLUMN project_task_stats.last_activity IS 'When a task of it last changed';
COMMENT ON COLUMN project_task_stats.refreshed_at IS 'When this was counted';
