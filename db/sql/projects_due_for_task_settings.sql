-- Makes it due to create and move the tasks of a project when its settings ask for something else.
CREATE OR REPLACE FUNCTION projects_due_for_task_settings() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM apply_task_settings_due(NEW.id);
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION projects_due_for_task_settings() IS
    'Trigger: makes what a project''s settings ask for its tasks due when they changed';

CREATE OR REPLACE TRIGGER projects_due_for_task_settings
    AFTER UPDATE OF settings ON projects
    FOR EACH ROW WHEN (OLD.settings -> 'tasks' IS DISTINCT FROM NEW.settings -> 'tasks')
    EXECUTE FUNCTION projects_due_for_task_settings();
