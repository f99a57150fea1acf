-- Makes the linking of a task due when another session may be its newest, for its pull requests show that one.
--
-- It has its owner's rights: who writes here need not see what it looks at.
CREATE OR REPLACE FUNCTION agent_sessions_due_for_linking() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (OLD.task_id, OLD.started_at, OLD.session_id)
        IS NOT DISTINCT FROM (NEW.task_id, NEW.started_at, NEW.session_id)
    THEN
        RETURN NULL;
    END IF;

    PERFORM link_task_due(concerned.task_id)
    FROM (SELECT OLD.task_id UNION SELECT NEW.task_id) AS concerned (task_id)
    WHERE concerned.task_id IS NOT NULL
    ORDER BY concerned.task_id;
    RETURN NULL;
END
$$;

DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION agent_sessions_due_for_linking() SET search_path = %I, pg_temp', current_schema());
END
$$;

COMMENT ON FUNCTION agent_sessions_due_for_linking() IS
    'Trigger: makes the linking of a task due that may have another newest session';

CREATE OR REPLACE TRIGGER agent_sessions_due_for_linking
    AFTER INSERT OR DELETE OR UPDATE OF task_id, started_at, session_id ON agent_sessions
    FOR EACH ROW EXECUTE FUNCTION agent_sessions_due_for_linking();
