-- Statements that take long on the average, the slowest first (seeds 000, 001 and 003), where the extension
-- pg_stat_statements is there to count them; none where it is not.
CREATE OR REPLACE FUNCTION slow_queries(at_least_ms double precision DEFAULT 100)
RETURNS TABLE (query text, calls bigint, mean_ms double precision, max_ms double precision, total_ms double precision,
               rows bigint, hit_percent numeric)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    counted regclass := to_regclass((
        SELECT format('%I.pg_stat_statements', n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
        WHERE e.extname = 'pg_stat_statements'));
BEGIN
    IF counted IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT s.query, s.calls, s.mean_exec_time, s.max_exec_time, s.total_exec_time, s.rows, '
        '       round(100.0 * s.shared_blks_hit / nullif(s.shared_blks_hit + s.shared_blks_read, 0), 1) '
        'FROM %s s WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) '
        '  AND s.mean_exec_time >= $1 ORDER BY s.mean_exec_time DESC LIMIT 100', counted) USING at_least_ms;
END
$$;

REVOKE ALL ON FUNCTION slow_queries(double precision) FROM PUBLIC;
COMMENT ON FUNCTION slow_queries(double precision) IS
    'Statements that take long on the average, as the extension pg_stat_statements counts them';
