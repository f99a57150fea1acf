-- Why a pull request cannot be merged, a row for each reason, with the evidence. A pull request without a row is mergeable,
-- approved and green. What is not known is a reason too: unknown is not passed.
CREATE OR REPLACE FUNCTION pr_blockers(repository_id uuid, number integer)
RETURNS TABLE (kind text, name text, state text, detail text, url text, since timestamptz, evidence jsonb)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 5 AS $$
    WITH pull AS (
        SELECT p.*, r.deleted_at AS repository_deleted_at, r.removed_at, r.archived, r.full_name,
               t.merge_status, t.review_status, t.ci_status, tracking_rules(project.settings) AS rules
        FROM github_pull_requests p
        JOIN github_repositories r ON r.id = p.repository_id
        JOIN pr_tracking t ON t.pull_request_id = p.id
        LEFT JOIN projects project ON project.id = r.project_id
        WHERE p.repository_id = pr_blockers.repository_id AND p.number = pr_blockers.number
    ), living AS (
        SELECT * FROM pull WHERE state = 'open' AND deleted_at IS NULL AND repository_deleted_at IS NULL
          AND removed_at IS NULL
    ), reviews AS (
        SELECT review.*, living.review_status
        FROM living
        CROSS JOIN LATERAL counted_reviews(
            living.repository_id, living.number, living.created_by, living.reviewers, living.created_by_id) review
    ), checks AS (
        SELECT c.* FROM living CROSS JOIN LATERAL counted_checks(living.repository_id, living.head_sha, living.number) c
    )
    SELECT 'not_mirrored', NULL, 'unknown', 'ghsync does not mirror this pull request.', NULL, NULL::timestamptz, '{}'::jsonb
    WHERE NOT EXISTS (SELECT FROM pull)
    UNION ALL
    SELECT 'gone', NULL, 'failed',
           CASE WHEN removed_at IS NOT NULL THEN 'The App may not see the repository any more.'
                WHEN repository_deleted_at IS NOT NULL THEN 'The repository was deleted.'
                ELSE 'The pull request is gone from GitHub.' END,
           html_url, coalesce(deleted_at, repository_deleted_at, removed_at), '{}'
    FROM pull WHERE deleted_at IS NOT NULL OR repository_deleted_at IS NOT NULL OR removed_at IS NOT NULL
    UNION ALL
    SELECT CASE WHEN merged THEN 'merged' ELSE 'closed' END, NULL, 'failed',
           CASE WHEN merged THEN 'It is merged already.' ELSE 'It is closed.' END, html_url,
           CASE WHEN merged THEN merged_at ELSE closed_at END, '{}'
    FROM pull WHERE state = 'closed'
    UNION ALL
    SELECT 'archived', full_name, 'failed', 'The repository is archived.', html_url, NULL, '{}'
    FROM living WHERE archived
    UNION ALL
    SELECT 'draft', NULL, 'pending', 'It is a draft.', html_url, NULL, '{}'
    FROM living WHERE draft
    UNION ALL
    SELECT 'merge', reason.name, reason.state, reason.detail, living.html_url, living.mergeability_observed_at,
           jsonb_build_object('mergeable', mergeable, 'mergeable_state', mergeable_state, 'head_sha', head_sha,
                              'base_ref', base_ref, 'base_sha', base_sha)
    FROM living JOIN (VALUES
        ('pending', 'mergeability', 'unknown', 'GitHub has not said yet whether it can be merged.'),
        ('conflicting', 'conflict', 'failed', 'It conflicts with its base branch.'),
        ('behind', 'behind', 'failed', 'Its branch is behind the base branch, which has to be merged into it first.'),
        ('blocked', 'protection', 'failed', 'The rules of the base branch block it.'),
        ('unstable', 'unstable', 'failed', 'GitHub says that a check of its head fails or is not done.')
    ) AS reason (merge_status, name, state, detail) USING (merge_status)
    UNION ALL
    SELECT 'review', login, 'failed', login || ' requested changes.', url, submitted_at,
           jsonb_build_object('github_id', github_id, 'state', state)
    FROM reviews WHERE state = 'changes_requested'
    UNION ALL
    SELECT 'review', login, 'pending', login || ' was asked for a review.', NULL, NULL,
           jsonb_build_object('state', state)
    FROM reviews WHERE state = 'review_requested' AND review_status <> 'approved'
    UNION ALL
    SELECT 'review', login, 'unknown',
           login || CASE uncounted WHEN 'approved' THEN ' approved it' ELSE ' requested changes' END
               || ', which does not count: who may not write to the repository neither approves nor blocks.',
           url, submitted_at,
           jsonb_build_object('github_id', github_id, 'state', uncounted, 'author_association', association,
                              'author_can_push', can_push)
    FROM reviews WHERE uncounted IS NOT NULL AND state = 'commented' AND review_status <> 'approved'
    UNION ALL
    SELECT 'review', team.value ->> 'slug', 'pending', 'Team ' || (team.value ->> 'slug') || ' was asked for a review.',
           NULL, NULL, team.value
    FROM living CROSS JOIN LATERAL jsonb_array_elements(requested_teams) team WHERE review_status <> 'approved'
    UNION ALL
    SELECT 'review', NULL, 'unknown', 'Nobody has approved it, and nobody is asked to.', html_url, NULL,
           jsonb_build_object('review_status', review_status)
    FROM living WHERE review_status IN ('pending', 'commented')
    UNION ALL
    SELECT 'check', name, outcome,
           name || CASE
               WHEN kind = 'workflow_run' AND state = 'action_required' THEN ' waits for somebody to approve its run.'
               WHEN outcome = 'pending' THEN ' is not done: ' || replace(state, '_', ' ') || '.'
               ELSE ' did not pass: ' || replace(state, '_', ' ') || '.' END,
           url, since,
           jsonb_build_object('kind', kind, 'github_id', github_id, 'app', app, 'workflow', workflow, 'state', state)
    FROM checks WHERE outcome <> 'passed'
    UNION ALL
    SELECT 'check', NULL, 'unknown', 'Nothing has checked its head commit.', html_url, NULL,
           jsonb_build_object('head_sha', head_sha)
    FROM living WHERE ci_status = 'none'
    UNION ALL
    SELECT 'alert', coalesce(a.rule, a.tool), 'failed',
           concat(a.tool, CASE WHEN a.tool IS NOT NULL THEN ': ' END, coalesce(a.summary, a.rule, a.kind), '.'),
           a.html_url, a.created_at,
           jsonb_build_object('kind', a.kind, 'number', a.number, 'severity', a.severity, 'commit_sha', a.commit_sha)
    FROM living
    CROSS JOIN LATERAL concerning_alerts(living.repository_id, living.number, living.head_sha, true, living.rules) a
    UNION ALL
    SELECT 'thread', c.path, 'unknown', c.author || ' waits for an answer in a thread that is not resolved.', c.html_url,
           c.created_at, jsonb_build_object('github_id', c.github_id, 'line', c.line)
    FROM living
    JOIN github_comments c ON c.repository_id = living.repository_id AND c.number = living.number
    LEFT JOIN github_review_threads thread
        ON thread.repository_id = c.repository_id AND thread.first_comment_id = c.github_id AND thread.number = c.number
    WHERE living.merge_status = 'blocked' AND c.kind = 'review_comment' AND c.in_reply_to_id IS NULL
      AND c.deleted_at IS NULL AND thread.resolved IS NOT TRUE AND thread.deleted_at IS NULL
$$;

COMMENT ON FUNCTION pr_blockers(uuid, integer) IS
    'Why a pull request cannot be merged: a row for each reason, with the evidence; unknown is not passed';

-- The same by name: that of today, or one that the repository had before.
CREATE OR REPLACE FUNCTION pr_blockers(repository text, number integer)
RETURNS TABLE (kind text, name text, state text, detail text, url text, since timestamptz, evidence jsonb)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 5 AS $$
    SELECT blocker.*
    FROM (SELECT coalesce(
        (SELECT r.id FROM github_repositories r WHERE lower(r.tracked_name) = lower(repository) LIMIT 1),
        (SELECT a.repository_id FROM github_repository_aliases a WHERE lower(a.full_name) = lower(repository)
         ORDER BY a.first_observed_at DESC LIMIT 1)) AS id) named
    CROSS JOIN LATERAL pr_blockers(named.id, pr_blockers.number) blocker
$$;

COMMENT ON FUNCTION pr_blockers(text, integer) IS
    'Why a pull request cannot be merged, by owner/name and number: a row for each reason, with the evidence';
