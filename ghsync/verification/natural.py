"""Nouns as two mirrors can be compared by: with GitHub's ids where ours are random."""

import sqlalchemy as sa

from ghsync.mirror.noun import Noun

# What of a referenced row is the same in both mirrors.
_NAMED_BY = {
    "github_installations": "github_id",
    "github_repositories": "github_id",
    "organizations": "github_account_id",
}

# Through which door a row came is another one when it is replayed; and a project is people's to choose.
_INCIDENTAL = {"sync_source", "project_id"}


def columns(noun: Noun) -> tuple[str, ...]:
    """The columns that can be compared, keys first."""
    return tuple(name for name in dict.fromkeys(noun.columns) if name not in _INCIDENTAL)


def rows(noun: Noun) -> str:
    """A SELECT of every row with these columns."""
    shown = ", ".join(f"{_natural(noun.table.c[name])} AS {name}" for name in columns(noun))
    return f"SELECT {shown} FROM {noun.name} t"


def target(column: sa.Column[object]) -> str | None:
    """The table that a column refers to."""
    return next((str(key.column.table.name) for key in column.foreign_keys), None)


def _natural(column: sa.Column[object]) -> str:
    table = target(column)
    if table is None:
        return f"t.{column.name}"
    return f"(SELECT named.{_NAMED_BY[table]} FROM {table} named WHERE named.id = t.{column.name})"
