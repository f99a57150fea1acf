"""The inbox, the change feed and the audit log are partitioned by month."""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

# Unlike other migrations this one does not work with the previous code: that finds a delivery that comes again by a key
# that a partitioned table cannot have. Until its processes are replaced they keep deliveries in their spool or, without
# one, answer 503, and the next look into GitHub's delivery log brings these in. Rows are copied, and whoever writes
# waits for as long.

MONTH = "month date CONSTRAINT webhook_deliveries_month_not_null NOT NULL DEFAULT date_trunc('month', now())"
COMMENT = "The month that its GUID was made in, 1970-01-01 where that tells no time: its partition"

# As db/sql/delivery_month.sql has it today.
MONTH_OF_GUID = """
CASE WHEN guid ~ '^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-1[0-9A-Fa-f]{3}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$'
     THEN date_trunc('month', '1582-10-15'::timestamp + interval '1 second' *
            (('x' || substr(guid, 16, 3) || substr(guid, 10, 4) || substr(guid, 1, 8))::bit(60)::bigint / 1e7)::float8
          )::date
     ELSE '1970-01-01'::date END"""

# What would be lost with a table, and is nothing of ours: people have to look after it themselves.
CHECK = """
DO $check$
DECLARE
    old CONSTANT regclass := '{name}'::regclass;
    theirs text;
BEGIN
    SELECT string_agg(what, ', ' ORDER BY what) INTO theirs FROM (
        SELECT 'the trigger ' || tgname FROM pg_trigger WHERE tgrelid = old AND NOT tgisinternal
        UNION ALL SELECT 'the policy ' || polname FROM pg_policy WHERE polrelid = old
        UNION ALL SELECT 'row security' FROM pg_class WHERE oid = old AND relrowsecurity
        UNION ALL SELECT 'the rule ' || rulename FROM pg_rules WHERE (schemaname, tablename) = (
            SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = old)
        UNION ALL SELECT 'the publication ' || p.pubname
            FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid WHERE r.prrelid = old
        UNION ALL SELECT 'the statistics ' || stxname FROM pg_statistic_ext WHERE stxrelid = old
        UNION ALL SELECT format('rights on the column %s', attname)
            FROM pg_attribute WHERE attrelid = old AND attacl IS NOT NULL
        UNION ALL SELECT format('the generated column %s', attname)
            FROM pg_attribute WHERE attrelid = old AND attgenerated <> '' AND NOT attisdropped
        UNION ALL SELECT 'the constraint ' || conname
            FROM pg_constraint WHERE conrelid = old AND contype IN ('u', 'x') AND conname <> '{unique}'
        UNION ALL SELECT 'the unique index ' || x.indexrelid::regclass FROM pg_index x
            WHERE x.indrelid = old AND x.indisunique
              AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = x.indexrelid)
        UNION ALL SELECT 'the foreign key ' || conname || ' of ' || conrelid::regclass
            FROM pg_constraint WHERE confrelid = old AND contype = 'f'
        UNION ALL SELECT 'the function ' || p.oid::regprocedure
            FROM pg_depend d JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
            WHERE d.refobjid IN (old, (SELECT reltype FROM pg_class WHERE oid = old))
        UNION ALL SELECT format('the %s %s of %I', CASE v.relkind WHEN 'm' THEN 'materialized view' ELSE 'view' END,
                                v.oid::regclass, pg_get_userbyid(v.relowner))
            FROM pg_class v
            WHERE v.oid IN (SELECT r.ev_class FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
                            WHERE d.classid = 'pg_rewrite'::regclass AND d.refobjid = old)
              AND v.oid <> old AND (v.relkind <> 'v' OR NOT pg_has_role(v.relowner, 'USAGE'))
    ) AS found(what);
    IF theirs IS NOT NULL THEN
        RAISE EXCEPTION '{name} is about to be made anew, and % would be lost: drop it, migrate, and make it again',
            theirs;
    END IF;
END
$check$
"""

# What is built on a table, or granted on it, outlives it: views show nothing while it is replaced.
REPLACE = """
DO $replace$
DECLARE
    old CONSTANT regclass := '{name}'::regclass;
    old_sequence CONSTANT text := pg_get_serial_sequence('{name}', '{primary}');
    owner CONSTANT text := (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = '{name}'::regclass);
    last_value bigint;
    views oid[] := ARRAY(
        SELECT DISTINCT r.ev_class FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class
        WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = old
          AND v.relkind = 'v');
    empty_views text[] := ARRAY(
        SELECT format('CREATE OR REPLACE VIEW %s AS SELECT %s WHERE false', a.attrelid::regclass,
                      string_agg(format('NULL::%s AS %I', format_type(a.atttypid, a.atttypmod), a.attname), ', '
                                 ORDER BY a.attnum))
        FROM pg_attribute a WHERE a.attrelid = ANY(views) AND a.attnum > 0 GROUP BY a.attrelid);
    again text[] := ARRAY(
        SELECT pg_get_indexdef(x.indexrelid) FROM pg_index x
        WHERE x.indrelid = old AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = x.indexrelid)
        ORDER BY x.indexrelid
    ) || ARRAY(
        SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s', old, conname, pg_get_constraintdef(oid))
        FROM pg_constraint WHERE conrelid = old AND contype = 'f' ORDER BY oid
    ) || ARRAY(
        SELECT format('GRANT %s ON %s %I TO %s%s', a.privilege_type, CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE '' END,
                      c.relname, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
                      CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
        FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a
        WHERE c.oid IN (old, old_sequence::regclass) AND a.grantee <> c.relowner
    ) || ARRAY(
        SELECT format('CREATE OR REPLACE VIEW %s %s AS %s', v.oid::regclass,
                      'WITH (' || array_to_string(v.reloptions, ', ') || ')', pg_get_viewdef(v.oid))
        FROM pg_class v WHERE v.oid = ANY(views)
    ) || format('COMMENT ON TABLE %s IS %L', old, obj_description(old, 'pg_class'));
    month date;
    statement text;
    made regclass;
BEGIN
    LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE;
    FOREACH statement IN ARRAY empty_views LOOP
        EXECUTE statement;
    END LOOP;
    IF old_sequence IS NOT NULL THEN
        EXECUTE format('SELECT nextval(%L)', old_sequence) INTO last_value;
    END IF;
    CREATE TABLE replacing (
        LIKE {name} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING IDENTITY INCLUDING STORAGE INCLUDING COMMENTS
        {column}
    ) {by};
    {partitions}
    INSERT INTO replacing OVERRIDING SYSTEM VALUE SELECT {rows} FROM {name};
    DROP TABLE {name};
    ALTER TABLE replacing RENAME TO {name};
    ALTER TABLE {name} ADD CONSTRAINT {name}_pkey PRIMARY KEY ({key});
    IF last_value IS NOT NULL THEN
        PERFORM setval(pg_get_serial_sequence('{name}', '{primary}'), last_value, false);
        ALTER SEQUENCE replacing_{primary}_seq RENAME TO {name}_{primary}_seq;
    END IF;
    FOR made IN
        SELECT oid FROM pg_class WHERE oid = '{name}'::regclass
        UNION SELECT inhrelid FROM pg_inherits WHERE inhparent = '{name}'::regclass
    LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO %I', made, owner);
    END LOOP;
    FOR statement IN
        SELECT DISTINCT format('REVOKE ALL ON {name} FROM %s',
                               CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END)
        FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a
        WHERE c.oid = '{name}'::regclass AND a.grantee <> c.relowner
    LOOP
        EXECUTE statement;
    END LOOP;
    FOREACH statement IN ARRAY again LOOP
        EXECUTE statement;
    END LOOP;
END
$replace$
"""

# Months of long ago, or to come, are nobody's who needs a partition for them.
PARTITIONS = """
    CREATE TABLE {name}_default PARTITION OF replacing DEFAULT;
    FOR month IN
        SELECT DISTINCT date_trunc('month', {moment})::date FROM {name}
        WHERE {moment} BETWEEN date_trunc('month', now(), 'UTC') - interval '2 years' AND now()
    LOOP
        EXECUTE format('CREATE TABLE {name}_y%sm%s PARTITION OF replacing FOR VALUES FROM (%L) TO (%L)',
                       to_char(month, 'YYYY'), to_char(month, 'MM'), month, month + interval '1 month');
    END LOOP;
"""

# By what they are partitioned, and what their key begins with.
TABLES = {
    "webhook_deliveries": ("month", "id"),
    "change_events": ("created_at", "seq"),
    "audit_logs": ("created_at", "id"),
}


def upgrade() -> None:
    op.execute("SET LOCAL statement_timeout = 0")
    op.execute("SET LOCAL timezone = 'UTC'")
    for name in TABLES:
        unique = "webhook_deliveries_hook_target_guid_key"
        op.execute(CHECK.format(name=name, unique=unique))
    op.execute("UPDATE audit_logs SET created_at = now() WHERE created_at IS NULL")
    for name, (by, primary) in TABLES.items():
        has_month = by == "month"
        op.execute(
            REPLACE.format(
                name=name,
                primary=primary,
                column=f", {MONTH}" * has_month,
                by=f"PARTITION BY RANGE ({by})",
                partitions=PARTITIONS.format(name=name, moment=MONTH_OF_GUID if has_month else by),
                rows=f"*, {MONTH_OF_GUID}" if has_month else "*",
                key=f"{primary}, {by}",
            )
        )
    op.execute(f"COMMENT ON COLUMN webhook_deliveries.month IS '{COMMENT}'")
    op.create_unique_constraint(
        "webhook_deliveries_hook_target_guid_month_key", "webhook_deliveries", ["hook_target", "guid", "month"]
    )


def downgrade() -> None:
    op.execute("SET LOCAL statement_timeout = 0")
    for name, (_, primary) in TABLES.items():
        op.execute(REPLACE.format(name=name, primary=primary, column="", by="", partitions="", rows="*", key=primary))
    op.drop_column("webhook_deliveries", "month")
    op.create_unique_constraint(
        "webhook_deliveries_hook_target_guid_key", "webhook_deliveries", ["hook_target", "guid"]
    )
    op.alter_column("audit_logs", "created_at", nullable=True)
