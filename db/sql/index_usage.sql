-- How often each index was used since statistics were reset, the least used first (seeds 000, 001 and 003). Partitions
-- count with the index of their table. One that was never used may still hold a key.
CREATE OR REPLACE FUNCTION index_usage()
RETURNS TABLE (table_name text, index_name text, scans bigint, rows_read bigint, bytes bigint, is_key boolean, valid boolean)
LANGUAGE sql STABLE
AS $$
SELECT coalesce(wt.relname, t.relname)::text, coalesce(wi.relname, x.relname)::text, sum(s.idx_scan)::bigint,
       sum(s.idx_tup_read)::bigint, sum(pg_relation_size(x.oid))::bigint, bool_or(d.indisunique), bool_and(d.indisvalid)
FROM pg_stat_user_indexes s
JOIN pg_class t ON t.oid = s.relid AND t.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
JOIN pg_class x ON x.oid = s.indexrelid
JOIN pg_index d ON d.indexrelid = x.oid
LEFT JOIN pg_inherits it ON it.inhrelid = t.oid
LEFT JOIN pg_class wt ON wt.oid = it.inhparent
LEFT JOIN pg_inherits ii ON ii.inhrelid = x.oid
LEFT JOIN pg_class wi ON wi.oid = ii.inhparent
GROUP BY 1, 2 ORDER BY 3, 1, 2
$$;

REVOKE ALL ON FUNCTION index_usage() FROM PUBLIC;
COMMENT ON FUNCTION index_usage() IS 'How often each index was used since statistics were reset, and the room it takes';
