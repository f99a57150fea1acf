-- The open security alerts that concern a pull request by the rules of its project. Code scanning says where it saw
-- something; the others speak of the repository as a whole, and concern all of its pull requests where the rules say so.
CREATE OR REPLACE FUNCTION concerning_alerts(
    repository uuid, pull_request integer, commit text, rules jsonb)
RETURNS SETOF github_security_alerts
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1 AS $$
    SELECT a.*
    FROM github_security_alerts a
    WHERE a.repository_id = repository AND a.state = 'open' AND a.deleted_at IS NULL
      AND (a.kind <> 'code_scanning' OR a.pull_request_number = pull_request OR a.commit_sha = commit)
      AND (rules #> ARRAY['security', 'alerts', a.kind::text] ? coalesce(a.severity::text, '*')
           OR rules #> ARRAY['security', 'alerts', a.kind::text] ? '*')
$$;

COMMENT ON FUNCTION concerning_alerts(uuid, integer, text, jsonb) IS
    'Open security alerts that concern a pull request by the rules of its project';
