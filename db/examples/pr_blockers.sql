SELECT kind, name, state, detail
FROM pr_blockers('acme/app', 5)
ORDER BY kind, name;
