"""Processes that stop in the midst of something: where they do is chosen by a trigger, which waits for the test."""

import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.inbox.delivery import Delivery
from ghsync.inbox.recorder import Recorder
from tests import service
from tests.service import Program

GATE = 42  # an advisory lock of the test's own
OTHERS_GO_ON_WITHIN_SECONDS = 15.0

SETTINGS = {"idle_seconds": 5, "lock_seconds": 4, "poll_seconds": 0.5}

_WAIT = f"""
CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_advisory_lock({GATE}); PERFORM pg_advisory_unlock({GATE}); RETURN NEW; END $$
"""

_AT_GATE = """
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def stop_at(connection: psycopg.Connection[Any], table: str, condition: str) -> None:
    """Whoever inserts such a row into a table waits at the gate."""
    connection.execute(_WAIT)
    trigger = f"CREATE TRIGGER wait_at_gate BEFORE INSERT ON {table} FOR EACH ROW WHEN ({condition})"
    connection.execute(f"{trigger} EXECUTE FUNCTION wait_at_gate()".encode())


@contextmanager
def shut(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """The gate is shut."""
    connection.execute("SELECT pg_advisory_lock(%s)", [GATE])
    try:
        yield
    finally:
        connection.execute("SELECT pg_advisory_unlock(%s)", [GATE])


async def until_at_gate(connection: psycopg.Connection[Any]) -> None:
    """Return when somebody waits at the gate."""

    async def waits() -> bool:
        return connection.execute(_AT_GATE, [GATE]).fetchall() != [(0,)]

    await service.until(waits, "somebody waits at the gate")


async def until_stopped(program: Program) -> None:
    """Stop a process as a debugger, or a host that hangs, does; return when it stands still."""
    os.kill(program.pid, signal.SIGSTOP)

    async def stands_still() -> bool:
        return psutil.Process(program.pid).status() == psutil.STATUS_STOPPED

    await service.until(stands_still, "the process stands still")


def let_go_on(program: Program) -> None:
    """Let a process that was stopped go on."""
    os.kill(program.pid, signal.SIGCONT)


@asynccontextmanager
async def two_workers(database_url: str, folder: Path, **settings: object) -> AsyncIterator[tuple[Program, Program]]:
    """Two processes of `ghsync work`; the second one stands still until it is let go on."""
    asked = SETTINGS | settings
    async with (
        service.working(database_url, folder / "second.log", **asked) as second,
        service.working(database_url, folder / "first.log", **asked) as first,
    ):
        await until_stopped(second)
        yield first, second


async def arrive(engine: AsyncEngine, *deliveries: Delivery) -> None:
    """Put deliveries into the inbox."""
    recorder = Recorder(engine, timeout_seconds=5)
    for one in deliveries:
        await recorder.record(one)
    await recorder.close()


def pending(connection: psycopg.Connection[Any]) -> set[str]:
    """The GUIDs of what is not projected."""
    return {guid for (guid,) in connection.execute("SELECT guid FROM webhook_deliveries WHERE status = 'pending'")}
