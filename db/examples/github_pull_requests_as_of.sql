SELECT p.number, p.title, p.state, p.merged
FROM github_pull_requests_as_of(now() - interval '6 days') p JOIN github_repositories r ON r.id = p.repository_id
WHERE r.full_name = 'acme/app' AND p.number = 7;
