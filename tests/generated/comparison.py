"""What rows say, beside what they have to say: by table and key."""

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.mirror.noun import BOOKKEEPING, Noun, Row
from ghsync.projector.batch import Batch
from tests.generated import told
from tests.generated.told_by_graphql import Rows

Said = dict[tuple[Any, ...], Row]


def said(batch: Batch) -> Said:
    """What the rows of a batch say."""
    return dict(_row(noun, row) for noun, rows in batch.rows.items() for row in rows.values())


async def held(engine: AsyncEngine, nouns: Iterable[Noun]) -> Said:
    """What the rows of these tables say."""
    found: Said = {}
    async with engine.connect() as conn:
        for noun in nouns:
            found |= dict(_row(noun, row) for row in (await conn.execute(sa.select(noun.table))).mappings())
    return found


def wanted(rows: Rows) -> Said:
    """What rows have to say."""
    return dict(
        _row(noun, {name: column.of(shown) for name, column in columns.items()}) for noun, columns, shown in rows
    )


def stored(rows: Rows) -> Said:
    """What tables can hold of it: texts as long as their columns, and no merged pull request that is open."""
    return dict(
        _row(noun, _cut(noun, {name: column.of(shown) for name, column in columns.items()}))
        for noun, columns, shown in rows
    )


def _cut(noun: Noun, row: Row) -> Row:
    cut = {
        name: value[: noun.table.c[name].type.length] if isinstance(value, str) else value
        for name, value in row.items()
    }
    return cut | {"state": "closed"} if row.get("merged") else cut


def _row(noun: Noun, row: Mapping[str, Any]) -> tuple[tuple[Any, ...], Row]:
    """The key, and all that is said, but where it is from and when each of its groups was told."""
    versions = {name for group in noun.groups for name in (group.updated_at, group.observed_at)}
    left_out = BOOKKEEPING | versions | {"repository", "repository_id", *noun.generated}
    shown = {name: _storable(value) for name, value in row.items() if name not in left_out and value is not None}
    return (noun.name, *(row[name] for name in noun.key[1:])), shown


def _storable(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _storable(inside) for name, inside in value.items()}
    return [_storable(inside) for inside in value] if isinstance(value, list) else told.same(value)
