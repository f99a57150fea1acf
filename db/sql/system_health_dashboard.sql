-- The whole system in one row (seed 001: overall system health).
--
-- Exact counts are of what waits or is parked, from partial indexes, whatever the inbox holds besides. The newest
-- projected delivery is among the newest of all, or else just before the first that waits.
CREATE OR REPLACE VIEW system_health_dashboard AS
SELECT now() AS checked_at,
       pending.count AS deliveries_pending,
       round(extract(epoch FROM greatest(now() - oldest.received_at, '0')), 1) AS oldest_pending_seconds,
       (SELECT count(*) FROM webhook_deliveries WHERE status = 'parked') AS deliveries_parked,
       (SELECT received_at FROM webhook_deliveries ORDER BY id DESC LIMIT 1) AS last_received_at,
       newest.processed_at AS last_processed_at,
       round(extract(epoch FROM greatest(newest.processed_at - newest.received_at, '0')), 3) AS lag_seconds,
       jobs.due AS jobs_due,
       jobs.waiting AS jobs_waiting,
       jobs.failing AS jobs_failing,
       jobs.parked AS jobs_parked,
       (SELECT count(*) FROM sync_runs
        WHERE status = 'failed' AND started_at > now() - interval '1 day') AS runs_failed_last_day,
       (SELECT finished_at FROM sync_runs
        WHERE kind = 'sweep' AND status = 'succeeded' AND repository_id IS NULL
        ORDER BY finished_at DESC LIMIT 1) AS last_sweep_at,
       budget.least_percent AS budget_least_percent,
       coalesce(budget.each, '[]') AS budgets,
       feed.last_seq AS feed_position,
       (SELECT created_at FROM change_events ORDER BY seq DESC LIMIT 1) AS last_change_at,
       (SELECT count(*) FROM github_repositories
        WHERE deleted_at IS NULL AND removed_at IS NULL) AS repositories,
       pg_database_size(current_database()) AS database_size_bytes
FROM change_feed feed
CROSS JOIN (SELECT count(*) AS count, min(id) AS first_id FROM webhook_deliveries WHERE status = 'pending') pending
LEFT JOIN webhook_deliveries oldest ON oldest.id = pending.first_id
LEFT JOIN LATERAL (
    SELECT recent.received_at, recent.processed_at
    FROM (
        (SELECT status, received_at, processed_at FROM webhook_deliveries ORDER BY id DESC LIMIT 1000)
        UNION ALL
        (SELECT status, received_at, processed_at FROM webhook_deliveries
         WHERE id < pending.first_id ORDER BY id DESC LIMIT 1000)
    ) recent
    WHERE recent.status = 'processed' ORDER BY recent.processed_at DESC LIMIT 1
) newest ON true
CROSS JOIN (
    SELECT count(*) FILTER (WHERE parked_at IS NULL AND due_at <= now()) AS due,
           count(*) FILTER (WHERE parked_at IS NULL) AS waiting,
           count(*) FILTER (WHERE parked_at IS NULL AND attempts > 0
                              AND last_error IS DISTINCT FROM 'GitHub has not computed mergeable yet') AS failing,
           count(*) FILTER (WHERE parked_at IS NOT NULL) AS parked
    FROM sync_jobs
) jobs
CROSS JOIN (
    -- A window that has ended gives back all of it.
    SELECT min(CASE WHEN b.blocked_until > now() THEN 0
                    ELSE round(100.0 * left_over.requests / nullif(b.request_limit, 0), 1) END) AS least_percent,
           jsonb_agg(jsonb_build_object(
               'credential', b.credential, 'resource', b.resource, 'limit', b.request_limit,
               'remaining', left_over.requests, 'resets_at', CASE WHEN b.resets_at > now() THEN b.resets_at END,
               'blocked_until', CASE WHEN b.blocked_until > now() THEN b.blocked_until END
           ) ORDER BY b.credential, b.resource) AS each
    FROM sync_budgets b
    CROSS JOIN LATERAL (
        SELECT CASE WHEN b.resets_at > now() THEN b.remaining ELSE b.request_limit END AS requests
    ) left_over
    WHERE (b.request_limit IS NOT NULL AND b.updated_at > now() - interval '1 day') OR b.blocked_until > now()
) budget;

COMMENT ON VIEW system_health_dashboard IS 'The whole system in one row: inbox, jobs, runs, API budget, change feed, size';
COMMENT ON COLUMN system_health_dashboard.checked_at IS 'When this was read';
COMMENT ON COLUMN system_health_dashboard.deliveries_pending IS 'Deliveries that are not projected yet';
COMMENT ON COLUMN system_health_dashboard.oldest_pending_seconds IS 'How long the oldest of them has waited, in seconds';
COMMENT ON COLUMN system_health_dashboard.deliveries_parked IS 'Deliveries that are parked';
COMMENT ON COLUMN system_health_dashboard.last_received_at IS 'When the newest delivery arrived';
COMMENT ON COLUMN system_health_dashboard.last_processed_at IS 'When the newest projected delivery was projected';
COMMENT ON COLUMN system_health_dashboard.lag_seconds IS 'How long that one waited for it, in seconds';
COMMENT ON COLUMN system_health_dashboard.jobs_due IS 'Jobs that could be done now';
COMMENT ON COLUMN system_health_dashboard.jobs_waiting IS 'Jobs in all, but for parked ones';
COMMENT ON COLUMN system_health_dashboard.jobs_failing IS 'Of these, those that have failed and will be tried again';
COMMENT ON COLUMN system_health_dashboard.jobs_parked IS 'Jobs that have failed too often';
COMMENT ON COLUMN system_health_dashboard.runs_failed_last_day IS 'Runs that started within the last day and failed';
COMMENT ON COLUMN system_health_dashboard.last_sweep_at IS 'When the last sweep that succeeded ended';
COMMENT ON COLUMN system_health_dashboard.budget_least_percent IS
    'What is left of the scarcest API budget, in percent; 0 while GitHub asks for silence';
COMMENT ON COLUMN system_health_dashboard.budgets IS
    '[{credential,resource,limit,remaining,resets_at,blocked_until}] of the API budgets in use';
COMMENT ON COLUMN system_health_dashboard.feed_position IS 'Position of the change feed';
COMMENT ON COLUMN system_health_dashboard.last_change_at IS 'When the last change was written';
COMMENT ON COLUMN system_health_dashboard.repositories IS 'Repositories that are mirrored and may be seen';
COMMENT ON COLUMN system_health_dashboard.database_size_bytes IS 'Size of the database, in bytes';
