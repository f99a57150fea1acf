-- The room that each table takes, the largest first (seeds 000 and 003). Partitions count with their table.
CREATE OR REPLACE FUNCTION table_sizes()
RETURNS TABLE (name text, total_bytes bigint, table_bytes bigint, index_bytes bigint, about_rows bigint)
LANGUAGE sql STABLE
AS $$
SELECT coalesce(whole.relname, c.relname)::text, sum(pg_total_relation_size(c.oid))::bigint,
       sum(pg_table_size(c.oid))::bigint, sum(pg_indexes_size(c.oid))::bigint,
       sum(greatest(c.reltuples, 0))::bigint
FROM pg_class c
LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
LEFT JOIN pg_class whole ON whole.oid = i.inhparent
WHERE c.relkind IN ('r', 'm') AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
GROUP BY 1 ORDER BY 2 DESC, 1
$$;

REVOKE ALL ON FUNCTION table_sizes() FROM PUBLIC;
COMMENT ON FUNCTION table_sizes() IS 'The room that tables take, with their indexes, and about how many rows they have';
