"""Where a fault is made: ghsync with a GitHub, a PostgreSQL, and a Prometheus that watches."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg
import yaml
from cryptography.fernet import Fernet

from ghsync.simulator import deeds
from ghsync.simulator.app import EVERY_EVENT
from ghsync.simulator.generator import Plan, generate
from ghsync.simulator.keys import Keys, new_private_key, public_key
from ghsync.simulator.sender import Sender
from ghsync.simulator.server import create_server
from ghsync.simulator.serving import serving
from ghsync.simulator.site import Site
from ghsync.simulator.traffic import Traffic
from tests import debian, postgres, service
from tests.failover import pair
from tests.failover.pair import DATABASE, Pair
from tests.gameday import hastened
from tests.service import Program, Receiver

OFTEN: dict[str, object] = {"sweep_seconds": 3, "heal_seconds": 3, "audit_seconds": 3, "commit_timeout_seconds": 2}
BUDGET = 1_000_000  # for who asks so often
PLAN = Plan(1, 2, people=4, conversations=20)
DEED_SECONDS = 0.5
"""From one thing that happens on GitHub to the next."""

SCRAPE_SECONDS = 3  # of a database that is locked, two are waited for
EVALUATION_SECONDS = 1
PATIENCE_SECONDS = 90.0
LOOK_SECONDS = 0.25
CALM_SECONDS = 8.0
"""How long nothing fires before a fault, and nothing else while its alert does."""


@dataclass
class Arena:
    """What a fault may reach."""

    folder: Path
    database_url: str
    site: Site
    receiver: Receiver
    environment: Mapping[str, str]
    prometheus: "Prometheus"
    strangers: ExitStack
    servers: Pair | None = None
    """A primary and its standby, where the drill asks for them."""

    workers: list[Program] = field(default_factory=list)
    found: dict[str, Any] = field(default_factory=dict)
    """What a fault leaves for whoever mends it."""

    def connect(self) -> psycopg.Connection[Any]:
        """A connection of who may do everything."""
        return service.connect(self.database_url)

    def stranger(self, url: str = "") -> psycopg.Connection[Any]:
        """The same of somebody who has a psql open, to the end of the drill; ``url`` leads elsewhere."""
        connection = psycopg.connect(url or self.database_url, autocommit=True, application_name="psql")
        self.strangers.callback(connection.close)
        return connection

    async def ghsync(self, *words: str, statuses: Container[int] = (0,)) -> str:
        """What a command says on standard output, as people run it; `AssertionError` where it ends otherwise."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ghsync", *words, env=dict(self.environment), stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        said, complaint = await process.communicate()
        assert process.returncode in statuses, f"{words}: {process.returncode}: {complaint.decode()}"
        return said.decode()


Act = Callable[[Arena], Awaitable[None]]


@dataclass(frozen=True)
class Drill:
    """A fault, the alert that it is to raise, and how it is mended: in words of the alert's runbook."""

    fault: str
    alert: str
    happens: Act
    mends: Act
    runbook: str
    settings: dict[str, object] = field(default_factory=dict)
    command: str = "serve"
    workers: int = 0
    reads: bool = True
    """Whether ghsync reads the API."""

    pair: bool = False
    """Whether PostgreSQL is a server that can be killed, with a standby: Debian's 15."""


@dataclass(frozen=True)
class Outcome:
    """How long after the fault the alert fired, and how long after it was mended nothing did any more, in seconds."""

    drill: Drill
    fired_seconds: float
    cleared_seconds: float


class Prometheus:
    """One that watches a process of ghsync, with the rules in a hurry."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def firing(self) -> frozenset[str]:
        """The alerts that fire now."""
        async with httpx.AsyncClient(base_url=self._url, timeout=PATIENCE_SECONDS, trust_env=False) as client:
            answer = (await client.get("/api/v1/alerts")).raise_for_status().json()
        return frozenset(each["labels"]["alertname"] for each in answer["data"]["alerts"] if each["state"] == "firing")

    async def ready(self) -> bool:
        """Whether it answers."""
        try:
            async with httpx.AsyncClient(base_url=self._url, trust_env=False) as client:
                return (await client.get("/-/ready")).is_success
        except httpx.TransportError:
            return False


@contextmanager
def _watching(folder: Path, port: object) -> Iterator[Prometheus]:
    (folder / "rules.yml").write_text(yaml.safe_dump(hastened.rules()))
    configuration = {
        "global": {"scrape_interval": f"{SCRAPE_SECONDS}s", "evaluation_interval": f"{EVALUATION_SECONDS}s"},
        "rule_files": ["rules.yml"],
        "scrape_configs": [{"job_name": "ghsync", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    address = f"127.0.0.1:{service.free_port()}"
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            ["prometheus", "--config.file", folder / "prometheus.yml", "--storage.tsdb.path", folder / "prometheus",
             "--web.listen-address", address, "--log.level", "error"],
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield Prometheus(f"http://{address}")
    finally:
        process.kill()
        process.wait()


@asynccontextmanager
async def opened(drill: Drill, folder: Path, server_url: str) -> AsyncIterator[Arena]:
    """An arena with a database of its own, in which all is well."""
    key = folder / "key.pem"
    key.write_text(private_key := new_private_key())
    world = generate(PLAN, seed=1, events=EVERY_EVENT)
    world.clock.advance_to(datetime.now(UTC))
    async with AsyncExitStack() as stack:
        app = create_server(world, Keys(public_key(private_key), service.SECRET), keeps_time=True)
        site: Site = app.state.site
        site.budgets.limits = dict.fromkeys(("core", "graphql"), BUDGET)
        api_url = await stack.enter_async_context(serving(app))
        servers = await stack.enter_async_context(_pair()) if drill.pair else None
        database_url = servers.primary.url(DATABASE) if servers else stack.enter_context(postgres.database(server_url))
        settings: dict[str, object] = {"encryption_keys": Fernet.generate_key().decode(), **OFTEN, **drill.settings}
        if drill.reads:
            settings |= {"api_url": api_url, "app_id": world.app.id, "private_key_path": key}
        operations_port = service.free_port()
        receiver = await stack.enter_async_context(
            service.serving(
                database_url, folder / "serve.log", command=drill.command, operations_port=operations_port, **settings
            )
        )
        workers = [
            await stack.enter_async_context(service.working(database_url, folder / "work.log", **settings))
            for _ in range(drill.workers)
        ]
        site.hook.url = f"http://127.0.0.1:{receiver.port}{service.WEBHOOK}"
        await _start_life(stack, site)
        prometheus = stack.enter_context(_watching(folder, operations_port))
        await service.until(prometheus.ready, "Prometheus answers")
        environment = _environment(database_url, receiver.port, settings)
        strangers = stack.enter_context(ExitStack())
        yield Arena(folder, database_url, site, receiver, environment, prometheus, strangers, servers, workers)


@asynccontextmanager
async def _pair() -> AsyncIterator[Pair]:
    """Servers of its own; other drills go on while they are made."""
    with ExitStack() as stack:
        folder = stack.enter_context(debian.folder())
        yield await asyncio.to_thread(stack.enter_context, pair.running(folder))
        await asyncio.to_thread(stack.close)


def _environment(url: str, port: int, settings: Mapping[str, object]) -> dict[str, str]:
    """Of who operates it, on the host of PostgreSQL."""
    own = {"database_url": url, "port": port, "webhook_secrets": service.SECRET, **settings}
    return {name: os.environ[name] for name in service.INHERITED if name in os.environ} | {
        f"GHSYNC_{name.upper()}": str(value) for name, value in own.items()
    }


async def _start_life(stack: AsyncExitStack, site: Site) -> None:
    """Let people act on GitHub, and GitHub send, until the stack is closed."""
    sender = await stack.enter_async_context(Sender(site, from_the_start=True))
    traffic = Traffic(site.world, seed=1, pauses=(0.0,), weights=dict.fromkeys(deeds.NOT_TOLD, 0))

    async def live() -> None:
        while True:
            site.keep_time()
            traffic.act()
            await asyncio.sleep(DEED_SECONDS)

    for task in (asyncio.create_task(live()), asyncio.create_task(sender.run())):
        stack.push_async_callback(_end, task)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def play(arena: Arena, drill: Drill) -> Outcome:
    """See that nothing fires, let it happen, see that its alert fires and no other, mend it, and see that it clears."""
    await _keep(arena, frozenset(), f"before {drill.fault}")
    began = time.monotonic()
    await drill.happens(arena)
    await _become(arena, frozenset({drill.alert}), f"{drill.fault}: {drill.alert}")
    fired = time.monotonic() - began
    await _keep(arena, frozenset({drill.alert}), f"while {drill.fault}")
    began = time.monotonic()
    await drill.mends(arena)
    await _become(arena, frozenset(), f"{drill.fault} is mended", among=frozenset({drill.alert}))
    cleared = time.monotonic() - began
    await _keep(arena, frozenset(), f"after {drill.fault}")
    return Outcome(drill, fired, cleared)


async def _become(arena: Arena, wanted: frozenset[str], what: str, among: frozenset[str] = frozenset()) -> None:
    """Wait until these fire, and no others; meanwhile none but these may, or those ``among`` which they are."""
    limit = time.monotonic() + PATIENCE_SECONDS
    while (firing := await arena.prometheus.firing()) != wanted:
        assert firing <= wanted | among, f"{what}: {', '.join(sorted(firing))}"
        assert time.monotonic() < limit, f"{what}: after {PATIENCE_SECONDS:g} s {', '.join(firing) or 'nothing'} fires"
        await asyncio.sleep(LOOK_SECONDS)


async def _keep(arena: Arena, wanted: frozenset[str], what: str) -> None:
    """See that these go on to fire, and no others begin to."""
    limit = time.monotonic() + CALM_SECONDS
    while time.monotonic() < limit:
        firing = await arena.prometheus.firing()
        assert firing == wanted, f"{what}: {', '.join(sorted(firing)) or 'nothing'} fires"
        await asyncio.sleep(LOOK_SECONDS)
