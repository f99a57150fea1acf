SELECT repository_name, tag_name, created_by, now() - published_at AS age, merged_since
FROM latest_releases
ORDER BY published_at DESC;
