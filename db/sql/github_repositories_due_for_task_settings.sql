-- Makes it due to create tasks from the issues of a repository when another project asks for them.
CREATE OR REPLACE FUNCTION github_repositories_due_for_task_settings() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM apply_task_settings_due(NEW.project_id);
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION github_repositories_due_for_task_settings() IS
    'Trigger: makes what its new project''s settings ask for tasks due when a repository moved';

CREATE OR REPLACE TRIGGER github_repositories_due_for_task_settings
    AFTER UPDATE OF project_id ON github_repositories
    FOR EACH ROW WHEN (OLD.project_id IS DISTINCT FROM NEW.project_id)
    EXECUTE FUNCTION github_repositories_due_for_task_settings();
