-- Where the change feed stood at a moment: the last position given out until then.
--
-- What was changed later is known only while the feed still holds all of it. The first entry that it holds was written
-- after those that are gone, so a moment before that entry cannot be told from theirs: it is refused. It has its owner's
-- rights, for of the positions of others' entries readers see nothing.
CREATE OR REPLACE FUNCTION change_feed_at(t timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SECURITY DEFINER AS $$
DECLARE
    next_seq bigint;
    first_seq bigint;
    held_since timestamptz;
BEGIN
    SELECT seq INTO next_seq FROM change_events WHERE created_at > t ORDER BY created_at, seq LIMIT 1;
    IF next_seq IS NULL AND (t >= now() OR EXISTS (SELECT FROM change_events)) THEN
        RETURN coalesce((SELECT last_seq FROM change_feed), 0);
    END IF;

    SELECT seq, created_at INTO first_seq, held_since FROM change_events ORDER BY seq LIMIT 1;
    IF next_seq > first_seq OR first_seq = 1 THEN
        RETURN next_seq - 1;
    ELSIF NOT EXISTS (SELECT FROM change_feed WHERE last_seq > 0) THEN
        RETURN 0;
    END IF;
    RAISE EXCEPTION 'the change feed reaches back to % only, so what was there at % is not known any more',
        coalesce(held_since, now()), t
        USING ERRCODE = 'no_data_found';
END
$$;

DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION change_feed_at(timestamptz) SET search_path = %I, pg_temp', current_schema());
END
$$;

COMMENT ON FUNCTION change_feed_at(timestamptz) IS
    'The last position of the change feed at a moment; a moment that the feed does not reach back to is an error';
