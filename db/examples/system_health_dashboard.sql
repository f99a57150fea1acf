SELECT deliveries_pending, oldest_pending_seconds, deliveries_parked, lag_seconds, jobs_failing, budget_least_percent,
       feed_position, repositories
FROM system_health_dashboard;
