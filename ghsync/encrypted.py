"""What the database keeps encrypted, and under which key: all of it is brought under the first, to drop the others."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.database import ENCRYPTED, transaction
from ghsync.encryption import Encryption, State
from ghsync.schema import metadata

BATCH = 500
TOKENS = "sync_tokens.token"

# What has expired is of no use to anybody, and nobody would miss the key that it is under.
_FORGET_EXPIRED = sa.text("UPDATE sync_tokens SET token = NULL, expires_at = NULL WHERE expires_at <= now()")

_REPLACE = """
WITH due AS (
  SELECT t.{key} AS key, n.token
  FROM {table} t
  JOIN unnest(CAST(:keys AS text[]), CAST(:seen AS text[]), CAST(:tokens AS text[])) AS n(key, seen, token)
    ON t.{key}::text = n.key AND t.{column} = n.seen
  ORDER BY t.{key} FOR NO KEY UPDATE OF t
)
UPDATE {table} t SET {column} = due.token FROM due WHERE t.{key} = due.key
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """How many secrets a column holds under the first key, under an older one, and under none that we have."""

    column: str
    counts: Counter[State]

    @property
    def lost(self) -> int:
        """How many nobody can read any more; a token of GitHub's is replaced when it is next needed."""
        return 0 if self.column == TOKENS else self.counts["unreadable"]


def columns() -> list[sa.Column[Any]]:
    """The columns that hold secrets, in the order of their tables' names."""
    tables = (metadata.tables[name] for name in sorted(metadata.tables))
    return [column for table in tables for column in table.columns if ENCRYPTED in column.info]


async def stored(engine: AsyncEngine, encryption: Encryption) -> list[Stored]:
    """What there is. Raises `NotConfigured` without a key."""
    found = []
    for column in columns():
        counts: Counter[State] = Counter()
        async for page in _pages(engine, column):
            counts.update(encryption.state(row.token) for row in page)
        found.append(Stored(str(column), counts))
    return found


async def renew(engine: AsyncEngine, encryption: Encryption) -> list[Stored]:
    """Bring under the first key what an older one encrypted, some hundred at a time; answers what there was.

    What changes meanwhile is under the first key already. Stopped, it goes on when it is run again.
    """
    async with transaction(engine) as conn:
        await conn.execute(_FORGET_EXPIRED)
    found = []
    for column in columns():
        counts: Counter[State] = Counter()
        async for page in _pages(engine, column):
            states = [encryption.state(row.token) for row in page]
            counts.update(states)
            older = [row for row, state in zip(page, states, strict=True) if state == "older"]
            if older:
                await _replace(engine, column, older, encryption)
        found.append(Stored(str(column), counts))
    return found


async def _pages(engine: AsyncEngine, column: sa.Column[Any]) -> AsyncIterator[Sequence[Any]]:
    key = sa.cast(column.table.c[column.info[ENCRYPTED]], sa.Text)
    asked = sa.select(key.label("key"), column.label("token")).where(column != "").order_by(key).limit(BATCH)
    after = ""
    while True:
        async with transaction(engine) as conn:
            page = (await conn.execute(asked.where(key > after))).all()
        if not page:
            return
        yield page
        after = page[-1].key


async def _replace(engine: AsyncEngine, column: sa.Column[Any], rows: Sequence[Any], encryption: Encryption) -> None:
    statement = _REPLACE.format(table=column.table.name, column=column.name, key=column.info[ENCRYPTED])
    values = {
        "keys": [row.key for row in rows],
        "seen": [row.token for row in rows],
        "tokens": [encryption.rotate(row.token) for row in rows],
    }
    async with transaction(engine) as conn:
        await conn.execute(sa.text(statement), values)
