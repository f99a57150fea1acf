"""With a spool PostgreSQL may be away: every delivery is answered 202, and is in the inbox once, in order (I1, I3)."""

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ghsync.inbox.recording import RecordedDelivery
from tests import postgres, service, traffic
from tests.chaos import mirror, server
from tests.chaos.delivery import Sender
from tests.chaos.server import Server
from tests.relay import as_url, relay
from tests.service import Receiver, sample

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

COUNT = 1_000
ANSWERED_WITHIN_SECONDS = 10  # GitHub waits no longer

OUT_OF_ORDER = """
SELECT count(*) FROM (SELECT received_at < lag(received_at) OVER (ORDER BY id) AS earlier FROM webhook_deliveries) AS d
WHERE earlier
"""


@pytest.fixture(scope="module")
def own_server() -> Iterator[Server]:
    """A server that nobody else needs."""
    with server.running() as running:
        yield running


async def until_stored(connection: psycopg.Connection, count: int) -> None:
    async def they_are() -> bool:
        return connection.execute("SELECT count(*) FROM webhook_deliveries").fetchone() == (count,)

    await service.until(they_are, f"{count} deliveries are in the inbox")


async def send(receiver: Receiver, deliveries: list[RecordedDelivery]) -> list[str]:
    """One after the other, so that the order of their arrival is known."""
    answers = [await service.post(receiver.client, delivery) for delivery in deliveries]
    assert {answer.status_code for answer in answers} == {202}
    return [answer.json()["status"] for answer in answers]


def in_order(connection: psycopg.Connection) -> list[str]:
    return [guid for (guid,) in connection.execute("SELECT guid FROM webhook_deliveries ORDER BY id")]


@pytest.mark.parametrize(
    ("command", "how"),
    [("serve", server.FAST), ("serve --workers 2", server.IMMEDIATE)],
    ids=["stopped, one process", "crashed, two processes"],
)
async def test_while_postgresql_is_away_every_delivery_is_taken(
    own_server: Server, tmp_path: Path, command: str, how: signal.Signals
) -> None:
    happened = traffic.busy(COUNT)
    with postgres.database(own_server.url) as url:
        async with service.serving(url, tmp_path / "log", command=command, spool_dir=tmp_path / "spool") as receiver:
            sender = Sender([receiver])
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(sender.send(happened.deliveries))
                await sender.reached(202, COUNT // 4)
                await asyncio.to_thread(own_server.stop, how)
                await sender.reached(202, COUNT // 2)
                await asyncio.to_thread(own_server.start)
            assert {answer.status for answer in sender.answers} == {202}
            assert {"queued", "spooled"} <= set(sender.outcomes())
            assert max(answer.seconds for answer in sender.answers) < ANSWERED_WITHIN_SECONDS

            with service.connect(url) as connection:
                await until_stored(connection, COUNT)
                await service.drained(connection)
                mirror.keeps(connection, happened.deliveries)
                mirror.is_done(connection)
                mirror.is_told_once(connection)
                mirror.shows(connection, happened)


async def test_a_process_that_is_killed_with_deliveries_in_its_spool_loses_none(
    own_server: Server, tmp_path: Path
) -> None:
    deliveries = traffic.busy(COUNT).deliveries
    before, during, after = deliveries[:100], deliveries[100:900], deliveries[900:]
    with postgres.database(own_server.url) as url:
        told = {"spool_dir": tmp_path / "spool", "operations_port": service.free_port()}
        async with service.serving(url, tmp_path / "log", **told) as receiver:
            await send(receiver, before)
            await asyncio.to_thread(own_server.stop, server.FAST)
            assert set(await send(receiver, during)) == {"spooled"}
            ready, metrics = await receiver.operations.get("/readyz"), (await receiver.operations.get("/metrics")).text
            assert (ready.status_code, ready.json()["status"]) == (200, "ready")
            assert ready.json()["reasons"] == [
                "The database does not answer.",
                "Until that is over deliveries are spooled, 800 by now.",
            ]
            assert sample(metrics, "ghsync_spooled_deliveries") == 800
            assert sample(metrics, "ghsync_spooled_bytes") > 800 * 1000

            await receiver.kill()
            await asyncio.to_thread(own_server.start)
            await receiver.start()
            await send(receiver, after)
            with service.connect(url) as connection:
                await until_stored(connection, COUNT)
                mirror.keeps(connection, deliveries)
                assert in_order(connection) == [delivery.guid for delivery in deliveries]
                assert connection.execute(OUT_OF_ORDER).fetchone() == (0,)
                await service.drained(connection)
            assert sample((await receiver.operations.get("/metrics")).text, "ghsync_spooled_deliveries") == 0


async def test_a_process_that_is_killed_while_its_spool_enters_the_inbox_loses_none_and_does_none_twice(
    own_server: Server, tmp_path: Path
) -> None:
    happened = traffic.busy(COUNT)
    obstacle = happened.deliveries[COUNT // 2]
    with postgres.database(own_server.url) as url:
        async with service.serving(url, tmp_path / "log", spool_dir=tmp_path / "spool") as receiver:
            await send(receiver, happened.deliveries[:1])
            await asyncio.to_thread(own_server.stop, server.FAST)
            await send(receiver, happened.deliveries[1:])
            await receiver.kill()
            await asyncio.to_thread(own_server.start)
            with service.connect(url) as connection:
                with connection.transaction(force_rollback=True):  # whoever writes this one waits for us
                    connection.execute(
                        "INSERT INTO webhook_deliveries (hook_target, guid, month, event, headers, body)"
                        " SELECT hook_target, %(guid)s, delivery_month(%(guid)s), event, headers, body"
                        " FROM webhook_deliveries",
                        {"guid": obstacle.guid},
                    )
                    await receiver.start()
                    with service.connect(url) as other:
                        await service.until(lambda: _waits(other), "the spool is on its way in")
                        assert 1 < len(in_order(other)) < COUNT
                    await receiver.kill()
                await receiver.start()
                await until_stored(connection, COUNT)
                mirror.keeps(connection, happened.deliveries)
                assert in_order(connection) == [delivery.guid for delivery in happened.deliveries]
                await service.drained(connection)
                mirror.is_done(connection)
                mirror.is_told_once(connection)
                mirror.shows(connection, happened)


async def _waits(connection: psycopg.Connection) -> bool:
    waiting = "SELECT FROM pg_stat_activity WHERE wait_event = 'transactionid' AND query LIKE '%%webhook_deliveries%%'"
    return connection.execute(waiting).fetchone() is not None


async def test_while_postgresql_hangs_every_delivery_is_taken_in_time(own_server: Server, tmp_path: Path) -> None:
    deliveries = traffic.busy(200).deliveries
    with postgres.database(own_server.url) as url:
        async with (
            relay(url) as door,
            service.serving(as_url(door), tmp_path / "log", spool_dir=tmp_path / "spool") as receiver,
        ):
            sender = Sender([receiver])
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(sender.send(deliveries))
                await sender.reached(202, 50)
                door.freeze()
            assert {answer.status for answer in sender.answers} == {202}
            assert max(answer.seconds for answer in sender.answers) < ANSWERED_WITHIN_SECONDS
            assert sum(answer.seconds > 1 for answer in sender.answers) <= 8  # one on each connection
            door.thaw()
            with service.connect(url) as connection:
                await until_stored(connection, len(deliveries))
                mirror.keeps(connection, deliveries)
            assert await receiver.terminate() == 0


async def test_a_process_that_is_asked_to_end_leaves_its_spool_to_the_next_one(
    own_server: Server, tmp_path: Path
) -> None:
    deliveries = traffic.busy(100).deliveries
    with postgres.database(own_server.url) as url:
        async with service.serving(url, tmp_path / "log", spool_dir=tmp_path / "spool") as receiver:
            await asyncio.to_thread(own_server.stop, server.FAST)
            await send(receiver, deliveries)
            assert await receiver.terminate() == 0
            assert receiver.told("critical") == []
            await asyncio.to_thread(own_server.start)
            await receiver.start()
            with service.connect(url) as connection:
                await until_stored(connection, len(deliveries))
                mirror.keeps(connection, deliveries)

            async def has_told() -> bool:
                return any(entry.get("deliveries") == len(deliveries) for entry in receiver.told("info"))

            await service.until(has_told, "the log says how many were spooled")
