-- The roles that the service works with, in a list for SQL: those that may write deliveries, the owner aside. Null where
-- there are none.
CREATE OR REPLACE FUNCTION service_roles() RETURNS text
LANGUAGE sql STABLE
AS $$
SELECT string_agg(DISTINCT quote_ident(r.rolname), ', ')
FROM pg_class inbox CROSS JOIN LATERAL aclexplode(inbox.relacl) granted JOIN pg_roles r ON r.oid = granted.grantee
WHERE inbox.oid = 'webhook_deliveries'::regclass AND granted.privilege_type = 'INSERT'
  AND granted.grantee <> inbox.relowner AND r.rolname <> 'ghsync_admin'
$$;

COMMENT ON FUNCTION service_roles() IS 'The roles that may write deliveries, in a list; null for none but the owner';
