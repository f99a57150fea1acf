-- The tables whose policies are not as row_policies() says; none where the roles are not there.
CREATE OR REPLACE FUNCTION row_policies_due() RETURNS SETOF text
LANGUAGE sql STABLE
AS $$
SELECT p.name
FROM row_policies() p
JOIN pg_class c ON c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) AND c.relname = p.name
LEFT JOIN pg_policy was ON was.polrelid = c.oid AND was.polname = 'ghsync_read'
WHERE 3 = (SELECT count(*) FROM pg_roles WHERE rolname IN ('ghsync_read', 'ghsync_write', 'ghsync_admin'))
  AND (NOT c.relrowsecurity OR obj_description(was.oid, 'pg_policy') IS DISTINCT FROM p.mark)
ORDER BY p.name
$$;

COMMENT ON FUNCTION row_policies_due() IS 'The tables that do not show to readers what they should';
