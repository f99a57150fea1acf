-- What counts of all that was checked of a commit, each thing once: the newest attempt of each check, the newest status of
-- each context, and the workflow runs that say what their checks do not.
--
-- Attempts are of one check when they have the same App and name, and run in the same workflow for the same event. What a
-- later run of that workflow and event took the place of counts no longer, whether or not its jobs have begun: it was
-- cancelled, as a rule. A workflow run that is not completed may have jobs to come, for a job that needs others is no
-- check before it begins. Check suites say nothing: GitHub makes one for every App that may check.
-- https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/collaborating-on-repositories-with-code-quality-features/about-status-checks
CREATE OR REPLACE FUNCTION counted_checks(repository uuid, commit text)
RETURNS TABLE (
    kind text, github_id text, name text, app text, workflow text, outcome text, state text, detail text, url text,
    since timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10 AS $$
    WITH workflow_runs AS (
        SELECT w.*,
               row_number() OVER (
                   PARTITION BY coalesce(w.workflow_id, w.github_id), w.event
                   ORDER BY length(w.github_id) DESC, w.github_id DESC) = 1 AS newest
        FROM github_workflow_runs w
        WHERE w.repository_id = repository AND w.head_sha = commit AND w.deleted_at IS NULL
    )
    SELECT 'check_run', c.github_id::text, c.name, c.app_slug::text, c.workflow,
           CASE WHEN c.status <> 'completed' OR c.conclusion = 'stale' THEN 'pending'
                WHEN c.conclusion IN ('success', 'neutral', 'skipped') THEN 'passed'
                ELSE 'failed' END,
           coalesce(c.conclusion, c.status)::text, concat_ws(E'\n', c.title, c.summary), c.html_url,
           coalesce(c.completed_at, c.started_at, c.observed_at)
    FROM (
        SELECT DISTINCT ON (coalesce(c.app_id, c.app_slug), c.name, w.workflow_id, w.event) c.*, w.name AS workflow
        FROM github_check_runs c LEFT JOIN workflow_runs w ON w.check_suite_id = c.check_suite_id
        WHERE c.repository_id = repository AND c.head_sha = commit AND c.deleted_at IS NULL
          AND w.newest IS NOT FALSE
        ORDER BY coalesce(c.app_id, c.app_slug), c.name, w.workflow_id, w.event,
                 length(c.github_id) DESC, c.github_id DESC
    ) c
    UNION ALL
    SELECT 'commit_status', s.github_id::text, s.context, s.creator::text, NULL,
           CASE s.state WHEN 'success' THEN 'passed' WHEN 'pending' THEN 'pending' ELSE 'failed' END,
           s.state::text, s.description, s.target_url, coalesce(s.created_at, s.observed_at)
    FROM (
        SELECT DISTINCT ON (s.context) s.*
        FROM github_commit_statuses s
        WHERE s.repository_id = repository AND s.head_sha = commit AND s.deleted_at IS NULL
        ORDER BY s.context, length(s.github_id) DESC, s.github_id DESC
    ) s
    UNION ALL
    SELECT 'workflow_run', w.github_id::text, coalesce(w.name, 'workflow ' || w.workflow_id), 'github-actions', w.name,
           CASE WHEN w.status = 'completed' AND w.conclusion <> 'action_required' THEN 'failed' ELSE 'pending' END,
           coalesce(w.conclusion, w.status)::text, NULL, w.html_url, coalesce(w.updated_at, w.observed_at)
    FROM workflow_runs w
    WHERE w.newest AND (
        w.status IS DISTINCT FROM 'completed'
        OR (w.conclusion IN ('action_required', 'failure', 'startup_failure', 'timed_out', 'cancelled')
            AND NOT EXISTS (
                SELECT FROM github_check_runs c
                WHERE c.repository_id = repository AND c.head_sha = commit AND c.check_suite_id = w.check_suite_id
                  AND c.deleted_at IS NULL)))
$$;

COMMENT ON FUNCTION counted_checks(uuid, text) IS
    'What counts of all that was checked of a commit: outcome is passed, pending or failed';
