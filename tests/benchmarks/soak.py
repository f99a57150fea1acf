"""Whether `ghsync serve` stays as it is: 300 deliveries a second for ten minutes, with those who follow and look on.

Three `ghsync tail` follow the change feed, one of them all of it; a reader whom row policies hold looks at pages, one
after another; and Prometheus asks. Meanwhile it is looked every five seconds what `serve` has resident and what is
pending. The last minutes are compared with the first ones, after one that is left out: connections are opened in it,
and plans made.

``python -m tests.benchmarks.soak MINUTES`` takes another time than ten minutes, and prints how each minute was.
"""

import asyncio
import itertools
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import psycopg
import uvloop

from ghsync import embedded, log, migrate
from ghsync.sessions import connection_arguments
from tests import service
from tests.benchmarks import beside, sustained, views
from tests.benchmarks.figures import Figure
from tests.benchmarks.sustained import Sent
from tests.chaos import mirror
from tests.service import Program, Receiver

RATE = 300
MINUTES = 10
WARM_MINUTES = 1
LOOK_SECONDS = 5.0
PAGE_SECONDS = 0.2
ITEMS_PER_REPOSITORY = 450
"""Deliveries of each: else what is open, or has a label that is renamed, would be more from minute to minute."""

FOLLOWERS = {
    "everything": ("tail --json --from 1", "true"),
    "pull requests": ("tail --json --from 1 --kind pull-request", "entity_type = 'github_pull_requests'"),
    "tracking": ("tail --json --from 1 --kind tracking", "entity_type = 'pr_tracking'"),
}
"""By what they follow: how, and which events these are."""

PAGES = (
    "SELECT * FROM pr_validation_status WHERE repository_name = %(repository)s AND status IN ('draft', 'open')",
    "SELECT * FROM pr_quality_dashboard WHERE status IN ('draft', 'open') ORDER BY quality_score LIMIT 50",
    "SELECT * FROM pr_blockers(%(repository)s, %(number)s)",
    "SELECT * FROM active_tasks ORDER BY priority DESC, created_at LIMIT 50",
    "SELECT number, title FROM github_issues WHERE state = 'open' ORDER BY updated_at DESC LIMIT 50",
)

ORGANIZATIONS = "SELECT count(*) FROM organizations"
BY_MINUTE = """
SELECT percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY extract(epoch FROM processed_at - received_at))
FROM webhook_deliveries
GROUP BY floor(extract(epoch FROM received_at - (SELECT min(received_at) FROM webhook_deliveries)) / 60)
HAVING count(*) > %s ORDER BY min(received_at)
"""


@dataclass
class Look:
    """How things stand: when, in seconds since it began, what is resident, and how many deliveries are pending."""

    at: float
    resident_bytes: int
    pending: int


@dataclass
class Soak:
    """What was seen: of `serve`; of pages when, how long each took, and how many rows all had; of each minute's
    deliveries the percentiles of seconds from received to projected, 50th and 99th; and how many events were followed.
    """

    looks: list[Look] = field(default_factory=list)
    pages: list[tuple[float, float]] = field(default_factory=list)
    rows: int = 0
    minutes: list[tuple[float, float]] = field(default_factory=list)
    followed: dict[str, int] = field(default_factory=dict)
    sent: Sent | None = None

    def resident(self, minute: int) -> float:
        """Bytes resident in a minute, as a rule."""
        return statistics.median(look.resident_bytes for look in self.looks if look.at // 60 == minute)

    def page(self, minute: int) -> float:
        """Seconds for a page in a minute, at the 95th percentile."""
        return statistics.quantiles([took for at, took in self.pages if at // 60 == minute], n=20)[-1]


@asynccontextmanager
async def following(url: str, folder: Path, command: str, name: str) -> AsyncIterator[Path]:
    """One who follows, and is gone afterwards; yields the file of what they are told."""
    path = folder / f"{name}.jsonl"
    program = Program(command, url, path, anew=True)
    try:
        await program.start()
        yield path
    finally:
        if program.running:
            await program.kill()


async def look(receiver: Receiver, connection: psycopg.AsyncConnection[Any], began: float, seen: Soak) -> None:
    """See how `serve` is, as long as nobody ends it; Prometheus asks as often."""
    process = psutil.Process(receiver.pid)
    while True:
        (await receiver.operations.get("/metrics")).raise_for_status()
        ((pending,),) = await (await connection.execute(sustained.HOW_MANY)).fetchall()
        seen.looks.append(Look(time.perf_counter() - began, process.memory_info().rss, pending))
        await asyncio.sleep(LOOK_SECONDS)


async def view(connection: psycopg.AsyncConnection[Any], repositories: int, began: float, seen: Soak) -> None:
    """Look at one page after another, as a person does who belongs to the organization, once that is there."""
    while (await (await connection.execute(ORGANIZATIONS)).fetchone()) == (0,):  # noqa: ASYNC110 (nobody tells)
        await asyncio.sleep(PAGE_SECONDS)
    await connection.execute(views.READER)
    await connection.execute("SET ROLE ghsync_read")
    for place, page in enumerate(itertools.cycle(PAGES)):
        asked = {"repository": f"lighthouse/lamp-{place % repositories}", "number": 1 + place % 20}
        started = time.perf_counter()
        seen.rows += len(await (await connection.execute(page.encode(), asked)).fetchall())
        seen.pages.append((started - began, time.perf_counter() - started))
        await asyncio.sleep(PAGE_SECONDS)


async def measure(url: str, folder: Path, seconds: int) -> Soak:
    """What is seen while so many seconds of deliveries come in."""
    seen = Soak()
    repositories = max(20, RATE * seconds // ITEMS_PER_REPOSITORY)
    async with AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(
            service.serving(
                url, folder / "serve.log", anew=True, log_level="error", operations_port=service.free_port()
            )
        )
        sending: Connection = stack.enter_context(
            beside.process(sustained.send, receiver.port, RATE, seconds, repositories, folder)
        )
        files = {
            name: await stack.enter_async_context(following(url, folder, command, name))
            for name, (command, _) in FOLLOWERS.items()
        }
        ours, theirs = [
            await stack.enter_async_context(
                await psycopg.AsyncConnection.connect(url, autocommit=True, **connection_arguments(url))
            )
            for _ in range(2)
        ]
        assert await asyncio.to_thread(sending.recv) == "ready"
        began = time.perf_counter()
        looking = [
            asyncio.create_task(look(receiver, ours, began, seen)),
            asyncio.create_task(view(theirs, repositories, began, seen)),
        ]
        answered = asyncio.create_task(asyncio.to_thread(sending.recv))
        await asyncio.wait([answered, *looking], return_when=asyncio.FIRST_COMPLETED)
        for task in looking:
            task.cancel()
        for ended in await asyncio.gather(*looking, return_exceptions=True):
            assert isinstance(ended, asyncio.CancelledError), ended
        seen.sent = await answered
        with service.connect(url) as connection:
            await service.drained(connection)
            mirror.is_done(connection)
            if not seen.sent.refused:
                sustained.shows(connection, seen.sent)
            seen.minutes = [tuple(found) for (found,) in connection.execute(BY_MINUTE, [RATE * 50]).fetchall()]
            seen.followed = {
                name: await followed(connection, files[name], which) for name, (_, which) in FOLLOWERS.items()
            }
    return seen


async def followed(connection: psycopg.Connection[Any], file: Path, which: str) -> int:
    """How many events one was to be told of, and was: of each once, in order."""
    asked = f"SELECT seq FROM change_events WHERE {which} ORDER BY seq"
    expected = [seq for (seq,) in connection.execute(asked.encode()).fetchall()]

    async def all_are_told() -> bool:
        with file.open("rb") as lines:
            return sum(1 for _ in lines) >= len(expected)

    await service.until(all_are_told, f"{file.stem} are told")
    with file.open() as lines:
        told = [json.loads(line)["seq"] for line in lines]
    assert told == expected, f"{len(expected)} events there are, {len(told)} were told of {file.stem}"
    return len(told)


def share(values: Sequence[float]) -> float:
    """The last third of some minutes as a share of their first, each by its median."""
    third = max(1, len(values) // 3)
    return statistics.median(values[-third:]) / statistics.median(values[:third])


def figures(url: str, folder: Path, *, short: bool) -> list[Figure]:
    """How the last minutes are, as a share of the first."""
    return told(uvloop.run(measure(url, folder, (3 if short else MINUTES) * 60)))


def told(seen: Soak) -> list[Figure]:
    """The figures of what was seen."""
    assert seen.sent is not None
    assert seen.rows > len(seen.pages), "pages have been empty"
    minutes = range(WARM_MINUTES, len(seen.minutes))
    return [
        Figure("soak p99", f"received to projected at {RATE}/s for {len(seen.minutes)} min, p99",
               1000 * statistics.median(seen.minutes[minute][1] for minute in minutes), "ms"),
        Figure("soak latency", "the same, last minutes as a share of the first",
               share([seen.minutes[minute][1] for minute in minutes]), "x", at_most=1.2),
        Figure("soak memory", "resident memory, last minutes as a share of the first",
               share([seen.resident(minute) for minute in minutes]), "x", at_most=1.05),
        Figure("soak backlog", "backlog at its greatest meanwhile", max(each.pending for each in seen.looks),
               "deliveries", at_most=RATE),
        Figure("soak refused", "refused meanwhile", seen.sent.refused, at_most=0),
        Figure("soak pages", "a reader's pages meanwhile, p95",
               1000 * statistics.median(seen.page(minute) for minute in minutes), "ms", at_most=100),
    ]  # fmt: skip


def _print(seen: Soak) -> None:
    row = "{:>6} {:>9} {:>9} {:>13} {:>14} {:>9}"
    print(row.format("minute", "p50 ms", "p99 ms", "resident MiB", "pending (max)", "page ms"))
    for minute, (p50, p99) in enumerate(seen.minutes):
        pending = max(each.pending for each in seen.looks if each.at // 60 == minute)
        print(row.format(
            minute + 1, f"{1000 * p50:.1f}", f"{1000 * p99:.1f}", f"{seen.resident(minute) / 2**20:.1f}", pending,
            f"{1000 * seen.page(minute):.1f}",
        ))  # fmt: skip
    followed = ", ".join(f"{count:,} of {name}" for name, count in seen.followed.items())
    print(f"Followers were told of each event once, in order: {followed}.\n")


def main() -> None:
    """Take as many minutes as are asked for."""
    log.configure("json", "warning")
    with TemporaryDirectory(prefix="ghsync-bench-") as name, embedded.running(Path(name, "database")) as url:
        migrate.upgrade(url)
        seen = uvloop.run(measure(url, Path(name), int(sys.argv[1]) * 60))
    _print(seen)
    print(*told(seen), sep="\n")


if __name__ == "__main__":
    main()
