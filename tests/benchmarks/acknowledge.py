"""How many deliveries a second are acknowledged, against what a receiver could do at best and at worst.

    python -m tests.benchmarks.acknowledge [--requests N] [--connections N] [--body-bytes N]

A real uvicorn process serves the real application over loopback to a load generator in a process of its own. Three
recorders take turns in one run: one that answers at once (no database), one INSERT and commit per request, and the
group commit that ghsync has. The ratios count, not the numbers: at least 0.65 of no database and twice
one INSERT per request.
"""

import argparse
import asyncio
import hmac
import json
import multiprocessing
import re
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, cast

import psycopg
import uvicorn
import uvloop
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import app, database, embedded, log, migrate
from ghsync.inbox import recorder
from ghsync.inbox.delivery import Delivery
from ghsync.settings import Settings

SECRET = b"benchmark"
WARM_UP_REQUESTS = 500
AT_LEAST = {"no database": 0.65, "one INSERT": 2.0}

CONTENT_LENGTH = re.compile(rb"(?i)content-length: (\d+)")

ONE_INSERT = """
INSERT INTO webhook_deliveries (hook_target, guid, event, action, repository, installation_id, headers, body)
VALUES (%s, %s, %s, %s, %s, %s, %s, %b) ON CONFLICT (hook_target, guid) DO NOTHING
"""


class NoDatabase(recorder.Recorder):
    """Answers at once and writes nothing."""

    async def record(self, delivery: Delivery) -> recorder.Outcome:
        return "queued"


class OneInsert(recorder.Recorder):
    """One INSERT and one commit per request, as a receiver is usually written."""

    def __init__(self, engine: AsyncEngine, timeout_seconds: float) -> None:
        super().__init__(engine, timeout_seconds)
        self._autocommitting = engine.execution_options(isolation_level="AUTOCOMMIT")

    async def record(self, delivery: Delivery) -> recorder.Outcome:
        async with database.transaction(self._autocommitting) as conn:
            result = await conn.exec_driver_sql(ONE_INSERT, (
                *delivery.key, delivery.event, delivery.action, delivery.repository, delivery.installation_id,
                json.dumps(delivery.headers), delivery.body,
            ))  # fmt: skip
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
    recorder.Recorder = RECORDERS[name]  # type: ignore[misc]
    engine = database.create_engine(url, pool_size=10)
    settings = Settings(webhook_secrets=(SecretStr(SECRET.decode()),))
    served = app.create_app(settings, engine, handled=frozenset({"issues"}))
    config = uvicorn.Config(served, loop="uvloop", http="httptools", access_log=False, log_level="warning")
    uvicorn.Server(config).run([listening])


def generate(load: Load, port: int, answer: Connection) -> None:
    """Send the load and tell the result."""
    answer.send(uvloop.run(_generate(load, port)))


async def _generate(load: Load, port: int) -> Result:
    await _send(port, load.connections, _requests(load, "warm-up", WARM_UP_REQUESTS))
    requests = _requests(load, "measured", load.requests)
    started = time.perf_counter()
    latencies = await _send(port, load.connections, requests)
    seconds = time.perf_counter() - started
    percentiles = statistics.quantiles(latencies, n=100)
    return Result(load.requests / seconds, percentiles[49], percentiles[98])


def _requests(load: Load, prefix: str, count: int) -> list[bytes]:
    """Requests as they go over the wire, made and signed beforehand."""
    body = _body(load.body_bytes)
    signature = hmac.new(SECRET, body, "sha256").hexdigest()
    head = (
        "POST /webhooks/github HTTP/1.1\r\nHost: ghsync.example.com\r\nUser-Agent: GitHub-Hookshot/044aadd\r\n"
        "Accept: */*\r\nContent-Type: application/json\r\nX-GitHub-Event: issues\r\nX-GitHub-Hook-ID: 292430182\r\n"
        "X-GitHub-Hook-Installation-Target-ID: 79929171\r\nX-GitHub-Hook-Installation-Target-Type: integration\r\n"
        f"X-Hub-Signature-256: sha256={signature}\r\nContent-Length: {len(body)}\r\n"
    )
    return [f"{head}X-GitHub-Delivery: {prefix}-{number}\r\n\r\n".encode() + body for number in range(count)]


def _body(size: int) -> bytes:
    """An issue event of that size, mostly URLs and short texts as GitHub's are."""
    payload: dict[str, Any] = {
        "action": "opened",
        "issue": {"id": 1, "number": 1, "title": "It rains", "user": {}},
        "repository": {"id": 1296269, "full_name": "octocat/Hello-World"},
        "installation": {"id": 234},
    }
    while len(json.dumps(payload)) < size - 100:
        number = len(payload["issue"]["user"])
        payload["issue"]["user"][f"field_{number}_url"] = f"https://api.github.com/users/octocat/{number}{{/other}}"
    return json.dumps(payload).encode().ljust(size)


async def _send(port: int, connections: int, requests: list[bytes]) -> list[float]:
    """Send all requests over some connections, each one as soon as the one before it is answered."""
    waiting = iter(requests)
    clients = [Client(waiting) for _ in range(connections)]
    for client in clients:
        await asyncio.get_running_loop().create_connection(lambda client=client: client, "127.0.0.1", port)
    await asyncio.gather(*(client.done for client in clients))
    return [latency for client in clients for latency in client.latencies]


class Client(asyncio.Protocol):
    """One connection of the load generator, as cheap as can be: it shares the processors with what it measures."""

    def __init__(self, waiting: Iterator[bytes]) -> None:
        self.latencies: list[float] = []
        self.done = asyncio.get_running_loop().create_future()
        self._waiting = waiting
        self._answer = b""
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, blank, body = self._answer.partition(b"\r\n\r\n")
        if not blank or len(body) < int(CONTENT_LENGTH.findall(head)[0]):
            return
        if not head.startswith(b"HTTP/1.1 202"):
            self.done.set_exception(RuntimeError(f"Answered {self._answer!r}."))
        self.latencies.append(time.perf_counter() - self._sent_at)
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or RuntimeError("The server closed a connection."))

    def _send(self) -> None:
        request = next(self._waiting, None)
        if request is None:
            self.done.set_result(None)
            self._transport.close()
            return
        self._answer = b""
        self._sent_at = time.perf_counter()
        self._transport.write(request)


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
        with served(url, name) as port:
            ours, theirs = multiprocessing.Pipe(duplex=False)
            generator = multiprocessing.get_context("spawn").Process(target=generate, args=(load, port, theirs))
            generator.start()
            theirs.close()  # so that a generator that fails is noticed
            result: Result = ours.recv()
            generator.join()
        (stored,) = connection.execute("SELECT count(*) FROM webhook_deliveries").fetchone() or (0,)
    expected = 0 if name == "no database" else load.requests + WARM_UP_REQUESTS
    if stored != expected:
        raise SystemExit(f"{name}: {stored} deliveries are stored, not {expected}.")
    return result


def keep_log_files(url: str) -> None:
    """Let PostgreSQL use its log files again, as a server at work does: to make a new one takes it 60 ms."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET min_wal_size = '1GB'")
        connection.execute("SELECT pg_reload_conf()")


def main() -> None:
    """Measure the three and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=6000)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--body-bytes", type=int, default=12_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    load = Load(options.requests, options.connections, options.body_bytes)
    rates: dict[str, list[float]] = {name: [] for name in RECORDERS}
    with tempfile.TemporaryDirectory(prefix="ghsync-") as directory, embedded.running(Path(directory)) as url:
        migrate.upgrade(url)
        keep_log_files(url)
        measure(url, "group commit", load)
        for _ in range(options.rounds):
            for name in RECORDERS:
                result = measure(url, name, load)
                rates[name].append(result.requests_per_second)
                report(
                    f"{name:12} {result.requests_per_second:7,.0f} requests/s,"
                    f" p50 {result.p50_seconds * 1000:5.1f} ms, p99 {result.p99_seconds * 1000:5.1f} ms"
                )
    median = {name: statistics.median(measured) for name, measured in rates.items()}
    for name, least in AT_LEAST.items():
        report(f"group commit / {name}: {median['group commit'] / median[name]:.2f} (wanted: {least})")


def report(line: str) -> None:
    """Print a line now, also into a file or a pipe."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
