-- Why the mirror may be behind GitHub: of a repository, or of everything where that is null. `ghsync status`, `/readyz`
-- and sync_health go by it; no row means that it is not stale.
--
-- The caller gives the backlog, which it counts anyway, and how often GitHub is asked what changed, its delivery log is
-- read, and a repository is read completely, in seconds: null where that is not done. Three turns may be missed.
--
-- It reads with its owner's rights, as views do, so that whoever may read sync_health can, whatever path they have set;
-- temporary tables come last on its own, so that nobody puts theirs in the place of these.
CREATE OR REPLACE FUNCTION stale_reasons(
    repository uuid,
    pending bigint,
    oldest_received_at timestamptz,
    parked bigint,
    sweep_seconds double precision,
    heal_seconds double precision,
    complete_seconds double precision
) RETURNS TABLE (cause text, sentence text)
LANGUAGE sql STABLE SECURITY DEFINER
AS $$
WITH runs AS (
    -- A sweep that reads much takes long: what it has read of single repositories is a sign of it.
    SELECT turn.place, turn.kind, greatest(make_interval(secs => 3 * turn.seconds), interval '1 minute') AS patience,
           succeeded.finished_at AS succeeded_at, greatest(succeeded.finished_at, part.at) AS sign_at,
           CASE WHEN succeeded.finished_at IS NULL OR failed.finished_at > succeeded.finished_at
                THEN failed.last_error END AS error
    FROM (VALUES (1, 'sweep', sweep_seconds), (2, 'heal', heal_seconds)) AS turn (place, kind, seconds)
    LEFT JOIN LATERAL (
        SELECT s.finished_at FROM sync_runs s
        WHERE s.kind = turn.kind AND s.status = 'succeeded' AND s.repository_id IS NULL
        ORDER BY s.finished_at DESC LIMIT 1
    ) succeeded ON true
    LEFT JOIN LATERAL (
        SELECT s.finished_at, s.last_error FROM sync_runs s
        WHERE s.kind = turn.kind AND s.status = 'failed' AND s.repository_id IS NULL
        ORDER BY s.finished_at DESC LIMIT 1
    ) failed ON true
    LEFT JOIN LATERAL (
        SELECT greatest(
            (SELECT max(s.finished_at) FROM sync_runs s WHERE s.kind = 'sweep' AND s.status = 'succeeded'),
            (SELECT max(s.finished_at) FROM sync_runs s WHERE s.kind = 'backfill' AND s.status = 'succeeded')
        ) AS at
    ) part ON turn.kind = 'sweep'
    WHERE turn.seconds IS NOT NULL
), suspended AS (
    SELECT coalesce(i.account_login, i.github_id) AS account, row_number() OVER (ORDER BY i.account_login) AS place
    FROM github_installations i
    WHERE i.suspended_at IS NOT NULL AND i.deleted_at IS NULL
      AND (repository IS NULL OR i.id = (SELECT r.installation_id FROM github_repositories r WHERE r.id = repository))
), itself AS (
    SELECT r.full_name, m.blocked_at IS NOT NULL AS is_blocked, m.complete_at, run.kind, run.status, run.last_error
    FROM github_repositories r
    LEFT JOIN sync_marks m ON m.repository_id = r.id
    LEFT JOIN LATERAL (
        SELECT s.kind, s.status, s.last_error FROM sync_runs s
        WHERE s.repository_id = r.id ORDER BY s.started_at DESC LIMIT 1
    ) run ON true
    WHERE r.id = repository AND r.deleted_at IS NULL AND r.removed_at IS NULL
), reasons (place, cause, sentence) AS (
    SELECT 1, 'deliveries_wait',
           format('%s, for %s%s: does `ghsync serve` or `ghsync work` run?',
                  CASE WHEN pending = 1 THEN '1 delivery waits'
                       ELSE ltrim(to_char(pending, '999,999,999,999')) || ' deliveries wait' END,
                  readable_duration(now() - oldest_received_at), CASE WHEN pending > 1 THEN ' at most' END)
    WHERE oldest_received_at < now() - interval '1 minute'
    UNION ALL
    SELECT 2, 'deliveries_parked',
           format('%s parked: see `ghsync deliveries list --status parked`.',
                  CASE WHEN parked = 1 THEN '1 delivery is'
                       ELSE ltrim(to_char(parked, '999,999,999,999')) || ' deliveries are' END)
    WHERE parked > 0
    UNION ALL
    SELECT 2 + min(place), 'github',
           format('T%s failed: %s', substr(string_agg('the last ' || kind, ' and ' ORDER BY place), 2), error)
    FROM runs WHERE error IS NOT NULL GROUP BY error
    UNION ALL
    SELECT 4 + place, 'github',
           CASE WHEN succeeded_at IS NULL
                THEN format('No %s has succeeded yet: until one has, the mirror may lack what no delivery told.', kind)
                ELSE format('No %s has succeeded since %s UTC: does `ghsync serve` or `ghsync work` run?',
                            kind, to_char(sign_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')) END
    FROM runs WHERE error IS NULL AND (succeeded_at IS NULL OR sign_at < now() - patience)
    UNION ALL
    SELECT 7, 'github', blocked_reason(full_name) FROM itself WHERE is_blocked
    UNION ALL
    SELECT 8, 'github',
           format('The App is suspended on %s%s: the account''s owner can lift that in GitHub''s settings.',
                  string_agg(account, ', ' ORDER BY place) FILTER (WHERE place <= 3),
                  CASE WHEN count(*) > 3 THEN format(' and %s more', count(*) - 3) END)
    FROM suspended HAVING count(*) > 0
    UNION ALL
    SELECT 9, 'github', format('Its last %s failed: %s', kind, coalesce(last_error, 'nobody noted why.'))
    FROM itself
    WHERE status = 'failed' AND NOT is_blocked AND NOT EXISTS (SELECT FROM runs WHERE runs.error = itself.last_error)
    UNION ALL
    SELECT 10, 'github',
           CASE WHEN complete_at IS NULL THEN 'No complete reading of it has ended yet.'
                ELSE format('Its last complete reading began %s ago: does `ghsync serve` or `ghsync work` run?',
                            readable_duration(now() - complete_at)) END
    FROM itself
    WHERE NOT is_blocked AND complete_seconds IS NOT NULL
      AND (complete_at IS NULL AND kind IS NOT NULL OR complete_at < now() - make_interval(secs => 3 * complete_seconds))
)
SELECT r.cause, r.sentence FROM reasons r ORDER BY r.place
$$;

DO $$
BEGIN
    EXECUTE format(
        'ALTER FUNCTION stale_reasons(uuid, bigint, timestamptz, bigint, double precision, double precision, '
        'double precision) SET search_path = %I, pg_temp', current_schema());
END
$$;

COMMENT ON FUNCTION stale_reasons(uuid, bigint, timestamptz, bigint, double precision, double precision, double precision)
    IS 'Why the mirror of a repository, or of everything, may be behind GitHub; no row while it is not stale';
