"""Writes the tables of `db/README.md` from the declared schema: ``python db/contract.py``, whenever a table changes."""

import re
from pathlib import Path

import sqlalchemy as sa

from ghsync import schema

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- tables: written by db/contract.py -->", "<!-- end of tables -->"
DIALECT = sa.create_engine("postgresql+psycopg://").dialect
SHORT_TYPES = {"timestamp with time zone": "timestamptz"}


def written_into(readme: str) -> str:
    """The text with the tables in it as they are declared now."""
    before, after = readme.split(BEGIN)[0], readme.split(END)[1]
    return f"{before}{BEGIN}\n\n{tables()}\n{END}{after}"


def tables() -> str:
    """Every table, by name."""
    return "\n".join(_table(schema.metadata.tables[name]) for name in sorted(schema.metadata.tables))


def _table(table: sa.Table) -> str:
    lines = [f"### `{table.name}`", "", f"{table.comment}.", "", "| column | type | |", "|---|---|---|"]
    lines += [f"| `{column.name}` | {_type(column)} | {_cell(column.comment or '')} |" for column in table.columns]
    rules = [*_keys(table), *_checks(table)]
    return "\n".join([*lines, "", *rules, *[""] * bool(rules)])


def _type(column: sa.Column[object]) -> str:
    name = column.type.compile(DIALECT).lower()
    words = [SHORT_TYPES.get(name, name)]
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
    checks = sorted(str(item.sqltext) for item in table.constraints if isinstance(item, sa.CheckConstraint))
    return [f"* `{check}`" for check in checks]


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


if __name__ == "__main__":
    README.write_text(written_into(README.read_text()))
