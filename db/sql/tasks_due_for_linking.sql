-- Makes the linking of a task due: of every new task, because a pull request may already name it; of every task into
-- which some program wrote a number that no link explains yet; of one that got another project, which its numbers are
-- read in, or another run, whose workflow its pull requests show; and of one that was given up, whatever changed.
--
-- It has its owner's rights: who writes here need not see what it looks at.
CREATE OR REPLACE FUNCTION tasks_due_for_linking() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF TG_OP = 'UPDATE'
        AND NEW.project_id = OLD.project_id
        AND NEW.workflow_execution_id IS NOT DISTINCT FROM OLD.workflow_execution_id
        AND NOT EXISTS (
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
        )
        AND NOT EXISTS (
            SELECT FROM sync_jobs job
            WHERE job.kind = 'link_task' AND job.key = NEW.id::text AND job.parked_at IS NOT NULL
        )
    THEN
        RETURN NULL;
    END IF;

    PERFORM link_task_due(NEW.id);
    RETURN NULL;
END
$$;

DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION tasks_due_for_linking() SET search_path = %I, pg_temp', current_schema());
END
$$;

COMMENT ON FUNCTION tasks_due_for_linking() IS
    'Trigger: makes the linking of a task due that is new, or that changed in what links depend on';

CREATE OR REPLACE TRIGGER tasks_due_for_linking
    AFTER INSERT OR UPDATE ON tasks
    FOR EACH ROW EXECUTE FUNCTION tasks_due_for_linking();
