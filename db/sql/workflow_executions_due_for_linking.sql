-- Makes the linking of tasks due when their run became one of another workflow, for their pull requests show that one.
--
-- It has its owner's rights: who writes here need not see what it looks at.
CREATE OR REPLACE FUNCTION workflow_executions_due_for_linking() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM link_task_due(task.id) FROM tasks task WHERE task.workflow_execution_id = NEW.id ORDER BY task.id;
    RETURN NULL;
END
$$;

DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION workflow_executions_due_for_linking() SET search_path = %I, pg_temp', current_schema());
END
$$;

COMMENT ON FUNCTION workflow_executions_due_for_linking() IS
    'Trigger: makes the linking of tasks due whose run became one of another workflow';

CREATE OR REPLACE TRIGGER workflow_executions_due_for_linking
    AFTER UPDATE OF workflow_id ON workflow_executions
    FOR EACH ROW WHEN (OLD.workflow_id IS DISTINCT FROM NEW.workflow_id)
    EXECUTE FUNCTION workflow_executions_due_for_linking();
