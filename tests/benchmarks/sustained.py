"""Whether `ghsync serve` keeps up with 1,300 signed deliveries a second, and what is pending then.

Sent by a process of its own, over connections that stay open; where all of them wait for an answer, so does the rest.
What is sent is in a file meanwhile, and then in the inbox: three minutes of it are 3 GB, twice.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import msgspec
import psycopg
import uvloop

from ghsync.inbox import recording
from ghsync.inbox.recording import RecordedDelivery
from tests import service, traffic
from tests.benchmarks import beside, generator
from tests.benchmarks.figures import ALL, Figure
from tests.chaos import mirror

RATE = 1_300
REPOSITORIES = 400
"""In fewer, what carries a label that is renamed, or is open where something is merged, would grow with each second."""

CONNECTIONS = 64
IN_TIME_SECONDS = 1.0
SAMPLES = 18
"""How often it is looked how many are pending: in three minutes every ten seconds."""

PENDING = "SELECT FROM webhook_deliveries WHERE status = 'pending' LIMIT 1"
HOW_MANY = "SELECT count(*) FROM webhook_deliveries WHERE status = 'pending'"
STATES = """
SELECT 'issue', state, count(*) FROM github_issues GROUP BY state UNION ALL
SELECT 'pull_request', state, count(*) FROM github_pull_requests GROUP BY state
"""


class Conversation(msgspec.Struct):
    """What tells an issue or a pull request from others, and how it is."""

    id: int
    state: str


class Body(msgspec.Struct):
    """What a delivery says of an issue or a pull request, if it is about one."""

    issue: Conversation | None = None
    pull_request: Conversation | None = None


States = Counter[tuple[str, str]]


class Told:
    """What deliveries have told so far of how many issues and pull requests are open, and how many are closed."""

    def __init__(self) -> None:
        self._states: dict[tuple[str, int], str] = {}
        self._read = msgspec.json.Decoder(Body).decode

    def hear(self, delivery: RecordedDelivery) -> None:
        """Know what this one tells; a comment on a pull request calls that an issue, and tells nothing new."""
        if delivery.event in ("issues", "pull_request"):
            body = self._read(delivery.body)
            for kind, one in (("issue", body.issue), ("pull_request", body.pull_request)):
                if one is not None:
                    self._states[kind, one.id] = one.state

    def states(self) -> States:
        """How many of each kind are in which state."""
        return Counter((kind, state) for (kind, _), state in self._states.items())


@dataclass(frozen=True)
class Sent:
    """How many were sent, and refused; in how many seconds from when it was due each other was acknowledged, in the
    order in which they were due; and what all of them tell.
    """

    count: int
    refused: int
    waits: list[float]
    states: States


def send(port: int, rate: int, seconds: int, repositories: int, folder: Path, answer: Connection) -> None:
    """Send ``rate`` deliveries a second of so many repositories, and tell what came of it."""
    told = Told()
    with TemporaryFile(dir=folder) as file:
        sizes = [file.write(request) for request in _requests(rate * seconds, repositories, told)]
        file.seek(0)
        uvloop.run(_send(port, rate, (file.read(size) for size in sizes), told, answer))


def _requests(count: int, repositories: int, told: Told) -> Iterator[bytes]:
    for delivery in traffic.flowing(count, repository_count=repositories):
        told.hear(delivery)
        yield generator.request(recording.sign(delivery, service.SECRET), delivery.body)


async def _send(port: int, rate: int, requests: Iterator[bytes], told: Told, answer: Connection) -> None:
    count, refused, room = 0, 0, asyncio.Semaphore(CONNECTIONS)
    waits: dict[int, float] = {}

    async def post(place: int, request: bytes, due: float) -> None:
        nonlocal refused
        try:
            await posting.post(request)
            waits[place] = time.perf_counter() - due
        except (generator.Refused, ConnectionError):
            refused += 1
        finally:
            room.release()

    async with generator.posting(port) as posting:
        answer.send("ready")
        started = time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            for request in requests:
                due = started + count / rate
                if (early := due - time.perf_counter()) > 0:
                    await asyncio.sleep(early)
                await room.acquire()
                tasks.create_task(post(count, request, due))
                count += 1
    answer.send(Sent(count, refused, [waits[place] for place in sorted(waits)], told.states()))


async def measure(url: str, folder: Path, seconds: int) -> tuple[Sent, int, float]:
    """What was sent, how many were pending at the most, and for how many seconds some are after the last answer."""
    async with service.serving(url, folder / "serve.log", anew=True, log_level="error") as receiver:
        with (
            beside.process(send, receiver.port, RATE, seconds, REPOSITORIES, folder) as sending,
            service.connect(url) as connection,
        ):
            assert await asyncio.to_thread(sending.recv) == "ready"
            sent, greatest = await _watched(connection, sending, seconds / SAMPLES)
            answered = time.perf_counter()
            while connection.execute(PENDING).fetchall():  # noqa: ASYNC110 (nobody tells)
                await asyncio.sleep(0.01)
            pending = time.perf_counter() - answered
            mirror.is_done(connection)
            if not sent.refused:
                shows(connection, sent)
    return sent, greatest, pending


async def _watched(connection: psycopg.Connection[Any], sending: Connection, every: float) -> tuple[Sent, int]:
    """What was sent, and the most deliveries that were pending meanwhile, as often as it was looked."""
    answer = asyncio.create_task(asyncio.to_thread(sending.recv))
    greatest = 0
    try:
        while not answer.done():
            await asyncio.wait({answer}, timeout=every)
            ((pending,),) = connection.execute(HOW_MANY).fetchall()
            greatest = max(greatest, pending)
        return await answer, greatest
    finally:
        answer.cancel()


def shows(connection: psycopg.Connection[Any], sent: Sent) -> None:
    """Raises where the mirror shows anything else than what was told."""
    found = Counter({(kind, state): count for kind, state, count in connection.execute(STATES)})
    assert found == sent.states, f"the mirror has {found}, told was {sent.states}"


def figures(url: str, folder: Path, *, short: bool) -> list[Figure]:
    """What is acknowledged in time, and the backlog meanwhile and at the end."""
    seconds = 10 if short else 180
    sent, greatest, pending = uvloop.run(measure(url, folder, seconds))
    return [
        Figure(
            "sustained",
            f"acknowledged within {IN_TIME_SECONDS:g} s, at {RATE:,}/s for {seconds} s",
            100 * sum(wait < IN_TIME_SECONDS for wait in sent.waits) / sent.count,
            "%",
            at_least=ALL,
        ),
        Figure(
            "refused",
            f"refused, at {RATE:,}/s for {seconds} s",
            sent.refused,
            at_most=0,
            note="GitHub sends none again by itself",
        ),
        Figure("greatest backlog", "backlog at its greatest", greatest, "deliveries"),
        Figure("backlog", "from the last answer until none of these is pending", pending, "s", at_most=1),
    ]
