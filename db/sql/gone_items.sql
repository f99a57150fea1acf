-- The issues and pull requests that GitHub does not show any more, of repositories that who reads may see. What was said
-- of them is not shown either: it stays as it was last seen, and tells what they were.
CREATE OR REPLACE FUNCTION gone_items() RETURNS TABLE (repository_id uuid, number integer)
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 100
AS $$
SELECT i.repository_id, i.number FROM github_issues i
WHERE i.deleted_at IS NOT NULL AND i.repository_id IN (SELECT visible_repositories())
UNION
SELECT p.repository_id, p.number FROM github_pull_requests p
WHERE p.deleted_at IS NOT NULL AND p.repository_id IN (SELECT visible_repositories())
$$;

DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION gone_items() SET search_path = %I, pg_temp', current_schema());
END
$$;

COMMENT ON FUNCTION gone_items() IS 'Issues and pull requests that GitHub does not show any more';
