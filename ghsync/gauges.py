"""What alerts go by besides the counters of `metrics`: how the database is, as gauges, the same in every process."""

import os
import platform
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import prometheus_client
import sqlalchemy as sa
from prometheus_client import CollectorRegistry, multiprocess
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync import jobs, partitions, replication
from ghsync.partitions import Partition
from ghsync.projector import events
from ghsync.readiness import COUNTED_AT_MOST, Freshness, Readiness
from ghsync.replication import Followers

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that names the directory in which several processes keep their counters together."""

RUNS = ("sweep", "heal", "audit")

WANTED = sorted({event.permission for event in events.EVENTS.values() if event.permission} - events.OPTIONAL)

_JOBS = sa.text("""
SELECT k.kind,
       (SELECT count(*) FROM (SELECT FROM sync_jobs j WHERE j.kind = k.kind AND j.parked_at IS NULL
                              AND j.due_at <= now() LIMIT :at_most) due) AS due,
       (SELECT count(*) FROM sync_jobs j WHERE j.kind = k.kind AND j.parked_at IS NOT NULL) AS parked
FROM unnest(CAST(:kinds AS text[])) AS k(kind)
""")

_RUNS = sa.text("""
SELECT k.kind, extract(epoch FROM (
         SELECT finished_at FROM sync_runs WHERE kind = k.kind AND status = 'succeeded' AND repository_id IS NULL
         ORDER BY finished_at DESC LIMIT 1))::float8 AS succeeded_at
FROM unnest(CAST(:kinds AS text[])) AS k(kind)
""")

# A window that has ended gives back all of it; within one, the rate so far tells what will be left at its end.
_BUDGETS = sa.text("""
SELECT credential, resource, request_limit,
       CASE WHEN blocked_until > now() THEN 0 WHEN resets_at > now() THEN remaining ELSE request_limit END AS remaining,
       CASE WHEN resets_at > now() THEN
         remaining - (request_limit - remaining) * extract(epoch FROM resets_at - now())
                     / greatest(extract(epoch FROM now() - (resets_at - interval '1 hour')), 60)
       ELSE request_limit END::float8 AS forecast
FROM sync_budgets WHERE request_limit IS NOT NULL AND updated_at > now() - interval '1 day'
""")

_NEWEST = sa.text("""
SELECT s.source, extract(epoch FROM (
         SELECT received_at FROM webhook_deliveries WHERE sync_source = s.source
         ORDER BY received_at DESC LIMIT 1))::float8 AS received_at
FROM unnest(CAST(:sources AS text[])) AS s(source)
""")

_LACKING = sa.text("""
SELECT p.permission, (
  SELECT count(*) FROM github_installations i
  WHERE i.deleted_at IS NULL AND i.suspended_at IS NULL AND i.permissions <> '{}' AND NOT i.permissions ? p.permission
) AS installations
FROM unnest(CAST(:permissions AS text[])) AS p(permission)
""")

_SIZES = sa.text("""
SELECT coalesce(whole.relname, c.relname)::text AS name, sum(pg_total_relation_size(c.oid))::float8 AS bytes
FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class whole ON whole.oid = i.inhparent
WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace GROUP BY 1 ORDER BY 1
""")

_CONNECTIONS = sa.text("""
SELECT coalesce(state, 'unknown') AS state, count(*) AS number FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user GROUP BY 1 ORDER BY 1
""")


@dataclass(frozen=True, slots=True)
class DatabaseGauges:
    """What the database says of jobs, runs, budgets, partitions and those that follow it."""

    jobs: list[sa.Row[Any]] = field(default_factory=list)
    runs: list[sa.Row[Any]] = field(default_factory=list)
    budgets: list[sa.Row[Any]] = field(default_factory=list)
    partitions: list[Partition] = field(default_factory=list)
    newest: list[sa.Row[Any]] = field(default_factory=list)
    lacking: list[sa.Row[Any]] = field(default_factory=list)
    sizes: list[sa.Row[Any]] = field(default_factory=list)
    connections: list[sa.Row[Any]] = field(default_factory=list)
    followers: Followers = field(default_factory=Followers)


async def read(conn: AsyncConnection) -> DatabaseGauges:
    """Read it; counts of jobs that are due end at `COUNTED_AT_MOST`."""
    due = await conn.execute(_JOBS, {"kinds": list(jobs.KINDS), "at_most": COUNTED_AT_MOST})
    runs = await conn.execute(_RUNS, {"kinds": list(RUNS)})
    budgets = await conn.execute(_BUDGETS)
    newest = await conn.execute(_NEWEST, {"sources": ["webhook", "reconcile"]})
    lacking = await conn.execute(_LACKING, {"permissions": WANTED})
    sizes, connections = await conn.execute(_SIZES), await conn.execute(_CONNECTIONS)
    return DatabaseGauges(
        jobs=list(due),
        runs=list(runs),
        budgets=list(budgets),
        partitions=await partitions.expected(conn),
        newest=list(newest),
        lacking=list(lacking),
        sizes=list(sizes),
        connections=list(connections),
        followers=await replication.followers(conn),
    )


def exposition(readiness: Readiness, found: DatabaseGauges) -> bytes:
    """Counters and gauges in Prometheus' text format, as far as the database tells."""
    registry = CollectorRegistry()
    registry.register(_Gauges(readiness, found))
    return _counted() + prometheus_client.generate_latest(registry)


def families(freshness: Freshness, found: DatabaseGauges) -> Iterator[Metric]:
    """The gauges, but for what is of a process, as `system_metrics` keeps them."""
    yield from _of_inbox(freshness)
    yield from _of_work(found)
    yield from _of_followers(found.followers)


def _counted() -> bytes:
    """The counters of this process, or of all that share a directory.

    https://prometheus.github.io/client_python/multiprocess/
    """
    if FOLDER not in os.environ:
        return prometheus_client.generate_latest()
    _forget_the_dead(Path(os.environ[FOLDER]))
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return prometheus_client.generate_latest(registry)


def _forget_the_dead(folder: Path) -> None:
    """What is so while a process lives is not, once it was killed; what it counted stays."""
    for file in folder.glob("gauge_live*_*.db"):
        try:
            os.kill(int(file.stem.rpartition("_")[2]), 0)
        except ProcessLookupError:
            file.unlink(missing_ok=True)


class _Gauges(Collector):
    def __init__(self, readiness: Readiness, found: DatabaseGauges) -> None:
        self._readiness = readiness
        self._found = found

    def collect(self) -> Iterable[Metric]:
        build = InfoMetricFamily("ghsync_build", "Which ghsync this is")
        build.add_metric([], {"version": version("ghsync"), "python": platform.python_version()})
        yield build
        yield GaugeMetricFamily(
            "ghsync_database_up", "Whether the database answers, migrated", float(self._readiness.answers)
        )
        if self._readiness.freshness:
            yield from families(self._readiness.freshness, self._found)


def _of_inbox(found: Freshness) -> Iterator[Metric]:
    yield GaugeMetricFamily("ghsync_deliveries_pending", "Deliveries that are not projected yet", found.pending)
    yield GaugeMetricFamily("ghsync_deliveries_parked", "Deliveries that are parked now", found.parked)
    yield GaugeMetricFamily(
        "ghsync_oldest_pending_seconds", "How long the oldest delivery has waited", found.oldest_pending_seconds
    )
    stale = GaugeMetricFamily("ghsync_stale", "Why the mirror may be behind GitHub", labels=["reason"])
    for name, holds in found.stale_by.items():
        stale.add_metric([name], float(holds))
    yield stale


def _of_work(found: DatabaseGauges) -> Iterator[Metric]:
    due = GaugeMetricFamily("ghsync_jobs_due", "Jobs that could be done now", labels=["kind"])
    parked = GaugeMetricFamily("ghsync_jobs_parked", "Jobs that have failed too often", labels=["kind"])
    for row in found.jobs:
        due.add_metric([row.kind], row.due)
        parked.add_metric([row.kind], row.parked)
    ended = GaugeMetricFamily(
        "ghsync_last_success_timestamp_seconds", "When the last run that succeeded ended; 0 before", labels=["run"]
    )
    for row in found.runs:
        ended.add_metric([row.kind], row.succeeded_at or 0)
    left = GaugeMetricFamily(
        "ghsync_api_budget_remaining", "Requests or points that are left", labels=["credential", "resource"]
    )
    limit = GaugeMetricFamily("ghsync_api_budget_limit", "Of how many", labels=["credential", "resource"])
    forecast = GaugeMetricFamily(
        "ghsync_api_budget_forecast",
        "What will be left at the end of the window, at the rate so far; less than 0 is too little",
        labels=["credential", "resource"],
    )
    for row in found.budgets:
        left.add_metric([row.credential, row.resource], row.remaining or 0)
        forecast.add_metric([row.credential, row.resource], row.forecast or 0)
        limit.add_metric([row.credential, row.resource], row.request_limit)
    missing = GaugeMetricFamily(
        "ghsync_partitions_missing", "Months, of the last to the next but one, without a partition", labels=["table"]
    )
    for table in sorted({each.parent for each in found.partitions}):
        lacking = [each for each in found.partitions if each.parent == table and each.state != "made"]
        missing.add_metric([table], len(lacking))
    newest = GaugeMetricFamily(
        "ghsync_newest_delivery_timestamp_seconds",
        "When the newest delivery came, from the hook or through GitHub's log (reconcile); 0 before",
        labels=["source"],
    )
    for row in found.newest:
        newest.add_metric([row.source], row.received_at or 0)
    ungranted = GaugeMetricFamily(
        "ghsync_installations_lacking_permission", "Installations without a permission", labels=["permission"]
    )
    for row in found.lacking:
        ungranted.add_metric([row.permission], row.installations)
    sizes = GaugeMetricFamily("ghsync_table_bytes", "Room that tables take, with indexes", labels=["table"])
    for row in found.sizes:
        sizes.add_metric([row.name], row.bytes)
    connections = GaugeMetricFamily(
        "ghsync_database_connections", "Connections of this role to this database", labels=["state"]
    )
    for row in found.connections:
        connections.add_metric([row.state], row.number)
    yield from (due, parked, ended, left, limit, forecast, missing, newest, ungranted, sizes, connections)


def _of_followers(found: Followers) -> Iterator[Metric]:
    behind = GaugeMetricFamily(
        "ghsync_standby_lag_seconds",
        "How far a standby is behind; only a role in pg_monitor sees it",
        labels=["standby"],
    )
    for one in found.standbys:
        behind.add_metric([one.name], one.seconds)
    kept = GaugeMetricFamily(
        "ghsync_replication_slot_bytes", "WAL that is kept for whom a replication slot is", labels=["slot"]
    )
    for slot in found.slots:
        kept.add_metric([slot.name], slot.bytes)
    yield from (behind, kept)
