-- Makes the partitions of this month, in UTC, and of the next ones, where they are missing; answers their names.
--
-- What came while there was none is in the default partition, and moves. Meanwhile nothing is written into the table:
-- else a row that was meant for the default partition would find that it does not belong there any more. Locks that are
-- not to be had at once are given up, long before anybody could wait for another in a circle: the caller tries again.
--
-- It has its owner's rights, so that a service that owns no table can keep them up.
CREATE OR REPLACE FUNCTION make_partitions(months_ahead integer DEFAULT 2) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = '100ms' SET timezone = 'UTC'
AS $$
DECLARE
    parent record;
    referred regclass;
    month timestamptz;
    name text;
    is_there boolean;
BEGIN
    PERFORM pg_advisory_xact_lock(1885434484, to_regclass('webhook_deliveries')::oid::int);  -- "part", as in locks.py
    FOR parent IN
        SELECT c.oid, c.oid::regclass AS called, c.relname, n.nspname, a.attname AS key, pg_get_userbyid(c.relowner) AS owner
        FROM pg_partitioned_table t
        JOIN pg_class c ON c.oid = t.partrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = t.partattrs[0]
        WHERE c.relname IN ('audit_logs', 'change_events', 'webhook_deliveries')
        ORDER BY c.relname
    LOOP
        FOR month IN
            SELECT date_trunc('month', now()) + make_interval(months => ahead) FROM generate_series(0, months_ahead) ahead
        LOOP
            name := format('%s_y%sm%s', parent.relname, to_char(month, 'YYYY'), to_char(month, 'MM'));
            SELECT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid AND i.inhparent = parent.oid) INTO is_there
            FROM pg_class c WHERE c.oid = to_regclass(format('%I.%I', parent.nspname, name));
            CONTINUE WHEN is_there;
            IF NOT is_there THEN
                RAISE EXCEPTION '% is in the place of a partition of %, and is none: rename it or attach it.',
                    name, parent.relname;
            END IF;
            FOR referred IN
                SELECT DISTINCT confrelid::regclass FROM pg_constraint
                WHERE conrelid = parent.oid AND contype = 'f' ORDER BY confrelid::regclass
            LOOP
                EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', referred);
            END LOOP;
            EXECUTE format('LOCK TABLE ONLY %s IN SHARE ROW EXCLUSIVE MODE', parent.called);
            EXECUTE format('CREATE TABLE IF NOT EXISTS %I.%I PARTITION OF %s DEFAULT',
                           parent.nspname, parent.relname || '_default', parent.called);
            EXECUTE format('LOCK TABLE %I.%I IN ACCESS EXCLUSIVE MODE', parent.nspname, parent.relname || '_default');
            EXECUTE format(
                'CREATE TABLE %I.%I (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES INCLUDING STORAGE)',
                parent.nspname, name, parent.called);
            EXECUTE format('ALTER TABLE %I.%I OWNER TO %I', parent.nspname, name, parent.owner);
            EXECUTE format(
                'WITH moved AS (DELETE FROM %I.%I WHERE %I >= %L AND %I < %L RETURNING *) '
                'INSERT INTO %I.%I SELECT * FROM moved',
                parent.nspname, parent.relname || '_default', parent.key, month, parent.key, month + interval '1 month',
                parent.nspname, name);
            EXECUTE format(
                'ALTER TABLE %s ATTACH PARTITION %I.%I FOR VALUES FROM (%L) TO (%L)',
                parent.called, parent.nspname, name, month, month + interval '1 month');
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
