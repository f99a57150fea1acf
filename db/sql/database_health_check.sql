-- How the database is, a row for each thing that may be wrong with it (seed 001): ok, warning or critical, with what to do.
--
-- Without the role pg_monitor, of other roles' sessions only their number is told.
CREATE OR REPLACE FUNCTION database_health_check()
RETURNS TABLE (component text, status text, value numeric, unit text, detail text)
LANGUAGE sql STABLE
AS $$
WITH checks (place, component, value, unit, warning, critical, advice) AS (
  SELECT 1, 'connections', 100.0 * count(*) / current_setting('max_connections')::int, 'percent of max_connections',
         70, 90, 'Raise max_connections, or put a pooler before it: GHSYNC_DIRECT_DATABASE_URL.'
  FROM pg_stat_activity WHERE backend_type = 'client backend'
  UNION ALL
  SELECT 2, 'oldest transaction', extract(epoch FROM coalesce(max(now() - xact_start), '0')), 'seconds', 300, 3600,
         'It keeps vacuum from clearing up: end it, SELECT pg_terminate_backend(pid) from pg_stat_activity.'
  FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'
  UNION ALL
  SELECT 3, 'waiting for locks', count(*), 'sessions', 3, 20, '`ghsync doctor` tells who holds what they wait for.'
  FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
  UNION ALL
  SELECT 4, 'dead rows', coalesce(max(100.0 * n_dead_tup / nullif(n_live_tup + n_dead_tup, 0))
                                  FILTER (WHERE n_dead_tup > 100000), 0), 'percent of the worst table', 30, 60,
         'Autovacuum falls behind: see pg_stat_user_tables, and VACUUM the worst.'
  FROM pg_stat_user_tables
  UNION ALL
  SELECT 5, 'transaction ids', 100.0 * age(datfrozenxid) / 2000000000, 'percent used up', 25, 75,
         'Autovacuum does not freeze: VACUUM FREEZE the oldest tables before PostgreSQL stops taking writes.'
  FROM pg_database WHERE datname = current_database()
  UNION ALL
  SELECT 6, 'invalid indexes', count(*), 'indexes', 1, NULL, 'A build of it was broken off: REINDEX INDEX CONCURRENTLY.'
  FROM pg_index d JOIN pg_class c ON c.oid = d.indexrelid
  WHERE NOT d.indisvalid AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
  UNION ALL
  SELECT 7, 'partitions missing', count(*), 'months', 1, NULL, '`ghsync doctor` tells what is in their way.'
  FROM partitions_by_month() p WHERE p.state <> 'made'
  UNION ALL
  SELECT 8, 'kept for replicas', coalesce(max(pg_wal_lsn_diff(
           CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, restart_lsn)), 0)
           / 1048576, 'MiB of WAL', 1024, 10240, 'A slot that nobody reads fills the disk: see pg_replication_slots.'
  FROM pg_replication_slots
  UNION ALL
  SELECT 9, 'oldest delivery waits', coalesce(extract(epoch FROM now() - min(received_at)), 0), 'seconds', 60, 600,
         '`ghsync status` tells what is in its way.'
  FROM webhook_deliveries WHERE webhook_deliveries.status = 'pending'
  UNION ALL
  SELECT 10, 'parked deliveries', count(*), 'deliveries', 1, NULL, 'See `ghsync deliveries list --status parked`.'
  FROM webhook_deliveries WHERE webhook_deliveries.status = 'parked'
  UNION ALL
  SELECT 11, 'parked jobs', count(*), 'jobs', 1, NULL, '`ghsync status` tells which, and why.'
  FROM sync_jobs WHERE parked_at IS NOT NULL
  UNION ALL
  SELECT 12, 'cache hits', 100.0 * sum(blks_hit) / nullif(sum(blks_hit) + sum(blks_read), 0), 'percent', NULL, NULL, NULL
  FROM pg_stat_database WHERE datname = current_database()
  UNION ALL
  SELECT 13, 'size', pg_database_size(current_database()) / 1048576.0, 'MiB', NULL, NULL, NULL
)
SELECT component, CASE WHEN value >= critical THEN 'critical' WHEN value >= warning THEN 'warning' ELSE 'ok' END,
       round(value, 1), unit, CASE WHEN value >= warning THEN advice END
FROM checks ORDER BY place
$$;

REVOKE ALL ON FUNCTION database_health_check() FROM PUBLIC;
COMMENT ON FUNCTION database_health_check() IS
    'How the database is, a row for each thing that may be wrong with it, with what to do';
