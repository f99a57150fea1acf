SELECT repository_name, project, pending_deliveries, parked_deliveries, stale, stale_reason
FROM sync_health
ORDER BY stale DESC, repository_name;
