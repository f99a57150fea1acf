"""Partitions by month, so that what grows with time ages out by dropping tables, not rows: see `retention`.

https://www.postgresql.org/docs/current/ddl-partitioning.html
"""

import asyncio
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ghsync.database import first_line, transaction
from ghsync.errors import Locked

# A lock that is not to be had at once is not waited for, since others would wait behind it: it is tried so often while
# a person waits.
ATTEMPTS = 20
PAUSE_SECONDS = 0.2

DEFAULT = "default"
"""What ends the name of the partition that takes what belongs to no month for which there is one."""

_NAME = re.compile(rf"(\w+)_({DEFAULT}|y\d{{4}}m\d{{2}})")

_EXPECTED = sa.text("SELECT parent, month, name, state FROM partitions_by_month()")

# Months after the first one of a table that has a partition, and before another: they have none. A condition on each is
# as text, so that PostgreSQL plans to read no partition but the default one.
_GAPS = sa.text("""
SELECT c.relname::text AS parent, quote_ident(a.attname) AS key,
       string_agg(format('%1$I >= %2$L AND %1$I < %3$L', a.attname, m.month::date,
                         (m.month + interval '1 month')::date), ' OR ') AS gaps
FROM pg_partitioned_table t
JOIN pg_class c ON c.oid = t.partrelid AND c.relname = ANY(:parents)
JOIN pg_namespace s ON s.oid = c.relnamespace AND s.nspname = current_schema()
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = t.partattrs[0]
CROSS JOIN LATERAL (
  SELECT array_agg(to_date(substring(p.relname FROM 'y(\\d{4}m\\d\\d)$'), 'YYYY"m"MM')) AS months
  FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhrelid WHERE i.inhparent = c.oid) made
CROSS JOIN LATERAL generate_series(
  (SELECT min(month) FROM unnest(made.months) month), CAST(:before AS date) - 1, interval '1 month') AS m(month)
WHERE m.month::date <> ALL(array_remove(made.months, NULL))
GROUP BY c.relname, a.attname
ORDER BY c.relname
""")

_MAKE = sa.text("SELECT make_partition(:parent, :month)")


def with_default(table: sa.Table) -> None:
    """Give a partitioned table the partition that takes whatever no other does, where the table is made as declared."""
    statement = f"CREATE TABLE {table.name}_{DEFAULT} PARTITION OF {table.name} DEFAULT"
    sa.event.listen(table, "after_create", sa.DDL(statement))  # type: ignore[no-untyped-call]


def whole(name: str) -> str:
    """The table that one of this name is a partition of, by its name; else the name itself."""
    found = _NAME.fullmatch(name)
    return found[1] if found else name


@dataclass(frozen=True, slots=True)
class Partition:
    """One that there should be, of the table ``parent``: it is ``made``, ``missing`` or ``obstructed``."""

    parent: str
    month: date
    name: str
    state: str


@dataclass(frozen=True, slots=True)
class Made:
    """The names of those that were made; why others were not, what others hold for now apart from the rest."""

    names: list[str]
    refused: list[str]
    locked: list[str]


async def expected(conn: AsyncConnection) -> list[Partition]:
    """Those of last month, this one and the next ones, by table and month."""
    return [Partition(*row) for row in await conn.execute(_EXPECTED)]


async def astray(conn: AsyncConnection, found: Collection[Partition]) -> list[tuple[str, date]]:
    """Tables and months before those of ``found`` that are in the default partition, though older ones have theirs."""
    parents = sorted({each.parent for each in found})
    before = min((each.month for each in found), default=date.min)
    gaps = (await conn.execute(_GAPS, {"parents": parents, "before": before})).all()
    months: list[tuple[str, date]] = []
    for one in gaps:
        of_rows = f"SELECT DISTINCT date_trunc('month', {one.key})::date AS month FROM {one.parent} WHERE {one.gaps}"
        months += [(one.parent, month) for month in await conn.scalars(sa.text(f"{of_rows} ORDER BY month"))]
    return months


def made_up_to(found: Collection[Partition]) -> date | None:
    """The last month up to which all tables have theirs, from the first one on; None where that lacks one."""
    lacking = {each.month for each in found if each.state != "made"}
    complete = [each.month for each in found if each.month < min(lacking, default=date.max)]
    return max(complete, default=None)


async def make(engine: AsyncEngine, attempts: int = ATTEMPTS) -> Made:
    """Make those that are missing, each in a transaction of its own; what others hold is tried again some times."""
    made = await _make_due(engine)
    for _ in range(attempts - 1):
        if not made.locked:
            break
        await asyncio.sleep(PAUSE_SECONDS)
        again = await _make_due(engine)
        made = Made(made.names + again.names, again.refused, again.locked)
    return made


async def _make_due(engine: AsyncEngine) -> Made:
    made = Made([], [], [])
    async with transaction(engine) as conn:
        due = [each for each in await expected(conn) if each.state != "made"]
    for each in due:
        try:
            async with transaction(engine) as conn:
                name = await conn.scalar(_MAKE, {"parent": each.parent, "month": each.month})
        except Locked as error:
            made.locked.append(f"{each.name} is not made yet. {error}")
        except sa.exc.DBAPIError as error:
            made.refused.append(first_line(error))
        else:
            made.names.extend([name] if name else [])  # none where another process was faster
    return made
