-- The projects of who reads: those they are a member of, and those of their organizations.
CREATE OR REPLACE FUNCTION visible_projects() RETURNS SETOF uuid
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 100
AS $$
SELECT p.id FROM projects p WHERE (SELECT reads_everything())
UNION
SELECT p.id FROM organization_members m JOIN projects p ON p.organization_id = m.organization_id
WHERE m.user_id = (SELECT reader_id()) AND m.removed_at IS NULL
UNION
SELECT m.project_id FROM project_members m
WHERE m.user_id = (SELECT reader_id()) AND m.removed_at IS NULL
$$;

DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION visible_projects() SET search_path = %I, pg_temp', current_schema());
END
$$;

COMMENT ON FUNCTION visible_projects() IS 'The projects that who reads may see';
