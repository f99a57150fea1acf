-- Pull requests as the mirror had them at a moment; github_issues_as_of.sql explains how, and why it is written so.
DO $do$
DECLARE
    columns text := (
        SELECT string_agg(
            CASE
                WHEN attname IN ('id', 'repository_id', 'number') THEN format('p.%I', attname)
                WHEN attname IN ('observed_by', 'synced_at', 'sync_source') OR attname ~ '(_updated|observed|verified)_at$'
                THEN format('NULL::%s AS %I', format_type(atttypid, atttypmod), attname)
                ELSE format('past.%I', attname)
            END, ', ' ORDER BY attnum)
        FROM pg_attribute WHERE attrelid = 'github_pull_requests'::regclass AND attnum > 0 AND NOT attisdropped);
BEGIN
    EXECUTE format($format$
CREATE OR REPLACE FUNCTION github_pull_requests_as_of(t timestamptz) RETURNS SETOF github_pull_requests
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1000 AS $$
    SELECT %s
    FROM github_pull_requests p
    CROSS JOIN LATERAL (
        SELECT jsonb_object_agg(field.key, field.value ORDER BY e.seq DESC) FILTER (WHERE field.key IS NOT NULL) AS old,
               coalesce(bool_or(e.operation = 'insert'), false) AS inserted
        FROM change_events e
        LEFT JOIN LATERAL jsonb_each(e.old_values) AS field ON true
        WHERE e.entity_type = 'github_pull_requests' AND e.entity_id = p.id AND e.seq > (SELECT change_feed_at(t))
          AND e.created_at > t - interval '1 day'  -- as it is then, however a clock was set: no look at months before
    ) since
    CROSS JOIN LATERAL jsonb_populate_record(p, since.old) AS past
    WHERE (SELECT change_feed_at(t)) IS NOT NULL AND NOT since.inserted
$$$format$, columns);
END $do$;

COMMENT ON FUNCTION github_pull_requests_as_of(timestamptz) IS
    'Pull requests as the mirror had them at a moment, tombstones too; observed_at and the other bookkeeping are null';
