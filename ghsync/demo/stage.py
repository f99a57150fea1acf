"""What a deployment has, on this machine: an embedded PostgreSQL, a simulated GitHub and a `ghsync serve` process."""

import asyncio
import os
import secrets
import shutil
import socket
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import embedded
from ghsync.database import create_engine
from ghsync.errors import Transient
from ghsync.settings import PREFIX
from ghsync.simulator.account import Account
from ghsync.simulator.generator import Plan
from ghsync.simulator.hosting import Hosted, hosting
from ghsync.simulator.repository import Repository

HOST = "127.0.0.1"
PORTS = range(20_000, 32_000)  # below what systems give to connections, so that none has it before our server does
PLAN = Plan(repositories=5, conversations=60)
SEED = 1
START_SECONDS = 60.0
STOP_SECONDS = 15.0
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Stage:
    """Where things are while the demo runs; ``environment`` has the settings of all of ghsync's processes."""

    directory: Path
    database_url: str
    engine: AsyncEngine
    github: Hosted
    address: str
    operations: str
    environment: Mapping[str, str]

    @property
    def repository(self) -> Repository:
        """Where the scenes are: nobody else changes what is there."""
        return self.github.repositories[-1]

    @property
    def person(self) -> Account:
        """Who does what the scenes are about."""
        return next(iter(self.github.world.members[self.repository.owner]))


@asynccontextmanager
async def running(*, port: int | None, keep: bool) -> AsyncIterator[Stage]:
    """Start all of it, and stop it, whatever happens; the files go unless ``keep``."""
    chosen, operations = _free_port(port), _free_port(None)
    directory = Path(tempfile.mkdtemp(prefix="ghsync-demo-"))
    address = f"http://{HOST}:{chosen}"
    try:
        async with (
            _database(directory) as starting,
            hosting(PLAN, SEED, directory, hook=f"{address}/webhooks/github") as github,
        ):
            database_url = await asyncio.shield(starting)
            environment = _environment(database_url, github, chosen, operations)
            engine = create_engine(database_url)
            stage = Stage(directory, database_url, engine, github, address, f"http://{HOST}:{operations}", environment)
            try:
                async with _serving(stage):
                    yield stage
            finally:
                await engine.dispose()
    finally:
        if not keep:
            shutil.rmtree(directory, ignore_errors=True)


async def command(stage: Stage, *words: str) -> str:
    """What a command of ghsync prints, typed as a person does. Raises `Transient` with its last words if it fails."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ghsync", *words,
        env=stage.environment, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        said, complained = await process.communicate()
    finally:
        await _stop(process)
    if process.returncode:
        raise Transient(f"`ghsync {' '.join(words)}` failed: {_last_words(complained)}")
    return said.decode()


@asynccontextmanager
async def _database(directory: Path) -> AsyncIterator[asyncio.Task[str]]:
    """The server's URL, once it is there; it starts while other things are done.

    A start is waited for even when all is to end already: nobody can stop half a server.
    """
    server = embedded.running(directory)
    starting = asyncio.create_task(asyncio.to_thread(server.__enter__))
    try:
        yield starting
    finally:
        await asyncio.wait([starting])
        if not starting.cancelled() and starting.exception() is None:
            await asyncio.to_thread(server.__exit__, None, None, None)


def _environment(database_url: str, github: Hosted, port: int, operations: int) -> Mapping[str, str]:
    # A proxy would be asked for what is on this machine.
    others = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(PREFIX) and not name.lower().endswith("_proxy")
    }
    return {
        **others,
        **github.settings,
        f"{PREFIX}DATABASE_URL": database_url,
        f"{PREFIX}HOST": HOST,
        f"{PREFIX}PORT": str(port),
        f"{PREFIX}OPERATIONS_PORT": str(operations),
        f"{PREFIX}LOG_LEVEL": "warning",
    }


@asynccontextmanager
async def _serving(stage: Stage) -> AsyncIterator[None]:
    """The real `ghsync serve`, in a session of its own: Ctrl-C is for the demo, which then stops it."""
    log = stage.directory / "serve.log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ghsync", "serve",
            env=stage.environment, stdin=DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    try:
        await _ready(stage, process, log)
        async with _unless_it_ends(process, log):
            yield
    finally:
        await _stop(process)


@asynccontextmanager
async def _unless_it_ends(process: Process, log: Path) -> AsyncIterator[None]:
    """Break off the block, with `Transient`, when the server ends before it."""
    task = asyncio.current_task()
    ended = asyncio.create_task(process.wait())

    def break_off(_: object) -> None:
        if task is not None:
            task.cancel()

    ended.add_done_callback(break_off)
    try:
        yield
    except (asyncio.CancelledError, Exception):  # whatever the block said of a server that is not there
        if not ended.done():
            raise
    finally:
        is_over = ended.done()
        ended.remove_done_callback(break_off)
        ended.cancel()
    if is_over:
        raise Transient(f"`ghsync serve` ended in the middle (exit code {process.returncode}): {_last_line(log)}")


async def _ready(stage: Stage, process: Process, log: Path) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(START_SECONDS), httpx.AsyncClient(trust_env=False) as client:
            while process.returncode is None:
                with suppress(httpx.TransportError):  # not yet
                    if (await client.get(f"{stage.operations}/readyz")).is_success:
                        return
                await asyncio.sleep(POLL_SECONDS)
    raise Transient(f"`ghsync serve` did not start on {stage.address}: {_last_line(log)}")


def _last_line(log: Path) -> str:
    return _last_words(log.read_bytes())


def _last_words(said: bytes) -> str:
    return (said.decode(errors="replace").strip().splitlines() or ["it said nothing"])[-1]


async def _stop(process: Process) -> None:
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _free_port(wanted: int | None) -> int:
    """The wanted port, else any; whoever else answered there would be taken for our server."""
    if wanted is None:
        while True:
            port = secrets.choice(PORTS)
            with suppress(OSError):
                _try(port)
                return port
    try:
        _try(wanted)
    except OSError as error:
        raise Transient(f"Port {wanted} cannot be used ({error.strerror}): choose another with --port.") from error
    return wanted


def _try(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, port))
