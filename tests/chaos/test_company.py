"""Several processes on one database do what one would have done, in order (I3, I5, I6)."""

import asyncio
import random
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import database
from ghsync.inbox.delivery import Delivery
from ghsync.inbox.recorder import Recorder
from ghsync.inbox.recording import RecordedDelivery
from ghsync.projector.events import HANDLED
from ghsync.receiver import envelope
from ghsync.worker import Worker
from tests import postgres, service, traffic
from tests.chaos import mirror
from tests.chaos.delivery import Sender
from tests.stories import snapshot
from tests.stories.snapshot import Rows

pytestmark = pytest.mark.anyio

COUNT = 2_000
REPEATED = 300
NEAR = 40  # a repetition comes that many deliveries later at most, so that it often meets the first one

DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


@pytest.mark.slow
async def test_two_receivers_and_three_workers_end_where_one_worker_ends_in_order(
    database_url: str, server_url: str, template: str, tmp_path: Path
) -> None:
    happened = traffic.busy(COUNT, repository_count=3)
    sent = with_repetitions(happened.deliveries)
    with service.connect(database_url) as connection:
        async with (
            service.serving(database_url, tmp_path / "one", batch_size=50) as one,
            service.serving(database_url, tmp_path / "other", batch_size=50) as other,
            service.working(database_url, tmp_path / "third", batch_size=50) as third,
        ):
            sender = Sender([one, other])
            await sender.send(sent)
            await service.drained(connection)
            programs = (one, other, third)
            assert [await program.terminate() for program in programs] == [0, 0, 0]
            assert [entry for program in programs for entry in program.told("error", "critical")] == []
            assert all("projected" in {entry["event"] for entry in program.told("info")} for program in programs)

        assert Counter(sender.outcomes()) == {"queued": len(happened.deliveries), "duplicate": REPEATED}
        assert connection.execute(DEADLOCKS).fetchone() == (0,)
        mirror.keeps(connection, happened.deliveries)
        mirror.is_done(connection)
        mirror.is_told_once(connection)
        mirror.shows(connection, happened)

    with postgres.database(server_url, template=template) as other_url:
        assert await rows(database_url) == await in_order(other_url, happened.deliveries)


def with_repetitions(deliveries: list[RecordedDelivery]) -> list[RecordedDelivery]:
    """All of them in order, some once more soon after."""
    chance = random.Random(1)
    placed = [(float(place), delivery) for place, delivery in enumerate(deliveries)]
    placed += [(place + chance.uniform(0, NEAR), delivery) for place, delivery in chance.sample(placed, REPEATED)]
    return [delivery for _, delivery in sorted(placed, key=lambda each: each[0])]


async def in_order(url: str, deliveries: list[RecordedDelivery]) -> dict[str, Rows]:
    """What one worker makes of the deliveries in the order in which they were sent."""
    engine = database.create_engine(url)
    try:
        recorder = Recorder(engine, service.PATIENCE_SECONDS)
        await asyncio.gather(*(recorder.record(opened(delivery)) for delivery in deliveries))
        await Worker(engine, batch_size=500, poll_seconds=1, max_attempts=1).drain()
        return await taken(engine)
    finally:
        await engine.dispose()


def opened(delivery: RecordedDelivery) -> Delivery:
    """A delivery as the inbox takes it."""
    headers = {name.lower(): value for name, value in delivery.headers.items()}
    return envelope.opened(envelope.address(headers), delivery.body, handled=HANDLED)


async def rows(url: str) -> dict[str, Rows]:
    """Every mirrored and derived row."""
    engine = database.create_engine(url)
    try:
        return await taken(engine)
    finally:
        await engine.dispose()


async def taken(engine: AsyncEngine) -> dict[str, Rows]:
    async with engine.connect() as conn:
        return await snapshot.take(conn)
