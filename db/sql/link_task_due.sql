-- Makes the linking of a task, and with it the tracking of its pull requests, due at once, whatever became of earlier
-- attempts. A burst is one job (sync_jobs is keyed).
CREATE OR REPLACE FUNCTION link_task_due(task uuid) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO sync_jobs (kind, key) VALUES ('link_task', task::text)
    ON CONFLICT (kind, key) DO UPDATE SET due_at = now(), attempts = 0, parked_at = NULL;
    PERFORM pg_notify('ghsync_jobs', '');
END
$$;

COMMENT ON FUNCTION link_task_due(uuid) IS
    'Makes the linking of a task, and the tracking of its pull requests, due in sync_jobs';
