"""The rights that `serve`, `work` and an operator's commands need of a role that owns nothing: granted, and looked for.

https://www.postgresql.org/docs/current/ddl-priv.html
"""

from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa
from psycopg import sql

from ghsync import definitions, migrate, ownership
from ghsync.errors import DatabaseRefused
from ghsync.ownership import Ownership
from ghsync.schema import metadata

Kind = Literal["TABLE", "SEQUENCE", "FUNCTION", "SCHEMA"]

ROWS = ("SELECT", "INSERT", "UPDATE", "DELETE")
MAINTAIN = "MAINTAIN"
SHOWN = 5
SEPARATOR = ",\n        "


@dataclass(frozen=True, slots=True)
class Right:
    """What a role may do with something that is in the schema, or with the schema."""

    kind: Kind
    name: str
    privileges: tuple[str, ...]

    def __str__(self) -> str:
        kind = "" if self.kind == "TABLE" else f"{self.kind.lower()} "
        return f"{', '.join(self.privileges)} on {kind}{self.name}"


@dataclass(frozen=True, slots=True)
class MissingRight:
    """What the session's role may not do; nothing where ``rights`` is empty."""

    tables: Ownership
    rights: list[Right]

    @property
    def to_work(self) -> list[Right]:
        """Those without which something does not work beside `ghsync maintain`."""
        return [right for right in self.rights if right.privileges != (MAINTAIN,)]

    @property
    def sentence(self) -> str:
        """Which rights are missing, and what to do."""
        more = len(self.rights) - SHOWN
        named = "; ".join(map(str, self.rights[:SHOWN])) + (f"; and {more} more" if more > 0 else "")
        return f'The role "{self.tables.role}" lacks {named}: {self.tables.remedy}'


def needed() -> list[Right]:
    """What the service needs of the tables, and of what is defined over them."""
    directory = migrate.scripts_directory() / "sql"
    views = definitions.views(directory)
    return [
        Right("TABLE", "alembic_version", ("SELECT",)),
        *(Right("TABLE", name, ROWS) for name in sorted(metadata.tables)),
        *(Right("TABLE", name, ("SELECT",)) for name in sorted(views)),
        *(Right("SEQUENCE", name, ("USAGE",)) for name in _sequences()),
        *(Right("FUNCTION", name, ("EXECUTE",)) for name in sorted(definitions.functions(directory))),
        *(Right("TABLE", name, (MAINTAIN,)) for name, materialized in sorted(views.items()) if materialized),
    ]


def _sequences() -> list[str]:
    """PostgreSQL names the sequence of an identity after its table and column."""
    columns = (column for table in metadata.sorted_tables for column in table.columns if column.identity)
    return sorted(f"{column.table.name}_{column.name}_seq" for column in columns)


# A table that is not there yet is a migration's business. MAINTAIN is known since PostgreSQL 17; until then only the
# owner refreshes a materialized view, which no grant changes.
_LACKING = sa.text("""
SELECT n.kind, n.name, n.privilege
FROM unnest(CAST(:kinds AS text[]), CAST(:names AS text[]), CAST(:privileges AS text[]))
     WITH ORDINALITY AS n (kind, name, privilege, place)
JOIN pg_namespace s ON s.nspname = :schema
LEFT JOIN pg_class c ON c.relnamespace = s.oid AND c.relname = n.name
LEFT JOIN pg_proc p ON p.pronamespace = s.oid AND n.name =
  p.proname || '(' || replace(oidvectortypes(p.proargtypes), 'timestamp with time zone', 'timestamptz') || ')'
WHERE NOT CASE
  WHEN n.privilege = 'MAINTAIN' AND current_setting('server_version_num')::int < 170000 THEN true
  WHEN n.kind = 'TABLE' THEN has_table_privilege(c.oid, n.privilege)
  WHEN n.kind = 'SEQUENCE' THEN has_sequence_privilege(c.oid, n.privilege)
  WHEN n.kind = 'FUNCTION' THEN has_function_privilege(p.oid, n.privilege)
END
ORDER BY n.place
""")


def lacking(connection: sa.Connection) -> MissingRight | None:
    """What the session's role lacks, from the catalog alone; None where there are no tables yet."""
    tables = ownership.ownership(connection.execute(ownership.FIND).one_or_none())
    if tables is None:
        return None
    wanted = [(right.kind, right.name, privilege) for right in needed() for privilege in right.privileges]
    kinds, names, privileges = map(list, zip(*wanted, strict=True))
    asked = {"kinds": kinds, "names": names, "privileges": privileges, "schema": tables.schema}
    lacked: dict[tuple[Kind, str], list[str]] = {}
    for kind, name, privilege in connection.execute(_LACKING, asked):
        lacked.setdefault((kind, name), []).append(privilege)
    rights = [Right(kind, name, tuple(found)) for (kind, name), found in lacked.items()]
    hidden = [] if tables.usable else [Right("SCHEMA", tables.schema, ("USAGE",))]
    return MissingRight(tables, hidden + rights)


def check(url: str) -> None:
    """Raises `DatabaseRefused` where the role could not do what `serve` and `work` do."""
    with migrate.engine(url).connect() as connection:
        lack = lacking(connection)
    if lack and lack.to_work:
        raise DatabaseRefused(lack.sentence)


_SCRIPT = """\
-- What two roles need for ghsync. {owner} owns the tables, and runs `ghsync migrate` and, since that makes a schema for
-- as long as it takes, `ghsync replay --verify`. {service} runs all else, and owns nothing.
-- Run it with psql as a superuser, in ghsync's database, before the first migration or at any time after; to run it
-- again does no harm.
BEGIN;

-- The roles. Passwords are yours to set: \\password in psql. Nobody logs in as one of the last three: `ghsync grant`
-- puts roles into them.
DO {quote}
DECLARE
    reader text;
BEGIN
    IF to_regrole({owner_name}) IS NULL THEN
        CREATE ROLE {owner} LOGIN;
    END IF;
    IF to_regrole({service_name}) IS NULL THEN
        CREATE ROLE {service} LOGIN;
    END IF;
    FOREACH reader IN ARRAY ARRAY['ghsync_read', 'ghsync_write', 'ghsync_admin'] LOOP
        IF to_regrole(reader) IS NULL THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', reader);
        END IF;
    END LOOP;
    EXECUTE format('GRANT ghsync_read, ghsync_write TO %I WITH ADMIN OPTION', {owner_role});
    EXECUTE 'GRANT CONNECT, CREATE ON DATABASE ' || quote_ident(current_database()) || {to_owner};
    EXECUTE 'GRANT CONNECT ON DATABASE ' || quote_ident(current_database()) || {to_service};
END
{quote};

-- The schema.
CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {owner};
GRANT USAGE, CREATE ON SCHEMA {schema} TO {owner};
GRANT USAGE ON SCHEMA {schema} TO {service};
GRANT USAGE ON SCHEMA {schema} TO ghsync_read, ghsync_write, ghsync_admin;

-- What migrations are yet to make. Since PostgreSQL 17 others than the owner may refresh materialized views; before, it
-- is {owner} who runs `ghsync maintain`.
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema} GRANT {rows} ON TABLES TO {service};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema} GRANT USAGE ON SEQUENCES TO {service};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema} GRANT EXECUTE ON FUNCTIONS TO {service};
DO {quote}
BEGIN
    IF current_setting('server_version_num')::int >= 170000 THEN
        ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema} GRANT MAINTAIN ON TABLES TO {service};
    END IF;
END
{quote};

-- What migrations have made, if they have: where one of these is not there, `ghsync migrate` comes first.
DO {quote}
DECLARE
    found regrole := (SELECT relowner FROM pg_class WHERE oid = to_regclass({version_table}));
BEGIN
    IF found IS NULL THEN
        RETURN;
    ELSIF found <> {owner_name}::regrole THEN
        RAISE EXCEPTION 'The tables belong to %: name that role with --owner.', found;
    END IF;
{grants}
    IF current_setting('server_version_num')::int >= 170000 THEN
{maintenance}
    END IF;
    IF to_regprocedure({policies_due}) IS NOT NULL THEN
        SET LOCAL search_path = {schema};
        PERFORM apply_row_policy(name) FROM row_policies_due() name;
        PERFORM grant_views();
    END IF;
END
{quote};

COMMIT;
"""


def script(owner: str, service: str, schema: str) -> str:
    """The SQL that gives both roles what they need, in the database that it is run in."""
    roles = {"owner": _identifier(owner), "service": _identifier(service), "schema": _identifier(schema)}
    *grants, maintenance = _grants(roles["service"], roles["schema"])
    return _SCRIPT.format(
        **roles,
        quote=_dollars(owner + service + schema),
        rows=", ".join(ROWS),
        owner_name=_literal(roles["owner"]),
        owner_role=_literal(owner),
        policies_due=_literal(f"{roles['schema']}.row_policies_due()"),
        service_name=_literal(roles["service"]),
        to_owner=_literal(f" TO {roles['owner']}"),
        to_service=_literal(f" TO {roles['service']}"),
        version_table=_literal(f"{roles['schema']}.alembic_version"),
        grants="\n".join(grants),
        maintenance=maintenance,
    )


def _grants(service: str, schema: str) -> list[str]:
    """A statement for each kind of thing and each set of privileges; that for maintenance is the last."""
    groups: dict[tuple[Kind, tuple[str, ...]], list[str]] = {}
    for right in needed():
        groups.setdefault((right.kind, right.privileges), []).append(f"{schema}.{right.name}")
    return [
        f"    GRANT {', '.join(privileges)} ON {kind}\n        {SEPARATOR.join(names)}\n        TO {service};"
        for (kind, privileges), names in groups.items()
    ]


def _identifier(name: str) -> str:
    return sql.Identifier(name).as_string()


def _literal(text: str) -> str:
    return sql.Literal(text).as_string()


def _dollars(text: str) -> str:
    """A quote that is not in the text: https://www.postgresql.org/docs/current/sql-syntax-lexical.html"""
    quote = "$ghsync$"
    while quote in text:
        quote = quote.replace("ghsync", "ghsync_")
    return quote
