-- Lets readers read the views over what they see: these show what row policies do, since they are read with the rights of
-- who reads (security_invoker). Views for those who operate this are not among them.
CREATE OR REPLACE FUNCTION grant_views() RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    IF to_regrole('ghsync_read') IS NOT NULL AND to_regrole('ghsync_write') IS NOT NULL THEN
        GRANT SELECT ON active_tasks, latest_releases, pr_quality_dashboard, pr_validation_status, workflow_dashboard
            TO ghsync_read, ghsync_write;
    END IF;
END
$$;

COMMENT ON FUNCTION grant_views() IS 'Lets readers read the views over what they see';
