-- What is said of a repository that GitHub has blocked.
CREATE OR REPLACE FUNCTION blocked_reason(name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT format('GitHub has blocked %s for everybody, for legal reasons: what is mirrored of it stays as it was.', name)
$$;

COMMENT ON FUNCTION blocked_reason(text) IS 'What is said of a repository that GitHub has blocked';
