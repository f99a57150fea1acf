-- The open security alerts that concern a pull request by the rules of its project. Code scanning says where it saw
-- something; the others speak of the repository as a whole, and concern all that is open in it where the rules say so.
CREATE OR REPLACE FUNCTION concerning_alerts(
    repository uuid, pull_request integer, commit text, is_open boolean, rules jsonb)
RETURNS SETOF github_security_alerts
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1 AS $$
    SELECT a.*
    FROM github_security_alerts a
    WHERE a.repository_id = repository AND a.state = 'open' AND a.deleted_at IS NULL
      AND CASE a.kind WHEN 'code_scanning' THEN a.pull_request_number = pull_request OR a.commit_sha = commit
                      ELSE is_open END
      AND (rules #> ARRAY['security', 'alerts', a.kind::text] ? coalesce(a.severity::text, '*')
           OR rules #> ARRAY['security', 'alerts', a.kind::text] ? '*')
$$;

COMMENT ON FUNCTION concerning_alerts(uuid, integer, text, boolean, jsonb) IS
    'Open security alerts that concern a pull request by the rules of its project';
