-- The rules by which a project's pull requests are tracked: these defaults, and what its settings say instead. A list in
-- the settings takes the default's place as a whole; an object overrides key by key. db/README.md tells what they mean.
CREATE OR REPLACE FUNCTION tracking_rules(settings jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT jsonb_build_object(
        'coverage', coalesce(settings #> '{tracking,coverage}', rules -> 'coverage'),
        'security', jsonb_build_object(
            'checks', coalesce(settings #> '{tracking,security,checks}', rules #> '{security,checks}'),
            'alerts', (rules #> '{security,alerts}') || coalesce(settings #> '{tracking,security,alerts}', '{}')),
        'quality', jsonb_build_object(
            'weights', (rules #> '{quality,weights}') || coalesce(settings #> '{tracking,quality,weights}', '{}'),
            'size', (rules #> '{quality,size}') || coalesce(settings #> '{tracking,quality,size}', '{}')))
    FROM (SELECT '{
        "coverage": [
            {"check": "^codecov/project", "percentage": "(\\d{1,3}(?:\\.\\d+)?)%"},
            {"check": "coveralls", "percentage": "(?:to|at) (\\d{1,3}(?:\\.\\d+)?)%"},
            {"check": "coverage", "percentage": "(\\d{1,3}(?:\\.\\d+)?)\\s*%"}
        ],
        "security": {
            "checks": ["codeql", "code.scanning", "advanced-security", "snyk", "trivy", "semgrep", "gitleaks",
                       "trufflehog", "gitguardian", "dependency.review", "osv-scanner", "checkmarx", "\\msecurity\\M"],
            "alerts": {"code_scanning": ["critical", "high", "error"], "dependabot": [], "secret_scanning": []}
        },
        "quality": {
            "weights": {"ci": 35, "review": 25, "security": 15, "coverage": 15, "size": 10},
            "size": {"small": 50, "large": 1000}
        }
    }'::jsonb AS rules) AS defaults
$$;

COMMENT ON FUNCTION tracking_rules(jsonb) IS
    'Rules of pr_tracking for a project with these settings: coverage, security and quality';
