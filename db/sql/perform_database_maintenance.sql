-- What a database wants done now and then (seed 001), as far as a function can do it; `ghsync maintain` does more.
--
-- No function can VACUUM: what it would be good for is told, as the statement to run. What is old goes by its policy.
CREATE OR REPLACE FUNCTION perform_database_maintenance(
    p_vacuum_analyze boolean DEFAULT true,
    p_cleanup_old_data boolean DEFAULT true,
    p_update_statistics boolean DEFAULT true
) RETURNS TABLE (task text, object text, outcome text)
LANGUAGE plpgsql
AS $$
DECLARE
    one record;
BEGIN
    IF p_cleanup_old_data THEN
        FOR one IN SELECT d.parent, d.month, d.name FROM retention_due() d LOOP
            task := 'cleanup';
            object := one.name;
            outcome := coalesce(retire_partition(one.parent, one.month), 'left to another');
            RETURN NEXT;
        END LOOP;
        DELETE FROM sessions WHERE expires_at <= now();
    END IF;
    IF p_update_statistics THEN
        FOR one IN
            SELECT c.relname, pg_has_role(c.relowner, 'USAGE') AS ours
            FROM pg_class c
            WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
              AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
            ORDER BY c.relname
        LOOP
            task := 'statistics';
            object := one.relname;
            outcome := 'left to its owner';
            IF one.ours THEN
                EXECUTE format('ANALYZE %I', one.relname);
                outcome := 'done';
            END IF;
            RETURN NEXT;
        END LOOP;
    END IF;
    IF p_vacuum_analyze THEN
        FOR one IN
            SELECT s.relname, s.n_dead_tup FROM pg_stat_user_tables s
            WHERE s.schemaname = current_schema() AND s.n_dead_tup > 1000 AND s.n_dead_tup > s.n_live_tup / 5
            ORDER BY s.n_dead_tup DESC
        LOOP
            task := 'vacuum';
            object := one.relname;
            outcome := format('run: VACUUM (ANALYZE) %I', one.relname);
            RETURN NEXT;
        END LOOP;
    END IF;
END
$$;

REVOKE ALL ON FUNCTION perform_database_maintenance(boolean, boolean, boolean) FROM PUBLIC;
COMMENT ON FUNCTION perform_database_maintenance(boolean, boolean, boolean) IS
    'Lets go what is past its retention and renews statistics; tells what to vacuum, which no function can';
