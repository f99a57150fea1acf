-- The partitions whose time is over: of which table, of which month, what becomes of them, and what room they take.
--
-- A month is counted from its end, in UTC, and last month never goes: deliveries of it still come. What a policy archives
-- is in the schema archive (of a mirror in another schema than public, SCHEMA_archive), where nothing of ghsync reads it;
-- if it also deletes, it goes from there when it is twice as old.
CREATE OR REPLACE FUNCTION retention_due()
RETURNS TABLE (parent text, month date, name text, place text, act text, bytes bigint, about_rows bigint)
LANGUAGE sql STABLE
AS $$
WITH places AS (
  SELECT current_schema()::text AS live,
         CASE current_schema() WHEN 'public' THEN 'archive' ELSE current_schema() || '_archive' END AS archive
), parts AS (
  SELECT w.relname::text AS parent, c.oid, c.relname::text AS name, places.live AS place, c.reltuples
  FROM places
  JOIN pg_namespace s ON s.nspname = places.live
  JOIN pg_class w ON w.relnamespace = s.oid AND w.relkind = 'p'
  JOIN pg_inherits i ON i.inhparent = w.oid
  JOIN pg_class c ON c.oid = i.inhrelid
  UNION ALL
  SELECT regexp_replace(c.relname, '_y\d{4}m\d\d$', ''), c.oid, c.relname::text, places.archive, c.reltuples
  FROM places JOIN pg_namespace s ON s.nspname = places.archive JOIN pg_class c ON c.relnamespace = s.oid AND c.relkind = 'r'
)
SELECT part.parent, m.month, part.name, part.place,
       CASE WHEN part.place = places.live AND p.archive_enabled THEN 'archive' ELSE 'drop' END,
       pg_total_relation_size(part.oid), CASE WHEN part.reltuples >= 0 THEN part.reltuples::bigint END
FROM places
CROSS JOIN parts part
JOIN data_retention_policies p ON p.table_name = part.parent
CROSS JOIN LATERAL (SELECT to_date(substring(part.name FROM '_y(\d{4}m\d\d)$'), 'YYYY"m"MM') AS month) m
CROSS JOIN LATERAL (SELECT (m.month + interval '1 month') AT TIME ZONE 'UTC' AS at) ended
WHERE CASE WHEN part.place = places.live
           THEN (p.archive_enabled OR p.delete_enabled)
            AND ended.at <= now() - make_interval(days => p.retention_days)
            AND m.month < date_trunc('month', now() AT TIME ZONE 'UTC') - interval '1 month'
           ELSE p.archive_enabled AND p.delete_enabled
            AND ended.at <= now() - make_interval(days => 2 * p.retention_days) END
ORDER BY m.month, part.parent, part.place
$$;

COMMENT ON FUNCTION retention_due() IS 'The partitions whose time is over by their policy, and what becomes of them';
