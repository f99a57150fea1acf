"""PostgreSQL goes away and comes back: nothing accepted is lost, and nobody has to help (I1)."""

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres, service, traffic
from tests.chaos import mirror, server
from tests.chaos.delivery import Sender
from tests.chaos.server import Server

pytestmark = pytest.mark.anyio

COUNT = 600
ANSWERED_WITHIN_SECONDS = 10  # GitHub waits no longer


@pytest.fixture(scope="module")
def own_server() -> Iterator[Server]:
    """A server that nobody else needs."""
    with server.running() as running:
        yield running


@pytest.mark.slow
@pytest.mark.parametrize("how", [server.FAST, server.IMMEDIATE], ids=["stopped", "crashed"])
async def test_while_postgresql_is_away_deliveries_are_refused_and_then_all_are_kept(
    own_server: Server, tmp_path: Path, how: signal.Signals
) -> None:
    happened = traffic.busy(COUNT)
    with postgres.database(own_server.url) as url:
        async with service.serving(url, tmp_path / "log") as receiver:
            sender = Sender([receiver])
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(sender.insist(happened.deliveries))
                await sender.reached(202, COUNT // 3)
                await asyncio.to_thread(own_server.stop, how)
                accepted = len(sender.accepted())
                await sender.reached(503, 50)
                assert len(sender.accepted()) == accepted
                assert (await receiver.client.get("/readyz")).status_code == 503
                assert (await receiver.client.get("/healthz")).status_code == 200
                await asyncio.to_thread(own_server.start)
            await service.until(receiver.ready, "the receiver is ready again")

            assert {answer.status for answer in sender.answers} == {202, 503}
            refused = [answer.response for answer in sender.answers if answer.status == 503]
            assert {answer.headers["retry-after"] for answer in refused if answer} == {"10"}
            assert {answer.json()["error"] for answer in refused if answer} == {"database_unavailable"}
            assert max(answer.seconds for answer in sender.answers) < ANSWERED_WITHIN_SECONDS

            with service.connect(url) as connection:
                await service.drained(connection)
                mirror.keeps(connection, happened.deliveries)
                mirror.is_done(connection)
                mirror.is_told_once(connection)
                mirror.shows(connection, happened)
