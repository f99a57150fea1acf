-- Issues as the mirror had them at a moment: today's rows, on which every change since is undone. The oldest of several
-- changes of a field knows what it was; a row that was inserted since was not there.
--
-- The change feed does not tell when a row was written, observed and confirmed, so these columns are null.
--
-- PostgreSQL inlines this function into the query that calls it: a condition on id, repository_id or number finds rows by
-- their index, and only their changes are read. Therefore it is one SELECT in SQL, neither STRICT nor with a SET of its
-- own, and names the columns one by one, in the order of the table. (Moments have to be given without a subquery.)
-- https://wiki.postgresql.org/wiki/Inlining_of_SQL_functions
CREATE OR REPLACE FUNCTION github_issues_as_of(t timestamptz) RETURNS SETOF github_issues
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1000 AS $$
    SELECT i.id, i.repository_id, past.github_id, past.node_id, i.number, past.title, past.body, past.state,
           past.state_reason, past.html_url, past.labels, past.assignees, past.milestone, past.locked,
           past.comments_count, past.metadata, past.created_by, past.created_at, past.closed_at, past.transferred_to,
           past.updated_at, NULL::timestamptz AS observed_at, NULL::varchar(10) AS observed_by,
           NULL::timestamptz AS synced_at, NULL::varchar(20) AS sync_source, NULL::timestamptz AS verified_at,
           past.deleted_at, past.created_by_id, past.active_lock_reason
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
$$;

COMMENT ON FUNCTION github_issues_as_of(timestamptz) IS
    'Issues as the mirror had them at a moment, tombstones too; observed_at and the other bookkeeping are null';
