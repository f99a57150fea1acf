-- Makes it due to do for the tasks of a project what its settings ask for, whatever became of earlier attempts.
CREATE OR REPLACE FUNCTION apply_task_settings_due(project uuid) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO sync_jobs (kind, key) VALUES ('apply_task_settings', project::text)
    ON CONFLICT (kind, key) DO UPDATE SET due_at = now(), attempts = 0, parked_at = NULL;
    PERFORM pg_notify('ghsync_jobs', '');
END
$$;

COMMENT ON FUNCTION apply_task_settings_due(uuid) IS
    'Makes what a project''s settings ask for its tasks due in sync_jobs';
