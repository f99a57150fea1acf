SELECT pr_number, status, merge_status, review_status, ci_status, check_runs, ready, waits_for
FROM pr_validation_status
WHERE repository_name = 'acme/app' AND status IN ('draft', 'open')
ORDER BY pr_number;
