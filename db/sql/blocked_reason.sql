-- What is said of a repository that GitHub has blocked.
CREATE OR REPLACE FUNCTION blocked_reason(name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT 'GitHub has blocked ' || name || ' for everybody, for legal reasons: what is mirrored of it stays as it was.'
$$;

COMMENT ON FUNCTION blocked_reason(text) IS 'What is said of a repository that GitHub has blocked';
