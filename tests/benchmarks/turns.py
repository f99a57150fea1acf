"""How long a job of the worker waits while deliveries keep coming at 400 a second.

A real `ghsync serve` on the embedded PostgreSQL. Meanwhile another program gives tasks the numbers of pull requests; it
is measured from its commit until others see the task at the pull request, which takes two jobs, the linking and the
tracking.
"""

import asyncio
import time
from pathlib import Path

import psycopg
import uvloop

from ghsync.demo import arrivals
from ghsync.sessions import connection_arguments
from tests import service, traffic
from tests.benchmarks import fresh, generator
from tests.benchmarks.figures import Figure

RATE = 400
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


async def measure(folder: Path, url: str, seconds: int) -> list[float]:
    """How long each of some tasks waited."""
    sent = traffic.busy(RATE * seconds + RATE).deliveries
    async with (
        service.serving(url, folder / "serve.log", anew=True, log_level="warning") as receiver,
        arrivals.watching(url) as watcher,
        generator.posting(receiver.port) as posting,
        await psycopg.AsyncConnection.connect(url, autocommit=True, **connection_arguments(url)) as connection,
    ):
        await fresh.pace(posting, watcher, sent[:RATE], RATE)  # connections open, plans made
        waits = []
        async with asyncio.TaskGroup() as tasks:
            load = tasks.create_task(fresh.pace(posting, watcher, sent[RATE:], RATE))
            while not load.done():
                waits.append(await wait(connection))
                await asyncio.sleep(PAUSE_SECONDS)
    return waits


def figures(url: str, folder: Path, *, short: bool) -> list[Figure]:
    """The longest wait of any task."""
    waits = uvloop.run(measure(folder, url, 4 if short else 10))
    return [
        Figure(
            "longest job",
            f"longest wait for a task's number, at {RATE} deliveries/s",
            max(waits) * 1000,
            "ms",
            at_most=250,
        )
    ]
