-- The people whom who reads meets: themselves, and who shares an organization or a project with them.
CREATE OR REPLACE FUNCTION visible_users() RETURNS SETOF uuid
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 1000
AS $$
SELECT u.id FROM users u WHERE (SELECT reads_everything()) OR u.id = (SELECT reader_id())
UNION
SELECT m.user_id FROM organization_members m
WHERE m.organization_id IN (SELECT visible_organizations()) AND m.removed_at IS NULL
UNION
SELECT m.user_id FROM project_members m
WHERE m.project_id IN (SELECT visible_projects()) AND m.removed_at IS NULL
$$;

DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION visible_users() SET search_path = %I, pg_temp', current_schema());
END
$$;

COMMENT ON FUNCTION visible_users() IS 'The people whom who reads may see';
