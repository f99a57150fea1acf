-- Pull requests as the mirror had them at a moment; github_issues_as_of.sql explains how, and why it is written so.
CREATE OR REPLACE FUNCTION github_pull_requests_as_of(t timestamptz) RETURNS SETOF github_pull_requests
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1000 AS $$
    SELECT p.id, p.repository_id, past.github_id, past.node_id, p.number, past.title, past.body, past.state,
           past.html_url, past.head_ref, past.head_sha, past.head_repository_id, past.base_ref, past.base_sha,
           past.draft, past.merged, past.merged_into_default, past.reported_mergeable, past.reported_mergeable_state,
           past.reported_head_sha, past.reported_base_sha, past.reported_base_ref,
           NULL::timestamptz AS mergeability_updated_at, NULL::timestamptz AS mergeability_observed_at, past.labels, past.assignees, past.reviewers,
           past.requested_teams, past.milestone, past.auto_merge, past.locked, past.merge_commit_sha, past.merged_by,
           past.additions, past.deletions, past.changed_files, past.commits, past.review_comments_count,
           NULL::timestamptz AS stats_updated_at, NULL::timestamptz AS stats_observed_at, past.comments_count,
           NULL::timestamptz AS comments_updated_at, NULL::timestamptz AS comments_observed_at, past.created_by,
           past.created_at, past.merged_at, past.closed_at, past.updated_at, NULL::timestamptz AS observed_at,
           NULL::varchar(10) AS observed_by, NULL::timestamptz AS synced_at, NULL::varchar(20) AS sync_source,
           NULL::timestamptz AS verified_at, past.deleted_at, past.mergeable, past.mergeable_state,
           past.created_by_id, past.author_association,
           NULL::timestamptz AS standing_updated_at, NULL::timestamptz AS standing_observed_at
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
$$;

COMMENT ON FUNCTION github_pull_requests_as_of(timestamptz) IS
    'Pull requests as the mirror had them at a moment, tombstones too; observed_at and the other bookkeeping are null';
