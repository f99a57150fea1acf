-- What validates every pull request, and whether it is ready (seed 002: pr_validation_status). What it waits for is said
-- in a few words; pr_blockers has the evidence.
--
-- The counts are subqueries of the row: whoever does not select them, or takes the first few rows, does not pay for all.
CREATE OR REPLACE VIEW pr_validation_status WITH (security_invoker = true) AS
SELECT t.repository_id,
       t.repository_name,
       r.project_id,
       j.slug AS project,
       t.pr_number,
       t.pr_url,
       t.title,
       t.author,
       t.status,
       p.head_sha,
       t.merge_status,
       t.review_status,
       t.ci_status,
       t.security_scan_status,
       t.test_coverage_percentage,
       t.reviewers,
       (SELECT count(*) FROM github_check_runs c
        WHERE c.repository_id = t.repository_id AND c.head_sha = p.head_sha AND c.deleted_at IS NULL) AS check_runs,
       (SELECT count(*) FROM github_commit_statuses s
        WHERE s.repository_id = t.repository_id AND s.head_sha = p.head_sha AND s.deleted_at IS NULL) AS commit_statuses,
       coalesce(
           t.merge_status = 'mergeable' AND t.review_status = 'approved' AND t.ci_status = 'success', false
       ) AS ready,
       CASE WHEN t.status IN ('draft', 'open') THEN array_remove(ARRAY[
           CASE WHEN t.status = 'draft' THEN 'the author to say that it is ready' END,
           CASE t.merge_status
               WHEN 'pending' THEN 'GitHub to say whether it can be merged'
               WHEN 'conflicting' THEN 'its conflicts to be resolved'
               WHEN 'behind' THEN 'its branch to be brought up to date'
               WHEN 'blocked' THEN 'what the rules of its base branch ask for'
               WHEN 'unstable' THEN 'every check to pass' END,
           CASE t.review_status
               WHEN 'pending' THEN 'a review'
               WHEN 'review_requested' THEN 'the review that was asked for'
               WHEN 'commented' THEN 'a review that approves'
               WHEN 'changes_requested' THEN 'the changes that a review asks for' END,
           CASE t.ci_status
               WHEN 'none' THEN 'a check to run'
               WHEN 'pending' THEN 'its checks to end'
               WHEN 'failure' THEN 'its failed checks to pass' END
       ], NULL) ELSE '{}' END AS waits_for,
       t.task_id,
       t.updated_at
FROM pr_tracking t
JOIN github_repositories r ON r.id = t.repository_id
JOIN projects j ON j.id = r.project_id
JOIN github_pull_requests p ON p.id = t.pull_request_id
WHERE p.deleted_at IS NULL AND r.deleted_at IS NULL AND r.removed_at IS NULL;

COMMENT ON VIEW pr_validation_status IS
    'What validates every pull request and what it waits for; without tombstones and repositories that are not to be seen any more';
COMMENT ON COLUMN pr_validation_status.repository_id IS 'Its repository';
COMMENT ON COLUMN pr_validation_status.repository_name IS 'owner/name today';
COMMENT ON COLUMN pr_validation_status.project_id IS 'Project of the repository';
COMMENT ON COLUMN pr_validation_status.project IS 'The project''s slug';
COMMENT ON COLUMN pr_validation_status.pr_number IS 'Number within the repository';
COMMENT ON COLUMN pr_validation_status.pr_url IS 'Page on GitHub';
COMMENT ON COLUMN pr_validation_status.title IS 'Title';
COMMENT ON COLUMN pr_validation_status.author IS 'Login of the author';
COMMENT ON COLUMN pr_validation_status.status IS 'draft, open, closed or merged';
COMMENT ON COLUMN pr_validation_status.head_sha IS 'The commit that is validated';
COMMENT ON COLUMN pr_validation_status.merge_status IS
    'pending, mergeable, conflicting, blocked, behind, unstable, merged or closed';
COMMENT ON COLUMN pr_validation_status.review_status IS
    'pending, review_requested, commented, changes_requested or approved';
COMMENT ON COLUMN pr_validation_status.ci_status IS 'none, pending, success or failure';
COMMENT ON COLUMN pr_validation_status.security_scan_status IS 'none, pending, passed or failed';
COMMENT ON COLUMN pr_validation_status.test_coverage_percentage IS '0 to 100; null while nobody reports it';
COMMENT ON COLUMN pr_validation_status.reviewers IS '[{login,state,submitted_at}] of everyone asked or heard';
COMMENT ON COLUMN pr_validation_status.check_runs IS 'Check runs of the head, superseded ones too; counted_checks tells which count';
COMMENT ON COLUMN pr_validation_status.commit_statuses IS 'Commit statuses of the head, superseded ones too; counted_checks tells which count';
COMMENT ON COLUMN pr_validation_status.ready IS
    'merge_status is mergeable, review_status approved and ci_status success';
COMMENT ON COLUMN pr_validation_status.waits_for IS 'What is missing, in words; empty when ready, merged or closed';
COMMENT ON COLUMN pr_validation_status.task_id IS 'Task it works on';
COMMENT ON COLUMN pr_validation_status.updated_at IS 'When GitHub last changed it';
