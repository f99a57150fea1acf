-- The organizations that who reads belongs to, or to a project of which.
CREATE OR REPLACE FUNCTION visible_organizations() RETURNS SETOF uuid
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 10
AS $$
SELECT o.id FROM organizations o WHERE o.deleted_at IS NULL AND (SELECT reads_everything())
UNION
SELECT m.organization_id FROM organization_members m
WHERE m.user_id = (SELECT reader_id()) AND m.removed_at IS NULL
UNION
SELECT p.organization_id FROM project_members m JOIN projects p ON p.id = m.project_id
WHERE m.user_id = (SELECT reader_id()) AND m.removed_at IS NULL
$$;

DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION visible_organizations() SET search_path = %I, pg_temp', current_schema());
END
$$;

COMMENT ON FUNCTION visible_organizations() IS 'The organizations that who reads may see';
