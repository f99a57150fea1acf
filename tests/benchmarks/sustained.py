"""Whether `ghsync serve` keeps up with 1,300 signed deliveries a second, and what is pending then.

Sent by a process of its own, over connections that stay open; where all of them wait for an answer, so does the rest.
What is sent is in a file meanwhile: three minutes of it are 3 GB.
"""

import asyncio
import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import uvloop

from ghsync.inbox import recording
from tests import service, traffic
from tests.benchmarks import generator
from tests.benchmarks.figures import Figure

RATE = 1_300
REPOSITORIES = 400
"""In fewer, what carries a label that is renamed, or is open where something is merged, would grow with each second."""

CONNECTIONS = 64
IN_TIME_SECONDS = 1.0

PENDING = "SELECT FROM webhook_deliveries WHERE status = 'pending' LIMIT 1"

spawning = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Sent:
    """What became of all that was sent, and how long that took."""

    count: int
    refused: int
    in_time: int


def send(port: int, seconds: int, folder: Path, answer: Connection) -> None:
    """Send at that rate, and tell what came of it."""
    with tempfile.TemporaryFile(dir=folder) as file:
        sizes = [file.write(request) for request in _requests(RATE * seconds)]
        file.seek(0)
        uvloop.run(_send(port, (file.read(size) for size in sizes), answer))


def _requests(count: int) -> Iterator[bytes]:
    for delivery in traffic.flowing(count, repository_count=REPOSITORIES):
        yield generator.request(recording.sign(delivery, service.SECRET), delivery.body)


async def _send(port: int, requests: Iterator[bytes], answer: Connection) -> None:
    count, refused, in_time, room = 0, 0, 0, asyncio.Semaphore(CONNECTIONS)

    async def post(request: bytes, due: float) -> None:
        nonlocal refused, in_time
        try:
            await posting.post(request)
            in_time += time.perf_counter() < due + IN_TIME_SECONDS
        except (generator.Refused, ConnectionError):
            refused += 1
        finally:
            room.release()

    async with generator.posting(port) as posting:
        answer.send("ready")
        started = time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            for request in requests:
                due = started + count / RATE
                count += 1
                if (early := due - time.perf_counter()) > 0:
                    await asyncio.sleep(early)
                await room.acquire()
                tasks.create_task(post(request, due))
    answer.send(Sent(count, refused, in_time))


async def measure(url: str, folder: Path, seconds: int) -> tuple[Sent, float]:
    """What was sent, and for how many seconds some of it is pending when the last has been answered."""
    async with service.serving(url, folder / "serve.log", anew=True, log_level="error") as receiver:
        ours, theirs = spawning.Pipe(duplex=False)
        process = spawning.Process(target=send, args=(receiver.port, seconds, folder, theirs))
        process.start()
        theirs.close()  # so that one that fails is noticed
        assert await asyncio.to_thread(ours.recv) == "ready"
        sent: Sent = await asyncio.to_thread(ours.recv)
        answered = time.perf_counter()
        with service.connect(url) as connection:
            while connection.execute(PENDING).fetchall():  # noqa: ASYNC110 (nobody tells)
                await asyncio.sleep(0.01)
        pending = time.perf_counter() - answered
        await asyncio.to_thread(process.join)
    return sent, pending


def figures(url: str, folder: Path, *, short: bool) -> list[Figure]:
    """What is acknowledged in time, and the backlog at the end."""
    seconds = 10 if short else 180
    sent, pending = uvloop.run(measure(url, folder, seconds))
    return [
        Figure(
            "sustained",
            f"acknowledged within {IN_TIME_SECONDS:g} s, at {RATE:,}/s for {seconds} s",
            100 * sent.in_time / sent.count,
            "%",
            at_least=100,
        ),
        Figure("refused", "refused of these", sent.refused, at_most=0, note="GitHub sends none again by itself"),
        Figure("backlog", "last of these answered, until none is pending", pending, "s", at_most=1),
    ]
