"""What gauges tell is kept: once a quarter of an hour, however many processes there are, and for as long as asked."""

import asyncio
from typing import Any

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import vitals
from ghsync.database import create_engine
from ghsync.settings import Settings

pytestmark = pytest.mark.anyio

Connection = psycopg.Connection[Any]


def kept(connection: Connection, name: str) -> list[Any]:
    return connection.execute(
        "SELECT metric_category, dimensions, numeric_value::float8 FROM system_metrics WHERE metric_name = %s "
        "ORDER BY dimensions::text",
        [name],
    ).fetchall()


async def test_gauges_are_kept_with_their_labels(engine: AsyncEngine, connection: Connection) -> None:
    connection.execute("""
        INSERT INTO webhook_deliveries (hook_target, guid, event, headers, body, status, processed_at, received_at)
        SELECT 'h', n::text, 'issues', '{}', '{}', 'processed', now(), now() - n * interval '1 second'
        FROM generate_series(1, 99) n;
        INSERT INTO webhook_deliveries (hook_target, guid, event, headers, body)
        VALUES ('h', 'waits', 'issues', '{}', '{}')""")
    assert await vitals.record(engine, Settings()) > 20
    assert kept(connection, "ghsync_deliveries_pending") == [("inbox", {}, 1)]
    assert kept(connection, "ghsync_deliveries_processed") == [("inbox", {}, 99)]
    assert kept(connection, "ghsync_lag_seconds") == [
        ("freshness", {"quantile": "0.5"}, pytest.approx(50, abs=1)),
        ("freshness", {"quantile": "0.99"}, pytest.approx(98, abs=2)),
    ]
    assert ("freshness", {"reason": "deliveries_parked"}, 0) in kept(connection, "ghsync_stale")
    assert connection.execute("SELECT DISTINCT source_system FROM system_metrics").fetchall() == [("ghsync",)]


async def test_of_many_processes_one_writes(engine: AsyncEngine, connection: Connection) -> None:
    written = await asyncio.gather(*(vitals.record(engine, Settings()) for _ in range(4)))
    assert sorted(written)[:3] == [0, 0, 0]
    assert connection.execute("SELECT count(*) FROM system_metrics").fetchone() == (max(written),)
    assert await vitals.record(engine, Settings()) == 0
    connection.execute("UPDATE system_metrics SET timestamp = now() - interval '15 minutes'")
    assert await vitals.record(engine, Settings()) > 20


async def test_what_is_past_its_retention_goes_and_what_others_measure_counts_too(
    engine: AsyncEngine, connection: Connection
) -> None:
    connection.execute("""
        INSERT INTO system_metrics (metric_category, metric_name, numeric_value, timestamp, source_system)
        VALUES ('ci', 'old', 1, now() - interval '31 days', 'ci'),
               ('ci', 'new', 1, now() - interval '29 days', 'ci')""")
    await vitals.record(engine, Settings())
    assert (kept(connection, "old"), kept(connection, "new")) == ([], [("ci", {}, 1)])


async def test_a_database_that_is_not_ready_is_left_alone(empty_database_url: str) -> None:
    engine = create_engine(empty_database_url)
    try:
        assert await vitals.record(engine, Settings()) == 0
    finally:
        await engine.dispose()
