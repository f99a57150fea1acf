-- What counts of all that was checked of a commit, each thing once: the newest attempt of each check, the newest status of
-- each context, and the workflow runs and check suites that say what their checks do not.
--
-- Attempts are of one check when they have the same App, name and suite, and those of runs of one workflow for one event
-- when they have the same App and name: the newest counts, whichever run it is of. A run that was cancelled, as a rule
-- because a later one of its kind took its place, counts no longer, whether or not that one's jobs have begun; one that was
-- not does, for the later one may have other jobs, as one that is skipped has. A workflow run that is not completed may have
-- jobs to come, for a job that needs others is no check before it begins. The newest of its kind that has failed, while none
-- of its checks has, says of a job that is not known, or hides behind another of its name: what is missing is not good.
-- Where no run is known, the suite says so. One of which no check is known says nothing, for GitHub makes one for every App
-- that may check; but GitHub Actions has none without a workflow.
--
-- For one pull request of several that have the commit at their heads, a workflow that ran for pull requests counts unless
-- it names others alone. One that names several may be of any: of those, each counts by itself.
-- https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/collaborating-on-repositories-with-code-quality-features/about-status-checks
CREATE OR REPLACE FUNCTION counted_checks(repository uuid, commit text, pull_request integer DEFAULT NULL)
RETURNS TABLE (
    kind text, github_id text, name text, app text, workflow text, outcome text, state text, detail text, url text,
    since timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10 AS $$
    WITH named AS (
        SELECT w.*,
               pull_request IS NULL OR w.pull_requests IS NULL OR w.pull_requests = '[]'
                 OR w.pull_requests @> to_jsonb(pull_request)
                 OR w.event IS NULL OR w.event NOT IN ('pull_request', 'pull_request_target') AS concerns,
               coalesce(jsonb_array_length(w.pull_requests) > 1
                 AND w.event IN ('pull_request', 'pull_request_target'), false) AS ambiguous
        FROM github_workflow_runs w
        WHERE w.repository_id = repository AND w.head_sha = commit AND w.deleted_at IS NULL
    ), ordered AS (
        SELECT w.*,
               row_number() OVER (
                   PARTITION BY coalesce(w.workflow_id, w.github_id), w.event, w.concerns
                   ORDER BY length(w.github_id) DESC, w.github_id DESC) = 1 AS newest
        FROM named w
    ), workflow_runs AS (
        SELECT w.*,
               w.concerns AND (w.newest OR w.conclusion IS DISTINCT FROM 'cancelled') AS counts,
               CASE WHEN NOT w.ambiguous THEN concat_ws(' ', coalesce(w.workflow_id, w.github_id), w.event) END AS kind
        FROM ordered w
    ), attempts AS (
        SELECT DISTINCT ON (coalesce(c.app_id, c.app_slug), c.name, c.check_suite_id) c.*,
               w.name AS workflow, w.kind AS run_kind,
               CASE WHEN c.status <> 'completed' OR c.conclusion = 'stale' THEN 'pending'
                    WHEN c.conclusion IN ('success', 'neutral', 'skipped') THEN 'passed'
                    ELSE 'failed' END AS outcome
        FROM github_check_runs c LEFT JOIN workflow_runs w ON w.check_suite_id = c.check_suite_id
        WHERE c.repository_id = repository AND c.head_sha = commit AND c.deleted_at IS NULL
          AND w.counts IS NOT FALSE
        ORDER BY coalesce(c.app_id, c.app_slug), c.name, c.check_suite_id, length(c.github_id) DESC, c.github_id DESC
    ), check_runs AS (
        SELECT DISTINCT ON (coalesce(c.app_id, c.app_slug), c.name, coalesce(c.run_kind, c.check_suite_id)) c.*
        FROM attempts c
        ORDER BY coalesce(c.app_id, c.app_slug), c.name, coalesce(c.run_kind, c.check_suite_id),
                 length(c.github_id) DESC, c.github_id DESC
    )
    SELECT 'check_run', c.github_id::text, c.name, c.app_slug::text, c.workflow, c.outcome,
           coalesce(c.conclusion, c.status)::text, concat_ws(E'\n', c.title, c.summary), c.html_url,
           coalesce(c.completed_at, c.started_at, c.observed_at)
    FROM check_runs c
    UNION ALL
    SELECT 'commit_status', s.github_id::text, s.context, s.creator::text, NULL,
           CASE WHEN s.state = 'success' THEN 'passed' WHEN s.state IN ('pending', 'expected') THEN 'pending'
                ELSE 'failed' END,
           s.state::text, s.description, s.target_url, coalesce(s.created_at, s.observed_at)
    FROM (
        SELECT DISTINCT ON (lower(s.context)) s.*
        FROM github_commit_statuses s
        WHERE s.repository_id = repository AND s.head_sha = commit AND s.deleted_at IS NULL
        ORDER BY lower(s.context), length(s.github_id) DESC, s.github_id DESC
    ) s
    UNION ALL
    SELECT 'workflow_run', w.github_id::text, coalesce(w.name, 'workflow ' || w.workflow_id), 'github-actions', w.name,
           CASE WHEN w.status = 'completed' AND coalesce(w.conclusion, '') NOT IN ('action_required', 'stale')
                THEN 'failed' ELSE 'pending' END,
           coalesce(w.conclusion, w.status)::text, NULL, w.html_url, coalesce(w.updated_at, w.observed_at)
    FROM workflow_runs w
    WHERE w.counts AND (
        w.status IS DISTINCT FROM 'completed'
        OR ((w.newest OR w.ambiguous) AND coalesce(w.conclusion, '') NOT IN ('success', 'neutral', 'skipped')
            AND NOT EXISTS (
                SELECT FROM attempts c WHERE c.check_suite_id = w.check_suite_id AND c.outcome <> 'passed')))
    UNION ALL
    SELECT 'check_suite', s.github_id::text, coalesce(s.app_slug::text, 'check suite'), s.app_slug::text, NULL,
           CASE WHEN s.conclusion = 'stale' OR s.conclusion = 'action_required' AND s.app_slug = 'github-actions'
                THEN 'pending' ELSE 'failed' END,
           coalesce(s.conclusion, s.status)::text, NULL, NULL, coalesce(s.updated_at, s.observed_at)
    FROM github_check_suites s
    WHERE s.repository_id = repository AND s.head_sha = commit AND s.deleted_at IS NULL
      AND s.status = 'completed' AND coalesce(s.conclusion, '') NOT IN ('success', 'neutral', 'skipped')
      AND NOT EXISTS (SELECT FROM workflow_runs w WHERE w.check_suite_id = s.github_id)
      AND coalesce(
          (SELECT bool_and(c.outcome = 'passed') FROM attempts c WHERE c.check_suite_id = s.github_id),
          s.app_slug = 'github-actions' AND s.conclusion IS DISTINCT FROM 'cancelled')
$$;

COMMENT ON FUNCTION counted_checks(uuid, text, integer) IS
    'What counts of all that was checked of a commit, for one pull request or for whichever: outcome is passed, pending or failed';
