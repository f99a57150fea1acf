-- Lets readers read each view over tables of which they see something: it shows what these do.
CREATE OR REPLACE FUNCTION grant_views() RETURNS SETOF text
LANGUAGE plpgsql
AS $$
DECLARE
    shown record;
BEGIN
    IF to_regrole('ghsync_read') IS NULL THEN
        RETURN;
    END IF;
    FOR shown IN
        WITH RECURSIVE views AS (
          SELECT v.oid, v.relname::text AS name, v.reloptions
          FROM pg_class v
          WHERE v.relkind = 'v'
            AND v.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
            AND v.relowner = (SELECT relowner FROM pg_class WHERE oid = 'users'::regclass)
        ), reads AS (
          SELECT v.oid AS view, d.refobjid AS relation FROM views v
          JOIN pg_rewrite r ON r.ev_class = v.oid JOIN pg_depend d ON d.objid = r.oid AND d.classid = 'pg_rewrite'::regclass
          WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid <> v.oid
          UNION
          SELECT b.view, d.refobjid FROM reads b
          JOIN pg_class c ON c.oid = b.relation AND c.relkind = 'v'
          JOIN pg_rewrite r ON r.ev_class = c.oid JOIN pg_depend d ON d.objid = r.oid AND d.classid = 'pg_rewrite'::regclass
          WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid <> c.oid
        )
        SELECT v.name FROM views v
        WHERE v.reloptions @> ARRAY['security_invoker=true']
          AND NOT EXISTS (
            SELECT FROM reads b JOIN pg_class c ON c.oid = b.relation AND c.relkind <> 'v'
            WHERE b.view = v.oid AND NOT has_any_column_privilege('ghsync_read', c.oid, 'SELECT'))
        ORDER BY v.name
    LOOP
        EXECUTE format('GRANT SELECT ON %I.%I TO ghsync_read', current_schema(), shown.name);
        RETURN NEXT shown.name;
    END LOOP;
END
$$;

COMMENT ON FUNCTION grant_views() IS 'Lets readers read the views over what they see; answers which';
