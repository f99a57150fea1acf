"""What more worker processes are worth: how fast they drain a full inbox together, of one.

All deliveries are of four busy repositories, whose rows are the locks, and all changes go into one feed. So this is the
worst that several workers meet. Each has done a batch before the time begins, which ends with the last commit: how long
processes take to start, connect, plan and end is none of it.
"""

import multiprocessing
import time
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path

import psycopg
import uvloop

from ghsync import database, log, migrate, worker
from ghsync.worker import Worker
from tests import postgres, traffic
from tests.benchmarks import beside, deliveries
from tests.benchmarks.figures import Figure
from tests.chaos import mirror
from tests.traffic import Traffic

BATCH = 500  # as `serve` has
PATIENCE_SECONDS = 120

spawning = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Share:
    """What one of several workers did: how many deliveries, and when it had committed the last."""

    done: int
    ended_at: float  # of a clock that all processes have in common


def drain(url: str, ready: Barrier, answer: Connection) -> None:
    """Be a worker until nothing is pending."""
    log.configure("json", "error")
    answer.send(uvloop.run(_drain(url, ready)))


async def _drain(url: str, ready: Barrier) -> Share:
    engine = worker.create_engine(url)
    try:
        one = Worker(engine, batch_size=BATCH, poll_seconds=1, max_attempts=3)
        await one.step()
        ready.wait(PATIENCE_SECONDS)
        done, ended_at = 0, time.perf_counter()
        while more := await one.drain():
            done, ended_at = done + more, time.perf_counter()
        return Share(done, ended_at)
    finally:
        await engine.dispose()


async def _fill(url: str, busy: Traffic) -> None:
    engine = database.create_engine(url)
    await deliveries.fill(engine, busy.deliveries)
    await engine.dispose()


def rate(url: str, workers: int, count: int) -> float:
    """Deliveries a second of so many processes, on a database of their own; the mirror is as GitHub is then."""
    busy = traffic.busy(count + workers * BATCH)
    with postgres.database(url) as own, ExitStack() as stack:
        migrate.upgrade(own)
        uvloop.run(_fill(own, busy))
        ready = spawning.Barrier(workers + 1)
        answers = [stack.enter_context(beside.process(drain, own, ready)) for _ in range(workers)]
        ready.wait(PATIENCE_SECONDS)
        started = time.perf_counter()
        shares: list[Share] = [answer.recv() for answer in answers]
        with psycopg.connect(own) as connection:
            mirror.is_done(connection)
            mirror.shows(connection, busy)
    return sum(share.done for share in shares) / (max(share.ended_at for share in shares) - started)


def figures(url: str, _folder: Path, *, short: bool) -> list[Figure]:
    """Of two, and of four."""
    count = 4_000 if short else 10_000
    one, two, four = (rate(url, workers, count) for workers in (1, 2, 4))
    return [
        Figure("two workers", "projection by two workers as a share of one's", two / one, "x", at_least=1.3),
        Figure("four workers", "projection by four workers as a share of one's", four / one, "x"),
    ]
