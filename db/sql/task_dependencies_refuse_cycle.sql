-- A task may not wait for itself, however many tasks are in between (seed 002: circular dependency prevention).
--
-- Two transactions that each add one half of a cycle would not see each other. The lock, held to the end of the
-- transaction, puts them in a row; under READ COMMITTED the walk below then sees what the first one committed.
--
-- It has its owner's rights: who writes here need not see what it looks at.
CREATE OR REPLACE FUNCTION task_dependencies_refuse_cycle() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(TG_RELID::bigint);
    IF EXISTS (
        WITH RECURSIVE waits_for (task_id) AS (
            SELECT NEW.depends_on_task_id
            UNION
            SELECT dependency.depends_on_task_id
            FROM task_dependencies dependency
            JOIN waits_for USING (task_id)
        )
        SELECT FROM waits_for WHERE waits_for.task_id = NEW.task_id
    ) THEN
        RAISE EXCEPTION 'task % cannot depend on task %, because that would close a cycle',
            NEW.task_id, NEW.depends_on_task_id
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
    END IF;
    RETURN NULL;
END
$$;

DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION task_dependencies_refuse_cycle() SET search_path = %I, pg_temp', current_schema());
END
$$;

COMMENT ON FUNCTION task_dependencies_refuse_cycle() IS
    'Trigger: refuses a task dependency that would close a cycle';

-- After the row, not before: the walk has to see the other rows of the same statement.
CREATE OR REPLACE TRIGGER task_dependencies_refuse_cycle
    AFTER INSERT OR UPDATE OF task_id, depends_on_task_id ON task_dependencies
    FOR EACH ROW EXECUTE FUNCTION task_dependencies_refuse_cycle();
