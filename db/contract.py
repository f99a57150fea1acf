"""Writes the generated parts of `db/README.md`: ``python db/contract.py``, whenever the schema changes.

The tables are those that are declared. Views and functions are read from a migrated database, and so is what the
examples in ``db/examples/`` answer in the small world that is made there.
"""

import re
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa

from ghsync import embedded, migrate, schema

README = Path(__file__).with_name("README.md")
EXAMPLES = Path(__file__).with_name("examples")
WORLD = EXAMPLES / "world.sql"
DIALECT = sa.create_engine("postgresql+psycopg://").dialect
SHORT_TYPES = {"timestamp with time zone": "timestamptz", "character varying": "varchar"}

VIEWS = """
SELECT c.relname, c.relkind = 'm', obj_description(c.oid, 'pg_class')
FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('v', 'm') ORDER BY c.relname
"""
COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), col_description(a.attrelid, a.attnum)
FROM pg_attribute a WHERE a.attrelid = %s::regclass AND a.attnum > 0 ORDER BY a.attnum
"""
# What triggers are, or do, is nobody's to call.
FUNCTIONS = """
SELECT p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), obj_description(p.oid, 'pg_proc'),
       row_number() OVER (PARTITION BY p.proname ORDER BY p.oid DESC) = 1
FROM pg_proc p
WHERE p.pronamespace = 'public'::regnamespace AND p.prorettype NOT IN ('trigger'::regtype, 'void'::regtype)
ORDER BY p.proname, p.oid
"""

Connection = psycopg.Connection[Any]


def written_into(readme: str, connection: Connection) -> str:
    """The text with what is generated as it is now; the database is as it was before."""
    text = _replaced(readme, "tables", tables())
    with connection.transaction(force_rollback=True):
        connection.execute(WORLD.read_text())
        text = _replaced(text, "views", "\n".join(_views(connection)))
        return _replaced(text, "functions", "\n".join(_functions(connection)))


def _replaced(text: str, name: str, generated: str) -> str:
    begin, end = f"<!-- {name}: written by db/contract.py -->", f"<!-- end of {name} -->"
    before, after = text.split(begin)[0], text.split(end)[1]
    return f"{before}{begin}\n\n{generated}\n{end}{after}"


def tables() -> str:
    """Every table, by name."""
    return "\n".join(_table(schema.metadata.tables[name]) for name in sorted(schema.metadata.tables))


def _table(table: sa.Table) -> str:
    lines = [f"### `{table.name}`", "", f"{table.comment}.", "", "| column | type | |", "|---|---|---|"]
    lines += [f"| `{column.name}` | {_type(column)} | {_cell(column.comment or '')} |" for column in table.columns]
    rules = [*_keys(table), *_checks(table)]
    return "\n".join([*lines, "", *rules, *[""] * bool(rules)])


def _type(column: sa.Column[object]) -> str:
    words = [_short(column.type.compile(DIALECT).lower())]
    words += [f"→ `{key.column.table.name}`" for key in column.foreign_keys]
    words += ["not null"] * (not column.nullable)
    if column.identity:
        words.append("identity")
    elif column.computed is not None:
        words.append("generated")
    elif isinstance(column.server_default, sa.DefaultClause):
        words.append(f"default `{_default(column, column.server_default.arg)}`")
    return _cell(" ".join(words))


def _default(column: sa.Column[object], default: object) -> str:
    if isinstance(default, str) and not isinstance(column.type, sa.Integer):
        return f"'{default}'"
    return re.sub(r"::\w+$", "", str(default))


def _keys(table: sa.Table) -> list[str]:
    unique = [item for item in table.constraints if isinstance(item, sa.UniqueConstraint)]
    listed = sorted(", ".join(f"`{column.name}`" for column in item.columns) for item in unique)
    return [f"Unique: {'; '.join(listed)}."] if listed else []


def _checks(table: sa.Table) -> list[str]:
    declared = [*table.constraints, *(item for column in table.columns for item in column.constraints)]
    checks = sorted(str(item.sqltext) for item in declared if isinstance(item, sa.CheckConstraint))
    return [f"* `{check}`" for check in checks]


def _views(connection: Connection) -> Iterable[str]:
    for name, materialized, comment in connection.execute(VIEWS).fetchall():
        yield "\n".join([f"### `{name}`{' (materialized)' * materialized}", "", f"{comment}.", ""])
        yield "\n".join(["| column | type | |", "|---|---|---|"])
        for column, kind, said in connection.execute(COLUMNS, [name]):
            yield f"| `{column}` | {_short(kind)} | {_cell(said or '')} |"
        yield f"\n{_example(connection, name)}"


def _functions(connection: Connection) -> Iterable[str]:
    for name, arguments, result, comment, last in connection.execute(FUNCTIONS).fetchall():
        yield f"### `{name}({_short(arguments)})`\n\n{comment}.\n\nAnswers `{_short(result)}`.\n"
        if last and (example := _example(connection, name)):
            yield example


def _example(connection: Connection, name: str) -> str:
    """The query in the file of that name, and what it answers in the small world; what only others call has none."""
    file = EXAMPLES / f"{name}.sql"
    if not file.exists():
        return ""
    query = file.read_text()
    cursor = connection.execute(query)
    heads = [column.name for column in cursor.description or ()]
    return f"```sql\n{query}```\n\n```\n{_aligned(heads, cursor.fetchall())}\n```\n"


def _aligned(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Rows as psql shows them, numbers to the right."""
    lines = [[_shown(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(heads, *lines, strict=True)]
    numeric = [all(re.fullmatch(r"-?[\d.]*", value) for value in column) for column in zip(*lines, strict=True)]
    shown = [
        " | ".join(
            value.rjust(width) if right else value.ljust(width)
            for value, width, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in lines
    ]
    head = " | ".join(name.ljust(width) for name, width in zip(heads, widths, strict=True)).rstrip()
    return "\n".join([head, "-+-".join("-" * width for width in widths), *shown])


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _short(text: str) -> str:
    for long, short in SHORT_TYPES.items():
        text = text.replace(long, short)
    return text


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def main() -> None:
    """Bring the file up to date, by a database that is made for it."""
    with tempfile.TemporaryDirectory() as folder, embedded.running(Path(folder)) as url:
        migrate.upgrade(url)
        with psycopg.connect(url, autocommit=True) as connection:
            README.write_text(written_into(README.read_text(), connection))


if __name__ == "__main__":
    main()
