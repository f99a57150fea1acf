-- The partitions that there should be: of last month, in UTC, of which deliveries still come, of this one, and of the next
-- ones. One that is being detached takes no rows any more.
CREATE OR REPLACE FUNCTION partitions_by_month(months_ahead integer DEFAULT 2)
RETURNS TABLE (parent text, month date, name text, state text)
LANGUAGE sql STABLE
AS $$
SELECT c.relname::text, m.first, n.name,
       CASE WHEN p.oid IS NULL THEN 'missing'
            WHEN EXISTS (SELECT FROM pg_inherits i
                         WHERE i.inhrelid = p.oid AND i.inhparent = c.oid AND NOT i.inhdetachpending) THEN 'made'
            ELSE 'obstructed' END
FROM pg_partitioned_table t
JOIN pg_class c ON c.oid = t.partrelid AND c.relname IN ('audit_logs', 'change_events', 'webhook_deliveries')
JOIN pg_namespace s ON s.oid = c.relnamespace AND s.nspname = current_schema()
CROSS JOIN generate_series(-1, months_ahead) AS ahead
CROSS JOIN LATERAL (
  SELECT (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => ahead))::date AS first) m
CROSS JOIN LATERAL (
  SELECT format('%s_y%sm%s', c.relname, to_char(m.first, 'YYYY'), to_char(m.first, 'MM')) AS name) n
LEFT JOIN pg_class p ON p.relnamespace = s.oid AND p.relname = n.name
ORDER BY c.relname, m.first
$$;

COMMENT ON FUNCTION partitions_by_month(integer) IS
    'The partitions of last month, this one and the next ones: made, missing, or obstructed by something of their name';
