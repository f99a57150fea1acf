"""`serve`: what it grants a client, and that it goes on and ends as it should."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import psutil
import psycopg
import pytest
from prometheus_client import REGISTRY

from ghsync import migrate
from ghsync.cli import serve
from ghsync.inbox import recording
from tests import postgres, service, traffic
from tests.cli.conftest import Ghsync
from tests.service import SECRET, WEBHOOK

pytestmark = pytest.mark.anyio


async def test_a_body_that_drips_in_for_too_long_is_answered_408_and_not_stored(
    database_url: str, tmp_path: Path, connection: psycopg.Connection
) -> None:
    delivery = traffic.busy(1).deliveries[0]
    signed = recording.sign(delivery, SECRET) | {"Host": "ghsync", "Content-Length": "1000000"}
    head = [f"POST {WEBHOOK} HTTP/1.1", *(f"{name}: {value}" for name, value in signed.items()), "", ""]

    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write("\r\n".join(head).encode())
        while not writer.is_closing():
            writer.write(b" ")
            await asyncio.sleep(0.01)

    async with service.serving(database_url, tmp_path / "log", body_timeout_seconds=0.2) as receiver:
        reader, writer = await asyncio.open_connection("127.0.0.1", receiver.port)
        dripping = asyncio.create_task(drip(writer))
        answer = await reader.readuntil(b"}")
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"connection: close" in answer
        await dripping  # until the connection ends
        assert (await service.post(receiver.client, delivery)).status_code == 202
    assert connection.execute("SELECT count(*) FROM webhook_deliveries").fetchone() == (1,)


@pytest.mark.parametrize("command", ["serve", "serve --workers 2"])
async def test_it_says_how_to_stop_it_and_that_it_stops(database_url: str, tmp_path: Path, command: str) -> None:
    async with service.serving(database_url, tmp_path / "log", command=command) as receiver:
        assert await receiver.terminate() == 0
    assert f"Receiving on http://127.0.0.1:{receiver.port}{WEBHOOK}; stop with Ctrl-C.\n" in receiver.log()
    assert receiver.log().count("Stopping.\n") == 1


async def test_it_ends_with_nothing_left_open_while_somebody_is_connected_to_the_operations_port(
    database_url: str, tmp_path: Path
) -> None:
    port = service.free_port()
    async with service.serving(database_url, tmp_path / "log", anew=True, operations_port=port) as receiver:
        assert (await receiver.operations.get("/healthz")).status_code == 200
        assert await receiver.terminate() == 0
    assert "ResourceWarning" not in receiver.log()


async def test_the_operations_port_is_at_the_address_that_the_command_line_names(
    database_url: str, tmp_path: Path
) -> None:
    port = service.free_port()
    async with service.serving(
        database_url, tmp_path / "log", command="serve --host localhost", host="127.0.0.2", operations_port=port
    ) as receiver:
        assert (await receiver.operations.get("/healthz")).status_code == 200


@pytest.mark.parametrize("command", ["serve", "work"])
def test_without_leave_to_migrate_it_does_not_start_on_an_older_database(
    ghsync: Ghsync, empty_database_url: str, command: str
) -> None:
    older = {"GHSYNC_DATABASE_URL": empty_database_url}
    empty = ghsync(command, "--no-migrate", **older)
    assert (empty.exit_code, empty.stderr) == (3, f"{migrate.EMPTY}\n")
    migrate.upgrade(empty_database_url, migrate.revisions()[-2])
    told = ghsync(command, "--no-migrate", **older)
    due = f"The database lacks tables (due: {migrate.newest()}): run `ghsync migrate`.\n"
    assert (told.exit_code, told.stderr) == (3, due)
    assert migrate.pending(empty_database_url) == [migrate.newest()]


async def test_it_says_what_it_migrated_and_without_leave_serves_what_is_the_newest(
    empty_database_url: str, tmp_path: Path
) -> None:
    async with service.serving(empty_database_url, tmp_path / "first"):
        pass
    assert f", {migrate.newest()}.\n" in (tmp_path / "first").read_text()
    postgres.execute(empty_database_url, "DROP VIEW latest_releases")
    async with service.serving(empty_database_url, tmp_path / "second", command="serve --no-migrate") as receiver:
        assert (await receiver.client.get("/healthz")).status_code == 200
    assert migrate.UNDEFINED in (tmp_path / "second").read_text()
    assert not migrate.is_defined(empty_database_url)


async def test_a_worker_says_so_too(database_url: str, tmp_path: Path, connection: psycopg.Connection) -> None:
    async def is_at_work() -> bool:
        return connection.execute("SELECT kind FROM sync_processes").fetchall() == [("work",)]

    async with service.working(database_url, tmp_path / "log") as program:
        await service.until(is_at_work, "the worker is at work")
        assert await program.terminate() == 0
    assert "Projecting; stop with Ctrl-C.\n" in program.log()
    assert program.log().count("Stopping.\n") == 1


async def test_when_all_connections_are_taken_strangers_make_room_for_a_delivery(
    database_url: str, tmp_path: Path
) -> None:
    delivery = traffic.busy(1).deliveries[0]
    async with service.serving(
        database_url, tmp_path / "log", max_connections=3, operations_port=service.free_port()
    ) as receiver:
        strangers = [await asyncio.open_connection("127.0.0.1", receiver.port) for _ in range(3)]
        strangers[0][1].write(b"POST /webhooks/github HTTP/1.1\r\nX-Slow: ")
        await asyncio.sleep(0.1)
        assert (await service.post(receiver.client, delivery)).status_code == 202
        answer = await strangers[0][0].read()
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 10" in answer.lower()
        assert b'"error":"overloaded"' in answer
        assert (
            'ghsync_deliveries_refused_total{reason="overloaded"} 1.0'
            in (await receiver.operations.get("/metrics")).text
        )
        for _, writer in strangers:
            writer.close()


@pytest.mark.parametrize("running", [service.serving, service.working], ids=["serve", "work"])
async def test_where_nothing_may_read_the_api_refetches_are_forgotten(
    running: Callable[..., AbstractAsyncContextManager[service.Program]],
    database_url: str,
    tmp_path: Path,
    connection: psycopg.Connection,
) -> None:
    connection.execute(
        "INSERT INTO sync_jobs (kind, key, created_at)"
        " VALUES ('refetch_issue', 'new', now()), ('refetch_issue', 'old', now() - interval '2 days')"
    )

    async def only_the_new_one_is_left() -> bool:
        return connection.execute("SELECT key FROM sync_jobs").fetchall() == [("new",)]

    async with running(database_url, tmp_path / "log"):
        await service.until(only_the_new_one_is_left, "the old refetch is forgotten")


async def test_a_worker_that_breaks_begins_again_while_deliveries_are_taken_in(
    database_url: str, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crashes() -> float:
        return REGISTRY.get_sample_value("ghsync_worker_crashes_total") or 0

    async def broke() -> bool:
        return crashes() > before

    async def projected() -> bool:
        found = connection.execute("SELECT status FROM webhook_deliveries WHERE guid = 'a'").fetchone()
        return found == ("processed",)

    before = crashes()
    monkeypatch.setenv("GHSYNC_DATABASE_URL", database_url)
    monkeypatch.setenv("GHSYNC_WEBHOOK_SECRETS", SECRET)
    monkeypatch.setenv("GHSYNC_LOG_LEVEL", "error")
    monkeypatch.setattr(serve, "RESTART_SECONDS", 0.05)
    connection.execute("ALTER TABLE sync_jobs RENAME TO elsewhere")
    served = serve.application()
    async with served.router.lifespan_context(served):
        await service.until(broke, "the worker breaks")
        connection.execute("ALTER TABLE elsewhere RENAME TO sync_jobs")
        connection.execute(
            "INSERT INTO webhook_deliveries (hook_target, guid, event, headers, body) VALUES ("
            "'integration:1', 'a', 'label', '{\"content-type\": \"application/json\"}', %s)",
            [LABEL],
        )
        await service.until(projected, "the delivery is projected")


LABEL = b"""{"action": "created", "label": {"id": 1, "name": "bug"},
             "repository": {"id": 1, "full_name": "acme/app", "owner": {"id": 10, "login": "acme"}}}"""


def folders(where: Path) -> list[Path]:
    """Those in which processes count together."""
    return list(where.glob("ghsync-metrics-*"))


@pytest.mark.slow
async def test_processes_whose_supervisor_was_killed_end_and_leave_the_port(
    database_url: str, tmp_path: Path, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    delivery = traffic.busy(1).deliveries[0]
    async with service.serving(database_url, tmp_path / "log", command="serve --workers 2") as receiver:
        assert len(folders(tmp_path)) == 1
        assert (await service.post(receiver.client, delivery)).status_code == 202
        processes = psutil.Process(receiver.pid).children()
        await receiver.kill()
        _, left = await asyncio.to_thread(psutil.wait_procs, processes, service.PATIENCE_SECONDS)
        assert left == []
        assert folders(tmp_path) == []
        assert [entry["event"] for entry in receiver.told("error")] == ["supervisor_gone"] * 2
        await receiver.start()
        assert (await service.post(receiver.client, delivery)).status_code == 202
    assert connection.execute("SELECT count(*) FROM webhook_deliveries").fetchone() == (1,)


async def test_without_listening_it_looks_as_often_as_it_is_told(
    database_url: str, tmp_path: Path, connection: psycopg.Connection
) -> None:
    listening = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
    done = "SELECT FROM webhook_deliveries WHERE status = 'processed'"

    async def is_done() -> bool:
        return bool(connection.execute(done).fetchall())

    async with service.serving(database_url, tmp_path / "log", listen=False, poll_seconds=0.2) as receiver:
        assert (await service.post(receiver.client, traffic.busy(1).deliveries[0])).status_code == 202
        await service.until(is_done, "the delivery is projected")
        assert connection.execute(listening).fetchall() == []
