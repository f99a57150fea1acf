"""Advisory locks: their keys, and who holds what others wait for.

They are a database's own, and a database may hold a second mirror: locks of what is written have a table beside them.
https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
"""

import sqlalchemy as sa

LEADER = 0x6768_7379_6E63  # "ghsync" in ASCII
MIGRATION = 0x6768_7379  # "ghsy"
SHADOW = 0x7368_6477  # "shdw"
FIRST_SIGHT = f"{0x7365_656E}, to_regclass('github_repositories')::oid::int"  # "seen"
LINKS = f"{0x676C_6E6B}, to_regclass('task_github_links')::oid::int"  # "glnk"
PARTITIONS = f"{0x7061_7274}, to_regclass('webhook_deliveries')::oid::int"  # "part", as in db/sql/make_partition.sql
VITALS = f"{0x7669_7461}, to_regclass('system_metrics')::oid::int"  # "vita"
JOBS = "hashtext(:kind), to_regclass('sync_jobs')::oid::int"

COMMON_ARE_FREE = sa.text(f"""
SELECT pg_try_advisory_xact_lock({FIRST_SIGHT}) AND pg_try_advisory_xact_lock({LINKS})
   AND (SELECT count(*) FROM change_feed) = (SELECT count(*) FROM (SELECT FROM change_feed FOR UPDATE SKIP LOCKED) free)
""")
"""Whether nobody holds what every batch may need, whatever repositories it is about; they are held until commit."""

# A key of 64 bits is told in two halves, of a pair each number: https://www.postgresql.org/docs/current/view-pg-locks.html
_KEYS = f"""
  SELECT name, (key >> 32)::oid AS classid, (key & 4294967295)::oid AS objid, 1 AS objsubid
  FROM (VALUES ('leader', {LEADER}::bigint), ('migration', {MIGRATION}), ('replay --verify', {SHADOW})) AS k(name, key)
  UNION ALL
  SELECT name, first::oid, second::oid, 2 FROM (VALUES
    ('first sight', {FIRST_SIGHT}), ('links', {LINKS}), ('partitions', {PARTITIONS})) AS k(name, first, second)
  UNION ALL
  SELECT 'jobs: ' || replace(kind, '_', ' '), hashtext(kind)::oid, to_regclass('sync_jobs')::oid, 2
  FROM unnest(CAST(:kinds AS text[])) AS k(kind)
"""

# What is shared, as the lock of partitions is by whoever claims, is told where somebody waits for that one; and so is
# what is no advisory lock. Who waits for a row has locked its place in the table, unless it would insert the row; then
# its statement tells. Of another role's session the times are told only to who may read all of `pg_stat_activity`.
HELD = sa.text(f"""
WITH keys AS ({_KEYS}), waits AS (
  SELECT blocker.pid, count(DISTINCT w.pid) AS waiting,
         coalesce(
           string_agg(DISTINCT l.relation::regclass::text, ', ') FILTER (WHERE l.locktype = 'tuple' OR NOT l.granted),
           min((regexp_match(w.query, '(INSERT INTO|UPDATE (?!SKIP|OF))\\s*(\\w+)'))[2])) AS tables
  FROM pg_stat_activity w CROSS JOIN LATERAL unnest(pg_blocking_pids(w.pid)) AS blocker(pid)
  LEFT JOIN pg_locks l ON l.pid = w.pid
  WHERE w.datname = current_database() AND w.wait_event_type = 'Lock'
    AND cardinality(pg_blocking_pids(blocker.pid)) = 0  -- who waits in turn does not hold it up
  GROUP BY blocker.pid
), advisory AS (
  SELECT l.pid, string_agg(k.name, ', ' ORDER BY k.name) AS names, bool_or(k.objsubid = 1) AS of_session
  FROM pg_locks l JOIN keys k USING (classid, objid, objsubid)
  WHERE l.locktype = 'advisory' AND l.granted
    AND (l.mode = 'ExclusiveLock' OR EXISTS (
      SELECT FROM pg_locks n WHERE n.locktype = 'advisory' AND NOT n.granted
      AND (n.database, n.classid, n.objid, n.objsubid) = (l.database, l.classid, l.objid, l.objsubid)))
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  GROUP BY l.pid
)
SELECT pid, coalesce(a.names, 'rows of ' || w.tables, 'rows') AS lock,
       coalesce(nullif(s.application_name, ''), s.usename, 'unknown') AS holder, s.state,
       extract(epoch FROM clock_timestamp() - CASE WHEN a.of_session THEN s.backend_start
                          ELSE coalesce(s.xact_start, s.state_change) END)::float8 AS seconds,
       coalesce(w.waiting, 0) AS waiting
FROM advisory a FULL JOIN waits w USING (pid) LEFT JOIN pg_stat_activity s USING (pid)
ORDER BY seconds DESC NULLS LAST, pid
""")
"""Who holds advisory locks, and whatever else others wait for, with how long; ``kinds`` are those of jobs."""
