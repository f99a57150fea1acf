"""How long a delivery takes from POST to visible rows at 200 a second, and how much memory `ghsync serve` takes.

    python -m tests.benchmarks.fresh [--rate N] [--seconds N]

A real `ghsync serve` on the embedded PostgreSQL; the rows are seen from outside, by another connection. The aims are
p50 30 ms and p99 150 ms, 150 MiB resident, and at most three times a body of 25 MiB on top while one is received.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import httpx
import psutil
import uvloop

from ghsync import embedded, log, migrate
from ghsync.demo import arrivals
from ghsync.demo.arrivals import Watcher
from ghsync.inbox.recording import Recorded
from tests.chaos import service, traffic
from tests.chaos.service import Receiver

MIB = 1024 * 1024
LARGEST_BODY_BYTES = 25 * MIB
FILLER = b'{"action":"x","filler":"'


async def pace(client: httpx.AsyncClient, watcher: Watcher, sent: list[Recorded], rate: int) -> list[float]:
    """Send at a steady rate; answers the seconds from POST to visible of each, sorted."""
    started = time.perf_counter()
    under_way = []
    for place, delivery in enumerate(sent):
        await asyncio.sleep(max(0.0, started + place / rate - time.perf_counter()))
        under_way.append(asyncio.create_task(arrive(client, watcher, delivery)))
    return sorted(await asyncio.gather(*under_way))


async def arrive(client: httpx.AsyncClient, watcher: Watcher, delivery: Recorded) -> float:
    """Seconds from POST until another connection sees the delivery done."""
    done = watcher.expect(delivery.headers["X-GitHub-Delivery"])
    started = time.perf_counter()
    (await service.post(client, delivery)).raise_for_status()
    return (await done)[0] - started


async def receive_largest(receiver: Receiver) -> None:
    """Deliver the largest body that is accepted."""
    headers = traffic.busy(1).deliveries[0].headers | {"X-GitHub-Event": "star", "X-GitHub-Delivery": "largest"}
    body = FILLER + b"x" * (LARGEST_BODY_BYTES - len(FILLER) - 2) + b'"}'
    (await service.post(receiver.client, Recorded(headers, body, Path("largest")))).raise_for_status()


async def measure(folder: Path, url: str, rate: int, seconds: int) -> None:
    """Measure once and print."""
    deliveries = traffic.busy(rate * seconds + rate).deliveries
    async with (
        service.serving(url, folder / "serve.log", log_level="warning") as receiver,
        arrivals.watching(url) as watcher,
    ):
        await pace(receiver.client, watcher, deliveries[:rate], rate)  # connections open, plans made
        waits = await pace(receiver.client, watcher, deliveries[rate:], rate)
        process = psutil.Process(receiver.pid)
        steady = process.memory_info().rss
        await receive_largest(receiver)
        peak = peak_bytes(receiver.pid)
    percentiles = statistics.quantiles(waits, n=100)
    print(f"POST to visible at {rate}/s   p50 {percentiles[49] * 1000:6.1f} ms   p99 {percentiles[98] * 1000:6.1f} ms")
    print(f"resident after {len(waits):,}      {steady / MIB:6.1f} MiB")
    print(f"more for a 25 MiB body    {(peak - steady) / MIB:6.1f} MiB   {(peak - steady) / LARGEST_BODY_BYTES:.1f} x")


def peak_bytes(pid: int) -> int:
    """The most that a process ever had resident, in bytes (Linux only)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description="Freshness and memory of `ghsync serve`.")
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=15)
    asked = parser.parse_args()
    log.configure("json", "warning")
    with tempfile.TemporaryDirectory(prefix="ghsync-bench-") as folder, embedded.running(Path(folder)) as url:
        migrate.upgrade(url)
        uvloop.run(measure(Path(folder), url, asked.rate, asked.seconds))


if __name__ == "__main__":
    main()
