-- Makes the linking of a task due: of every new task, because a pull request may already name it, and of every
-- task into which some program wrote a number that no link explains yet. A burst is one job (sync_jobs is keyed).
CREATE OR REPLACE FUNCTION tasks_due_for_linking() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NOT EXISTS (
        SELECT
        FROM (VALUES
            ('issue', OLD.github_issue_number, NEW.github_issue_number),
            ('pull_request', OLD.github_pr_number, NEW.github_pr_number)
        ) AS written (kind, old_number, new_number)
        WHERE new_number IS DISTINCT FROM old_number
          AND new_number IS NOT NULL
          AND NOT EXISTS (
              SELECT FROM task_github_links link
              WHERE link.task_id = NEW.id AND link.kind = written.kind AND link.number = new_number
                AND link.confidence >= 0.5
          )
    ) THEN
        RETURN NULL;
    END IF;

    INSERT INTO sync_jobs (kind, key) VALUES ('link_task', NEW.id::text)
    ON CONFLICT (kind, key) DO UPDATE SET due_at = now();
    PERFORM pg_notify('ghsync_jobs', '');
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION tasks_due_for_linking() IS
    'Trigger: makes the linking of a new or renumbered task due in sync_jobs';

CREATE OR REPLACE TRIGGER tasks_due_for_linking
    AFTER INSERT OR UPDATE OF github_issue_number, github_pr_number ON tasks
    FOR EACH ROW EXECUTE FUNCTION tasks_due_for_linking();
