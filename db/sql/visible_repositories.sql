-- The repositories that who reads may see: of their projects, and of their organizations, as GitHub would show them.
-- What the App may not see any more, or what is gone, nobody sees.
--
-- Where members of an organization see its private repositories only if they are asked in (GitHub's base permission is
-- none), organizations.settings says {"members_see": "public"}: no payload tells it.
CREATE OR REPLACE FUNCTION visible_repositories() RETURNS SETOF uuid
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 100
AS $$
SELECT r.id
FROM github_repositories r
JOIN projects p ON p.id = r.project_id
JOIN organizations o ON o.id = p.organization_id
LEFT JOIN github_installations i ON i.id = r.installation_id
LEFT JOIN organization_members om ON om.organization_id = o.id AND om.user_id = (SELECT reader_id())
  AND om.removed_at IS NULL
LEFT JOIN project_members pm ON pm.project_id = p.id AND pm.user_id = (SELECT reader_id()) AND pm.removed_at IS NULL
WHERE r.deleted_at IS NULL AND r.removed_at IS NULL AND i.deleted_at IS NULL AND i.suspended_at IS NULL
  AND ((SELECT reads_everything())
       OR pm.id IS NOT NULL
       OR om.id IS NOT NULL AND (om.role IN ('owner', 'admin') OR NOT r.private
                                 OR coalesce(o.settings ->> 'members_see', 'all') <> 'public'))
$$;

DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION visible_repositories() SET search_path = %I, pg_temp', current_schema());
END
$$;

COMMENT ON FUNCTION visible_repositories() IS 'The repositories that who reads may see';
