-- Drops or archives the partition of a table for a month, if its time is over: as retention_due() says. Answers which of
-- the two it did, null where another was faster or nothing is due.
--
-- Of deliveries, those that wait or are parked stay: they move to the default partition. An archived partition is a table
-- of its own, which refers to no other.
--
-- It has its owner's rights, so that a service that owns no table can let go what policies say, and nothing else. Locks
-- are as in make_partition: one that is not to be had at once is given up, and the caller tries again.
CREATE OR REPLACE FUNCTION retire_partition(parent text, month date) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = '3s' SET timezone = 'UTC'
AS $$
DECLARE
    due record;
    referred regclass;
    constrained name;
    archive CONSTANT text := CASE current_schema() WHEN 'public' THEN 'archive' ELSE current_schema() || '_archive' END;
BEGIN
    PERFORM pg_advisory_xact_lock(1885434484, to_regclass('webhook_deliveries')::oid::int);  -- "part", as in locks.py
    PERFORM set_config('lock_timeout', '100ms', true);
    SELECT d.name, d.place, d.act, format('%I.%I', d.place, d.name) AS called, format('%I.%I', d.place, d.parent) AS whole
    INTO due
    FROM retention_due() d
    WHERE d.parent = retire_partition.parent AND d.month = retire_partition.month
    ORDER BY d.place = archive DESC LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    ELSIF due.place = archive THEN
        EXECUTE format('DROP TABLE %s', due.called);
        RETURN 'dropped';
    END IF;
    FOR referred IN
        SELECT DISTINCT confrelid::regclass FROM pg_constraint
        WHERE conrelid = due.whole::regclass AND contype = 'f' ORDER BY confrelid::regclass
    LOOP
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', referred);
    END LOOP;
    EXECUTE format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE', due.whole);
    EXECUTE format('ALTER TABLE %s DETACH PARTITION %s', due.whole, due.called);
    IF parent = 'webhook_deliveries' THEN
        EXECUTE format('WITH moved AS (DELETE FROM %s WHERE status IN (''pending'', ''parked'') RETURNING *) '
                       'INSERT INTO %s OVERRIDING SYSTEM VALUE SELECT * FROM moved', due.called, due.whole);
    END IF;
    UPDATE data_retention_policies p SET done_before = greatest(p.done_before, retire_partition.month + interval '1 month')
    WHERE p.table_name = retire_partition.parent;
    IF due.act = 'drop' THEN
        EXECUTE format('DROP TABLE %s', due.called);
        RETURN 'dropped';
    END IF;
    FOR constrained IN SELECT conname FROM pg_constraint WHERE conrelid = due.called::regclass AND contype = 'f' LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', due.called, constrained);
    END LOOP;
    IF to_regnamespace(quote_ident(archive)) IS NULL THEN
        EXECUTE format('CREATE SCHEMA %I', archive);
    END IF;
    EXECUTE format('ALTER TABLE %s SET SCHEMA %I', due.called, archive);
    RETURN 'archived';
END
$$;

DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION retire_partition(text, date) SET search_path = %I, pg_temp', current_schema());
END
$$;

REVOKE ALL ON FUNCTION retire_partition(text, date) FROM PUBLIC;
COMMENT ON FUNCTION retire_partition(text, date) IS
    'Drops or archives the partition of a table for a month if its time is over by its policy; answers which it did';
