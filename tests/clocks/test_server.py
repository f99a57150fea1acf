"""A PostgreSQL whose clock is wrong, or is set under way: it orders what comes, and goes on.

By one that is more than ten minutes behind (`CLOCKS_DIFFER_BY`) what GitHub tells is of the future, and not believed:
there deliveries that overtake each other may be taken in the wrong order, and `ghsync doctor` says what to do.
"""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from ghsync import migrate
from tests import debian, postgres, service, traffic
from tests.chaos import mirror
from tests.chaos.delivery import Sender
from tests.clocks import wrong
from tests.clocks.wrong import WrongClock
from tests.debian import Node

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

DATABASE = "ghsync"
COUNT = 600
NONE, MINUTES, HOURS, YEAR = timedelta(), timedelta(minutes=9), timedelta(hours=2), timedelta(days=365)
SET = {
    "two hours ahead": (HOURS, HOURS),
    "nine minutes behind": (-MINUTES, -MINUTES),
    "set two hours on": (NONE, HOURS),
    "set a year on": (NONE, YEAR),
    "set right from two hours ahead": (HOURS, NONE),
}
READING = {"token": "ghp_none", "api_url": "http://127.0.0.1:1"}  # so that a process leads


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory for a server."""
    with debian.folder() as found:
        yield found


def begun(node: Node, clock: WrongClock) -> None:
    """Make a server, and start it by a clock."""
    node.create()
    node.start(**clock.settings)
    postgres.execute(node.url(), f"CREATE DATABASE {DATABASE}")
    migrate.upgrade(node.url(DATABASE))


@pytest.mark.parametrize(("first", "then"), SET.values(), ids=SET)
async def test_the_mirror_is_right_whatever_the_server_s_clock_shows(
    folder: Path, tmp_path: Path, first: timedelta, then: timedelta
) -> None:
    clock = wrong.clock(folder, first)
    happened = traffic.busy(COUNT)
    with debian.node(folder, "server") as node:
        begun(node, clock)
        async with service.serving(node.url(DATABASE), tmp_path / "log", **READING) as receiver:
            sender = Sender([receiver])
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(sender.insist(happened.deliveries))
                await sender.reached(202, COUNT // 2)
                clock.jump(then)
            with service.connect(node.url(DATABASE)) as connection:
                await service.drained(connection)
                mirror.keeps(connection, happened.deliveries)
                mirror.is_told_once(connection)
                mirror.shows(connection, happened)
