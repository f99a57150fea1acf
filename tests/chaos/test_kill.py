"""A receiver that is killed loses nothing that it answered 202, and does nothing twice (I1, I3)."""

import asyncio
from pathlib import Path

import pytest

from tests import service, traffic
from tests.chaos import mirror
from tests.chaos.delivery import Sender

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

COUNT = 2_000
FEW = 600
BATCH_SIZE = 100  # so that the worker too is killed in the midst of something
STOP_SECONDS = 10


async def test_a_receiver_killed_amid_two_thousand_deliveries_loses_none_it_accepted(
    database_url: str, tmp_path: Path
) -> None:
    happened = traffic.busy(COUNT)
    with service.connect(database_url) as connection:
        async with service.serving(database_url, tmp_path / "log", batch_size=BATCH_SIZE) as receiver:
            sender = Sender([receiver])
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(sender.send(happened.deliveries))
                await sender.reached(202, COUNT // 3)
                await receiver.kill()
            accepted = sender.accepted()
            assert COUNT // 3 <= len(accepted) < COUNT

            await receiver.start()
            await service.drained(connection)
            mirror.keeps(connection, accepted)
            mirror.is_done(connection)
            mirror.is_told_once(connection)

            await sender.send(sender.unaccepted(happened.deliveries))
            await service.drained(connection)
            assert sender.unaccepted(happened.deliveries) == []
        mirror.keeps(connection, happened.deliveries)
        mirror.is_done(connection)
        mirror.is_told_once(connection)
        mirror.shows(connection, happened)


async def test_a_receiver_told_to_stop_ends_well_and_keeps_what_it_accepted(database_url: str, tmp_path: Path) -> None:
    happened = traffic.busy(FEW)
    with service.connect(database_url) as connection:
        async with service.serving(database_url, tmp_path / "log", batch_size=BATCH_SIZE) as receiver:
            sender = Sender([receiver])
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(sender.send(happened.deliveries))
                await sender.reached(202, FEW // 3)
                async with asyncio.timeout(STOP_SECONDS):
                    assert await receiver.terminate() == 0
            assert receiver.told("error", "critical") == []
            assert "Warning" not in receiver.log()  # of connections left open, for one
            mirror.keeps(connection, sender.accepted())
            mirror.is_told_once(connection)
            statuses = {answer.status for answer in sender.answers}
            assert statuses <= {202, None}

            await receiver.start()
            await sender.send(sender.unaccepted(happened.deliveries))
            await service.drained(connection)
        mirror.is_done(connection)
        mirror.is_told_once(connection)
        mirror.shows(connection, happened)
