"""`deploy/backup.sh`: what was destroyed is restored to the moment before, verified, and healed of what came after."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ghsync.demo.comparison import differences
from ghsync.simulator.sender import Sender
from ghsync.simulator.traffic import Traffic
from tests import debian, postgres, service
from tests.cli import hub
from tests.cli.conftest import KEY
from tests.cli.hub import SMALL, Hub
from tests.debian import Node
from tests.documents import CHECKOUT
from tests.service import Receiver

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

SCRIPT = CHECKOUT / "deploy" / "backup.sh"
ACTIONS = 100
RARELY = {"sweep_seconds": 86_400, "heal_seconds": 86_400, "audit_seconds": 86_400}


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory for servers and their backups."""
    with debian.folder() as found:
        yield found


@pytest.fixture
def primary(folder: Path) -> Iterator[Node]:
    """A server with an empty database."""
    with debian.node(folder, "primary") as node:
        node.create()
        node.start()
        postgres.execute(node.url(), "CREATE ROLE ghsync SUPERUSER LOGIN", "CREATE DATABASE ghsync OWNER ghsync")
        yield node


def environment(folder: Path, primary: Node, **settings: str) -> dict[str, str]:
    """What the script is told."""
    where = {"PGHOST": "127.0.0.1", "PGPORT": str(primary.port), "PGUSER": "postgres"}
    ghsync = {"GHSYNC": str(Path(sys.executable).with_name("ghsync")), "PYTHONPATH": str(CHECKOUT)}
    return {"PATH": os.environ["PATH"], "BACKUPS": str(folder / "backups"), **where, **ghsync, **settings}


def backup(folder: Path, primary: Node, *arguments: object, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the script."""
    return subprocess.run(
        [SCRIPT, *map(str, arguments)], cwd=folder, env=environment(folder, primary, **settings),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip


@contextmanager
def archiving(folder: Path, primary: Node) -> Iterator[None]:
    """Receive WAL meanwhile."""
    with subprocess.Popen([SCRIPT, "archive"], cwd=folder, env=environment(folder, primary)) as receiving:
        try:
            yield
        finally:
            receiving.terminate()


@asynccontextmanager
async def serving(at: Hub, url: str, log: Path) -> AsyncIterator[Receiver]:
    """`ghsync serve`, to which that GitHub delivers, and which reads it once, when it starts."""
    settings = {name: value for name, value in at.settings().items() if name != "database_url"}
    async with service.serving(url, log, **settings | RARELY) as receiver:
        at.site.hook.url = f"http://127.0.0.1:{receiver.port}{service.WEBHOOK}"
        yield receiver


async def live(at: Hub, sender: Sender, traffic: Traffic, connection: psycopg.Connection[Any]) -> None:
    """Let things happen, and wait until they are projected."""
    for _ in range(ACTIONS):
        at.site.keep_time()
        traffic.act()
    await sender.flush(early=True)
    await service.drained(connection)


def stand(connection: psycopg.Connection[Any]) -> tuple[Any, ...]:
    """The time, how many deliveries there are, and where the feed is."""
    query = "SELECT clock_timestamp(), (SELECT count(*) FROM webhook_deliveries), (SELECT last_seq FROM change_feed)"
    (found,) = connection.execute(query).fetchall()
    return tuple(found)


async def next_second() -> None:
    """Return in another second: base backups are named by it."""
    began = int(time.time())

    async def is_over() -> bool:
        return int(time.time()) > began

    await service.until(is_over, "a second is over")


async def test_after_a_disaster_the_mirror_is_restored_verified_and_healed(
    folder: Path, primary: Node, tmp_path: Path
) -> None:
    url = primary.url("ghsync", "ghsync")
    settings = {
        "GHSYNC_DATABASE_URL": url, "GHSYNC_WEBHOOK_SECRETS": service.SECRET, "GHSYNC_ENCRYPTION_KEYS": KEY,
        "GHSYNC_LOG_LEVEL": "error",
    }  # fmt: skip
    with service.connect(url) as connection, archiving(folder, primary):
        async with hub.opened(SMALL, settings, connection) as at:
            assert (await at.run("migrate")).exit_code == 0
            assert (await at.run("resync", "--all")).exit_code == 0
            traffic = Traffic(at.world, seed=1, pauses=(0.0,))
            async with serving(at, url, tmp_path / "log") as receiver, Sender(at.site) as sender:
                await live(at, sender, traffic, connection)
                taken = await asyncio.to_thread(backup, folder, primary, "backup")
                assert taken.returncode == 0, taken.stderr
                await live(at, sender, traffic, connection)
                await next_second()
                moment, deliveries, position = stand(connection)
                await live(at, sender, traffic, connection)
                _, later_deliveries, later_position = stand(connection)
                assert later_deliveries > deliveries
                assert later_position > position
                connection.execute("DROP TABLE pr_tracking CASCADE")
                connection.execute("DELETE FROM github_comments")
                await receiver.kill()

            with debian.node(folder, "restored") as restored:
                made = await asyncio.to_thread(backup, folder, primary, "restore", "--to", moment, restored.data)
                assert made.returncode == 0, made.stderr
                given = {name: value for name, value in at.environment.items() if name != "GHSYNC_DATABASE_URL"}
                checked = await asyncio.to_thread(backup, folder, primary, "check", restored.data, **given)
                assert checked.returncode == 0, checked.stdout + checked.stderr
                assert "The mirror is what its inbox and its change feed say." in checked.stdout
                restored.start()
                await healed(at, restored, sender, tmp_path, (deliveries, position), later_deliveries)


async def healed(at: Hub, restored: Node, sender: Sender, folder: Path, then: tuple[int, int], later: int) -> None:
    """Bring in what came after the moment, and compare everything."""
    url = at.environment["GHSYNC_DATABASE_URL"] = restored.url("ghsync", "ghsync")
    with service.connect(url) as connection:
        at.connection = connection
        assert stand(connection)[1:] == then
        tail = await at.run("tail", "--from", then[1] + 2, "--no-follow")
        assert tail.exit_code == 1
        assert (await at.run("heal")).exit_code == 0
        async with serving(at, url, folder / "restored.log"):
            await service.drained(connection)
            assert stand(connection)[1] == later
            assert (await at.run("resync", "--all", "--full")).exit_code == 0
            reading = await at.run("resync", "--all", "--full", "--dry-run", "--json")
            assert differences(reading.json["differences"]) == []
            assert at.differences() == []
            assert (await at.run("replay", "--verify")).exit_code == 0


async def test_all_that_was_received_is_restored_and_only_what_is_needed_is_kept(folder: Path, primary: Node) -> None:
    url = primary.url("ghsync", "ghsync")
    with service.connect(url) as connection, archiving(folder, primary):
        connection.execute("CREATE TABLE moments (name text)")
        for name in ("first", "second"):
            await next_second()
            taken = backup(folder, primary, "backup")
            assert taken.returncode == 0, taken.stderr
            connection.execute("INSERT INTO moments VALUES (%s)", [name])
        received = "SELECT FROM pg_stat_replication WHERE application_name = 'pg_receivewal' AND flush_lsn >= %s"
        (written,) = connection.execute("SELECT pg_current_wal_lsn()").fetchone() or ()

        async def all_is_received() -> bool:
            return bool(connection.execute(received, [written]).fetchall())

        await service.until(all_is_received, "all WAL is received")
    bases = sorted(path.name for path in (folder / "backups" / "base").iterdir())
    assert backup(folder, primary, "prune", 1).returncode == 0
    assert [path.name for path in (folder / "backups" / "base").iterdir()] == bases[1:]
    primary.kill()
    with debian.node(folder, "restored") as restored:
        assert backup(folder, primary, "restore", restored.data).returncode == 0
        restored.start()
        with service.connect(restored.url("ghsync", "ghsync")) as connection:

            async def promoted() -> bool:
                return connection.execute("SELECT pg_is_in_recovery()").fetchall() == [(False,)]

            await service.until(promoted, "it is promoted")
            assert connection.execute("SELECT name FROM moments").fetchall() == [("first",), ("second",)]


async def test_what_cannot_be_done_is_one_sentence(folder: Path, primary: Node) -> None:
    (folder / "there").mkdir()
    for arguments, said in {
        ("prune",): "Name how many base backups are to be kept",
        ("prune", "1"): "There is no base backup in",
        ("restore", "--to", "yesterday's eve", folder / "new"): "This is no time: yesterday's eve.",
        ("restore", folder / "there"): "is there already",
        ("restore", "--to", "2026-03-02 09:00 UTC", folder / "new"): "is from before 2026-03-02 09:00:00",
        ("check", folder / "there"): "Name a data directory that was restored",
    }.items():
        result = backup(folder, primary, *arguments)
        assert (result.returncode, result.stdout) == (1, ""), arguments
        assert said in result.stderr.splitlines()[-1]
    nowhere = backup(folder, primary, "backup", PGPORT="1")
    assert nowhere.stderr.splitlines()[-1] == "No base backup was taken: see above."
