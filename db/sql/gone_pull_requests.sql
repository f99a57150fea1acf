-- The pull requests that GitHub does not show any more, by our ids, of repositories that who reads may see.
CREATE OR REPLACE FUNCTION gone_pull_requests() RETURNS SETOF uuid
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 100
AS $$
SELECT p.id FROM github_pull_requests p
WHERE p.deleted_at IS NOT NULL AND p.repository_id IN (SELECT visible_repositories())
$$;

DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION gone_pull_requests() SET search_path = %I, pg_temp', current_schema());
END
$$;

COMMENT ON FUNCTION gone_pull_requests() IS 'Pull requests that GitHub does not show any more';
