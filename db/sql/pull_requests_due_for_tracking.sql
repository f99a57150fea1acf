-- Makes the tracking of all pull requests of these repositories due, for it goes by other rules now.
CREATE OR REPLACE FUNCTION pull_requests_due_for_tracking(repositories uuid[]) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO sync_jobs (kind, key, repository_id, reason)
    SELECT 'track_pull_request', p.repository_id || '#' || p.number, p.repository_id, 'its project''s rules changed'
    FROM github_pull_requests p WHERE p.repository_id = ANY(repositories)
    ORDER BY 2
    ON CONFLICT (kind, key) DO UPDATE SET due_at = now(), attempts = 0, parked_at = NULL;
    PERFORM pg_notify('ghsync_jobs', '');
END
$$;

COMMENT ON FUNCTION pull_requests_due_for_tracking(uuid[]) IS
    'Makes the tracking of all pull requests of these repositories due in sync_jobs';

CREATE OR REPLACE FUNCTION projects_due_for_tracking() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM pull_requests_due_for_tracking(array(SELECT r.id FROM github_repositories r WHERE r.project_id = NEW.id));
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION projects_due_for_tracking() IS
    'Trigger: makes the tracking of a project''s pull requests due when its rules changed';

CREATE OR REPLACE TRIGGER projects_due_for_tracking
    AFTER UPDATE OF settings ON projects
    FOR EACH ROW WHEN (OLD.settings -> 'tracking' IS DISTINCT FROM NEW.settings -> 'tracking')
    EXECUTE FUNCTION projects_due_for_tracking();

CREATE OR REPLACE FUNCTION github_repositories_due_for_tracking() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF (SELECT tracking_rules(was.settings) FROM projects was WHERE was.id = OLD.project_id)
        IS DISTINCT FROM (SELECT tracking_rules(now.settings) FROM projects now WHERE now.id = NEW.project_id) THEN
        PERFORM pull_requests_due_for_tracking(ARRAY[NEW.id]);
    END IF;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION github_repositories_due_for_tracking() IS
    'Trigger: makes the tracking of a repository''s pull requests due when it got a project with other rules';

CREATE OR REPLACE TRIGGER github_repositories_due_for_tracking
    AFTER UPDATE OF project_id ON github_repositories
    FOR EACH ROW WHEN (OLD.project_id IS DISTINCT FROM NEW.project_id)
    EXECUTE FUNCTION github_repositories_due_for_tracking();
