"""How long a delivery takes from POST to visible rows at 200 a second, and how much memory `ghsync serve` takes.

A real `ghsync serve` on the embedded PostgreSQL; the rows are seen from outside, by another connection. Then one body
after another of 25 MiB is received and projected, and what that takes besides is measured.
"""

import asyncio
import statistics
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import psycopg
import uvloop

from ghsync.demo import arrivals
from ghsync.demo.arrivals import Watcher
from ghsync.inbox import recording
from ghsync.inbox.recording import RecordedDelivery
from tests import service, traffic
from tests.benchmarks import generator
from tests.benchmarks.figures import Figure
from tests.benchmarks.generator import Generator
from tests.chaos import mirror
from tests.service import Receiver

Connection = psycopg.Connection[Any]

RATE = 200
MIB = 1024 * 1024
LARGEST_BODY_BYTES = 25 * MIB

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
REPOSITORY = b'"repository":{"id":1,"full_name":"lighthouse/lamp"}'

# What bodies begin with, and what they are filled up with.
LARGEST = {
    "JSON": (JSON, "star", b'{"filler":"', b"x", b'"}'),
    "a form": (FORM, "star", b"payload=%7B%22filler%22:%22", b"x", b"%22%7D"),
    "JSON with half a surrogate pair": (JSON, "star", b'{"odd":"\\ud83d","filler":"', b"x", b'"}'),
    "a push": (JSON, "push", b'{"ref":"refs/heads/main",' + REPOSITORY + b',"commits":[1', b',{"id":"c0ffee"}', b"]}"),
}


async def pace(posting: Generator, watcher: Watcher, sent: list[RecordedDelivery], rate: int) -> list[float]:
    """Send at a steady rate; answers the seconds from when each was due until it was visible, sorted."""
    requests = [generator.request(recording.sign(each, service.SECRET), each.body) for each in sent]
    started = time.perf_counter()
    under_way = []
    async with asyncio.TaskGroup() as tasks:
        for place, (delivery, request) in enumerate(zip(sent, requests, strict=True)):
            due = started + place / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            under_way.append(tasks.create_task(arrive(posting, watcher, delivery.guid, request, due)))
    return sorted(each.result() for each in under_way)


async def arrive(posting: Generator, watcher: Watcher, guid: str, request: bytes, due: float) -> float:
    """Seconds from when a POST was due until another connection sees the delivery done; one that is parked is an error.

    However late it is sent, that counts: else whoever holds up the sender too would be measured as fast.
    """
    done = watcher.expect(guid)
    await posting.post(request)
    seen_at, problem = await done
    if problem is not None:
        raise AssertionError(f"Delivery {guid} was parked: {problem}")
    return seen_at - due


def largest(name: str) -> RecordedDelivery:
    """The largest body of its kind that is accepted."""
    content_type, event, begin, filler, end = LARGEST[name]
    headers = {"Content-Type": content_type, "X-GitHub-Event": event, "X-GitHub-Delivery": str(uuid4())}
    body = begin + filler * ((LARGEST_BODY_BYTES - len(begin) - len(end)) // len(filler)) + end
    return RecordedDelivery(traffic.busy(1).deliveries[0].headers | headers, body, Path(name))


async def peak_of_largest(receiver: Receiver, connection: Connection, name: str) -> int:
    """The most memory that was resident while such a body was received and projected for the second time."""
    for _ in range(2):
        forget_peak(receiver.pid)
        (await service.post(receiver.client, largest(name))).raise_for_status()
        await service.drained(connection)
    return peak_bytes(receiver.pid)


async def measure(folder: Path, url: str, seconds: int) -> tuple[list[float], int, int]:
    """Seconds from POST to visible, sorted; bytes resident after that, and most of them at a body of 25 MiB."""
    busy = traffic.busy(RATE * seconds + RATE)
    sent = busy.deliveries
    async with (
        service.serving(url, folder / "serve.log", anew=True, log_level="warning") as receiver,
        arrivals.watching(url) as watcher,
        generator.posting(receiver.port) as posting,
    ):
        await pace(posting, watcher, sent[:RATE], RATE)  # connections open, plans made
        waits = await pace(posting, watcher, sent[RATE:], RATE)
        steady = psutil.Process(receiver.pid).memory_info().rss
        with service.connect(url) as connection:
            mirror.is_done(connection)
            mirror.shows(connection, busy)
            peaks = [await peak_of_largest(receiver, connection, name) for name in LARGEST]
    return waits, steady, max(peaks)


def forget_peak(pid: int) -> None:
    """Begin anew to watch what a process has resident: https://www.kernel.org/doc/html/latest/filesystems/proc.html"""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak_bytes(pid: int) -> int:
    """The most that a process had resident since then, in bytes (Linux only)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def figures(url: str, folder: Path, *, short: bool) -> list[Figure]:
    """Freshness and memory of one `serve`."""
    waits, steady, peak = uvloop.run(measure(folder, url, 5 if short else 15))
    percentiles = statistics.quantiles(waits, n=100)
    return [
        Figure("p50", f"POST to visible row at {RATE}/s, p50", percentiles[49] * 1000, "ms", at_most=15),
        Figure("p99", f"POST to visible row at {RATE}/s, p99", percentiles[98] * 1000, "ms", at_most=60),
        Figure("resident", "resident memory of `serve` after that", steady / MIB, "MiB", at_most=110),
        Figure(
            "more for 25 MiB",
            "memory for a body of 25 MiB as a share of its size",
            (peak - steady) / LARGEST_BODY_BYTES,
            "x",
            at_most=3,
        ),
    ]
