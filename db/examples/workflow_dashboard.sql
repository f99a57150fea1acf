SELECT name, executions, success_rate, average_duration_seconds, tasks, active_tasks, pull_requests, sessions, cost_usd
FROM workflow_dashboard
WHERE project = 'rocket'
ORDER BY name;
