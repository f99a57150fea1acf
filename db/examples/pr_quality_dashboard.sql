SELECT repository_name, pr_number, title, quality_score, test_coverage_percentage, ci_status, lines_changed, age_days
FROM pr_quality_dashboard
WHERE project = 'rocket' AND status IN ('draft', 'open')
ORDER BY quality_score, repository_name, pr_number
LIMIT 50;
