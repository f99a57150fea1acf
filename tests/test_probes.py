"""Probes and metrics of real processes: of several that count together, and of those that receive nothing."""

import asyncio
from pathlib import Path

import httpx
import pytest

from ghsync import listening, probes
from tests import service, traffic
from tests.service import Program, Receiver, free_port, sample

pytestmark = pytest.mark.anyio

QUEUED = 'ghsync_deliveries_received_total{event="issues",outcome="queued"}'
STOP_SECONDS = 10
SCRAPES = 12


async def scrape(receiver: Receiver) -> str:
    """The metrics, over a connection of its own, which any of the processes may take."""
    async with receiver.operating() as client:
        return (await client.get("/metrics")).text


async def test_who_scrapes_and_keeps_a_connection_holds_up_no_end(database_url: str, tmp_path: Path) -> None:
    async with service.serving(database_url, tmp_path / "log", operations_port=free_port()) as receiver:
        assert (await receiver.operations.get("/metrics")).status_code == 200
        async with asyncio.timeout(STOP_SECONDS):
            assert await receiver.terminate() == 0
    assert "unclosed" not in receiver.log()


@pytest.mark.slow
async def test_every_scrape_shows_what_all_processes_counted(database_url: str, tmp_path: Path) -> None:
    sent = [one for one in traffic.busy(60).deliveries if one.headers["X-GitHub-Event"] == "issues"][:10]
    async with service.serving(
        database_url, tmp_path / "log", command="serve --workers 2", operations_port=free_port()
    ) as receiver:
        assert sample(await scrape(receiver), QUEUED) == 0
        for delivery in sent:
            async with receiver.connection() as client:
                (await service.post(client, delivery)).raise_for_status()
        await asyncio.sleep(probes.KEPT_SECONDS)
        shown = [await scrape(receiver) for _ in range(SCRAPES)]
        assert {sample(text, QUEUED) for text in shown} == {len(sent)}
        assert await receiver.terminate() == 0


async def test_a_worker_that_receives_nothing_has_probes_on_a_port_of_their_own(
    database_url: str, tmp_path: Path
) -> None:
    port = free_port()
    async with service.working(database_url, tmp_path / "log", operations_port=port) as program:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:

            async def listens() -> bool:
                assert program.running, program.log()
                try:
                    return (await client.get("/healthz")).status_code == 200
                except httpx.TransportError:
                    return False

            await service.until(listens, "the worker answers probes")
            ready, metrics = await client.get("/readyz"), await client.get("/metrics")
        assert (ready.status_code, ready.json()["status"]) == (200, "ready")
        assert sample(metrics.text, "ghsync_deliveries_pending") == 0
        assert sample(metrics.text, 'ghsync_deliveries_projected_total{event="issues",status="processed"}') == 0
        assert await program.terminate() == 0


async def test_a_port_that_is_taken_is_told_in_one_sentence(database_url: str, tmp_path: Path) -> None:
    with listening.operations("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        program = Program("work", database_url, tmp_path / "log", operations_port=port)
        await program.start()
        assert await program.ended() == 3
    told = " ".join(program.log().split())
    assert f"GHSYNC_OPERATIONS_PORT: cannot listen on 127.0.0.1:{port}: Address already in use." in told
    assert "Traceback" not in told
