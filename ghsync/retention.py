"""Retention: how long is kept what grows with time, by policies that people change, and what goes when that is over.

Rows in partitions go a month at a time, with their table: dropped, or put into an archive. Payloads are taken out of
deliveries that stay. What is small goes row by row, where it is written: `reconciler.history`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ghsync import audit
from ghsync.actor import Actor
from ghsync.database import first_line, metadata, moment, one_of, transaction, uuid_key
from ghsync.errors import Locked

PAYLOADS = "webhook_deliveries.body"
DELIVERIES = "webhook_deliveries"
REPOSITORIES = "github_repositories"  # since they are hidden: see `ghsync/purge.py`

PARTITIONED = ("audit_logs", "change_events", DELIVERIES)
KEPT = (*PARTITIONED, "sync_findings", "sync_runs", PAYLOADS, REPOSITORIES, "system_metrics")

CLOCK = Actor("retention", kind="system")
"""Who acts where nobody asked: the time has come."""

AT_ONCE = 2000

table = sa.Table(
    "data_retention_policies",
    metadata,
    uuid_key(),
    sa.Column(
        "table_name",
        sa.String(255),
        nullable=False,
        unique=True,
        comment="The table, or TABLE.COLUMN: that alone",
    ),
    sa.Column("retention_days", sa.Integer, nullable=False, comment="How long it is kept, a month from its end on"),
    sa.Column(
        "archive_enabled",
        sa.Boolean,
        server_default=sa.true(),
        nullable=False,
        comment="Whether partitions move to the schema archive then; if deleted too, they go when twice as old",
    ),
    sa.Column(
        "delete_enabled", sa.Boolean, server_default=sa.false(), nullable=False, comment="Whether it is deleted then"
    ),
    moment("last_run_at", "When ghsync last saw to it"),
    moment("created_at", "When the policy was made", default=True),
    moment("done_before", "What is older than this has gone"),
    one_of("table_name", KEPT),
    sa.CheckConstraint("retention_days BETWEEN 1 AND 36500", name="retention_days"),
    sa.CheckConstraint(
        f"NOT archive_enabled OR table_name IN ({', '.join(repr(name) for name in PARTITIONED)})",
        name="only_partitions_are_archived",
    ),
    comment="How long is kept what grows with time; without a policy it is kept for ever",
)


class DuePartition(NamedTuple):
    """A partition whose time is over: ``act`` is drop or archive, ``place`` the schema it is in.

    ``about_rows`` is None where PostgreSQL has not looked yet.
    """

    parent: str
    month: date
    name: str
    place: str
    act: str
    bytes: int
    about_rows: int | None


class Payloads(NamedTuple):
    """How many, and what room they take."""

    number: int
    bytes: int


NO_PAYLOADS = Payloads(0, 0)


class RetiredPartition(NamedTuple):
    """One that went; ``how`` is dropped or archived."""

    partition: DuePartition
    how: str


@dataclass(frozen=True, slots=True)
class Retired:
    """What went; why other things did not, what others hold for now apart from the rest."""

    partitions: list[RetiredPartition] = field(default_factory=list)
    payloads: Payloads = NO_PAYLOADS
    deliveries: int = 0
    refused: list[str] = field(default_factory=list)
    locked: list[str] = field(default_factory=list)


_DUE = sa.text("SELECT parent, month, name, place, act, bytes, about_rows FROM retention_due()")

_RETIRE = sa.text("SELECT retire_partition(:parent, :month)")

_WINDOW = """
SELECT coalesce(done_before, '-infinity') AS since, retained_since(table_name) AS before
FROM data_retention_policies WHERE table_name = :name AND delete_enabled
"""

# The row of the policy is held until the batch is committed: so two processes never leave a gap between their batches.
_HOLD_WINDOW = sa.text(f"{_WINDOW} FOR NO KEY UPDATE")

_IN_WINDOW = """
received_at >= :since AND received_at < :before AND body IS NOT NULL AND status IN ('processed', 'ignored')
"""

_OLD_PAYLOADS = sa.text(f"""
SELECT count(*) AS number, coalesce(sum(octet_length(body)), 0)::bigint AS bytes
FROM webhook_deliveries WHERE {_IN_WINDOW} AND month <> ALL(CAST(:going AS date[]))
""")

_EMPTY = sa.text(f"""
WITH batch AS MATERIALIZED (
  SELECT id, month, received_at, octet_length(body) AS size FROM webhook_deliveries
  WHERE {_IN_WINDOW} ORDER BY received_at LIMIT :at_once
), emptied AS (
  UPDATE webhook_deliveries d SET body = NULL FROM batch b
  WHERE (d.id, d.month) = (b.id, b.month) AND d.status IN ('processed', 'ignored')
)
SELECT count(*) AS number, coalesce(sum(size), 0)::bigint AS bytes, max(received_at) AS last FROM batch
""")

_NOTE = sa.text("""
UPDATE data_retention_policies SET done_before = greatest(done_before, :before) WHERE table_name = :name
""")

_FIRST_MONTH = sa.text("""
SELECT coalesce(min(to_date(substring(c.relname FROM '_y(\\d{4}m\\d\\d)$'), 'YYYY"m"MM')), '9999-12-31')
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = to_regclass('webhook_deliveries')
""")

# Deliveries of before all partitions are in the default one: those whose GUID tells no time, and those that were parked
# when their month went.
_OLD_DELIVERIES = """
month < :first AND received_at < retained_since('webhook_deliveries') AND status IN ('processed', 'ignored')
"""

_COUNT_DELIVERIES = sa.text(f"SELECT count(*) FROM webhook_deliveries WHERE {_OLD_DELIVERIES}")

_DELETE_DELIVERIES = sa.text(f"""
WITH batch AS MATERIALIZED (
  SELECT id, month FROM webhook_deliveries WHERE {_OLD_DELIVERIES} ORDER BY received_at LIMIT :at_once
)
DELETE FROM webhook_deliveries d USING batch b
WHERE (d.id, d.month) = (b.id, b.month) AND d.status IN ('processed', 'ignored')
""")

_SEEN_TO = sa.text(f"""
UPDATE data_retention_policies SET last_run_at = now()
WHERE (archive_enabled OR delete_enabled) AND table_name <> '{REPOSITORIES}'
""")


async def due_partitions(conn: AsyncConnection) -> list[DuePartition]:
    """The partitions whose time is over, the oldest first."""
    return [DuePartition(*row) for row in await conn.execute(_DUE)]


async def due(conn: AsyncConnection) -> Retired:
    """What would go now."""
    partitions = await due_partitions(conn)
    going = [each.month for each in partitions if each.parent == DELIVERIES]
    window = (await conn.execute(sa.text(_WINDOW), {"name": PAYLOADS})).one_or_none()
    old = await conn.execute(_OLD_PAYLOADS, {**window._mapping, "going": going}) if window else None
    deliveries = await conn.scalar(_COUNT_DELIVERIES, {"first": await conn.scalar(_FIRST_MONTH)})
    return Retired(
        [RetiredPartition(each, "archived" if each.act == "archive" else "dropped") for each in partitions],
        Payloads(*old.one()) if old else NO_PAYLOADS,
        deliveries or 0,
    )


async def enforce(engine: AsyncEngine, *, actor: Actor = CLOCK) -> Retired:
    """Let go whose time is over, in transactions of their own; ``actor`` asked for it."""
    async with transaction(engine) as conn:
        partitions = await due_partitions(conn)
    found = Retired()
    for each in partitions:
        try:
            how = await _retire(engine, each, actor)
        except Locked as error:
            found.locked.append(f"{each.name} has yet to go. {error}")
        except sa.exc.DBAPIError as error:
            found.refused.append(f"{each.name} cannot go: {first_line(error)}")
        else:
            found.partitions.extend([RetiredPartition(each, how)] if how else [])
    payloads = await _empty(engine, actor)
    deliveries = await _delete(engine, actor)
    async with transaction(engine) as conn:
        await conn.execute(_SEEN_TO)
    return Retired(found.partitions, payloads, deliveries, found.refused, found.locked)


async def _retire(engine: AsyncEngine, due: DuePartition, actor: Actor) -> str | None:
    async with transaction(engine) as conn:
        how: str | None = await conn.scalar(_RETIRE, {"parent": due.parent, "month": due.month})
        if how:
            told = {"bytes": due.bytes, "about_rows": due.about_rows}
            await _record(conn, f"partition.{how}", f"{due.place}.{due.name}", told, actor)
    return how


async def _empty(engine: AsyncEngine, actor: Actor) -> Payloads:
    """Take out payloads; several processes take turns."""
    emptied = NO_PAYLOADS
    while batch := await _empty_batch(engine):
        emptied = Payloads(emptied.number + batch.number, emptied.bytes + batch.bytes)
    if emptied.number:
        async with transaction(engine) as conn:
            await _record(conn, "payloads.deleted", PAYLOADS, emptied._asdict(), actor)
    return emptied


async def _empty_batch(engine: AsyncEngine) -> Payloads | None:
    """The next ones; None where there are no more."""
    async with transaction(engine) as conn:
        window = (await conn.execute(_HOLD_WINDOW, {"name": PAYLOADS})).one_or_none()
        if window is None or window.since >= window.before:
            return None
        done = (await conn.execute(_EMPTY, {**window._mapping, "at_once": AT_ONCE})).one()
        before: datetime = done.last if done.number == AT_ONCE else window.before
        await conn.execute(_NOTE, {"name": PAYLOADS, "before": before})
    return Payloads(done.number, done.bytes) if done.number else None


async def _delete(engine: AsyncEngine, actor: Actor) -> int:
    """Delete deliveries that are in no partition that could be dropped."""
    deleted, rows = 0, AT_ONCE
    while rows == AT_ONCE:
        async with transaction(engine) as conn:
            first = await conn.scalar(_FIRST_MONTH)
            rows = (await conn.execute(_DELETE_DELIVERIES, {"first": first, "at_once": AT_ONCE})).rowcount
        deleted += rows
    if deleted:
        async with transaction(engine) as conn:
            await _record(conn, "deliveries.deleted", DELIVERIES, {"count": deleted}, actor)
    return deleted


async def _record(conn: AsyncConnection, action: str, name: str, gone: Mapping[str, int | None], actor: Actor) -> None:
    await audit.record(
        conn,
        action=action,
        resource_type="data_retention_policy",
        entity_name=name,
        old_values=gone,
        actor=actor,
    )
