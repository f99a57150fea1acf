-- What each person who was asked for review, or gave one, says of a pull request now. A comment takes no opinion back. A
-- dismissed opinion is none, and does not bring back what was said before it. Who approved and is asked again has to look
-- again, while a request for changes stands until its author says otherwise. What the author of the pull request says of
-- it does not count.
--
-- A person is an id, whatever they are called; where none is known, a login in any letters, which is that of an id where
-- this pull request has both. Of accounts that were deleted nobody can tell one from another, so each of their reviews is
-- somebody's. Shown is the login that was seen last.
--
-- Who may not write to the repository neither approves nor blocks: such an opinion is a comment, and uncounted says what it
-- was. The API tells who may; until it does, the association is a hint that lets members pass that hide their membership,
-- and Apps, which are NONE whatever they may.
-- https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/reviewing-changes-in-pull-requests/about-pull-request-reviews
CREATE OR REPLACE FUNCTION counted_reviews(
    repository uuid, pull_request integer, pull_request_author text, asked jsonb,
    pull_request_author_id text DEFAULT NULL)
RETURNS TABLE (
    login text, state text, submitted_at timestamptz, url text, github_id text, place bigint, uncounted text,
    association text, can_push boolean)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 5 AS $$
    SELECT heard.login,
           CASE WHEN heard.opinion = 'changes_requested' AND heard.judges THEN 'changes_requested'
                WHEN heard.place IS NOT NULL THEN 'review_requested'
                WHEN heard.opinion = 'approved' AND heard.judges THEN 'approved'
                WHEN heard.commented OR heard.opinion <> 'dismissed' THEN 'commented'
                ELSE 'dismissed' END,
           CASE WHEN heard.opinion = 'changes_requested' AND heard.judges OR heard.place IS NULL
                THEN heard.submitted_at END,
           heard.url, heard.github_id, heard.place,
           CASE WHEN NOT heard.judges AND heard.opinion <> 'dismissed' THEN heard.opinion END,
           heard.association, heard.can_push
    FROM (
        SELECT summed.*,
               coalesce(summed.can_push, summed.login LIKE '%[bot]' OR summed.association NOT IN (
                   'NONE', 'FIRST_TIMER', 'FIRST_TIME_CONTRIBUTOR', 'MANNEQUIN'), true) AS judges
        FROM (
            SELECT (array_agg(r.login ORDER BY r.place, r.nth))[1] AS login,
                   (array_agg(r.state ORDER BY r.nth) FILTER (WHERE r.is_opinion))[1] AS opinion,
                   coalesce(bool_or(NOT r.is_opinion), false) AS commented,
                   (array_agg(r.submitted_at ORDER BY r.is_opinion DESC NULLS LAST, r.nth))[1] AS submitted_at,
                   (array_agg(r.html_url ORDER BY r.is_opinion DESC NULLS LAST, r.nth))[1] AS url,
                   (array_agg(r.github_id ORDER BY r.is_opinion DESC NULLS LAST, r.nth))[1] AS github_id,
                   (array_agg(r.author_association ORDER BY r.nth))[1] AS association,
                   (array_agg(r.author_can_push ORDER BY r.nth) FILTER (WHERE r.author_can_push IS NOT NULL))[1]
                     AS can_push,
                   min(r.place) AS place
            FROM (
                SELECT said.*,
                       coalesce(said.person, max(said.person) OVER (PARTITION BY said.alias), said.alias) AS who
                FROM (
                    SELECT coalesce(r.author, 'ghost') AS login, nullif(r.author_id, '10137') AS person,
                           CASE WHEN coalesce(lower(r.author), 'ghost') = 'ghost' THEN '#' || r.github_id
                                ELSE '@' || lower(r.author) END AS alias,
                           r.state::text AS state, r.submitted_at, r.html_url, r.github_id::text AS github_id,
                           r.author_association::text AS author_association, r.author_can_push,
                           r.state IN ('approved', 'changes_requested', 'dismissed') AS is_opinion,
                           row_number() OVER (
                               ORDER BY r.submitted_at DESC NULLS LAST, length(r.github_id) DESC, r.github_id DESC)
                             AS nth,
                           NULL::bigint AS place
                    FROM github_reviews r
                    WHERE r.repository_id = repository AND r.number = pull_request AND r.deleted_at IS NULL
                      AND r.state <> 'pending'
                    UNION ALL
                    SELECT requested.person ->> 'login', nullif(nullif(requested.person ->> 'id', '0'), '10137'),
                           '@' || lower(requested.person ->> 'login'),
                           NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, requested.place
                    FROM jsonb_array_elements(asked) WITH ORDINALITY AS requested (person, place)
                ) said
            ) r
            WHERE r.who IS DISTINCT FROM pull_request_author_id
              AND (r.alias IS DISTINCT FROM '@' || lower(pull_request_author)
                   OR r.person IS NOT NULL AND pull_request_author_id IS NOT NULL)
            GROUP BY r.who
        ) summed
    ) heard
$$;

COMMENT ON FUNCTION counted_reviews(uuid, integer, text, jsonb, text) IS
    'What each person asked or heard says of a pull request now: changes_requested, review_requested, approved, commented or dismissed; uncounted is an opinion of somebody who may not write';
