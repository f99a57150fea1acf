-- Has a table show to readers what row_policies() says, let ghsync_write write there what is people's to write, and show
-- all of it to the service and to ghsync_admin. The owner of the tables is not held by it.
--
-- Roles belong to all databases of a server, and the service of one has no business in the mirror of another. So what lets
-- it through names its own role, and what a reader sees is settled in each database: reader_id().
CREATE OR REPLACE FUNCTION apply_row_policy(of_table text) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    said record;
    called text;
    policy text;
BEGIN
    SELECT * INTO STRICT said FROM row_policies() p WHERE p.name = of_table;
    called := format('%I.%I', current_schema(), of_table);
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', called);
    EXECUTE format('REVOKE ALL ON TABLE %s FROM ghsync_read, ghsync_write', called);
    FOREACH policy IN ARRAY ARRAY['ghsync_read', 'ghsync_write', 'ghsync_admin', 'ghsync_service'] LOOP
        EXECUTE format('DROP POLICY IF EXISTS %I ON %s', policy, called);
    END LOOP;
    IF service_roles() IS NOT NULL THEN
        EXECUTE format('CREATE POLICY ghsync_service ON %s TO %s USING (true) WITH CHECK (true)', called, service_roles());
    END IF;
    EXECUTE format('CREATE POLICY ghsync_admin ON %s TO ghsync_admin USING (true) WITH CHECK (true)', called);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE %s TO ghsync_admin', called);
    EXECUTE format('CREATE POLICY ghsync_read ON %s FOR SELECT TO ghsync_read, ghsync_write USING (%s)', called,
                   coalesce(said.condition, 'false'));
    EXECUTE format('COMMENT ON POLICY ghsync_read ON %s IS %L', called, said.mark);
    IF said.condition IS NOT NULL THEN
        EXECUTE format('GRANT SELECT %s ON TABLE %s TO ghsync_read, ghsync_write',
                       CASE WHEN said.columns <> '*' THEN format('(%s)', said.columns) ELSE '' END, called);
    END IF;
    IF said.writable THEN
        EXECUTE format('CREATE POLICY ghsync_write ON %1$s TO ghsync_write USING (%2$s) WITH CHECK (%2$s)', called,
                       said.condition);
        EXECUTE format('GRANT INSERT, UPDATE, DELETE ON TABLE %s TO ghsync_write', called);
    END IF;
END
$$;

COMMENT ON FUNCTION apply_row_policy(text) IS 'Has a table show to each role what it may see';
