-- Of the repositories that who reads may see, those of which GitHub shows them security alerts and drafts, too: where they
-- may write, as far as their role tells.
CREATE OR REPLACE FUNCTION trusted_repositories() RETURNS SETOF uuid
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 100
AS $$
SELECT r.id
FROM github_repositories r
JOIN projects p ON p.id = r.project_id
WHERE r.id IN (SELECT visible_repositories())
  AND ((SELECT reads_everything())
       OR EXISTS (SELECT FROM organization_members m
                  WHERE m.organization_id = p.organization_id AND m.user_id = (SELECT reader_id())
                    AND m.removed_at IS NULL AND m.role IN ('owner', 'admin'))
       OR EXISTS (SELECT FROM project_members m
                  WHERE m.project_id = p.id AND m.user_id = (SELECT reader_id())
                    AND m.removed_at IS NULL AND m.role IN ('owner', 'admin', 'maintain', 'write')))
$$;

DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION trusted_repositories() SET search_path = %I, pg_temp', current_schema());
END
$$;

COMMENT ON FUNCTION trusted_repositories() IS 'The repositories of which who reads may see alerts and drafts';
