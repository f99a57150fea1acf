-- The latest release of each repository that the App sees: of those that are neither drafts nor pre-releases, the one that
-- was published last, and of those of one second the one that was made last. GitHub lets people mark an older one as the
-- latest, as beside a backport; no webhook tells of that, so a mark that came with hooks would be of some other day.
CREATE OR REPLACE VIEW latest_releases WITH (security_invoker = true) AS
SELECT r.id AS repository_id, r.full_name AS repository_name, l.tag_name, l.name, l.created_by, l.published_at, l.html_url,
       (SELECT count(*) FROM github_pull_requests p
        WHERE p.repository_id = r.id AND p.merged_into_default AND p.merged_at > l.published_at
          AND p.deleted_at IS NULL) AS merged_since
FROM github_repositories r
CROSS JOIN LATERAL (
    SELECT * FROM github_releases
    WHERE repository_id = r.id AND NOT draft AND NOT prerelease AND deleted_at IS NULL AND published_at IS NOT NULL
    ORDER BY published_at DESC, length(github_id) DESC, github_id DESC LIMIT 1
) l
WHERE r.deleted_at IS NULL AND r.removed_at IS NULL;

COMMENT ON VIEW latest_releases IS 'The release of each repository that was published last, and how much has been merged since; GitHub''s own mark may be on another';
COMMENT ON COLUMN latest_releases.repository_id IS 'The repository';
COMMENT ON COLUMN latest_releases.repository_name IS 'Its name, OWNER/NAME';
COMMENT ON COLUMN latest_releases.tag_name IS 'Tag of the release';
COMMENT ON COLUMN latest_releases.name IS 'Title of the release';
COMMENT ON COLUMN latest_releases.created_by IS 'Login of its author';
COMMENT ON COLUMN latest_releases.published_at IS 'When it was published';
COMMENT ON COLUMN latest_releases.html_url IS 'Its page on GitHub';
COMMENT ON COLUMN latest_releases.merged_since IS 'Pull requests merged into the default branch since then';
