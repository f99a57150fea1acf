"""How many deliveries a second are acknowledged, against what a receiver could do at best and at worst.

A real uvicorn process serves the real application over loopback to a load generator in a process of its own. Three
recorders take turns in one run: one that answers at once (no database), one INSERT and commit per request, and the
group commit that ghsync has. Both that write do so through psycopg itself, into this month's partition and of several
repositories, as deliveries come. The ratios count, not the numbers.
"""

import asyncio
import hmac
import itertools
import json
import multiprocessing
import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from uuid import uuid1

import msgspec
import psycopg
import uvicorn
import uvloop
from psycopg.types.json import Jsonb
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import app, database, log
from ghsync.inbox import recorder
from ghsync.inbox.delivery import Delivery
from ghsync.settings import Settings
from tests.benchmarks import beside, generator
from tests.benchmarks.figures import Figure
from tests.benchmarks.generator import Generator

SECRET = b"benchmark"
WARM_UP_REQUESTS = 500
CONNECTIONS = 10  # to the database
REPOSITORIES = 20

HEADERS = {
    "User-Agent": "GitHub-Hookshot/044aadd",
    "Accept": "*/*",
    "Content-Type": "application/json",
    "X-GitHub-Event": "issues",
    "X-GitHub-Hook-ID": "292430182",
    "X-GitHub-Hook-Installation-Target-ID": "79929171",
    "X-GitHub-Hook-Installation-Target-Type": "integration",
}

ONE_INSERT = """
INSERT INTO webhook_deliveries (hook_target, guid, month, event, action, repository, installation_id, headers, body)
VALUES (%s, %s, delivery_month(%s), %s, %s, %s, %s, %s, %b) ON CONFLICT (hook_target, guid, month) DO NOTHING
"""


STORED = "SELECT count(*) FROM webhook_deliveries WHERE month = date_trunc('month', now())"


class NoDatabase(recorder.Recorder):
    """Answers at once and writes nothing."""

    async def record(self, delivery: Delivery) -> recorder.Outcome:
        return "queued"


class OneInsert(recorder.Recorder):
    """One INSERT and one commit per request, as a receiver is usually written; psycopg's own connections, as ours."""

    def __init__(self, engine: AsyncEngine, timeout_seconds: float) -> None:
        super().__init__(engine, timeout_seconds)
        self._room = asyncio.Semaphore(CONNECTIONS)
        self._idle: list[recorder.PooledConnection] = []

    async def record(self, delivery: Delivery) -> recorder.Outcome:
        async with self._room:
            connection = self._idle.pop() if self._idle else await recorder._hold(self._engine)
            result = await connection.driver.execute(ONE_INSERT, (
                *delivery.key, delivery.guid, delivery.event, delivery.action, delivery.repository,
                delivery.installation_id, Jsonb(delivery.headers, dumps=msgspec.json.encode), delivery.body,
            ))  # fmt: skip
            self._idle.append(connection)
        return "queued" if result.rowcount else "duplicate"


RECORDERS = {"no database": NoDatabase, "one INSERT": OneInsert, "group commit": recorder.Recorder}


@dataclass(frozen=True)
class Load:
    """What the generator sends."""

    requests: int
    connections: int
    body_bytes: int


@dataclass(frozen=True)
class Result:
    """What came of it."""

    requests_per_second: float
    p50_seconds: float
    p99_seconds: float


def serve(url: str, name: str, listening: socket.socket) -> None:
    """Run the application with one of the recorders until the process is terminated."""
    log.configure("json", "warning")
    app.Recorder = RECORDERS[name]  # type: ignore[misc]
    engine = database.create_engine(url, pool_size=CONNECTIONS)
    settings = Settings(webhook_secrets=(SecretStr(SECRET.decode()),))
    served = app.create_app(settings, engine, handled=frozenset({"issues"}))
    config = uvicorn.Config(served, loop="uvloop", http="httptools", access_log=False, log_level="warning")
    uvicorn.Server(config).run([listening])


def generate(load: Load, port: int, answer: Connection) -> None:
    """Send the load and tell the result."""
    answer.send(uvloop.run(_generate(load, port)))


async def _generate(load: Load, port: int) -> Result:
    async with generator.posting(port) as posting:
        await posting.open(load.connections)
        await _send(posting, load.connections, _requests(load, WARM_UP_REQUESTS))
        requests = _requests(load, load.requests)
        started = time.perf_counter()
        latencies = await _send(posting, load.connections, requests)
        seconds = time.perf_counter() - started
    percentiles = statistics.quantiles(latencies, n=100)
    return Result(load.requests / seconds, percentiles[49], percentiles[98])


def _requests(load: Load, count: int) -> list[bytes]:
    """Requests as they go over the wire, made and signed beforehand, of one repository after the other."""
    bodies = [_body(load.body_bytes, place) for place in range(REPOSITORIES)]
    signatures = ["sha256=" + hmac.new(SECRET, body, "sha256").hexdigest() for body in bodies]
    signed = itertools.cycle(zip(bodies, signatures, strict=True))
    return [
        generator.request(HEADERS | {"X-Hub-Signature-256": signature, "X-GitHub-Delivery": str(uuid1())}, body)
        for body, signature in itertools.islice(signed, count)
    ]


def _body(size: int, place: int) -> bytes:
    """An issue event of that size, mostly URLs and short texts as GitHub's are."""
    payload: dict[str, Any] = {
        "action": "opened",
        "issue": {"id": 1, "number": 1, "title": "It rains", "user": {}},
        "repository": {"id": 1296269 + place, "full_name": f"octocat/Hello-World-{place}"},
        "installation": {"id": 234},
    }
    while len(json.dumps(payload)) < size - 100:
        number = len(payload["issue"]["user"])
        payload["issue"]["user"][f"field_{number}_url"] = f"https://api.github.com/users/octocat/{number}{{/other}}"
    return json.dumps(payload).encode().ljust(size)


async def _send(posting: Generator, connections: int, requests: list[bytes]) -> list[float]:
    """Send all requests over some connections, each one as soon as the one before it is answered."""
    waiting = iter(requests)
    latencies: list[float] = []

    async def send() -> None:
        for request in waiting:
            started = time.perf_counter()
            await posting.post(request)
            latencies.append(time.perf_counter() - started)

    await asyncio.gather(*(send() for _ in range(connections)))
    return latencies


@contextmanager
def served(url: str, name: str) -> Iterator[int]:
    """A server process, from its first answer to its end; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        process = multiprocessing.get_context("spawn").Process(target=serve, args=(url, name, listening))
        process.start()
        try:
            yield listening.getsockname()[1]
        finally:
            process.terminate()
            process.join()


def measure(url: str, name: str, load: Load) -> Result:
    """One recorder under load; every delivery that should be in the inbox is."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("TRUNCATE webhook_deliveries")
        connection.execute("CHECKPOINT")
        with served(url, name) as port, beside.process(generate, load, port) as sending:
            result: Result = sending.recv()
        (stored,) = connection.execute(STORED).fetchone() or (0,)
    expected = 0 if name == "no database" else load.requests + WARM_UP_REQUESTS
    if stored != expected:
        raise SystemExit(f"{name}: {stored} deliveries are stored as of this month, not {expected}.")
    return result


def keep_log_files(url: str) -> None:
    """Let PostgreSQL use its log files again, as a server at work does: to make a new one takes it 60 ms."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET min_wal_size = '1GB'")
        connection.execute("SELECT pg_reload_conf()")


def figures(url: str, _folder: Path, *, short: bool) -> list[Figure]:
    """The three in turns, and the ratios of their medians."""
    load = Load(requests=2_000 if short else 6_000, connections=32, body_bytes=12_000)
    rates: dict[str, list[float]] = {name: [] for name in RECORDERS}
    keep_log_files(url)
    measure(url, "group commit", load)
    for _ in range(1 if short else 3):
        for name in RECORDERS:
            rates[name].append(measure(url, name, load).requests_per_second)
    median = {name: statistics.median(measured) for name, measured in rates.items()}
    ours = median["group commit"]
    return [
        Figure("acknowledgements", "acknowledgements", ours, "deliveries/s"),
        Figure(
            "acknowledgements of no database",
            "acknowledgements as a share of those without a database",
            ours / median["no database"],
            "x",
            at_least=0.8,
        ),
        Figure(
            "acknowledgements of one INSERT",
            "acknowledgements as a share of one INSERT per request",
            ours / median["one INSERT"],
            "x",
            at_least=2,
        ),
    ]
