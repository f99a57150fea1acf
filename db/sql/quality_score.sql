-- The weighed mean of what is known of a pull request, 0 to 100, by the rules of its project. What is not known does not
-- weigh; while none of checks, reviews, security and coverage is known, there is no score, for its size alone says little.
CREATE OR REPLACE FUNCTION quality_score(
    rules jsonb, ci text, review text, security text, coverage numeric, lines integer)
RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN count(*) FILTER (WHERE part.name <> 'size') > 0
                THEN round(sum(part.value * weight) / nullif(sum(weight), 0), 2) END
    FROM (VALUES
        ('ci', CASE ci WHEN 'success' THEN 100 WHEN 'failure' THEN 0 END::numeric),
        ('review', CASE review WHEN 'approved' THEN 100 WHEN 'commented' THEN 50 WHEN 'changes_requested' THEN 0 END),
        ('security', CASE security WHEN 'passed' THEN 100 WHEN 'failed' THEN 0 END),
        ('coverage', coverage),
        ('size', 100 * greatest(0, least(1,
            ((rules #>> '{size,large}')::numeric - lines)
            / ((rules #>> '{size,large}')::numeric - (rules #>> '{size,small}')::numeric))))
    ) AS part (name, value)
    CROSS JOIN LATERAL (SELECT (rules -> 'weights' ->> part.name)::numeric AS weight) weighed
    WHERE part.value IS NOT NULL
$$;

COMMENT ON FUNCTION quality_score(jsonb, text, text, text, numeric, integer) IS
    'Weighed mean of what is known of a pull request, 0 to 100; null while nothing is known';
