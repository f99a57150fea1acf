"""The second check: every live row against what the change feed told of it, whoever wrote it.

The feed has all columns of a new row, and each change. Folded, it is the row: one that was changed past the gate is
another.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.mirror.noun import Noun
from ghsync.mirror.nouns import NOUNS
from ghsync.tracking.derivation import COLUMNS
from ghsync.tracking.table import table as tracking_table
from ghsync.verification import natural
from ghsync.verification.finding import MOST, Discrepancy

# The feed begins with 1, unless its beginning was removed: then nobody knows what was told of older rows.
_COMPLETE = sa.text("SELECT coalesce(min(seq), 1) = 1 FROM change_events")


@dataclass(frozen=True, slots=True)
class FedTable:
    """A table of which the feed tells, the columns that it tells of, and when a row need not be told.

    ``undated`` is how old a row without updated_at is, as SQL.
    """

    table: sa.Table
    key: tuple[str, ...]
    columns: Sequence[str]
    untold: str = "false"
    undated: str = "'-infinity'"


def tables() -> list[FedTable]:
    """All tables of which the feed tells."""
    # Of an installation that only others name it is known that it exists: that is no news.
    unseen = "t.observed_at = 'epoch'"
    nouns = [FedTable(each.table, each.key, each.reported, unseen, _undated(each)) for each in NOUNS]
    return [*nouns, FedTable(tracking_table, ("repository_id", "pr_number"), list(COLUMNS))]


def _undated(noun: Noun) -> str:
    """As `guard.version` orders it."""
    return "date_trunc('second', t.observed_at)" if noun.undated == "as_asked" else "'-infinity'"


async def compare(conn: AsyncConnection) -> list[Discrepancy]:
    """Compare all rows, in a session that sees the live mirror, at one moment."""
    complete = (await conn.execute(_COMPLETE)).scalar_one()
    return [
        Discrepancy("feed", told.table.name, row.key, row.problem, row.name, row.live, row.told)
        for told in tables()
        for row in await conn.execute(
            _differences(told), {"complete": complete, "table": told.table.name, "most": MOST}
        )
    ]


def _differences(told: FedTable) -> sa.TextClause:
    checks = ",\n    ".join(
        f"('{name}', {_wrong(told.table.c[name], told.undated)}, to_jsonb(t.{name}), {_of_feed(name)})"
        for name in told.columns
    )
    sides = f"events e FULL JOIN {told.table.name} t ON t.id = e.id"
    return sa.text(f"""
WITH events AS MATERIALIZED (
  SELECT c.entity_id AS id, (max(c.repository_id::text))::uuid AS repository_id,
         bool_or(c.operation = 'insert') AS whole, jsonb_object_agg(f.name, f.value ORDER BY c.seq) AS fields
  FROM change_events c CROSS JOIN LATERAL jsonb_each(c.new_values) AS f(name, value)
  WHERE c.entity_type = :table GROUP BY c.entity_id
)
SELECT {_key(told)} AS key, 'differs' AS problem, c.name, c.live, c.told
FROM {sides}
CROSS JOIN LATERAL (VALUES
    {checks}
) AS c(name, wrong, live, told)
WHERE t.id = e.id AND c.wrong
UNION ALL
SELECT {_key(told)}, CASE WHEN t.id IS NULL THEN 'missing' ELSE 'surplus' END, NULL, NULL, NULL
FROM {sides}
WHERE t.id IS NULL OR (e.id IS NULL AND :complete AND NOT ({told.untold}))
LIMIT :most
""")


def _key(told: FedTable) -> str:
    parts = []
    for name in told.key:
        if name == "repository_id":
            identity = "coalesce(t.repository_id, e.repository_id)"
            parts.append(f"'repository', (SELECT r.tracked_name FROM github_repositories r WHERE r.id = {identity})")
        else:
            parts.append(f"'{name}', coalesce(to_jsonb(t.{name}), e.fields -> '{name}')")
    return f"json_build_object({', '.join(parts)})"


def _of_feed(name: str) -> str:
    return f"nullif(e.fields -> '{name}', 'null')"


def _wrong(column: sa.Column[object], undated: str) -> str:
    name = column.name
    known = f"(e.whole OR e.fields ? '{name}')"
    if name == "updated_at":  # moves on with every event, and alone it is no news
        return f"({known} AND coalesce(t.updated_at, {undated}) < (e.fields ->> 'updated_at')::timestamptz)"
    differs = f"nullif(to_jsonb(t.{name}), 'null') IS DISTINCT FROM {_of_feed(name)}"
    return f"({known} AND {differs}{_unless_gone(column)})"


def _unless_gone(column: sa.Column[object]) -> str:
    """What refers to a row that people removed became null with it."""
    target = natural.target(column)
    if target is None:
        return ""
    exists = f"EXISTS (SELECT FROM {target} gone WHERE gone.id = (e.fields ->> '{column.name}')::uuid)"
    return f" AND (t.{column.name} IS NOT NULL OR {exists})"
