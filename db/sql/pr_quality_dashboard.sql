-- The quality of every pull request (seed 001: code quality tracking).
--
-- Tombstones are few and have an index of their own: it is quicker to leave them out than to look at every pull request.
CREATE OR REPLACE VIEW pr_quality_dashboard WITH (security_invoker = true) AS
SELECT t.repository_id,
       t.repository_name,
       r.project_id,
       j.slug AS project,
       t.pr_number,
       t.pr_url,
       t.title,
       t.author,
       t.status,
       t.quality_score,
       t.test_coverage_percentage,
       t.ci_status,
       t.review_status,
       t.security_scan_status,
       t.merge_status,
       t.lines_added,
       t.lines_deleted,
       t.lines_added::bigint + t.lines_deleted AS lines_changed,
       t.files_changed,
       t.commits_count,
       t.created_at,
       t.updated_at,
       t.merged_at,
       t.closed_at,
       round(extract(epoch FROM coalesce(t.closed_at, now()) - t.created_at) / 86400, 1) AS age_days,
       CASE WHEN t.status IN ('draft', 'open')
            THEN round(extract(epoch FROM now() - t.updated_at) / 86400, 1) END AS idle_days,
       t.task_id,
       t.workflow_id
FROM pr_tracking t
JOIN github_repositories r ON r.id = t.repository_id
JOIN projects j ON j.id = r.project_id
WHERE r.deleted_at IS NULL AND r.removed_at IS NULL
  AND NOT EXISTS (SELECT FROM github_pull_requests p WHERE p.id = t.pull_request_id AND p.deleted_at IS NOT NULL);

COMMENT ON VIEW pr_quality_dashboard IS
    'Quality, size and age of every pull request; without tombstones and repositories that are not to be seen any more';
COMMENT ON COLUMN pr_quality_dashboard.repository_id IS 'Its repository';
COMMENT ON COLUMN pr_quality_dashboard.repository_name IS 'owner/name today';
COMMENT ON COLUMN pr_quality_dashboard.project_id IS 'Project of the repository';
COMMENT ON COLUMN pr_quality_dashboard.project IS 'The project''s slug';
COMMENT ON COLUMN pr_quality_dashboard.pr_number IS 'Number within the repository';
COMMENT ON COLUMN pr_quality_dashboard.pr_url IS 'Page on GitHub';
COMMENT ON COLUMN pr_quality_dashboard.title IS 'Title';
COMMENT ON COLUMN pr_quality_dashboard.author IS 'Login of the author';
COMMENT ON COLUMN pr_quality_dashboard.status IS 'draft, open, closed or merged';
COMMENT ON COLUMN pr_quality_dashboard.quality_score IS '0 to 100; null while nothing is known';
COMMENT ON COLUMN pr_quality_dashboard.test_coverage_percentage IS '0 to 100; null while nobody reports it';
COMMENT ON COLUMN pr_quality_dashboard.ci_status IS 'none, pending, success or failure';
COMMENT ON COLUMN pr_quality_dashboard.review_status IS
    'pending, review_requested, commented, changes_requested or approved';
COMMENT ON COLUMN pr_quality_dashboard.security_scan_status IS 'none, pending, passed or failed';
COMMENT ON COLUMN pr_quality_dashboard.merge_status IS
    'pending, mergeable, conflicting, blocked, behind, unstable, merged or closed';
COMMENT ON COLUMN pr_quality_dashboard.lines_added IS 'Lines added';
COMMENT ON COLUMN pr_quality_dashboard.lines_deleted IS 'Lines deleted';
COMMENT ON COLUMN pr_quality_dashboard.lines_changed IS 'Both together: its size';
COMMENT ON COLUMN pr_quality_dashboard.files_changed IS 'Files changed';
COMMENT ON COLUMN pr_quality_dashboard.commits_count IS 'Commits';
COMMENT ON COLUMN pr_quality_dashboard.created_at IS 'When it was opened';
COMMENT ON COLUMN pr_quality_dashboard.updated_at IS 'When GitHub last changed it';
COMMENT ON COLUMN pr_quality_dashboard.merged_at IS 'When it was merged';
COMMENT ON COLUMN pr_quality_dashboard.closed_at IS 'When it was closed or merged';
COMMENT ON COLUMN pr_quality_dashboard.age_days IS 'Days from when it was opened until it was closed, or until now';
COMMENT ON COLUMN pr_quality_dashboard.idle_days IS 'Days since GitHub last changed it; null once it is closed';
COMMENT ON COLUMN pr_quality_dashboard.task_id IS 'Task it works on';
COMMENT ON COLUMN pr_quality_dashboard.workflow_id IS 'Workflow of that task';
