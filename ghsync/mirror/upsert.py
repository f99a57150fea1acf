"""The only writer of mirror tables: one statement upserts a batch of one noun under the order guard (I4, I6).

A batch travels as one JSON parameter. The statement also answers what changed, with old and new values, so that the
change feed needs no second look. Callers hold the rows' repositories locked (see `registry`), so the state read
before the write is the state that is overwritten.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.database import fetch
from ghsync.mirror import guard
from ghsync.mirror.noun import Group, Noun, Row

_dialect = postgresql.dialect()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Change:
    """One written row: which columns changed, and their old and new values as JSON texts.

    ``fields`` is empty where only bookkeeping moved. ``old`` is None for a new row, whose ``new`` has every column
    that is not null. ``deleted`` says whether the row is a tombstone now. ``unordered`` asks for a refetch: see
    `guard.unordered`. ``number`` is that of the issue or pull request that the row is, or is a part of.
    """

    noun: Noun
    key: tuple[Any, ...]
    id: str
    created: bool
    fields: frozenset[str]
    old: str | None
    new: str | None
    observed_at: datetime
    sync_source: str
    deleted: bool
    unordered: bool = False
    number: int | None = None


async def upsert(conn: AsyncConnection, noun: Noun, rows: Sequence[Row], *, insists: bool = False) -> list[Change]:
    """Write ``rows`` (one per key) where they are not older than what is stored.

    Rows that insist are answers of the API that overrule whatever was observed before the question: see
    `guard.overrules`.
    """
    if not rows:
        return []
    result = await fetch(conn, _upsert_statement(noun, insists), {"rows": parameter(rows)})
    return _changes(noun, result)


async def amend(
    conn: AsyncConnection, noun: Noun, group: Group, rows: Sequence[Row], *, answered: bool = False
) -> list[Change]:
    """Write one column group of rows that exist already; the others are left out.

    A group without version columns in ``rows`` (an overlay) is written as it is. ``answered`` rows are the API's.
    """
    if not rows:
        return []
    versions = (group.updated_at, group.observed_at) if group.observed_at in rows[0] else ()
    condition = guard.newer(group, "i", "t") if versions else "true"
    if answered:
        condition = f"({condition} OR {guard.asked_after(group, 'i', 't')})"
    return await _amend(conn, noun, (*group.columns, *versions), condition, rows)


async def bury(conn: AsyncConnection, noun: Noun, rows: Sequence[Row]) -> list[Change]:
    """Write ``deleted_at``, and what else ``rows`` say beside the key, where nobody has seen the row alive since."""
    if not rows:
        return []
    columns = tuple(name for name in rows[0] if name not in noun.key)
    return await _amend(conn, noun, columns, guard.buries(noun, "i", "t"), rows)


async def _amend(
    conn: AsyncConnection, noun: Noun, columns: tuple[str, ...], condition: str, rows: Sequence[Row]
) -> list[Change]:
    result = await fetch(conn, _amend_statement(noun, columns, condition), {"rows": parameter(rows)})
    return _changes(noun, result)


def parameter(rows: Iterable[Row]) -> str:
    """Rows as one JSON text that PostgreSQL can hold: NUL, which it cannot, becomes U+FFFD."""
    text = msgspec.json.encode(list(rows)).decode()
    if "\\u0000" in text:
        text = msgspec.json.encode(_without_nul(msgspec.json.decode(text))).decode()
    return text


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}")
    if isinstance(value, list):
        return [_without_nul(item) for item in value]
    if isinstance(value, dict):
        return {_without_nul(name): _without_nul(item) for name, item in value.items()}
    return value


def _changes(noun: Noun, result: Iterable[Any]) -> list[Change]:
    keys = len(noun.key)
    return [
        Change(
            noun=noun,
            key=tuple(row[:keys]),
            id=row.id,
            created=row.created,
            fields=frozenset(row.fields or ()),
            old=row.old,
            new=row.new,
            observed_at=row.observed_at,
            sync_source=row.sync_source,
            deleted=row.deleted,
            unordered=row.unordered,
            number=row.belongs_to,
        )
        for row in result
    ]


def column_type(table: sa.Table, name: str) -> str:
    """A column's type as PostgreSQL writes it."""
    return table.c[name].type.compile(dialect=_dialect)


def record(table: sa.Table, names: Iterable[str]) -> tuple[str, str]:
    """The column list of ``json_to_recordset`` and the select list that casts it.

    Text is read unbounded and then cast, because a cast cuts text to the column's length where an assignment refuses
    it: GitHub's own limits are lower, and the inbox keeps the whole.
    """
    read, cast = [], []
    for name in names:
        kind = column_type(table, name)
        bounded = kind.startswith("VARCHAR")
        read.append(f"{name} {'TEXT' if bounded else kind}")
        cast.append(f"r.{name}::{kind} AS {name}" if bounded else f"r.{name}")
    return ", ".join(read), ", ".join(cast)


@cache
def _upsert_statement(noun: Noun, insists: bool) -> sa.TextClause:
    table = noun.name
    read, cast = record(noun.table, noun.columns)
    names = ", ".join(noun.columns)
    values = ", ".join(_first_value(noun, name) for name in noun.columns)
    unsettled = guard.unordered(noun, "i", "b")
    if insists:
        unsettled = f"({unsettled} OR ({guard.doubtful(noun, 'i', 'b')}))"
    return sa.text(f"""
WITH incoming AS MATERIALIZED (
  SELECT {cast} FROM json_to_recordset(:rows) AS r({read})
), before AS MATERIALIZED (
  SELECT t.* FROM {table} t JOIN incoming i ON {_same_key(noun, "t", "i")}
), written AS (
  INSERT INTO {table} AS t ({names})
  SELECT {values} FROM incoming i ORDER BY {", ".join(f"i.{name}" for name in noun.key)}
  ON CONFLICT ({", ".join(noun.key)}) DO UPDATE SET
    {_assignments(noun, insists)},
    synced_at = CURRENT_TIMESTAMP
  WHERE {guard.concerns(noun, insists=insists)}
  RETURNING t.*
)
SELECT {_key(noun, "i")}, coalesce(w.id, b.id)::text AS id, b.id IS NULL AS created, changed.*,
       {_belongs_to(noun)}, w.observed_at, w.sync_source, w.deleted_at IS NOT NULL AS deleted,
       coalesce({unsettled}, false) AS unordered
FROM incoming i
LEFT JOIN written w ON {_same_key(noun, "w", "i")}
LEFT JOIN before b ON {_same_key(noun, "b", "i")}
{difference(noun.reported)}
WHERE w.id IS NOT NULL OR {unsettled}
""")


@cache
def _amend_statement(noun: Noun, columns: tuple[str, ...], condition: str) -> sa.TextClause:
    table = noun.name
    read, cast = record(noun.table, (*noun.key, *columns))
    return sa.text(f"""
WITH incoming AS MATERIALIZED (
  SELECT {cast} FROM json_to_recordset(:rows) AS r({read})
), before AS MATERIALIZED (
  SELECT t.* FROM {table} t JOIN incoming i ON {_same_key(noun, "t", "i")}
), written AS (
  UPDATE {table} t SET {", ".join(f"{name} = i.{name}" for name in columns)}, synced_at = CURRENT_TIMESTAMP
  FROM incoming i WHERE {_same_key(noun, "t", "i")} AND {condition}
  RETURNING t.*
)
SELECT {_key(noun, "w")}, w.id::text AS id, false AS created, changed.*,
       {_belongs_to(noun)}, w.observed_at, w.sync_source, w.deleted_at IS NOT NULL AS deleted, false AS unordered
FROM written w LEFT JOIN before b ON b.id = w.id
{difference(noun.reported)}
""")


def _key(noun: Noun, row: str) -> str:
    return ", ".join(
        f"{row}.{name}::text AS {name}" if name == "repository_id" else f"{row}.{name}" for name in noun.key
    )


def _belongs_to(noun: Noun) -> str:
    return f"{f'w.{noun.belongs_to}' if noun.belongs_to else 'NULL::int'} AS belongs_to"


def _same_key(noun: Noun, one: str, other: str) -> str:
    return " AND ".join(f"{one}.{name} = {other}.{name}" for name in noun.key)


def _first_value(noun: Noun, name: str) -> str:
    if name in noun.settled:
        flag, value = noun.settled[name]
        return f"CASE WHEN i.{flag} THEN '{value}' ELSE i.{name} END"
    if name in noun.posthumous:
        return f"CASE WHEN ({guard.tombstone('i', alive=noun.alive)}) IS NOT NULL THEN i.{name} END"
    return guard.tombstone("i", alive=noun.alive) if name == "deleted_at" else f"i.{name}"


def _assignments(noun: Noun, insists: bool) -> str:
    """What each column becomes when the row exists: guarded by its group, or by its own rule."""
    flags = {name: guard.final(noun, name, insists=insists) for name in noun.final}
    lines = [_group_assignment(noun, group, flags, insists) for group in noun.all_groups]
    lines += [f"{name} = {value}" for name, value in flags.items()]
    lines += [f"{name} = {guard.latest(name)}" for name in noun.latest]
    lines.append(f"verified_at = {guard.confirmed_at()}")
    lines.append(f"deleted_at = {guard.lifted(noun)}")
    return ",\n    ".join(lines)


def _group_assignment(noun: Noun, group: Group, flags: dict[str, str], insists: bool) -> str:
    """The columns of a group, taken from the report or left, which is decided once."""
    values = {
        name: f"CASE WHEN taken THEN excluded.{name} ELSE t.{name} END"
        for name in (*group.columns, group.updated_at, group.observed_at)
    }
    if group.name == "core":
        for name in noun.sticky:
            told, known = f"excluded.{name}", f"t.{name}"
            values[name] = f"CASE WHEN taken THEN coalesce({told}, {known}) ELSE coalesce({known}, {told}) END"
        for name in noun.posthumous:
            values[name] = f"CASE WHEN ({guard.lifted(noun)}) IS NOT NULL THEN {values[name]} END"
        for name, flag in noun.bound.items():
            if name not in flags:
                values[name] = f"CASE WHEN {flags[flag]} THEN {values[name]} END"
        for name, (flag, final) in noun.settled.items():
            values[name] = f"CASE WHEN {flags[flag]} THEN '{final}' ELSE {values[name]} END"
    decided = f"(SELECT {guard.taken(group, insists=insists)} AS taken OFFSET 0) decided"
    return f"({', '.join(values)}) = (SELECT {', '.join(values.values())} FROM {decided})"


def difference(columns: Iterable[str], before: str = "b", after: str = "w") -> str:
    """A LATERAL join that answers ``fields``, ``old`` and ``new`` of the rows ``before`` and ``after``.

    ``before`` is to be in a LEFT JOIN: of an inner one, PostgreSQL may compare all pairs before it looks which belong
    together.

    updated_at alone is no news: it moves with every event. Each column is compared once, and both rows are made JSON as
    a whole, with what is the same left out: to make objects value by value takes twice as long.
    """
    names = list(columns)

    def of_each(text: str) -> str:
        return ", ".join(text.format(name=name) for name in names)

    return f"""LEFT JOIN LATERAL (
  SELECT array_remove(ARRAY[{of_each("CASE WHEN d.{name} THEN '{name}' END")}], NULL) AS fields,
         CASE WHEN {before}.id IS NOT NULL THEN to_jsonb(o) - s.same END::text AS old,
         (to_jsonb(n) - s.same)::text AS new
  FROM (SELECT {of_each(f"{before}.{{name}} IS DISTINCT FROM {after}.{{name}} AS {{name}}")} OFFSET 0) d
  CROSS JOIN LATERAL (
    SELECT array_remove(ARRAY[{of_each("CASE WHEN NOT d.{name} THEN '{name}' END")}], NULL) AS same OFFSET 0) s
  CROSS JOIN LATERAL (SELECT {of_each(f"CASE WHEN d.{{name}} THEN {before}.{{name}} END AS {{name}}")}) o
  CROSS JOIN LATERAL (SELECT {of_each(f"CASE WHEN d.{{name}} THEN {after}.{{name}} END AS {{name}}")}) n
  WHERE {" OR ".join(f"d.{name}" for name in names if name != "updated_at")}
) changed ON {after}.id IS NOT NULL"""
