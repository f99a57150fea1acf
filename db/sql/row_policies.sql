-- What readers see of each table: the condition on its rows, and its columns, or null where they see nothing of it; and
-- whether people may write there what they see. ``mark`` is all of that in a text.
--
-- It follows from the columns that a table has: its repository, else its project or organization, else the task that it is
-- about. What is gone on GitHub is not shown.
--
-- What is to be seen is a set, of which the planner would take half of all rows to be, in every table that it joins. That a
-- number is not 0 it takes for true of nearly all, as it is for most readers, and so reads for them as for the owner.
CREATE OR REPLACE FUNCTION row_policies() RETURNS TABLE (name text, condition text, columns text, writable boolean, mark text)
LANGUAGE sql STABLE
AS $$
WITH ours (name) AS (SELECT unnest(ARRAY[  -- what others have made beside these is theirs to show
  'agent_sessions', 'agents', 'api_keys', 'audit_logs', 'change_events', 'change_feed', 'data_retention_policies',
  'database_readers', 'github_mentions', 'github_repository_aliases', 'organization_members', 'organizations',
  'pr_tracking', 'project_members', 'projects', 'sessions', 'sync_budgets', 'sync_etags', 'sync_findings', 'sync_jobs',
  'sync_marks', 'sync_omissions', 'sync_processes', 'sync_runs', 'sync_secrets', 'sync_seen', 'sync_tokens',
  'system_metrics', 'task_creations', 'task_dependencies', 'task_executions', 'task_github_links', 'task_moves', 'tasks',
  'users', 'webhook_deliveries', 'workflow_executions', 'workflows'
])), tables AS (  -- these, and all that mirror
  SELECT c.oid, c.relname::text AS name, array_agg(a.attname::text ORDER BY a.attnum) AS columns
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
    AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  GROUP BY c.oid, c.relname
  HAVING c.relname IN (SELECT name FROM ours)
      OR (array_agg(a.attname::text) @> ARRAY['observed_by', 'verified_at'] AND obj_description(c.oid, 'pg_class') <> '')
), exceptions (name, condition) AS (VALUES
  ('agent_sessions', 'EXISTS (SELECT FROM workflows w WHERE w.id = workflow_id) '
                     'OR EXISTS (SELECT FROM tasks t WHERE t.id = task_id)'),
  ('api_keys', NULL),
  ('audit_logs', NULL),
  ('change_events', 'repository_id IN (SELECT visible_repositories()) AND ('
                    'entity_type NOT IN (''github_releases'', ''github_security_alerts'') '
                    'OR repository_id IN (SELECT trusted_repositories())) '
                    'AND (number IS NULL OR (repository_id, number) NOT IN (SELECT * FROM gone_items()))'),
  ('change_feed', 'true'),
  ('data_retention_policies', NULL),
  ('database_readers', NULL),
  ('github_releases', 'repository_id IN (SELECT visible_repositories()) AND ('
                      'NOT draft OR repository_id IN (SELECT trusted_repositories()))'),
  ('github_issues', 'repository_id IN (SELECT visible_repositories())'),
  ('github_milestones', 'repository_id IN (SELECT visible_repositories())'),
  ('github_pull_requests', 'repository_id IN (SELECT visible_repositories())'),
  ('github_security_alerts', 'repository_id IN (SELECT trusted_repositories())'),
  ('github_repositories', 'id IN (SELECT visible_repositories())'),
  ('organizations', 'id IN (SELECT visible_organizations())'),
  ('projects', 'id IN (SELECT visible_projects())'),
  ('pr_tracking', 'repository_id IN (SELECT visible_repositories()) '
                  'AND (pull_request_id IN (SELECT gone_pull_requests())) IS NOT TRUE'),
  ('task_creations', 'EXISTS (SELECT FROM github_issues i WHERE i.id = issue_id)'),
  ('task_dependencies', 'EXISTS (SELECT FROM tasks t WHERE t.id = task_id) '
                        'AND EXISTS (SELECT FROM tasks t WHERE t.id = depends_on_task_id)'),
  ('sessions', NULL),
  ('system_metrics', NULL),
  ('users', 'id IN (SELECT visible_users())'),
  ('webhook_deliveries', NULL),
  ('workflow_executions', 'EXISTS (SELECT FROM workflows w WHERE w.id = workflow_id)')
), secret (name, columns) AS (VALUES  -- credentials, and what people tell only us
  ('github_repositories', ARRAY['webhook_secret']),
  ('users', ARRAY['email', 'password_hash', 'mfa_enabled', 'mfa_secret', 'last_login_at'])
), written (name) AS (VALUES
  ('agent_sessions'), ('agents'), ('task_dependencies'), ('task_executions'), ('tasks'), ('workflow_executions'), ('workflows')
)
SELECT t.name, shown.condition, readable.columns, written.name IS NOT NULL,
       concat_ws('; ', 'readers see', shown.condition, readable.columns, written.name, service_roles())
FROM tables t
LEFT JOIN secret s ON s.name = t.name
LEFT JOIN exceptions e ON e.name = t.name
LEFT JOIN written ON written.name = t.name
CROSS JOIN LATERAL (
  SELECT '(' || CASE
    WHEN e.name IS NOT NULL THEN e.condition
    WHEN starts_with(t.name, 'sync_') THEN NULL
    WHEN 'repository_id' = ANY(t.columns) THEN 'repository_id IN (SELECT visible_repositories())'
    WHEN 'project_id' = ANY(t.columns) THEN 'project_id IN (SELECT visible_projects())'
    WHEN 'organization_id' = ANY(t.columns) THEN 'organization_id IN (SELECT visible_organizations())'
    WHEN 'task_id' = ANY(t.columns) THEN 'EXISTS (SELECT FROM tasks t WHERE t.id = task_id)'
  END || CASE WHEN e.name IS NULL AND 'number' = ANY(t.columns) AND 'repository_id' = ANY(t.columns)
              THEN ' AND (repository_id, number) NOT IN (SELECT * FROM gone_items())' ELSE '' END || ')::int <> 0'
  || CASE WHEN 'observed_at' = ANY(t.columns) AND 'deleted_at' = ANY(t.columns) THEN ' AND deleted_at IS NULL' ELSE '' END
  AS condition
) shown
CROSS JOIN LATERAL (
  SELECT CASE WHEN shown.condition IS NULL THEN NULL
            WHEN s.name IS NULL THEN '*'
            ELSE (SELECT string_agg(quote_ident(n), ', ' ORDER BY place) FROM unnest(t.columns) WITH ORDINALITY c(n, place)
                  WHERE n <> ALL(s.columns)) END AS columns
) readable
ORDER BY t.name
$$;

COMMENT ON FUNCTION row_policies() IS 'What readers see of each table: a condition on rows, and columns; null for nothing';
