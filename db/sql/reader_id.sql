-- Who reads, as a user of ours; null for nobody, who sees nothing.
--
-- A role that a person reads with is that person, whatever they say: database_readers. On behalf of whom the service
-- reads, it says itself, in app.current_user_id: a session of anybody else may set that, and is not believed.
CREATE OR REPLACE FUNCTION reader_id() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
AS $$
SELECT u.id FROM users u
WHERE u.deleted_at IS NULL AND u.id = CASE
    WHEN EXISTS (SELECT FROM database_readers d WHERE d.role = session_user)
    THEN (SELECT d.user_id FROM database_readers d WHERE d.role = session_user)
    WHEN has_table_privilege(session_user, 'webhook_deliveries', 'INSERT')  -- the service's role, of this very mirror
    THEN nullif(current_setting('app.current_user_id', true), '')::uuid END
$$;

DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION reader_id() SET search_path = %I, pg_temp', current_schema());
END
$$;

COMMENT ON FUNCTION reader_id() IS 'Who reads: the user that the session''s role is bound to, or that the service names';
