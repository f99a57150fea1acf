"""How long a job of the worker waits while deliveries keep coming at 400 a second.

    python -m tests.benchmarks.turns [--rate N] [--seconds N]

A real `ghsync serve` on the embedded PostgreSQL. Meanwhile another program gives tasks the numbers of pull requests; it
is measured from its commit until others see the task at the pull request, which takes two jobs, the linking and the
tracking. The aim is 250 ms at the most.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import psycopg
import uvloop

from ghsync import embedded, log, migrate
from ghsync.database import connection_arguments
from ghsync.demo import arrivals
from tests import service, traffic
from tests.benchmarks import fresh, generator

LONGEST_SECONDS = 0.25
PAUSE_SECONDS = 0.2
LOOK_SECONDS = 0.002

ASK = """
INSERT INTO tasks (project_id, title, github_pr_number)
SELECT r.project_id, 'A task', t.pr_number FROM pr_tracking t JOIN github_repositories r ON r.id = t.repository_id
WHERE t.task_id IS NULL ORDER BY t.repository_name, t.pr_number DESC LIMIT 1 RETURNING id::text
"""
SEEN = "SELECT EXISTS (SELECT FROM pr_tracking WHERE task_id = %s)"


async def wait(connection: psycopg.AsyncConnection) -> float:
    """Seconds until a task that gets a number now is seen at its pull request."""
    cursor = await connection.execute(ASK)
    row = await cursor.fetchone()
    assert row is not None, "there are too few pull requests"
    started = time.perf_counter()
    while (await (await connection.execute(SEEN, row)).fetchone()) != (True,):  # noqa: ASYNC110 (as others would look)
        await asyncio.sleep(LOOK_SECONDS)
    return time.perf_counter() - started


async def measure(folder: Path, url: str, rate: int, seconds: int) -> None:
    """Measure once and print."""
    deliveries = traffic.busy(rate * seconds + rate).deliveries
    async with (
        service.serving(url, folder / "serve.log", anew=True, log_level="warning") as receiver,
        arrivals.watching(url) as watcher,
        generator.posting(receiver.port) as posting,
        await psycopg.AsyncConnection.connect(url, autocommit=True, **connection_arguments(url)) as connection,
    ):
        await fresh.pace(posting, watcher, deliveries[:rate], rate)  # connections open, plans made
        load = asyncio.create_task(fresh.pace(posting, watcher, deliveries[rate:], rate))
        waits = []
        while not load.done():
            waits.append(await wait(connection))
            await asyncio.sleep(PAUSE_SECONDS)
        arrived = statistics.median(await load)
    told = f"p50 {statistics.median(waits) * 1000:6.1f} ms   longest {max(waits) * 1000:6.1f} ms"
    print(f"jobs at {rate}/s   {told}   (at most {LONGEST_SECONDS * 1000:.0f} ms)   {len(waits)} tasks")
    print(f"POST to visible meanwhile   p50 {arrived * 1000:6.1f} ms")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description="How long jobs wait under load.")
    parser.add_argument("--rate", type=int, default=400)
    parser.add_argument("--seconds", type=int, default=10)
    asked = parser.parse_args()
    log.configure("json", "warning")
    with tempfile.TemporaryDirectory(prefix="ghsync-bench-") as folder, embedded.running(Path(folder)) as url:
        migrate.upgrade(url)
        uvloop.run(measure(Path(folder), url, asked.rate, asked.seconds))


if __name__ == "__main__":
    main()
