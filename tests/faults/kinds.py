"""The faults: each happens to the end before its function returns."""

import asyncio
import os
import signal
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import httpx
import psycopg

from ghsync.inbox.recording import RecordedDelivery
from tests import service
from tests.faults.arena import FAULT_SECONDS, Arena, Kind

SPOOL: dict[str, object] = {"spool_dir": "spool"}
"""In the directory of the arena."""

SMALL_DISK_BYTES = 400 * 1024 * 1024

END_ALL = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


async def say(connection: psycopg.Connection, statement: str) -> None:
    """Run a statement, and let this process go on meanwhile: it keeps the door."""
    await asyncio.to_thread(connection.execute, statement.encode())


async def serve_killed(arena: Arena) -> None:
    await arena.receiver.kill()
    await arena.receiver.start()


async def serve_ended(arena: Arena) -> None:
    assert await arena.receiver.terminate() == 0
    await arena.receiver.start()


async def serve_stopped(arena: Arena) -> None:
    os.kill(arena.receiver.pid, signal.SIGSTOP)
    await asyncio.sleep(FAULT_SECONDS)
    os.kill(arena.receiver.pid, signal.SIGCONT)


async def worker_killed(arena: Arena) -> None:
    await arena.workers[0].kill()


async def postgres_killed(arena: Arena) -> None:
    await asyncio.to_thread(arena.node.kill)
    await asyncio.sleep(FAULT_SECONDS)
    await asyncio.to_thread(arena.node.start)


async def postgres_restarted(arena: Arena) -> None:
    await asyncio.to_thread(arena.node.stop)
    await asyncio.to_thread(arena.node.start)


async def postgres_hangs(arena: Arena) -> None:
    arena.node.signal(signal.SIGSTOP)
    await asyncio.sleep(FAULT_SECONDS)
    arena.node.signal(signal.SIGCONT)


async def network_cut(arena: Arena) -> None:
    await arena.door.shut()
    await asyncio.sleep(FAULT_SECONDS)
    await arena.door.open()


async def network_hangs(arena: Arena) -> None:
    arena.door.freeze()
    await asyncio.sleep(FAULT_SECONDS)
    arena.door.thaw()


async def sessions_ended(arena: Arena) -> None:
    with arena.connect() as connection:
        for _ in range(10):
            await say(connection, END_ALL)
            await asyncio.sleep(FAULT_SECONDS / 10)


async def connections_taken(arena: Arena) -> None:
    """Strangers take all connections that the server has, while ghsync's are ended."""
    taken: list[psycopg.Connection] = []
    with service.connect(arena.node.url()) as connection:
        await say(connection, "ALTER DATABASE ghsync ALLOW_CONNECTIONS false")  # so that strangers are first
        await say(connection, END_ALL.replace("= current_database()", "= 'ghsync'"))
        try:
            while True:
                taken.append(await asyncio.to_thread(psycopg.connect, arena.node.url(), connect_timeout=2))
        except psycopg.OperationalError:
            await say(connection, "ALTER DATABASE ghsync ALLOW_CONNECTIONS true")
            await asyncio.sleep(FAULT_SECONDS)
        finally:
            for each in taken:
                each.close()


async def inbox_locked(arena: Arena) -> None:
    await _lock(arena, "webhook_deliveries")


async def mirror_locked(arena: Arena) -> None:
    await _lock(arena, "github_repositories")


async def _lock(arena: Arena, table: str) -> None:
    with psycopg.connect(arena.node.url("ghsync")) as stranger:
        await say(stranger, "SET idle_in_transaction_session_timeout = 0")
        await say(stranger, f"LOCK TABLE {table}")
        await asyncio.sleep(FAULT_SECONDS)


async def read_only(arena: Arena) -> None:
    with arena.connect() as connection:
        await say(connection, "ALTER DATABASE ghsync SET default_transaction_read_only = on")
        await say(connection, END_ALL)
        await asyncio.sleep(FAULT_SECONDS)
        await say(connection, "ALTER DATABASE ghsync RESET default_transaction_read_only")
        await say(connection, END_ALL)


async def disk_full(arena: Arena) -> None:
    """A stranger fills the disk that PostgreSQL has, and makes room after a while; a server that ends is started."""
    stranger = arena.node.folder / "stranger"
    await asyncio.to_thread(_fill, stranger)
    await asyncio.sleep(FAULT_SECONDS)
    stranger.unlink()
    if not arena.node.processes():
        await asyncio.to_thread(arena.node.start)


def _fill(stranger: Path) -> None:
    with stranger.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))


async def spooling_killed(arena: Arena) -> None:
    await arena.door.shut()
    await asyncio.sleep(FAULT_SECONDS / 2)
    await arena.receiver.kill()
    await arena.door.open()
    await arena.receiver.start()


async def poison(arena: Arena) -> None:
    """A signed delivery of which nobody can make anything."""
    body = (
        b'{"action": "opened", "repository": {"id": 1, "full_name": "acme/app", "owner": {"id": 2, "login": "acme"}}}'
    )
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "issues",
        "X-GitHub-Delivery": "poison",
        "X-GitHub-Hook-Installation-Target-Type": "integration",
        "X-GitHub-Hook-Installation-Target-ID": "1",
    }
    answer = await service.post(arena.receiver.client, RecordedDelivery(headers, body, Path("poison")))
    assert answer.status_code == 202


async def flood(arena: Arena) -> None:
    """Requests of strangers, as fast as this machine makes them."""

    async def shout() -> None:
        async with arena.receiver.connection() as client:
            while True:
                try:
                    await client.post(
                        service.WEBHOOK, content=b"{}", headers={"X-Hub-Signature-256": "sha256=" + "0" * 64}
                    )
                except httpx.TransportError:
                    await asyncio.sleep(0)

    async with AsyncExitStack() as stack:
        shouting = [asyncio.create_task(shout()) for _ in range(8)]
        stack.callback(lambda: [one.cancel() for one in shouting])
        await asyncio.sleep(FAULT_SECONDS)
    await asyncio.gather(*shouting, return_exceptions=True)


async def broken_off(arena: Arena) -> None:
    """Connections that end within the body of a delivery."""
    for _ in range(50):
        reader, writer = await asyncio.open_connection("127.0.0.1", arena.receiver.port)
        writer.write(
            b"POST /webhooks/github HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nX-GitHub-Event: issues\r\n"
            b"X-GitHub-Delivery: half\r\nX-Hub-Signature-256: sha256="
            + b"0" * 64
            + b"\r\nContent-Length: 5000\r\n\r\n{"
        )
        await writer.drain()
        writer.close()
        del reader


async def maintained(arena: Arena) -> None:
    """Somebody else changes tables and vacuums them meanwhile, as a migration and a person would."""
    with arena.connect() as connection:
        await say(connection, "SET lock_timeout = '2s'")
        await say(connection, "ALTER TABLE github_issues ADD COLUMN theirs text")
        await say(connection, "ALTER TABLE github_issues DROP COLUMN theirs")
        await say(connection, "VACUUM (FULL, ANALYZE) github_pull_requests")
        await say(connection, "REINDEX TABLE CONCURRENTLY webhook_deliveries")


KINDS = (
    Kind("`serve` is killed (kill -9), and started again", serve_killed),
    Kind("`serve` is told to end, and started again", serve_ended),
    Kind("`serve` is stopped for 3 s", serve_stopped),
    Kind("one of two workers is killed", worker_killed, command="serve --no-worker", workers=2),
    Kind("PostgreSQL is killed, and started again after 3 s", postgres_killed),
    Kind("PostgreSQL is restarted in order", postgres_restarted),
    Kind("PostgreSQL hangs for 3 s", postgres_hangs),
    Kind("the network to PostgreSQL is cut for 3 s", network_cut),
    Kind("the network to PostgreSQL hangs for 3 s", network_hangs),
    Kind("all sessions are ended, ten times within 3 s", sessions_ended),
    Kind("strangers have all connections for 3 s", connections_taken),
    Kind("the inbox is locked for 3 s", inbox_locked),
    Kind("the mirror is locked for 3 s", mirror_locked),
    Kind("the database takes no writes for 3 s", read_only),
    Kind("the same cut, with a spool", network_cut, settings=SPOOL),
    Kind("`serve` is killed while it spools", spooling_killed, settings=SPOOL),
    Kind("PostgreSQL's disk is full for 3 s", disk_full, disk_bytes=SMALL_DISK_BYTES),
    Kind("the same, with a spool", disk_full, settings=SPOOL, disk_bytes=SMALL_DISK_BYTES),
    Kind("a delivery that nobody can read", poison, parked=1),
    Kind("strangers flood it for 3 s", flood),
    Kind("50 connections end within their bodies", broken_off),
    Kind("tables are altered, vacuumed in full and reindexed", maintained),
)
