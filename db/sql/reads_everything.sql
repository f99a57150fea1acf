-- Whether who reads sees all that is to be seen, whoever's it is: a role that is bound to no user. What GitHub shows
-- nobody, such a role does not see either.
CREATE OR REPLACE FUNCTION reads_everything() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
AS $$
SELECT EXISTS (SELECT FROM database_readers d WHERE d.role = session_user AND d.user_id IS NULL)
$$;

DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION reads_everything() SET search_path = %I, pg_temp', current_schema());
END
$$;

COMMENT ON FUNCTION reads_everything() IS 'Whether the session''s role reads what is to be seen of all organizations';
