-- Since when something is kept, by its policy: what is older may go. Where no policy lets it go, all of it is kept.
CREATE OR REPLACE FUNCTION retained_since(what text) RETURNS timestamptz
LANGUAGE sql STABLE
AS $$
SELECT coalesce((SELECT now() - make_interval(days => p.retention_days) FROM data_retention_policies p
                 WHERE p.table_name = what AND (p.archive_enabled OR p.delete_enabled)), '-infinity')
$$;

COMMENT ON FUNCTION retained_since(text) IS 'Since when something is kept, by its policy; -infinity where none lets it go';
