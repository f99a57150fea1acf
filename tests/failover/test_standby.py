"""A standby is read as the mirror is, and says how far behind it is; the primary tells who follows it."""

import asyncio
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import postgres, roles, service, traffic
from tests.cli.conftest import Ghsync
from tests.cli.result import Result
from tests.failover.pair import DATABASE, Pair

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

BEHIND = 'ghsync_standby_lag_seconds{standby="standby"}'
KEPT = 'ghsync_replication_slot_bytes{slot="standby"}'


async def call(ghsync: Ghsync, url: str, *arguments: str) -> Result:
    """Call a command on a database."""
    return await asyncio.to_thread(ghsync, *arguments, GHSYNC_DATABASE_URL=url)


async def test_a_standby_says_how_far_behind_it_is_and_the_primary_does_too(
    pair: Pair, ghsync: Ghsync, tmp_path: Path
) -> None:
    primary, standby = pair.primary.url(DATABASE), pair.standby.url(DATABASE)

    async def report(url: str) -> Any:
        return (await call(ghsync, url, "status", "--json")).json["standby"]

    async def behind() -> bool:
        return bool((await report(standby))["behind_seconds"] >= 1)

    async with service.serving(primary, tmp_path / "log", operations_port=service.free_port()) as receiver:
        first, *others = traffic.busy(20).deliveries
        await service.post(receiver.client, first)
        assert await report(primary) is None
        assert (await report(standby))["receives"]
        with service.connect(standby) as connection:
            connection.execute("SELECT pg_wal_replay_pause()")
            for delivery in others:
                await service.post(receiver.client, delivery)
            await service.until(behind, "it is a second behind")
            assert "behind its primary." in (await call(ghsync, standby, "status")).stdout
            assert await _scraped(receiver, BEHIND) > 0
            connection.execute("SELECT pg_wal_replay_resume()")
        assert await _scraped(receiver, KEPT) >= 0
        await receiver.terminate()

        async def has_all() -> bool:
            return bool((await report(standby))["behind_seconds"] == 0)

        await service.until(has_all, "it has all")
        said = (await call(ghsync, standby, "status")).stdout
        assert "This is a standby, with all that its primary has sent." in said


async def test_a_standby_without_its_primary_is_stale(pair: Pair, ghsync: Ghsync) -> None:
    standby = pair.standby.url(DATABASE)
    await asyncio.to_thread(pair.primary.kill)

    async def stale() -> bool:
        return (await call(ghsync, standby, "status", "--check")).exit_code == 1

    await service.until(stale, "it is stale")
    assert "receives nothing" in (await call(ghsync, standby, "status", "--check")).stdout
    findings = (await call(ghsync, standby, "doctor", "--json")).json
    (found,) = (one for one in findings if one["check"] == "database")
    assert found["state"] == "warning"
    assert "a standby" in found["said"]


async def test_a_service_without_pg_monitor_tells_of_slots_alone(pair: Pair, tmp_path: Path) -> None:
    with roles.service(pair.primary.url(DATABASE)) as url:
        async with service.serving(url, tmp_path / "log", operations_port=service.free_port()) as receiver:
            text = (await receiver.operations.get("/metrics")).text
            assert service.sample(text, KEPT) >= 0
            assert BEHIND not in text
            await receiver.terminate()


async def test_a_reader_reads_on_a_standby_what_it_reads_on_the_primary(pair: Pair, ghsync: Ghsync) -> None:
    primary = pair.primary.url(DATABASE)
    with roles.service(primary):
        postgres.execute(primary, "CREATE ROLE reports LOGIN")
        assert (await call(ghsync, primary, "migrate")).exit_code == 0
        granted = await call(ghsync, primary, "grant", "reader", "reports", "--everything")
        assert granted.exit_code == 0, granted.stderr
        postgres.execute(primary, "INSERT INTO organizations (name, slug) VALUES ('acme', 'acme')")
        with psycopg.connect(pair.standby.url(DATABASE, "reports"), autocommit=True) as connection:

            async def is_there() -> bool:
                return connection.execute("SELECT slug FROM organizations").fetchall() == [("acme",)]

            await service.until(is_there, "the standby has it")
            for view in ("active_tasks", "pr_quality_dashboard", "pr_validation_status", "workflow_dashboard"):
                connection.execute(f"SELECT * FROM {view}".encode())
            ((kind,),) = connection.execute("SELECT kind FROM pr_blockers('acme/app', 1)").fetchall()
            assert kind == "not_mirrored"


async def _scraped(receiver: service.Receiver, name: str) -> float:
    return service.sample((await receiver.operations.get("/metrics")).text, name)
