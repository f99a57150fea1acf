"""`system_metrics`: what `/metrics` tells of the database, kept, so that what was so last week can be asked with SQL.

Whichever process is first writes it, every quarter of an hour.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ghsync import gauges, locks, readiness
from ghsync.database import document, fetch, metadata, moment, reference, transaction, uuid_key
from ghsync.errors import GhsyncError
from ghsync.settings import Settings

RECORD_SECONDS = 900.0

CATEGORIES = (
    ("ghsync_deliveries", "inbox"),
    ("ghsync_oldest_pending", "inbox"),
    ("ghsync_newest_delivery", "inbox"),
    ("ghsync_stale", "freshness"),
    ("ghsync_jobs", "reconciler"),
    ("ghsync_last_success", "reconciler"),
    ("ghsync_api_budget", "github"),
    ("ghsync_installations", "github"),
    ("ghsync_", "database"),
)
"""The category of a metric, by how its name begins."""

log = structlog.get_logger()

table = sa.Table(
    "system_metrics",
    metadata,
    uuid_key(),
    sa.Column("metric_category", sa.String(50), nullable=False, comment="What it is about: inbox, database, ..."),
    sa.Column("metric_name", sa.String(100), nullable=False, comment="Its name, as /metrics has it"),
    sa.Column("metric_type", sa.String(50), nullable=False, server_default="gauge", comment="Gauge, counter, ..."),
    sa.Column("numeric_value", sa.Numeric(20, 6), comment="Its value, where that is a number"),
    sa.Column("string_value", sa.Text, comment="Its value, where that is a text"),
    sa.Column("boolean_value", sa.Boolean, comment="Its value, where that is yes or no"),
    document("json_value", "Its value, where that is more than one", default=None),
    sa.Column(
        "aggregation_period", sa.String(50), server_default="instant", comment="Of what time it is, such as instant"
    ),
    sa.Column(
        "aggregation_function", sa.String(50), server_default="last", comment="What it is of that time, such as last"
    ),
    document("dimensions", "What it is of: the labels that /metrics has"),
    document("tags", "Anything to find it by"),
    reference("workflow_id", "workflows.id", "The workflow it is of", ondelete="SET NULL"),
    reference("task_id", "tasks.id", "The task it is of", ondelete="SET NULL"),
    reference("session_id", "agent_sessions.id", "The agent session it is of", ondelete="SET NULL"),
    reference("pr_id", "pr_tracking.id", "The pull request it is of", ondelete="SET NULL"),
    moment("timestamp", "When it was so", default=True),
    moment("recorded_at", "When it was written", default=True),
    sa.Column("source_system", sa.String(100), comment="What measured it: ghsync, or another program"),
    sa.Column("source_component", sa.String(100), comment="Which part of that"),
    document("metadata", "Anything else"),
    sa.Index("idx_system_metrics_category_name", "metric_category", "metric_name"),
    sa.Index("idx_system_metrics_timestamp", "timestamp"),
    sa.Index("idx_system_metrics_aggregation", "aggregation_period", "aggregation_function"),
    comment="Figures over time: ghsync's own every quarter of an hour, and whatever others measure",
)

_TAKE_TURN = sa.text(f"SELECT pg_try_advisory_xact_lock({locks.VITALS}) AS ours")

_IS_DUE = sa.text("""
SELECT NOT EXISTS (
  SELECT FROM system_metrics
  WHERE source_system = 'ghsync' AND timestamp > now() - make_interval(secs => :seconds)) AS due
""")

_RECORD = sa.text("""
INSERT INTO system_metrics (metric_category, metric_name, numeric_value, dimensions, source_system, source_component)
SELECT m.category, m.name, m.value, m.labels, 'ghsync', 'vitals'
FROM json_to_recordset(:samples) AS m(category text, name text, value numeric, labels jsonb)
""")

_LAGS = sa.text("""
SELECT count(*) AS number, percentile_cont(0.5) WITHIN GROUP (ORDER BY lag) AS median,
       percentile_cont(0.99) WITHIN GROUP (ORDER BY lag) AS most
FROM (SELECT extract(epoch FROM processed_at - received_at) AS lag FROM webhook_deliveries
      WHERE status = 'processed' AND received_at > now() - make_interval(secs => :seconds)) recent
""")

_FORGET = sa.text("""
DELETE FROM system_metrics m USING data_retention_policies p
WHERE p.table_name = 'system_metrics' AND p.delete_enabled
  AND m.timestamp < now() - make_interval(days => p.retention_days)
""")


async def keep(engine: AsyncEngine, settings: Settings) -> None:
    """Record whenever it is due, as long as this process lives; a database that fails is waited for."""
    while True:
        with contextlib.suppress(GhsyncError, sa.exc.DBAPIError):
            await record(engine, settings)
        await asyncio.sleep(RECORD_SECONDS / 10)


async def record(engine: AsyncEngine, settings: Settings) -> int:
    """Record, unless somebody has lately; answers how many figures were written."""
    found = await readiness.check(engine, settings)
    if found.freshness is None:
        return 0
    async with transaction(engine) as conn:
        ((ours,),) = await fetch(conn, _TAKE_TURN)
        if not ours or not (await fetch(conn, _IS_DUE, {"seconds": RECORD_SECONDS - 1}))[0].due:
            return 0
        samples = [*_of(gauges.families(found.freshness, await gauges.read(conn))), *await _freshness(conn)]
        await fetch(conn, _RECORD, {"samples": msgspec.json.encode(samples).decode()})
        await fetch(conn, _FORGET)
    return len(samples)


def _of(families: Iterator[Any]) -> Iterator[dict[str, Any]]:
    for family in families:
        for sample in family.samples:
            yield _sample(sample.name, sample.value, sample.labels)


async def _freshness(conn: AsyncConnection) -> list[dict[str, Any]]:
    """How soon deliveries of the last quarter of an hour were projected."""
    (row,) = await fetch(conn, _LAGS, {"seconds": RECORD_SECONDS})
    told = [_sample("ghsync_deliveries_processed", row.number, {})]
    if row.number:
        told += [
            _sample("ghsync_lag_seconds", value, {"quantile": quantile})
            for quantile, value in (("0.5", row.median), ("0.99", row.most))
        ]
    return told


def _sample(name: str, value: float, labels: dict[str, str]) -> dict[str, Any]:
    category = "freshness" if name == "ghsync_lag_seconds" else next(c for p, c in CATEGORIES if name.startswith(p))
    return {"category": category, "name": name, "value": float(value), "labels": labels}
