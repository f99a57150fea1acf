"""What each column of `pr_tracking` is, as SQL, for pull request p of repository r.

The rules that reviews and checks go by are SQL functions in ``db/sql/``, because `pr_blockers` goes by them too.
"""

from ghsync.tasks.claims import BEST_TASK

# Of the pull requests p. LATERAL, in this order: by which rules, what reviewers say, what checks say, what security
# scans found.
FROM = f"""asked p
  JOIN github_repositories r ON r.id = p.repository_id
  JOIN projects project ON project.id = r.project_id
  CROSS JOIN LATERAL (SELECT tracking_rules(project.settings) AS rules OFFSET 0) by
  CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_agg(jsonb_build_object('login', c.login, 'state', c.state, 'submitted_at', c.submitted_at)
                              ORDER BY c.place, c.submitted_at, c.login), '[]') AS people,
           bool_or(c.state = 'changes_requested') AS changes_requested,
           bool_or(c.state = 'approved') AS approved,
           bool_or(c.state = 'commented') AS commented
    FROM counted_reviews(p.repository_id, p.number, p.created_by, p.reviewers, p.created_by_id) c
  ) review
  CROSS JOIN LATERAL (
    SELECT bool_or(c.outcome = 'failed') AS failed,
           bool_or(c.outcome = 'pending') AS pending,
           bool_or(c.outcome = 'passed') AS passed,
           bool_or(c.outcome = 'failed' AND c.security) AS security_failed,
           bool_or(c.outcome = 'pending' AND c.security) AS security_pending,
           bool_or(c.outcome = 'passed' AND c.security) AS security_passed,
           (array_agg(c.coverage ORDER BY c.coverage_rule, c.since DESC) FILTER (WHERE c.coverage IS NOT NULL))[1]
             AS coverage
    FROM (
      SELECT c.outcome, c.since, measured.*,
             concat_ws(E'\\n', c.name, c.app, c.workflow) ~* pattern.security AS security
      FROM (SELECT string_agg(value, '|') AS security
            FROM jsonb_array_elements_text(by.rules #> '{{security,checks}}')) pattern
      CROSS JOIN LATERAL counted_checks(p.repository_id, p.head_sha, p.number) c
      LEFT JOIN LATERAL (
        SELECT found.percentage::numeric AS coverage, rule.place AS coverage_rule
        FROM jsonb_array_elements(by.rules -> 'coverage') WITH ORDINALITY AS rule(value, place)
        CROSS JOIN LATERAL (
          SELECT substring((regexp_match(c.detail, rule.value ->> 'percentage', 'i'))[1]
                           FROM '^\\d{{1,3}}(?\\:\\.\\d+)?$') AS percentage) found
        WHERE c.name ~* (rule.value ->> 'check') AND found.percentage::numeric <= 100
        ORDER BY rule.place LIMIT 1
      ) measured ON true
    ) c
  ) checks
  CROSS JOIN LATERAL (
    SELECT count(*) > 0 AS found
    FROM concerning_alerts(p.repository_id, p.number, p.head_sha, p.state = 'open', by.rules)
  ) alerts
  CROSS JOIN LATERAL (
    SELECT CASE WHEN review.changes_requested THEN 'changes_requested' WHEN review.approved THEN 'approved'
                WHEN p.reviewers <> '[]' OR p.requested_teams <> '[]' THEN 'review_requested'
                WHEN review.commented THEN 'commented' ELSE 'pending' END AS review,
           CASE WHEN checks.failed THEN 'failure' WHEN checks.pending THEN 'pending'
                WHEN checks.passed THEN 'success' ELSE 'none' END AS ci,
           CASE WHEN checks.security_failed OR alerts.found THEN 'failed' WHEN checks.security_pending THEN 'pending'
                WHEN checks.security_passed THEN 'passed' ELSE 'none' END AS security
  ) status
  LEFT JOIN LATERAL ({BEST_TASK}) task ON true"""

COLUMNS = {
    "repository_name": "r.tracked_name",
    "repository_url": "left(coalesce(r.html_url, 'https://github.com/' || r.full_name), 500)",
    "pr_url": "left(coalesce(p.html_url, 'https://github.com/' || r.full_name || '/pull/' || p.number), 500)",
    "title": "left(p.title, 500)",
    "description": "p.body",
    "branch_name": "coalesce(p.head_ref, '')",
    "base_branch": "coalesce(p.base_ref, r.default_branch, 'main')",
    "status": """CASE WHEN p.merged THEN 'merged' WHEN p.state = 'closed' THEN 'closed'
                      WHEN p.draft THEN 'draft' ELSE 'open' END""",
    "merge_status": """CASE WHEN p.merged THEN 'merged' WHEN p.state = 'closed' THEN 'closed'
                            WHEN p.mergeable IS NULL THEN 'pending'
                            WHEN NOT p.mergeable OR p.mergeable_state = 'dirty' THEN 'conflicting'
                            WHEN p.mergeable_state IN ('clean', 'has_hooks') THEN 'mergeable'
                            WHEN p.mergeable_state IN ('blocked', 'draft') THEN 'blocked'
                            WHEN p.mergeable_state IN ('behind', 'unstable') THEN p.mergeable_state
                            ELSE 'pending' END""",
    "review_status": "status.review",
    "ci_status": "status.ci",
    "security_scan_status": "status.security",
    "test_coverage_percentage": "round(checks.coverage, 2)",
    "quality_score": """quality_score(by.rules -> 'quality', status.ci, status.review, status.security, checks.coverage,
                                      least(p.additions::bigint + p.deletions, 2147483647)::int)""",
    "lines_added": "coalesce(p.additions, 0)",
    "lines_deleted": "coalesce(p.deletions, 0)",
    "files_changed": "coalesce(p.changed_files, 0)",
    "commits_count": "coalesce(p.commits, 0)",
    "task_id": "task.task_id",
    "workflow_id": "task.workflow_id",
    "created_by_session_id": "task.session_id",
    "created_at": "p.created_at",
    "updated_at": "p.updated_at",
    "merged_at": "p.merged_at",
    "closed_at": "p.closed_at",
    "author": "p.created_by",
    "assignees": "p.assignees",
    "reviewers": "review.people",
    "labels": "p.labels",
    "metadata": """jsonb_build_object('head_sha', p.head_sha, 'base_sha', p.base_sha,
                                      'mergeable_state', p.mergeable_state, 'deleted_at', p.deleted_at)""",
}
