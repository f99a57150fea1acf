"""A host whose clock is wrong, or is set under way: the mirror is right all the same, and nothing waits for years."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ghsync.simulator.actions import issues
from tests import service, traffic
from tests.chaos import mirror
from tests.chaos.delivery import Sender
from tests.cli.hub import Hub
from tests.clocks import wrong
from tests.relay import as_url, relay
from tests.service import Program

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

COUNT = 600
HOURS, YEAR = timedelta(hours=2), timedelta(days=365)
JUMPS = {"two hours on": HOURS, "two hours back": -HOURS, "a year on": YEAR, "a year back": -YEAR}
NONE = timedelta()
OFTEN = {"sweep_seconds": 0.5, "heal_seconds": 0.5, "poll_seconds": 0.5}

RECEIVED = "SELECT min(received_at), max(received_at) FROM webhook_deliveries"


@pytest.mark.parametrize("off", JUMPS.values(), ids=JUMPS)
@pytest.mark.parametrize("begins_so", [False, True], ids=["jumps", "is wrong"])
async def test_deliveries_are_ordered_by_no_clock_of_the_host_that_takes_and_spools_them(
    database_url: str, connection: psycopg.Connection, tmp_path: Path, off: timedelta, *, begins_so: bool
) -> None:
    clock = wrong.clock(tmp_path, off if begins_so else NONE)
    happened = traffic.busy(COUNT)
    spooling = {"spool_dir": tmp_path / "spool", "commit_timeout_seconds": 1}
    began = datetime.now(UTC)
    async with (
        relay(database_url) as door,
        service.serving(database_url, tmp_path / "right.log") as right,
        service.serving(as_url(door), tmp_path / "wrong.log", before=clock.words, **spooling) as other,
    ):
        sender = Sender([right, other])
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(sender.insist(happened.deliveries))
            await sender.reached(202, COUNT // 4)
            await door.shut()
            await sender.reached(202, COUNT // 2)
            clock.jump(off)
            await sender.reached(202, COUNT * 3 // 4)
            await door.open()
        await service.until(lambda: _arrived(connection, happened), "all that was spooled is in the inbox")
        await service.drained(connection)
        assert sender.outcomes().count("spooled") > 0
        mirror.keeps(connection, happened.deliveries)
        mirror.is_done(connection)
        mirror.is_told_once(connection)
        mirror.shows(connection, happened)
        first, last = connection.execute(RECEIVED).fetchall()[0]
        assert began <= first <= last <= datetime.now(UTC)


@pytest.mark.parametrize("off", JUMPS.values(), ids=JUMPS)
async def test_whoever_reads_the_api_goes_on_when_the_clock_is_set_and_when_it_is_set_right(
    hub: Hub, tmp_path: Path, off: timedelta
) -> None:
    clock = wrong.clock(tmp_path)
    settings: dict[str, object] = {**hub.settings(), "log_level": "info", **OFTEN}
    program = Program("work", str(settings.pop("database_url")), tmp_path / "log", before=clock.words, **settings)
    try:
        await program.start()
        await service.until(lambda: _is_equal(hub), "all is read")
        for place, each in enumerate((off, NONE)):
            clock.jump(each)
            hub.world.clock.advance(1)  # what happens within the second of a reading is news of the next change
            issues.open_issue(hub.world, hub.repository, f"Told by nobody {place}", by=hub.owner)
            assert hub.differences()
            await service.until(lambda: _is_equal(hub), "what is new is read")
        failed = [entry for entry in program.told("warning", "error") if entry["event"] != "hung_up"]
        assert failed == []
    finally:
        if program.running:
            await program.kill()


async def _arrived(connection: psycopg.Connection[Any], happened: traffic.Traffic) -> bool:
    return connection.execute("SELECT count(*) FROM webhook_deliveries").fetchall() == [(len(happened.deliveries),)]


async def _is_equal(hub: Hub) -> bool:
    return not await asyncio.to_thread(hub.differences)
