-- What each person who was asked for review, or gave one, says of a pull request now. A comment takes no opinion back. A
-- dismissed opinion is none, and does not bring back what was said before it. Who approved and is asked again has to look
-- again, while a request for changes stands until its author says otherwise. What the author of the pull request says of
-- it does not count.
-- https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/reviewing-changes-in-pull-requests/about-pull-request-reviews
CREATE OR REPLACE FUNCTION counted_reviews(repository uuid, pull_request integer, pull_request_author text, asked jsonb)
RETURNS TABLE (login text, state text, submitted_at timestamptz, url text, github_id text, place bigint)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 5 AS $$
    SELECT coalesce(heard.author, requested.person ->> 'login'),
           CASE WHEN heard.opinion = 'changes_requested' THEN 'changes_requested'
                WHEN requested.place IS NOT NULL THEN 'review_requested'
                WHEN heard.opinion = 'approved' THEN 'approved'
                WHEN heard.commented THEN 'commented'
                ELSE 'dismissed' END,
           CASE WHEN heard.opinion = 'changes_requested' OR requested.place IS NULL THEN heard.submitted_at END,
           heard.url, heard.github_id, requested.place
    FROM (
        SELECT r.author,
               (array_agg(r.state::text ORDER BY r.nth) FILTER (WHERE r.is_opinion))[1] AS opinion,
               bool_or(NOT r.is_opinion) AS commented,
               (array_agg(r.submitted_at ORDER BY r.is_opinion DESC, r.nth))[1] AS submitted_at,
               (array_agg(r.html_url ORDER BY r.is_opinion DESC, r.nth))[1] AS url,
               (array_agg(r.github_id::text ORDER BY r.is_opinion DESC, r.nth))[1] AS github_id
        FROM (
            SELECT coalesce(r.author, 'ghost') AS author, r.state, r.submitted_at, r.html_url, r.github_id,
                   r.state IN ('approved', 'changes_requested', 'dismissed') AS is_opinion,
                   row_number() OVER (
                       ORDER BY r.submitted_at DESC NULLS LAST, length(r.github_id) DESC, r.github_id DESC) AS nth
            FROM github_reviews r
            WHERE r.repository_id = repository AND r.number = pull_request AND r.deleted_at IS NULL
              AND r.author IS DISTINCT FROM pull_request_author AND r.state <> 'pending'
        ) r
        GROUP BY r.author
    ) heard
    FULL JOIN jsonb_array_elements(asked) WITH ORDINALITY AS requested (person, place)
        ON requested.person ->> 'login' = heard.author
$$;

COMMENT ON FUNCTION counted_reviews(uuid, integer, text, jsonb) IS
    'What each person asked or heard says of a pull request now: changes_requested, review_requested, approved, commented or dismissed';
