"""Views, functions and triggers: what ``db/sql/`` defines, applied as a whole once the tables are the newest.

A migration changes tables alone. What is defined over them is as it is said today, whichever migration came first: so
no old migration has to keep an old text. The database remembers, in a comment, which text it got. What nothing
replaces, a materialized view or its index, stays as it is until a migration drops it.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import sqlalchemy as sa

from ghsync import database
from ghsync.errors import NotDefined

COMMENT = "The migration this database is at"

_NAME = re.compile(r"\w+")
_REMARK = re.compile(r"--.*")
_FUNCTION = re.compile(r"CREATE OR REPLACE FUNCTION (\w+)\(\s*([^)]*)\)\s+RETURNS (\w+)")
_TRIGGER = re.compile(r"CREATE OR REPLACE TRIGGER (\w+)\s[^;]*?\sON (\w+)")
_INDEX = re.compile(r"CREATE UNIQUE INDEX IF NOT EXISTS (\w+)")
_ARGUMENT = re.compile(r"\w+ (double precision|[\w\[\]]+)(?: DEFAULT \w+)?")
_VIEW = re.compile(r"CREATE (?:OR REPLACE VIEW|(MATERIALIZED) VIEW IF NOT EXISTS) (\w+)")

_COLUMNS_OF = re.compile(r"attrelid = '(\w+)'::regclass")

_APPLIED = sa.text("SELECT obj_description('alembic_version'::regclass, 'pg_class')")

_COLUMNS = sa.text("""
SELECT left(md5(coalesce(string_agg(
    format('%s.%s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod)), ',' ORDER BY c.relname, a.attnum
  ), '')), 8)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) AND c.relname = ANY(:tables)
""")

_DEFINED = sa.text("""
SELECT 'views' AS kind, c.relname AS name,
       format('DROP %s IF EXISTS %s CASCADE', CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END,
              c.oid::regclass) AS drop
FROM pg_class c
WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
  AND c.relkind IN ('v', 'm') AND c.relname = ANY(:views)
UNION ALL
SELECT 'functions', p.proname, format('DROP FUNCTION IF EXISTS %s CASCADE', p.oid::regprocedure)
FROM pg_proc p
WHERE p.pronamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
  AND p.prokind = 'f' AND p.proname = ANY(:functions)
UNION ALL
SELECT 'triggers', t.tgname, format('DROP TRIGGER IF EXISTS %I ON %s', t.tgname, t.tgrelid::regclass)
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
  AND NOT t.tgisinternal AND t.tgname = ANY(:triggers)
""")


_MISSING = sa.text("""
SELECT EXISTS (
  SELECT FROM unnest(CAST(:functions AS text[])) AS wanted
  WHERE to_regprocedure(quote_ident(current_schema()) || '.' || wanted) IS NULL)
OR EXISTS (
  SELECT FROM unnest(CAST(:relations AS text[])) AS wanted
  WHERE to_regclass(quote_ident(current_schema()) || '.' || wanted) IS NULL)
OR EXISTS (
  SELECT FROM unnest(CAST(:triggers AS text[]), CAST(:tables AS text[])) AS wanted (name, of)
  WHERE NOT EXISTS (
    SELECT FROM pg_trigger t
    WHERE t.tgname = wanted.name AND t.tgrelid = to_regclass(quote_ident(current_schema()) || '.' || wanted.of)))
""")


_POLICIES_DUE = sa.text("SELECT row_policies_due()")
_APPLY_POLICY = sa.text("SELECT apply_row_policy(:name)")
_GRANT_VIEWS = sa.text("SELECT grant_views()")

POLICIES = ("SELECT apply_row_policy(name) FROM row_policies_due() name", "SELECT grant_views()")
"""The same as SQL that is printed."""

_POLICIES = sa.text("""
SELECT format('DROP POLICY %I ON %s', p.polname, c.oid::regclass) FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
WHERE starts_with(p.polname, 'ghsync_')
  AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
UNION ALL
SELECT format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', c.oid::regclass) FROM pg_class c
WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) AND c.relrowsecurity
""")


@cache
def files(directory: Path) -> Mapping[str, str]:
    """What each file says, by its name, after the files that it names: it builds on them."""
    said = {path.stem: path.read_text() for path in sorted(directory.glob("*.sql"))}
    named = {name: sorted(_named(text) & said.keys() - {name}) for name, text in said.items()}
    return {name: said[name] for name in TopologicalSorter(named).static_order()}


def texts(directory: Path) -> tuple[str, ...]:
    """The same without their names."""
    return tuple(files(directory).values())


def _named(text: str) -> set[str]:
    return set(_NAME.findall(_REMARK.sub("", text)))


def functions(directory: Path) -> list[str]:
    """The functions that statements call, as `name(types)`; those of triggers need no right."""
    return [called for called, returned in _functions(directory) if returned != "trigger"]


def _functions(directory: Path) -> list[tuple[str, str]]:
    """All functions, as `name(types)`, with the first word of what they return."""
    found = [found for text in texts(directory) for found in _FUNCTION.findall(text)]
    return [(f"{name}({', '.join(_ARGUMENT.findall(arguments))})", returned) for name, arguments, returned in found]


def views(directory: Path) -> dict[str, bool]:
    """The views, and whether each is materialized."""
    return {name: bool(kind) for text in texts(directory) for kind, name in _VIEW.findall(text)}


def apply(connection: sa.Connection, directory: Path) -> None:
    """Define everything anew, unless the database has these very texts and all they define.

    Commits after each file, since some lock what others read. Raises `NotDefined` for one that PostgreSQL refuses.
    """
    if not are_applied(connection, directory):
        for name, text in files(directory).items():
            try:
                _execute(connection, text)
            except sa.exc.ProgrammingError as error:
                if getattr(error.orig, "sqlstate", None) == database.FORBIDDEN:
                    raise
                raise NotDefined(
                    f"The tables are the newest, and db/sql/{name}.sql cannot be executed over them "
                    f"({database.refusal(error)}): rename or drop what is in its way, and run `ghsync migrate` again."
                ) from error
            connection.commit()
        for name in connection.scalars(_POLICIES_DUE).all():  # one by one, since each locks a table
            connection.execute(_APPLY_POLICY, {"name": name})
            connection.commit()
        connection.execute(_GRANT_VIEWS)
        connection.commit()
        said = f"{_version(directory)}, over {_columns(connection, directory)}"
        _execute(connection, f"COMMENT ON TABLE alembic_version IS '{said}'")
        connection.commit()
    connection.rollback()


def are_applied(connection: sa.Connection, directory: Path) -> bool:
    """Whether the database has these very texts, and the views, functions and triggers that they define.

    One of them may have been dropped by hand, or a column added to a table of which one of them has all columns.
    """
    applied = str(connection.scalar(_APPLIED))
    if applied != f"{_version(directory)}, over {_columns(connection, directory)}":
        return False
    relations = [*views(directory), *(name for text in texts(directory) for name in _INDEX.findall(text))]
    triggers = [found for text in texts(directory) for found in _TRIGGER.findall(text)]
    wanted = {
        "functions": [called for called, _ in _functions(directory)],
        "relations": relations,
        "triggers": [name for name, _ in triggers],
        "tables": [table for _, table in triggers],
    }
    return not connection.scalar(_MISSING, wanted) and connection.scalars(_POLICIES_DUE).first() is None


def are_known(connection: sa.Connection, directory: Path) -> bool:
    """Whether these very texts were applied, whatever has become of what they define."""
    return str(connection.scalar(_APPLIED)).startswith(f"{_version(directory)}, over ")


def _columns(connection: sa.Connection, directory: Path) -> str:
    """A mark of the columns of the tables that some text has all columns of."""
    tables = sorted({name for text in texts(directory) for name in _COLUMNS_OF.findall(text)})
    return str(connection.scalar(_COLUMNS, {"tables": tables}))


def _version(directory: Path) -> str:
    return f"{COMMENT}, with db/sql {hashlib.sha256(''.join(texts(directory)).encode()).hexdigest()[:16]}"


def _names(directory: Path) -> dict[str, list[str]]:
    functions = [called.partition("(")[0] for called, _ in _functions(directory)]
    triggers = [name for text in texts(directory) for name, _ in _TRIGGER.findall(text)]
    return {"views": list(views(directory)), "functions": functions, "triggers": triggers}


def _defined(connection: sa.Connection, directory: Path) -> Sequence[sa.Row[tuple[str, str, str]]]:
    """What of it is there: its kind and name, and what drops it."""
    return connection.execute(_DEFINED, _names(directory)).all()


def remove(connection: sa.Connection, directory: Path) -> None:
    """Drop all of it, with what others have built on it, before tables are taken back to what they were."""
    for statement in connection.scalars(_POLICIES).all():
        _execute(connection, statement)
    for one in _defined(connection, directory):
        _execute(connection, one.drop)
    _execute(connection, f"COMMENT ON TABLE alembic_version IS '{COMMENT}'")
    connection.commit()


def _execute(connection: sa.Connection, text: str) -> None:
    """Execute statements as they are, percent signs and colons too."""
    connection.exec_driver_sql(text, execution_options={"no_parameters": True})
