SELECT i.number, i.title, i.state
FROM github_issues_as_of(now() - interval '2 days') i JOIN github_repositories r ON r.id = i.repository_id
WHERE r.full_name = 'acme/app'
ORDER BY i.number;
