-- A length of time as sentences have it, in the two units that matter: `59 s`, `2 min 5 s`, `3 h`, `4 d 1 h`.
CREATE OR REPLACE FUNCTION readable_duration(duration interval) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT coalesce(string_agg(number || ' ' || unit, ' ' ORDER BY size DESC) FILTER (WHERE number > 0), '0 s')
    FROM (
        SELECT unit, size, seconds % larger / size AS number
        FROM (SELECT floor(extract(epoch FROM duration))::bigint AS seconds) given
        CROSS JOIN (VALUES ('d', 86400, 9000000000000), ('h', 3600, 86400), ('min', 60, 3600), ('s', 1, 60))
            AS units (unit, size, larger)
        WHERE size <= seconds ORDER BY size DESC LIMIT 2
    ) largest
$$;

COMMENT ON FUNCTION readable_duration(interval) IS
    'A length of time as sentences have it, in the two units that matter';
