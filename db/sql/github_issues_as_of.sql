-- Issues as the mirror had them at a moment: today's rows, on which every change since is undone. The oldest of several
-- changes of a field knows what it was; a row that was inserted since was not there.
--
-- The change feed does not tell when a row was written, observed and confirmed, so these columns are null.
--
-- PostgreSQL inlines this function into the query that calls it: a condition on id, repository_id or number finds rows by
-- their index, and only their changes are read. Therefore it is one SELECT in SQL, neither STRICT nor with a SET of its
-- own, and names the columns one by one, in the order of the table: they are written here by what the table has, one that
-- somebody has added by hand among them. (Moments have to be given without a subquery.)
-- https://wiki.postgresql.org/wiki/Inlining_of_SQL_functions
DO $do$
DECLARE
    columns text := (
        SELECT string_agg(
            CASE
                WHEN attname IN ('id', 'repository_id', 'number') THEN format('i.%I', attname)
                WHEN attname IN ('observed_by', 'synced_at', 'sync_source') OR attname ~ '(_updated|observed|verified)_at$'
                THEN format('NULL::%s AS %I', format_type(atttypid, atttypmod), attname)
                ELSE format('past.%I', attname)
            END, ', ' ORDER BY attnum)
        FROM pg_attribute WHERE attrelid = 'github_issues'::regclass AND attnum > 0 AND NOT attisdropped);
BEGIN
    EXECUTE format($format$
CREATE OR REPLACE FUNCTION github_issues_as_of(t timestamptz) RETURNS SETOF github_issues
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1000 AS $$
    SELECT %s
    FROM github_issues i
    CROSS JOIN LATERAL (
        SELECT jsonb_object_agg(field.key, field.value ORDER BY e.seq DESC) FILTER (WHERE field.key IS NOT NULL) AS old,
               coalesce(bool_or(e.operation = 'insert'), false) AS inserted
        FROM change_events e
        LEFT JOIN LATERAL jsonb_each(e.old_values) AS field ON true
        WHERE e.entity_type = 'github_issues' AND e.entity_id = i.id AND e.seq > (SELECT change_feed_at(t))
          AND e.created_at > t - interval '1 day'  -- as it is then, however a clock was set: no look at months before
    ) since
    CROSS JOIN LATERAL jsonb_populate_record(i, since.old) AS past
    WHERE (SELECT change_feed_at(t)) IS NOT NULL AND NOT since.inserted
$$$format$, columns);
END $do$;

COMMENT ON FUNCTION github_issues_as_of(timestamptz) IS
    'Issues as the mirror had them at a moment, tombstones too; observed_at and the other bookkeeping are null';
