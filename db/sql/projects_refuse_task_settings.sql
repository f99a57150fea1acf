-- Refuses a project whose settings say something of tasks that would not be understood: it would be off without a word.
CREATE OR REPLACE FUNCTION projects_refuse_task_settings() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    asked jsonb := NEW.settings -> 'tasks';
    allowed CONSTANT text := 'create_from_label, when_opened, when_merged and when_closed';
    wrong text;
BEGIN
    IF jsonb_typeof(asked) <> 'object' THEN
        wrong := format('tasks is %s, but an object is allowed, with the keys %s', left(asked::text, 100), allowed);
    ELSE
        SELECT CASE
            WHEN written.key = 'create_from_label' THEN
                format('tasks.create_from_label is %s, but the name of a label is allowed, a text that is not empty',
                       left(written.value::text, 100))
            WHEN rule.status IS NULL THEN
                format('tasks.%s is not known, but %s are allowed', left(written.key, 100), allowed)
            ELSE
                format('tasks.%s is %s, but only "%s" is allowed',
                       written.key, left(written.value::text, 100), rule.status)
            END
        INTO wrong
        FROM jsonb_each(asked) AS written
        LEFT JOIN (VALUES
            ('when_opened', 'in_review'), ('when_merged', 'completed'), ('when_closed', 'cancelled')
        ) AS rule (key, status) ON rule.key = written.key
        WHERE CASE
            WHEN written.key = 'create_from_label'
                THEN jsonb_typeof(written.value) <> 'string' OR btrim(written.value #>> '{}') = ''
            ELSE written.value IS DISTINCT FROM to_jsonb(rule.status)
            END
        ORDER BY written.key
        LIMIT 1;
    END IF;

    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'projects.settings: %.', wrong
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'settings', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION projects_refuse_task_settings() IS
    'Trigger: refuses settings of a project whose part about tasks is not understood';

CREATE OR REPLACE TRIGGER projects_refuse_task_settings
    BEFORE INSERT OR UPDATE OF settings ON projects
    FOR EACH ROW WHEN (NEW.settings ? 'tasks')
    EXECUTE FUNCTION projects_refuse_task_settings();
