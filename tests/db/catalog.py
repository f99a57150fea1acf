"""What a database consists of, as its catalog tells."""

from typing import Any

import psycopg

# Each query gives a name and what there is to say about it. Alembic's own table is no part of the schema.
QUERIES = {
    "relation": """
        SELECT c.relname, c.relkind, c.relrowsecurity, array_to_string(c.reloptions, ', '),
               obj_description(c.oid, 'pg_class')
        FROM pg_class c
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S') AND {ours}""",
    "column": """
        SELECT c.relname || '.' || a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
               a.attidentity, a.attgenerated, pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum)
        FROM pg_attribute a
        JOIN pg_class c ON c.oid = a.attrelid
        LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
        WHERE c.relkind IN ('r', 'p', 'v', 'm') AND a.attnum > 0 AND NOT a.attisdropped AND {ours}""",
    "constraint": """
        SELECT c.relname || '.' || o.conname, pg_get_constraintdef(o.oid)
        FROM pg_constraint o
        JOIN pg_class c ON c.oid = o.conrelid
        WHERE {ours}""",
    "index": """
        SELECT i.relname, pg_get_indexdef(i.oid)
        FROM pg_index x
        JOIN pg_class i ON i.oid = x.indexrelid
        JOIN pg_class c ON c.oid = x.indrelid
        WHERE {ours}""",
    "trigger": """
        SELECT c.relname || '.' || t.tgname, pg_get_triggerdef(t.oid)
        FROM pg_trigger t
        JOIN pg_class c ON c.oid = t.tgrelid
        WHERE NOT t.tgisinternal AND {ours}""",
    "view": """
        SELECT c.relname, pg_get_viewdef(c.oid)
        FROM pg_class c
        WHERE c.relkind IN ('v', 'm') AND {ours}""",
    "policy": """
        SELECT c.relname || '.' || p.polname, p.polcmd, pg_get_expr(p.polqual, p.polrelid),
               pg_get_expr(p.polwithcheck, p.polrelid)
        FROM pg_policy p
        JOIN pg_class c ON c.oid = p.polrelid
        WHERE {ours}""",
    "function": """
        SELECT p.oid::regprocedure::text, pg_get_functiondef(p.oid), obj_description(p.oid, 'pg_proc')
        FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace AND p.prokind IN ('f', 'p')""",
}
OURS = "c.relnamespace = 'public'::regnamespace AND c.relname <> 'alembic_version'"


def read(url: str) -> dict[str, tuple[Any, ...]]:
    """Everything in the database, by kind and name."""
    with psycopg.connect(url) as connection:
        return {
            f"{kind} {name}": tuple(facts)
            for kind, query in QUERIES.items()
            for name, *facts in connection.execute(query.format(ours=OURS))
        }
