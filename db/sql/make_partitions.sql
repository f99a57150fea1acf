-- Makes the partitions that there should be, all or none of them; answers the names of those that it made. For people:
-- ghsync asks for them one by one, and keeps what it got. It is what older versions ask.
--
-- It has its owner's rights, so that a service that owns no table can keep partitions up.
CREATE OR REPLACE FUNCTION make_partitions(months_ahead integer DEFAULT 2) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER
AS $$
DECLARE
    due record;
    made text;
BEGIN
    FOR due IN SELECT p.parent, p.month FROM partitions_by_month(months_ahead) p WHERE p.state <> 'made' LOOP
        made := make_partition(due.parent, due.month);
        IF made IS NOT NULL THEN
            RETURN NEXT made;
        END IF;
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
    'Makes the partitions of last month, this one and the next ones where they are missing; answers their names';
