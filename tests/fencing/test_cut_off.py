"""A process whose host is cut off tells nobody anything, not even that it ends: the others go on all the same (E1)."""

import time
from pathlib import Path

import psycopg
import pytest

from ghsync import migrate
from ghsync.database import create_engine
from tests import service
from tests.fencing import island, scene
from tests.fencing.scene import OTHERS_GO_ON_WITHIN_SECONDS, SETTINGS
from tests.service import Program
from tests.test_worker import delivery

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

READING = {"token": "ghp_none", "api_url": "http://127.0.0.1:1"}  # so that they lead


async def test_who_is_cut_off_with_a_lock_and_the_lead_loses_both(tmp_path: Path) -> None:
    with island.standing() as apart, island.server(tmp_path) as url:
        migrate.upgrade(url)
        asked = SETTINGS | READING | {"network_seconds": 5, "log_level": "info"}
        far = Program("work", url, tmp_path / "far.log", before=apart.words, **asked | {"lock_seconds": 30})
        near = Program("work", url, tmp_path / "near.log", **asked)
        engine = create_engine(url)
        with service.connect(url) as connection:
            try:
                await far.start()
                await service.until(lambda: _leads(connection, far.pid), "the one that is far leads")
                await scene.arrive(engine, delivery("seen", "seen before", 1))
                await service.until(lambda: _none_pending(connection), "it projects")
                scene.stop_at(connection, "github_issues", "NEW.title = 'stop'")
                with scene.shut(connection):
                    await scene.arrive(engine, delivery("cut off", "stop", 2))
                    await scene.until_at_gate(connection)
                    apart.cut()
                began = time.monotonic()
                await near.start()
                await scene.arrive(engine, delivery("other", "another", 3), delivery("new", "new", 1, repository=2))
                await service.until(lambda: _none_pending(connection), "the other one goes on")
                await service.until(lambda: _leads(connection, near.pid), "the other one leads")
                assert time.monotonic() - began < OTHERS_GO_ON_WITHIN_SECONDS
                apart.mend()
                await service.until(lambda: _heard_of(connection, far.pid), "it is heard of again")
                assert await _leads(connection, near.pid)
            finally:
                await engine.dispose()
                for program in (far, near):
                    if program.running:
                        await program.kill()


async def _leads(connection: psycopg.Connection, pid: int) -> bool:
    leading = connection.execute("SELECT pid FROM sync_processes WHERE leading_since IS NOT NULL").fetchall()
    return leading == [(pid,)]


async def _heard_of(connection: psycopg.Connection, pid: int) -> bool:
    fresh = "SELECT pid FROM sync_processes WHERE seen_at > now() - interval '3 seconds' AND replaced_at IS NOT NULL"
    return (pid,) in connection.execute(fresh).fetchall()


async def _none_pending(connection: psycopg.Connection) -> bool:
    return not scene.pending(connection)
