"""What more worker processes are worth: how fast they drain a full inbox together, of one.

All deliveries are of four busy repositories, whose rows are the locks, and all changes go into one feed. So this is the
worst that several workers meet.
"""

import multiprocessing
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path

import psycopg
import uvloop

from ghsync import database, log, migrate, worker
from ghsync.worker import Worker
from tests import postgres
from tests.benchmarks import deliveries
from tests.benchmarks.figures import Figure

BATCH = 100

spawning = multiprocessing.get_context("spawn")


def drain(url: str, ready: Barrier) -> None:
    """Be a worker until nothing is pending."""
    log.configure("json", "error")
    uvloop.run(_drain(url, ready))


async def _drain(url: str, ready: Barrier) -> None:
    engine = worker.create_engine(url)
    one = Worker(engine, batch_size=BATCH, poll_seconds=1, max_attempts=3)
    ready.wait()
    await one.drain()
    await engine.dispose()


async def _fill(url: str, count: int) -> None:
    engine = database.create_engine(url)
    await deliveries.fill(engine, count)
    await engine.dispose()


def rate(url: str, workers: int, count: int) -> float:
    """Deliveries a second of so many processes, on a database of their own."""
    with postgres.database(url) as own:
        migrate.upgrade(own)
        uvloop.run(_fill(own, count))
        ready = spawning.Barrier(workers + 1)
        processes = [spawning.Process(target=drain, args=(own, ready)) for _ in range(workers)]
        for process in processes:
            process.start()
        ready.wait()
        started = time.perf_counter()
        for process in processes:
            process.join()
        seconds = time.perf_counter() - started
        with psycopg.connect(own) as connection:
            (left,) = connection.execute(
                "SELECT count(*) FROM webhook_deliveries WHERE status <> 'processed'"
            ).fetchone()
        if left or any(process.exitcode for process in processes):
            raise SystemExit(f"{left} deliveries are left of {count}.")
    return count / seconds


def figures(url: str, _folder: Path, *, short: bool) -> list[Figure]:
    """Of two, and of four."""
    count = 2_000 if short else 10_000
    one, two, four = (rate(url, workers, count) for workers in (1, 2, 4))
    return [
        Figure("two workers", "projection of two workers, of one", two / one, "x", at_least=1.3),
        Figure("four workers", "projection of four workers, of one", four / one, "x"),
    ]
