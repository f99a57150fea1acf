"""`serve` and `work` end within ten seconds of being told so, as long as `docker stop` waits, whatever hangs."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.inbox import recording
from ghsync.inbox.recorder import Recorder
from tests import service, traffic
from tests.chaos import mirror
from tests.chaos.test_company import opened
from tests.github.keys import private_key
from tests.relay import Relay, as_url, relay
from tests.service import SECRET, WEBHOOK, Program, Receiver

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

ENDED_WITHIN_SECONDS = 10.0
COUNT = 3_000
READING: dict[str, object] = {"app_id": 1, "sweep_seconds": 0.1, "poll_seconds": 0.1}


@asynccontextmanager
async def silent_github() -> AsyncIterator[tuple[str, asyncio.Event]]:
    """An API that takes requests and never answers: its URL, and whether it was asked."""
    asked = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while await reader.read(65536):
                asked.set()
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked


class Stage:
    """A program, its database behind a door, and what it is at."""

    def __init__(
        self, command: str, door: Relay, engine: AsyncEngine, folder: Path, stack: AsyncExitStack, **settings: object
    ) -> None:
        self.door = door
        self.engine = engine
        self.stack = stack
        log = folder / "log"
        self.program: Program
        if command.startswith("serve"):
            self.program = Receiver(as_url(door), log, command=command, **settings)
        else:
            self.program = Program(command, as_url(door), log, **settings)

    async def start(self) -> None:
        """Start it, and return when it is at work."""
        await self.program.start()

        async def at_work() -> bool:
            assert self.program.running, self.program.log()
            return "leading" in self.program.log()

        await service.until(at_work, "it is at work")

    async def head(self) -> asyncio.StreamWriter:
        """A delivery is under way, and its body has yet to come."""
        assert isinstance(self.program, Receiver)
        delivery = traffic.busy(1).deliveries[0]
        signed = recording.sign(delivery, SECRET) | {"Host": "ghsync", "Content-Length": "1000000"}
        lines = [f"POST {WEBHOOK} HTTP/1.1", *(f"{name}: {value}" for name, value in signed.items()), "", "{"]
        _, writer = await asyncio.open_connection("127.0.0.1", self.program.port)
        writer.write("\r\n".join(lines).encode())
        await writer.drain()

        async def close() -> None:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

        self.stack.push_async_callback(close)
        return writer


async def backlog(stage: Stage) -> None:
    """Thousands of deliveries wait to be projected."""
    recorder = Recorder(stage.engine, timeout_seconds=30)
    await asyncio.gather(*(recorder.record(opened(each)) for each in traffic.busy(COUNT).deliveries))
    await recorder.close()


async def nothing(stage: Stage) -> None:
    """It has nothing to do but to ask GitHub."""


async def postgres_hangs(stage: Stage) -> None:
    """PostgreSQL says nothing any more."""
    stage.door.freeze()


async def postgres_hangs_in_the_midst(stage: Stage) -> None:
    """It does so while it is asked for much."""
    await backlog(stage)
    stage.door.freeze()


async def postgres_hangs_for_long(stage: Stage) -> None:
    """It has done so for a while, and connections are given up."""
    stage.door.freeze()
    await asyncio.sleep(8)


async def body_drips(stage: Stage) -> None:
    """The body of a request never ends."""
    writer = await stage.head()

    async def drip() -> None:
        with suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.1)

    dripping = asyncio.create_task(drip())
    stage.stack.callback(dripping.cancel)


async def body_stops(stage: Stage) -> None:
    """The body of a request never goes on."""
    await stage.head()


Trouble = Callable[[Stage], Awaitable[None]]
ALWAYS: tuple[Trouble, ...] = (
    nothing, backlog, postgres_hangs, postgres_hangs_in_the_midst, postgres_hangs_for_long,
)  # fmt: skip
RECEIVING: tuple[Trouble, ...] = (body_drips, body_stops)
CASES = [
    *((command, trouble) for command in ("serve", "work") for trouble in ALWAYS),
    *(("serve", trouble) for trouble in RECEIVING),
    ("serve --workers 2", body_drips),
    ("serve --workers 2", postgres_hangs),
]


@pytest.mark.parametrize(("command", "trouble"), CASES, ids=lambda each: getattr(each, "__name__", each))
async def test_it_ends_within_ten_seconds_whatever_it_is_at(
    database_url: str,
    engine: AsyncEngine,
    connection: psycopg.Connection,
    tmp_path: Path,
    command: str,
    trouble: Trouble,
) -> None:
    async with AsyncExitStack() as stack:
        api_url, asked = await stack.enter_async_context(silent_github())
        door = await stack.enter_async_context(relay(database_url))
        settings = READING | {"private_key": private_key(), "api_url": api_url, "log_level": "info"}
        stage = Stage(command, door, engine, tmp_path, stack, **settings)
        try:
            await stage.start()
            await asyncio.wait_for(asked.wait(), service.PATIENCE_SECONDS)
            await trouble(stage)
            began = time.monotonic()
            status = await stage.program.terminate()
            seconds = time.monotonic() - began
        finally:
            if isinstance(stage.program, Receiver):
                await stage.program.close()
            if stage.program.running:
                await stage.program.kill()
        sys.stderr.write(f"{command} ended after {seconds:.1f} s: {trouble.__name__}\n")
        assert status == 0, stage.program.log()
        assert seconds < ENDED_WITHIN_SECONDS
    mirror.is_told_once(connection)
