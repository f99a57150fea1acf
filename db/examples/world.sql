-- A small world for the examples of README.md and for tests/db/test_views.py: two repositories that are mirrored, and one
-- that is not to be seen any more. Everything is told from now, so that the answers stay the same.
INSERT INTO organizations (name, slug) VALUES ('Acme', 'acme');
INSERT INTO projects (organization_id, name, slug)
SELECT o.id, initcap(p.slug), p.slug FROM organizations o, unnest('{rocket,station}'::text[]) AS p (slug);

INSERT INTO github_installations (github_id, account_login, observed_at, observed_by, sync_source)
VALUES ('7', 'acme', now(), 'api', 'backfill');
INSERT INTO github_repositories (project_id, installation_id, github_id, owner, name, full_name, tracked_name,
                                 removed_at, synced_at, verified_at, observed_at, observed_by, sync_source)
SELECT p.id, i.id, r.github_id, 'acme', r.name, 'acme/' || r.name, 'acme/' || r.name, r.removed_at,
       now() - interval '1 minute', now() - interval '1 hour', now(), 'api', 'backfill'
FROM (VALUES ('1', 'app', 'rocket', NULL), ('2', 'lib', 'station', NULL), ('3', 'old', 'rocket', now()))
       AS r (github_id, name, project, removed_at)
JOIN projects p ON p.slug = r.project
CROSS JOIN github_installations i;
INSERT INTO sync_marks (repository_id, complete_at) SELECT id, now() - interval '5 hours' FROM github_repositories;

INSERT INTO workflows (project_id, name, environment, status, estimated_duration_minutes, created_at)
SELECT id, 'Release', 'production', 'active', 30, now() - interval '30 days' FROM projects WHERE slug = 'rocket';
INSERT INTO workflow_executions (workflow_id, status, started_at, completed_at)
SELECT w.id, e.status, now() - e.ago, now() - e.ago + e.took
FROM workflows w, (VALUES
    ('completed', interval '9 days', interval '20 minutes'),
    ('completed', interval '6 days', interval '30 minutes'),
    ('failed', interval '3 days', interval '10 minutes'),
    ('running', interval '1 hour', NULL)
) AS e (status, ago, took);
INSERT INTO agent_sessions (session_id, agent_name, workflow_id, tokens_used, cost_usd)
SELECT 'session-1', 'Builder', id, 12000, 0.36 FROM workflows;

INSERT INTO tasks (project_id, workflow_execution_id, title, status, priority, github_pr_number, created_at, updated_at,
                   completed_at)
SELECT p.id, CASE WHEN p.slug = 'rocket' THEN e.id END, t.title, t.status, t.priority, t.pr_number, now() - t.age,
       now() - interval '1 day', CASE WHEN t.status = 'completed' THEN now() - t.age + interval '2 days' END
FROM (VALUES
    ('rocket', 'Light the engine', 'in_review', 5, 4, interval '4 days'),
    ('rocket', 'Lift off', 'pending', 3, NULL, interval '4 days'),
    ('rocket', 'Fill the tanks', 'completed', 1, 7, interval '9 days'),
    ('station', 'Open the hatch', 'in_progress', 2, NULL, interval '1 day')
) AS t (project, title, status, priority, pr_number, age)
JOIN projects p ON p.slug = t.project
JOIN workflow_executions e ON e.status = 'running';
INSERT INTO task_dependencies (task_id, depends_on_task_id)
SELECT waits.id, done.id FROM tasks waits, tasks done
WHERE waits.title = 'Lift off' AND done.title IN ('Light the engine', 'Fill the tanks');

INSERT INTO github_issues (repository_id, github_id, number, title, state, closed_at, observed_at, observed_by, sync_source)
SELECT r.id, i.number::text, i.number, i.title, i.state, CASE WHEN i.state = 'closed' THEN now() - interval '1 day' END,
       now(), 'guid', 'webhook'
FROM github_repositories r, (VALUES (1, 'Engine does not start', 'open'), (2, 'Leak', 'closed')) AS i (number, title, state)
WHERE r.name = 'app';

INSERT INTO github_pull_requests (repository_id, github_id, number, title, state, merged, head_sha, deleted_at, observed_at,
                                  observed_by, sync_source)
SELECT r.id, p.number::text, p.number, p.title, CASE WHEN p.number IN (7, 9) THEN 'closed' ELSE 'open' END, p.number = 7,
       md5(p.number::text), CASE WHEN p.number = 8 THEN now() END, now(), 'api', 'backfill'
FROM (VALUES
    ('app', 4, 'Light the engine'), ('app', 5, 'Paint the nose'), ('app', 6, 'Draft a landing'),
    ('app', 7, 'Fill the tanks'), ('app', 8, 'Never was'), ('app', 9, 'Fill the tanks with water'),
    ('lib', 1, 'Open the hatch'), ('old', 1, 'Forgotten')
) AS p (repository, number, title)
JOIN github_repositories r ON r.name = p.repository;
INSERT INTO pr_tracking (repository_id, pull_request_id, pr_number, pr_url, repository_name, title, branch_name, author,
                         status, merge_status, review_status, ci_status, security_scan_status, test_coverage_percentage,
                         quality_score, lines_added, lines_deleted, files_changed, commits_count, created_at, updated_at,
                         merged_at, closed_at, task_id, workflow_id)
SELECT r.id, p.id, p.number, 'https://github.com/' || r.full_name || '/pull/' || p.number, r.tracked_name, p.title, 'topic',
       'octocat', s.status, s.merge_status, s.review_status, s.ci_status, s.security, s.coverage, s.score, s.added, s.added / 4,
       3, 2, now() - s.age, now() - interval '1 day', CASE WHEN s.status = 'merged' THEN now() - interval '5 days' END,
       CASE WHEN s.status IN ('merged', 'closed') THEN now() - interval '5 days' END, t.id, w.id
FROM (VALUES
    ('app', 4, 'open', 'mergeable', 'approved', 'success', 'passed', 91.5, 94, 120, interval '3 days'),
    ('app', 5, 'open', 'conflicting', 'changes_requested', 'failure', 'none', NULL, 31, 900, interval '12 days'),
    ('app', 6, 'draft', 'blocked', 'pending', 'none', 'none', NULL, NULL, 40, interval '1 day'),
    ('app', 7, 'merged', 'merged', 'approved', 'success', 'passed', 90, 88, 200, interval '8 days'),
    ('app', 8, 'open', 'pending', 'pending', 'none', 'none', NULL, 1, 1, interval '8 days'),
    ('app', 9, 'closed', 'closed', 'pending', 'success', 'none', NULL, 50, 10, interval '8 days'),
    ('lib', 1, 'open', 'behind', 'review_requested', 'pending', 'pending', NULL, 62, 60, interval '2 days'),
    ('old', 1, 'open', 'pending', 'pending', 'none', 'none', NULL, 2, 1, interval '8 days')
) AS s (repository, number, status, merge_status, review_status, ci_status, security, coverage, score, added, age)
JOIN github_repositories r ON r.name = s.repository
JOIN github_pull_requests p ON p.repository_id = r.id AND p.number = s.number
LEFT JOIN tasks t ON t.title = p.title
LEFT JOIN workflows w ON t.workflow_execution_id IS NOT NULL;
INSERT INTO github_check_runs (repository_id, github_id, head_sha, name, status, conclusion, observed_at, observed_by,
                               sync_source)
SELECT p.repository_id, p.github_id || n, p.head_sha, 'check ' || n, 'completed',
       CASE WHEN p.number = 5 AND n = 2 THEN 'failure' ELSE 'success' END, now(), 'api', 'backfill'
FROM github_pull_requests p, generate_series(1, 2) n WHERE p.number IN (4, 5);
INSERT INTO github_reviews (repository_id, github_id, number, author, state, observed_at, observed_by, sync_source)
SELECT repository_id, github_id, number, 'hubot', CASE WHEN number = 5 THEN 'changes_requested' ELSE 'approved' END, now(),
       'api', 'backfill'
FROM github_pull_requests WHERE number IN (4, 5);

-- The engine's issue was renamed and the leak closed yesterday; the tanks were merged five days ago.
INSERT INTO change_events (seq, entity_type, entity_id, repository_id, number, operation, old_values, new_values,
                           sync_source, created_at)
SELECT e.seq, e.kind, coalesce(i.id, p.id), r.id, e.number, e.operation, e.old::jsonb, e.new::jsonb, 'webhook',
       now() - e.ago
FROM (VALUES
    (1, 'github_issues', 1, 'insert', NULL, '{"title": "Engine"}', interval '8 days'),
    (2, 'github_pull_requests', 7, 'insert', NULL, '{"title": "Fill the tanks"}', interval '8 days'),
    (3, 'github_issues', 2, 'insert', NULL, '{"title": "Leak"}', interval '5 days'),
    (4, 'github_pull_requests', 7, 'update', '{"title": "Fill a tank", "state": "open", "merged": false}',
     '{"title": "Fill the tanks", "state": "closed", "merged": true}', interval '5 days'),
    (5, 'github_issues', 1, 'update', '{"title": "Engine"}', '{"title": "Engine does not start"}', interval '1 day'),
    (6, 'github_issues', 2, 'update', '{"state": "open", "closed_at": null}', '{"state": "closed"}', interval '1 day')
) AS e (seq, kind, number, operation, old, new, ago)
JOIN github_repositories r ON r.name = 'app'
LEFT JOIN github_issues i ON e.kind = 'github_issues' AND i.repository_id = r.id AND i.number = e.number
LEFT JOIN github_pull_requests p ON e.kind = 'github_pull_requests' AND p.repository_id = r.id AND p.number = e.number;
UPDATE change_feed SET last_seq = 6;

INSERT INTO webhook_deliveries (hook_target, guid, event, repository, status, last_error, headers, body, received_at,
                                processed_at)
SELECT 'integration:1', d.guid, 'issues', d.repository, d.status, d.error, '{}', '{}', now() - d.ago,
       CASE WHEN d.status <> 'pending' THEN now() - d.ago + interval '40 milliseconds' END
FROM (VALUES
    ('a', 'acme/app', 'processed', NULL, interval '1 minute'),
    ('b', 'acme/lib', 'parked', 'issue.id is missing', interval '1 hour'),
    ('c', 'acme/lib', 'pending', NULL, interval '5 minutes'),
    ('d', 'acme/lib', 'pending', NULL, interval '2 minutes')
) AS d (guid, repository, status, error, ago);
DELETE FROM sync_jobs;
INSERT INTO sync_jobs (kind, key, repository_id, attempts, due_at, last_error)
SELECT 'refetch_pull_request', id || '#1', id, 2, now() + interval '4 seconds', 'GitHub answered 502.'
FROM github_repositories WHERE name = 'lib';
INSERT INTO sync_runs (kind, repository_id, status, last_error, started_at, finished_at)
SELECT r.kind, g.id, r.status, r.error, now() - r.ago, now() - r.ago + interval '10 seconds'
FROM (VALUES
    ('sweep', NULL, 'succeeded', NULL, interval '2 minutes'),
    ('sweep', 'app', 'succeeded', NULL, interval '2 hours'),
    ('resync', 'lib', 'failed', 'GitHub answered 502.', interval '3 hours')
) AS r (kind, repository, status, error, ago)
LEFT JOIN github_repositories g ON g.name = r.repository;
INSERT INTO sync_budgets (credential, resource, request_limit, remaining, resets_at)
VALUES ('installation:7', 'core', 5000, 4200, now() + interval '20 minutes'),
       ('installation:7', 'graphql', 5000, 1900, now() + interval '20 minutes');

REFRESH MATERIALIZED VIEW project_task_stats;

INSERT INTO github_releases (repository_id, github_id, tag_name, name, draft, prerelease, created_by, published_at,
                             observed_at, observed_by, sync_source)
SELECT r.id, l.github_id, l.tag_name, l.name, l.tag_name = 'v3', l.tag_name = 'v2-rc1', 'ada', now() - l.age, now(), 'api',
       'backfill'
FROM (VALUES
    ('app', '1', 'v1', 'First flight', interval '90 days'), ('app', '2', 'v1.1', NULL, interval '10 days'),
    ('app', '3', 'v2-rc1', 'To the moon', interval '2 days'), ('app', '4', 'v3', 'Further', NULL),
    ('old', '5', 'v1', 'Gone', interval '5 days')
) AS l (repository, github_id, tag_name, name, age)
JOIN github_repositories r ON r.name = l.repository;
UPDATE github_pull_requests SET merged_into_default = true, merged_at = now() - interval '7 days' WHERE merged;
