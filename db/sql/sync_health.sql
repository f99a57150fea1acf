-- How fresh each repository is, and what is in its way: freshness is told, not guessed.
--
-- A delivery names its repository as it was called then, so its backlog is that of the name it owns today. How old a
-- complete reading may be follows from the default setting, where GitHub was ever read: the database knows no other.
CREATE OR REPLACE VIEW sync_health AS
SELECT r.id AS repository_id,
       r.tracked_name AS repository_name,
       r.github_id,
       r.project_id,
       j.slug AS project,
       i.account_login AS installation,
       r.archived,
       greatest(r.synced_at, written.at) AS last_synced_at,
       r.verified_at AS last_verified_at,
       m.complete_at AS last_complete_at,
       coalesce(backlog.pending, 0) AS pending_deliveries,
       backlog.oldest_received_at AS oldest_pending_at,
       coalesce(backlog.parked, 0) AS parked_deliveries,
       refetches.due AS refetches_due,
       refetches.failing AS refetches_failing,
       refetches.parked AS refetches_parked,
       run.kind AS last_run,
       run.status AS last_run_status,
       run.started_at AS last_run_at,
       run.last_error AS last_run_error,
       reasons.sentences IS NOT NULL AS stale,
       reasons.sentences AS stale_reason,
       m.complete_at IS NOT NULL AND refetches.failing = 0 AS complete
FROM github_repositories r
JOIN projects j ON j.id = r.project_id
LEFT JOIN github_installations i ON i.id = r.installation_id
LEFT JOIN sync_marks m ON m.repository_id = r.id
LEFT JOIN LATERAL (
    SELECT e.created_at AS at FROM change_events e WHERE e.repository_id = r.id ORDER BY e.seq DESC LIMIT 1
) written ON true
LEFT JOIN (
    SELECT d.repository AS name,
           count(*) FILTER (WHERE d.status = 'pending') AS pending,
           count(*) FILTER (WHERE d.status = 'parked') AS parked,
           min(d.received_at) FILTER (WHERE d.status = 'pending') AS oldest_received_at
    FROM (
        SELECT repository, status, received_at FROM webhook_deliveries WHERE status = 'pending'
        UNION ALL
        SELECT repository, status, received_at FROM webhook_deliveries WHERE status = 'parked'
    ) d
    GROUP BY d.repository
) backlog ON backlog.name = r.tracked_name
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE s.parked_at IS NULL AND s.due_at <= now()) AS due,
           count(*) FILTER (WHERE s.parked_at IS NULL AND s.attempts > 0
                              AND s.last_error IS DISTINCT FROM 'GitHub has not computed mergeable yet') AS failing,
           count(*) FILTER (WHERE s.parked_at IS NOT NULL) AS parked
    FROM sync_jobs s
    WHERE s.repository_id = r.id AND starts_with(s.kind, 'refetch_')
) refetches
LEFT JOIN LATERAL (
    SELECT s.kind, s.status, s.started_at, s.last_error
    FROM sync_runs s WHERE s.repository_id = r.id ORDER BY s.started_at DESC LIMIT 1
) run ON true
CROSS JOIN (
    -- Of sweeps and looks into the log only failures count here: how often they are done is a setting, up to never.
    SELECT CASE WHEN EXISTS (SELECT FROM sync_runs WHERE kind = 'sweep' AND repository_id IS NULL) THEN 1e9 END AS sweep,
           CASE WHEN EXISTS (SELECT FROM sync_runs WHERE kind = 'heal' AND repository_id IS NULL) THEN 1e9 END AS heal,
           CASE WHEN EXISTS (SELECT FROM sync_runs WHERE kind = 'sweep') THEN 86400 END AS complete
) seconds
CROSS JOIN LATERAL (
    SELECT string_agg(given.sentence, ' ') AS sentences
    FROM stale_reasons(r.id, backlog.pending, backlog.oldest_received_at, backlog.parked,
                       seconds.sweep, seconds.heal, seconds.complete) given
) reasons
WHERE r.deleted_at IS NULL AND r.removed_at IS NULL;

COMMENT ON VIEW sync_health IS
    'How fresh each repository is and what is in its way, a row each; without those that are deleted or not to be seen any more';
COMMENT ON COLUMN sync_health.repository_id IS 'Its key in github_repositories';
COMMENT ON COLUMN sync_health.repository_name IS 'owner/name today; name~github_id while another owns the name';
COMMENT ON COLUMN sync_health.github_id IS 'GitHub''s numeric id';
COMMENT ON COLUMN sync_health.project_id IS 'Project it belongs to';
COMMENT ON COLUMN sync_health.project IS 'The project''s slug';
COMMENT ON COLUMN sync_health.installation IS 'Login of the account whose installation sees it; null without an App';
COMMENT ON COLUMN sync_health.archived IS 'Read-only on GitHub';
COMMENT ON COLUMN sync_health.last_synced_at IS 'When it or anything in it was last written';
COMMENT ON COLUMN sync_health.last_verified_at IS 'When GitHub''s API last confirmed its row';
COMMENT ON COLUMN sync_health.last_complete_at IS 'When its last complete reading began; null before the first';
COMMENT ON COLUMN sync_health.pending_deliveries IS 'Deliveries of it that are not projected yet';
COMMENT ON COLUMN sync_health.oldest_pending_at IS 'When the oldest of them arrived';
COMMENT ON COLUMN sync_health.parked_deliveries IS 'Deliveries of it that are parked';
COMMENT ON COLUMN sync_health.refetches_due IS 'Refetches that could be done now';
COMMENT ON COLUMN sync_health.refetches_failing IS 'Things of it that could not be read, and will be asked for again';
COMMENT ON COLUMN sync_health.refetches_parked IS 'Refetches that have failed too often';
COMMENT ON COLUMN sync_health.last_run IS 'Kind of the last reconciliation of it alone: backfill, resync, sweep, ...';
COMMENT ON COLUMN sync_health.last_run_status IS 'running, succeeded, failed or interrupted';
COMMENT ON COLUMN sync_health.last_run_at IS 'When that run started';
COMMENT ON COLUMN sync_health.last_run_error IS 'What stopped that run, or what it could not read';
COMMENT ON COLUMN sync_health.stale IS 'Whether the mirror of it may be behind GitHub';
COMMENT ON COLUMN sync_health.stale_reason IS 'Why, in sentences that say what to do; null while it is not stale';
COMMENT ON COLUMN sync_health.complete IS 'Whether it was read to its end, and nothing of it waits to be read again since it could not be';
