"""What a fault is made in: PostgreSQL behind a door that can be shut, `ghsync serve`, and deliveries all the while."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg

from ghsync import migrate
from tests import debian, postgres, service
from tests.chaos import mirror
from tests.chaos.delivery import Sender
from tests.debian import Node
from tests.relay import Relay, as_url, relay
from tests.service import Program, Receiver
from tests.traffic import Traffic

DATABASE = "ghsync"
BEFORE = 0.25
"""What part of the deliveries is answered 202 before the fault begins."""

FAULT_SECONDS = 3.0
"""How long what can be ended lasts."""

LOOK_SECONDS = 0.02


@dataclass
class Arena:
    """One server, one receiver, and what a fault may reach."""

    node: Node
    door: Relay
    receiver: Receiver
    folder: Path
    workers: list[Program] = field(default_factory=list)
    standby: Node | None = None

    def connect(self) -> psycopg.Connection[Any]:
        """A connection of a stranger, past the door."""
        return service.connect((self.standby or self.node).url(DATABASE))


Fault = Callable[[Arena], Awaitable[None]]


@dataclass(frozen=True)
class Kind:
    """A fault, which is over when it has happened, and what ghsync is set to for it."""

    name: str
    happens: Fault
    settings: dict[str, object] = field(default_factory=dict)
    command: str = "serve"
    workers: int = 0
    parked: int = 0
    disk_bytes: int = 0
    """Where it is not none, the server's files are on a disk of their own that is so large."""


@dataclass(frozen=True)
class Outcome:
    """What became of the deliveries: how many there were, attempts at them, attempts answered 202, accepted ones that
    are not in the inbox; how long the fault lasted, the longest time without a 202, and how long after the fault all
    was projected, in seconds.
    """

    kind: Kind
    deliveries: int
    attempts: int
    accepted: int
    lost: int
    fault_seconds: float
    silent_seconds: float
    projected_seconds: float


@asynccontextmanager
async def opened(kind: Kind, folder: Path, node: Node) -> AsyncIterator[Arena]:
    """An arena with a database of its own, on a server that runs."""
    postgres.execute(node.url(), f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)", f"CREATE DATABASE {DATABASE}")
    migrate.upgrade(node.url(DATABASE))
    async with AsyncExitStack() as stack:
        door = await stack.enter_async_context(relay(node.url(DATABASE)))
        receiver = await stack.enter_async_context(
            service.serving(as_url(door), folder / "serve.log", command=kind.command, **kind.settings)
        )
        workers = [
            await stack.enter_async_context(service.working(as_url(door), folder / f"work{place}.log"))
            for place in range(kind.workers)
        ]
        yield Arena(node, door, receiver, folder, workers)


async def play(kind: Kind, arena: Arena, happened: Traffic) -> Outcome:
    """Deliver, let the fault happen meanwhile, and see what became of all."""
    sender = Sender([arena.receiver])
    count = len(happened.deliveries)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(sender.insist(happened.deliveries))
        await sender.reached(202, int(count * BEFORE))
        began = time.monotonic()
        await kind.happens(arena)
        ended = time.monotonic()
    with arena.connect() as connection:
        await service.drained(connection)
        projected = time.monotonic() - ended
        accepted = sender.accepted()
        stored = {guid for (guid,) in connection.execute("SELECT guid FROM webhook_deliveries").fetchall()}
        lost = {delivery.guid for delivery in accepted} - stored
        parked = connection.execute("SELECT count(*) FROM webhook_deliveries WHERE status = 'parked'").fetchone()
        assert parked == (kind.parked,), f"{kind.name}: {parked} parked"
        mirror.keeps(connection, accepted)
        mirror.is_told_once(connection)
        mirror.shows(connection, happened)
    taken = [answer.at for answer in sender.answers if answer.status == 202]
    silent = max(after - before for before, after in pairwise(taken))
    return Outcome(kind, count, len(sender.answers), len(accepted), len(lost), ended - began, silent, projected)


@asynccontextmanager
async def server(disk_bytes: int = 0) -> AsyncIterator[tuple[Path, Node]]:
    """Debian's PostgreSQL 15, which can be killed without harm to anybody else."""
    with debian.folder() as folder, debian.disk(folder, disk_bytes) as place, debian.node(place, "faults") as node:
        node.create()
        node.start()
        yield folder, node
