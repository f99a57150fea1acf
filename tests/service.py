"""ghsync as it runs in production: processes of their own, over real HTTP, with real signatures."""

import asyncio
import json
import os
import secrets
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psycopg

from ghsync.inbox import recording
from ghsync.inbox.recording import RecordedDelivery
from ghsync.sessions import connection_arguments
from tests import forked
from tests.forked import Forked

SECRET = "chaos"
WEBHOOK = "/webhooks/github"
PATIENCE_SECONDS = 120.0  # for a machine that has much else to do
LOOK_SECONDS = 0.02
PORTS = range(20_000, 32_000)  # below what Linux and others give to connections and to those who ask for any port
INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "XDG_CACHE_HOME")


async def until(holds: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait for a condition; `AssertionError` says what did not come."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await holds():  # noqa: ASYNC110 (other processes set no events)
                await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError:
        raise AssertionError(f"Within {PATIENCE_SECONDS:g} s it did not happen that {what}.") from None


def sample(text: str, name: str) -> float:
    """A sample's value as Prometheus reads it."""
    (value,) = (line.rpartition(" ")[2] for line in text.splitlines() if line.rpartition(" ")[0] == name)
    return float(value)


class Program:
    """One process of ghsync with settings of its own; its log is a file that outlives it.

    It is forked from one that has imported everything, unless it is to be ``anew``, an interpreter as people start it;
    ``before`` are the words of a program that starts that, and ``environment`` what else is in its environment.
    """

    def __init__(
        self,
        command: str,
        database_url: str,
        log: Path,
        *,
        anew: bool = False,
        before: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        **settings: object,
    ) -> None:
        self._command = command
        self._anew = anew or bool(before)
        self._before = before
        self._log = log
        self._environment = {name: os.environ[name] for name in INHERITED if name in os.environ} | {
            "PYTHONWARNINGS": "error",
            "GHSYNC_DATABASE_URL": database_url,
            "GHSYNC_LOG_FORMAT": "json",
            **{f"GHSYNC_{name.upper()}": str(value) for name, value in settings.items()},
            **(environment or {}),
        }
        self._process: Forked | Process | None = None

    async def start(self) -> None:
        """Start the process; it is not awaited to be ready."""
        words, environment = self._command.split(), self._environment
        with self._log.open("ab") as log:
            if self._anew:
                self._process = await asyncio.create_subprocess_exec(
                    *self._before, sys.executable, "-m", "ghsync", *words,
                    env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
                )  # fmt: skip
            else:
                self._process = forked.start(words, environment, stdout=log.fileno(), stderr=log.fileno())

    @property
    def pid(self) -> int:
        """Its process number."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.returncode is None

    async def kill(self) -> None:
        """End the process as a power cut does: kill -9, nothing is finished."""
        await self._end(signal.SIGKILL)

    async def terminate(self) -> int:
        """Ask the process to end; answers its exit status."""
        return await self._end(signal.SIGTERM)

    async def _end(self, how: signal.Signals) -> int:
        assert self._process is not None
        self._process.send_signal(how)
        return await self.ended()

    async def ended(self) -> int:
        """Its exit status, once it has ended by itself."""
        assert self._process is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self._process.wait()

    def log(self) -> str:
        """All that it wrote, in all its lives."""
        return self._log.read_text()

    def told(self, *levels: str) -> list[dict[str, Any]]:
        """The entries of its log that have one of these levels."""
        entries = [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]
        return [entry for entry in entries if entry["level"] in levels]


class Receiver(Program):
    """`ghsync serve`: at the same address in every life."""

    def __init__(
        self,
        database_url: str,
        log: Path,
        *,
        command: str = "serve",
        anew: bool = False,
        before: Sequence[str] = (),
        at: str = "127.0.0.1",
        environment: Mapping[str, str] | None = None,
        **settings: object,
    ) -> None:
        self._address = at
        self.port = int(str(settings.get("port") or free_port()))
        settings = {"port": self.port, "webhook_secrets": SECRET} | settings
        self._operations_port = settings.get("operations_port", self.port)
        super().__init__(command, database_url, log, anew=anew, before=before, environment=environment, **settings)
        self._client: httpx.AsyncClient | None = None
        self._operations: httpx.AsyncClient | None = None

    def connection(self, port: object = None) -> httpx.AsyncClient:
        """A client of its own; one for each of many requests at a time is cheaper than a pool."""
        return httpx.AsyncClient(
            base_url=f"http://{self._address}:{port or self.port}",
            timeout=PATIENCE_SECONDS,
            trust_env=False,
            verify=False,  # noqa: S501 (no TLS here)
        )

    @property
    def client(self) -> httpx.AsyncClient:
        """A client that lives as long as this receiver does."""
        assert self._client is not None
        return self._client

    @property
    def operations(self) -> httpx.AsyncClient:
        """The same for those who operate it, on the port that is set for them, if there is one."""
        assert self._operations is not None
        return self._operations

    def operating(self) -> httpx.AsyncClient:
        """A client of its own for that port."""
        return self.connection(self._operations_port)

    async def start(self) -> None:
        """Start the process, and return when it is ready to receive."""
        await super().start()
        if self._client is None:
            self._client, self._operations = self.connection(), self.operating()
        await until(self.ready, "the receiver is ready")

    async def ready(self) -> bool:
        """Whether it says so; `AssertionError` when it has ended, for then it never will."""
        assert self.running, self.log()
        try:
            return (await self.operations.get("/readyz")).status_code == 200
        except httpx.TransportError:
            return False

    async def close(self) -> None:
        """Give the connections back."""
        for client in (self._client, self._operations):
            if client is not None:
                await client.aclose()


async def post(client: httpx.AsyncClient, delivery: RecordedDelivery) -> httpx.Response:
    """Deliver once, as GitHub does."""
    return await client.post(WEBHOOK, content=delivery.body, headers=recording.sign(delivery, SECRET))


def free_port() -> int:
    """A port that nobody listens on, nor will before our process does: the system gives out none of these by itself."""
    while True:
        port = secrets.choice(PORTS)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@asynccontextmanager
async def serving(
    database_url: str,
    log: Path,
    *,
    command: str = "serve",
    anew: bool = False,
    before: Sequence[str] = (),
    at: str = "127.0.0.1",
    environment: Mapping[str, str] | None = None,
    **settings: object,
) -> AsyncIterator[Receiver]:
    """A receiver with a worker, ready; whatever happened to it, it is gone afterwards."""
    receiver = Receiver(
        database_url, log, command=command, anew=anew, before=before, at=at, environment=environment, **settings
    )
    try:
        await receiver.start()
        yield receiver
    finally:
        await receiver.close()
        if receiver.running:
            await receiver.kill()


@asynccontextmanager
async def working(
    database_url: str, log: Path, *, environment: Mapping[str, str] | None = None, **settings: object
) -> AsyncIterator[Program]:
    """`ghsync work`, about to look into the inbox; whatever happened to it, it is gone afterwards."""
    program = Program("work", database_url, log, environment=environment, **settings)

    async def says_so() -> bool:
        assert program.running, program.log()
        return "Projecting" in program.log()

    try:
        await program.start()
        await until(says_so, "the worker works")
        yield program
    finally:
        if program.running:
            await program.kill()


def connect(database_url: str) -> psycopg.Connection[Any]:
    """A blocking connection with the settings of ghsync's own, every statement committed at once."""
    return psycopg.connect(database_url, autocommit=True, **connection_arguments(database_url))


async def drained(connection: psycopg.Connection[Any]) -> None:
    """Wait until no delivery is pending."""

    async def nothing_is_pending() -> bool:
        found = connection.execute("SELECT FROM webhook_deliveries WHERE status = 'pending' LIMIT 1")
        return found.fetchone() is None

    await until(nothing_is_pending, "every delivery is projected")
