SELECT title, status, waits_for_tasks, repository_name, pr_number, pr_status, merge_status, age_days
FROM active_tasks
WHERE project = 'rocket'
ORDER BY priority DESC, created_at
LIMIT 50;
