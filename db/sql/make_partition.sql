-- Makes the partition of a table for a month, in UTC, unless it is there; answers its name where it was made.
--
-- What came while there was none is in the default partition, and moves. Meanwhile nothing is written into the table:
-- else a row that was meant for the default partition would find that it does not belong there any more. Locks that are
-- not to be had at once are given up, long before anybody could wait for another in a circle: the caller tries again.
--
-- Workers that read ahead always hold something of the default partition. So they hold the advisory lock, too, shared, and
-- take no batch while somebody waits for it, or has it: that is worth a wait, for nobody else waits meanwhile.
--
-- It has its owner's rights, so that a service that owns no table can keep partitions up.
CREATE OR REPLACE FUNCTION make_partition(parent text, month date) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = '3s' SET timezone = 'UTC'
AS $$
DECLARE
    starts CONSTANT timestamptz := date_trunc('month', month::timestamp);
    ends CONSTANT timestamptz := starts + interval '1 month';
    name CONSTANT text := format('%s_y%sm%s', parent, to_char(starts, 'YYYY'), to_char(starts, 'MM'));
    whole record;
    referred regclass;
    is_there boolean;
BEGIN
    PERFORM pg_advisory_xact_lock(1885434484, to_regclass('webhook_deliveries')::oid::int);  -- "part", as in locks.py
    PERFORM set_config('lock_timeout', '100ms', true);
    SELECT c.oid, c.oid::regclass AS called, n.nspname, a.attname AS key, pg_get_userbyid(c.relowner) AS owner
    INTO whole
    FROM pg_partitioned_table t
    JOIN pg_class c ON c.oid = t.partrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = t.partattrs[0]
    WHERE c.relname = parent AND parent IN ('audit_logs', 'change_events', 'webhook_deliveries');
    IF NOT FOUND THEN
        RAISE EXCEPTION '% is not in partitions by month.', parent;
    END IF;
    SELECT EXISTS (SELECT FROM pg_inherits i
                   WHERE i.inhrelid = c.oid AND i.inhparent = whole.oid AND NOT i.inhdetachpending)
    INTO is_there
    FROM pg_class c WHERE c.oid = to_regclass(format('%I.%I', whole.nspname, name));
    IF is_there THEN
        RETURN NULL;
    ELSIF NOT is_there THEN
        RAISE EXCEPTION '% is in the place of a partition of %, and is none: rename it or attach it.', name, parent;
    END IF;
    FOR referred IN
        SELECT DISTINCT confrelid::regclass FROM pg_constraint
        WHERE conrelid = whole.oid AND contype = 'f' ORDER BY confrelid::regclass
    LOOP
        EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', referred);
    END LOOP;
    EXECUTE format('LOCK TABLE ONLY %s IN SHARE ROW EXCLUSIVE MODE', whole.called);
    EXECUTE format('CREATE TABLE IF NOT EXISTS %I.%I PARTITION OF %s DEFAULT',
                   whole.nspname, parent || '_default', whole.called);
    EXECUTE format('LOCK TABLE %I.%I IN ACCESS EXCLUSIVE MODE', whole.nspname, parent || '_default');
    EXECUTE format(
        'CREATE TABLE %I.%I (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES INCLUDING STORAGE)',
        whole.nspname, name, whole.called);
    EXECUTE format('ALTER TABLE %I.%I OWNER TO %I', whole.nspname, name, whole.owner);
    EXECUTE format(
        'WITH moved AS (DELETE FROM %I.%I WHERE %I >= %L AND %I < %L RETURNING *) '
        'INSERT INTO %I.%I SELECT * FROM moved',
        whole.nspname, parent || '_default', whole.key, starts, whole.key, ends, whole.nspname, name);
    EXECUTE format(
        'ALTER TABLE %s ATTACH PARTITION %I.%I FOR VALUES FROM (%L) TO (%L)',
        whole.called, whole.nspname, name, starts, ends);
    RETURN name;
END
$$;

DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION make_partition(text, date) SET search_path = %I, pg_temp', current_schema());
END
$$;

REVOKE ALL ON FUNCTION make_partition(text, date) FROM PUBLIC;
COMMENT ON FUNCTION make_partition(text, date) IS
    'Makes the partition of a table for a month unless it is there; answers its name where it was made';
