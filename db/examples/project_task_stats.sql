SELECT p.slug, s.total_tasks, s.active_tasks, s.completed_tasks, round(s.avg_completion_time_seconds) AS seconds
FROM project_task_stats s JOIN projects p ON p.id = s.project_id
ORDER BY p.slug;
