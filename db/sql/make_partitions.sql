-- Makes the partitions of this month, in UTC, and of the next ones, where they are missing; answers their names.
--
-- A default partition has what came while there was none: it moves. To attach a partition conflicts with little; the
-- default one, and the tables that are referred to, are locked first, for the moment that it takes. Where others keep
-- them for longer, this gives up, and is tried again: nothing is late before the default partition grows.
--
-- It has its owner's rights, so that a service that owns no table can keep them up.
CREATE OR REPLACE FUNCTION make_partitions(months_ahead integer DEFAULT 2) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = '2s' SET timezone = 'UTC'
AS $$
DECLARE
    parent record;
    referred regclass;
    month timestamptz;
    name text;
BEGIN
    PERFORM pg_advisory_xact_lock(1885434484, to_regclass('webhook_deliveries')::oid::int);  -- "part"
    FOR parent IN
        SELECT c.oid, c.oid::regclass AS called, c.relname, t.partdefid::regclass AS rest, a.attname AS key
        FROM pg_partitioned_table t
        JOIN pg_class c ON c.oid = t.partrelid
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = t.partattrs[0]
        WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
          AND c.relname IN ('audit_logs', 'change_events', 'webhook_deliveries')
        ORDER BY c.relname
    LOOP
        FOR month IN
            SELECT date_trunc('month', now()) + make_interval(months => ahead) FROM generate_series(0, months_ahead) ahead
        LOOP
            name := format('%s_y%sm%s', parent.relname, to_char(month, 'YYYY'), to_char(month, 'MM'));
            CONTINUE WHEN to_regclass(format('%I.%I', current_schema(), name)) IS NOT NULL;
            FOR referred IN
                SELECT DISTINCT confrelid::regclass FROM pg_constraint
                WHERE conrelid = parent.oid AND contype = 'f' ORDER BY confrelid::regclass
            LOOP
                EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', referred);
            END LOOP;
            EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', parent.rest);
            EXECUTE format(
                'CREATE TABLE %I.%I (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES INCLUDING STORAGE)',
                current_schema(), name, parent.called);
            EXECUTE format(
                'WITH moved AS (DELETE FROM %s WHERE %I >= %L AND %I < %L RETURNING *) '
                'INSERT INTO %I.%I SELECT * FROM moved',
                parent.rest, parent.key, month, parent.key, month + interval '1 month', current_schema(), name);
            EXECUTE format(
                'ALTER TABLE %s ATTACH PARTITION %I.%I FOR VALUES FROM (%L) TO (%L)',
                parent.called, current_schema(), name, month, month + interval '1 month');
            RETURN NEXT name;
        END LOOP;
    END LOOP;
END
$$;

DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION make_partitions(integer) SET search_path = %I, pg_temp', current_schema());
END
$$;

REVOKE ALL ON FUNCTION make_partitions(integer) FROM PUBLIC;
COMMENT ON FUNCTION make_partitions(integer) IS
    'Makes the partitions of this month and the next ones where they are missing; answers their names';
