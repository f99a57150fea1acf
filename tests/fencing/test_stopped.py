"""A process that is stopped, and not dead, keeps its locks: the others go on all the same (E1)."""

import asyncio
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import migrate
from ghsync.inbox.delivery import Delivery
from tests import service
from tests.cli.conftest import Ghsync
from tests.fencing import scene
from tests.fencing.scene import OTHERS_GO_ON_WITHIN_SECONDS
from tests.service import Program
from tests.tasks.scene import TASK
from tests.test_worker import delivery, pull_request

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

SEEN = delivery("seen", "seen before", 1)


def linking(guid: str, number: int) -> Delivery:
    """A pull request that names a task."""
    opened = pull_request(guid, number)
    payload = json.loads(opened.body)
    payload["pull_request"]["body"] = f"Task-ID: {TASK}"
    return replace(opened, body=json.dumps(payload).encode())


# Which lock it holds: the row that it is about to write, as what the lock is told, and what it and others have to do.
LOCKS = {
    "first sight": (
        ("github_repositories", "NEW.github_id = '7'"), "first sight",
        delivery("stopped", "first", 1, repository=7), delivery("other", "first", 1, repository=8),
    ),
    "repository": (
        ("github_issues", "NEW.title = 'stop'"), "github_repositories",
        delivery("stopped", "stop", 2), delivery("other", "another", 3),
    ),
    "links": (
        ("task_github_links", "NEW.number = 4"), "links", linking("stopped", 4), linking("other", 5),
    ),
    "feed": (
        ("change_events", "NEW.number = 6"), "change_feed",
        delivery("stopped", "last", 6), delivery("other", "another", 7, repository=2),
    ),
}  # fmt: skip


@pytest.fixture
async def mirrored(engine: AsyncEngine, connection: psycopg.Connection) -> None:
    """Two repositories are known, and a task."""
    connection.execute("INSERT INTO organizations (name, slug) VALUES ('acme', 'acme')")
    connection.execute(
        """WITH project AS (
             INSERT INTO projects (organization_id, name, slug) SELECT id, 'app', 'app' FROM organizations RETURNING id
           ) INSERT INTO tasks (id, project_id, title) SELECT %s, id, 'Crash' FROM project""",
        [TASK],
    )
    await scene.arrive(engine, SEEN, delivery("seen too", "seen before", 1, repository=2))


@pytest.mark.usefixtures("mirrored")
@pytest.mark.parametrize(("place", "lock", "stopped", "other"), LOCKS.values(), ids=LOCKS)
async def test_who_is_stopped_with_a_lock_is_named_and_the_others_go_on(
    engine: AsyncEngine,
    connection: psycopg.Connection,
    database_url: str,
    ghsync: Ghsync,
    tmp_path: Path,
    place: tuple[str, str],
    lock: str,
    stopped: Delivery,
    other: Delivery,
) -> None:
    async with scene.two_workers(database_url, tmp_path, lock_seconds=30) as (first, second):
        await service.until(lambda: _none_pending(connection), "what arrived before is projected")
        scene.stop_at(connection, *place)
        with scene.shut(connection):
            await scene.arrive(engine, stopped)
            await scene.until_at_gate(connection)
            await scene.until_stopped(first)
        began = time.monotonic()
        scene.let_go_on(second)
        await scene.arrive(engine, other)
        await service.until(lambda: _waited_for(ghsync, lock, first.pid), "`status` names who holds the lock")
        await service.until(lambda: _none_pending(connection), "the others go on")
        assert time.monotonic() - began < OTHERS_GO_ON_WITHIN_SECONDS
        await service.until(lambda: _silent(ghsync, first.pid), "`status` says who is silent")
        scene.let_go_on(first)
        await service.until(lambda: _heard_of(ghsync, first.pid), "it is heard of again")
        await scene.arrive(engine, delivery("afterwards", "afterwards", 9))
        await service.until(lambda: _none_pending(connection), "all is projected")
        statuses = connection.execute("SELECT DISTINCT status, attempts FROM webhook_deliveries").fetchall()
        assert statuses == [("processed", 0)]


async def _none_pending(connection: psycopg.Connection) -> bool:
    return not scene.pending(connection)


async def _told(ghsync: Ghsync) -> dict[str, Any]:
    report: dict[str, Any] = (await asyncio.to_thread(ghsync, "status", "--json")).json
    return report


async def _waited_for(ghsync: Ghsync, lock: str, pid: int) -> bool:
    held = (await _told(ghsync))["locks"]
    return any(lock in one["lock"] and one["holder"].endswith(f":{pid}") and one["waiting"] for one in held)


async def _silent(ghsync: Ghsync, pid: int) -> bool:
    (one,) = (one for one in (await _told(ghsync))["processes"] if one["pid"] == pid)
    return bool(one["silent"]) and "silent for" in (await asyncio.to_thread(ghsync, "status")).stdout


async def _heard_of(ghsync: Ghsync, pid: int) -> bool:
    return not await _silent(ghsync, pid)


async def test_a_leader_that_is_stopped_is_replaced_and_does_not_lead_when_it_goes_on(
    database_url: str, ghsync: Ghsync, tmp_path: Path
) -> None:
    reading = {"token": "ghp_none", "api_url": "http://127.0.0.1:1", "log_level": "info"}
    async with scene.two_workers(database_url, tmp_path, **reading) as (first, second):
        await service.until(lambda: _leads(ghsync, first.pid), "the one that is not stopped leads")
        await scene.until_stopped(first)
        began = time.monotonic()
        scene.let_go_on(second)
        await service.until(lambda: _leads(ghsync, second.pid), "the other one leads")
        assert time.monotonic() - began < OTHERS_GO_ON_WITHIN_SECONDS
        assert "another took the lead at" in (await asyncio.to_thread(ghsync, "status")).stdout
        (taken,) = (entry for entry in second.told("warning") if entry["event"] == "lead_taken")
        assert taken["pid"] == first.pid
        scene.let_go_on(first)
        await service.until(lambda: _has_lost(first), "it finds out")
        await service.until(lambda: _heard_of(ghsync, first.pid), "it is at work again")
        assert await _leads(ghsync, second.pid)


async def test_a_migration_that_is_stopped_holds_up_no_other(
    connection: psycopg.Connection, database_url: str, ghsync: Ghsync, tmp_path: Path
) -> None:
    migrate.downgrade(database_url, "0024")
    stopped = Program("migrate", database_url, tmp_path / "migrate.log", idle_seconds=5)
    with connection.transaction():
        connection.execute("LOCK TABLE github_issues IN SHARE MODE")
        await stopped.start()
        await service.until(lambda: _waits(connection), "the migration waits for a table")
        await scene.until_stopped(stopped)
    began = time.monotonic()
    try:
        findings = (await asyncio.to_thread(ghsync, "doctor", "--json")).json
        (said,) = (one["said"] for one in findings if one["check"] == "database")
        assert f":{stopped.pid} for" in said
        assert (await asyncio.to_thread(ghsync, "migrate")).exit_code == 0
        assert time.monotonic() - began < OTHERS_GO_ON_WITHIN_SECONDS
    finally:
        await stopped.kill()


async def _leads(ghsync: Ghsync, pid: int) -> bool:
    report = await _told(ghsync)
    leading = [one["pid"] for one in report["processes"] if one["leading_since"]]
    locked = [one["holder"] for one in report["locks"] if one["lock"] == "leader"]
    return leading == [pid] and [holder.endswith(f":{pid}") for holder in locked] == [True]


async def _has_lost(program: Program) -> bool:
    return any(entry["event"] == "leadership_lost" for entry in program.told("warning"))


async def _waits(connection: psycopg.Connection) -> bool:
    waiting = "SELECT FROM pg_locks WHERE NOT granted AND relation = 'github_issues'::regclass"
    return bool(connection.execute(waiting).fetchall())
