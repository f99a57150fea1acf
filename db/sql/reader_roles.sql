-- Three roles of the server, none of which logs in: who is in ghsync_read sees what row_policies() says, in ghsync_write
-- the service does its work, and ghsync_admin is for those who see all. Where this role may not make roles, the SQL that
-- `ghsync grants` prints does; until then there are no row policies, and nobody but the owner and the service reads.
DO $do$
DECLARE
    role text;
BEGIN
    IF NOT (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user) THEN
        RETURN;
    END IF;
    FOREACH role IN ARRAY ARRAY['ghsync_read', 'ghsync_write', 'ghsync_admin'] LOOP
        IF to_regrole(role) IS NULL THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', role);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- another database's migration was faster
            END;
        END IF;
        BEGIN
            EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), role);
        EXCEPTION WHEN insufficient_privilege THEN NULL;  -- as in public, where everybody has it
        END;
    END LOOP;
END
$do$;
