"""Behind PgBouncer in transaction mode: all that runs for years goes through it, the rest to PostgreSQL itself (E6)."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from ghsync import sessions
from ghsync.database import create_pooled_engine, transaction
from ghsync.inbox import recording
from ghsync.settings import Settings
from tests import bouncer, service, traffic
from tests.benchmarks import generator
from tests.service import SECRET, Program
from tests.traffic import Traffic

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

DELIVERIES = 10_000
AT_ONCE = 32  # for each receiver


async def test_ten_thousand_deliveries_to_two_receivers_are_all_acknowledged_and_mirrored(
    connection: psycopg.Connection, database_url: str, tmp_path: Path
) -> None:
    busy = traffic.busy(2_000)
    async with bouncer.pooling(database_url, tmp_path) as pooled:
        through = {"direct_database_url": database_url, "log_level": "warning"}
        async with (
            service.serving(pooled, tmp_path / "one.log", **through) as one,
            service.serving(pooled, tmp_path / "two.log", **through) as two,
        ):
            sent = _requests(busy, DELIVERIES)
            await asyncio.gather(_post(one.port, sent[::2]), _post(two.port, sent[1::2]))
            await service.until(lambda: _none_pending(connection), "all are projected")
            assert one.told("error", "critical") == two.told("error", "critical") == []
    statuses = "SELECT status, count(*) FROM webhook_deliveries WHERE status <> 'ignored' GROUP BY status"
    counted = dict(connection.execute(statuses).fetchall())
    ignored = connection.execute("SELECT count(*) FROM webhook_deliveries WHERE status = 'ignored'").fetchone()
    assert counted.keys() == {"processed"}
    assert counted["processed"] + (ignored or (0,))[0] == DELIVERIES
    assert _titles(connection) == {key: row["title"] for key, row in busy.issues().items()}


@pytest.mark.parametrize("ignored", ["", "options"], ids=["refused", "ignored"])
@pytest.mark.parametrize("command", ["serve", "work", "migrate"])
async def test_a_pooler_alone_is_one_sentence_and_no_hang(
    database_url: str, tmp_path: Path, command: str, ignored: str
) -> None:
    """Whether it refuses our session's settings, or keeps them to itself."""
    async with bouncer.pooling(database_url, tmp_path, ignored=ignored) as pooled:
        program = Program(command, pooled, tmp_path / "log", webhook_secrets=SECRET)
        await program.start()
        assert await program.ended() != 0
    (told,) = [line for line in program.log().splitlines() if "GHSYNC_DIRECT_DATABASE_URL" in line]
    assert "pooler" in told
    assert "Traceback" not in program.log()


async def test_a_pooler_of_another_database_is_one_sentence(
    database_url: str, empty_database_url: str, tmp_path: Path
) -> None:
    async with bouncer.pooling(empty_database_url, tmp_path) as pooled:
        through = {"direct_database_url": database_url, "webhook_secrets": SECRET}
        program = Program("serve", pooled, tmp_path / "log", port=service.free_port(), **through)
        await program.start()
        assert await program.ended() == 3
    assert program.log().splitlines()[-1].startswith("GHSYNC_DATABASE_URL and GHSYNC_DIRECT_DATABASE_URL lead to two")


async def test_limits_hold_for_each_transaction_and_are_left_to_nobody(database_url: str, tmp_path: Path) -> None:
    async with bouncer.pooling(database_url, tmp_path) as pooled:
        engine = create_pooled_engine(pooled, sessions.limits(Settings(idle_seconds=7)))
        async with transaction(engine) as conn:
            told = await conn.exec_driver_sql("SHOW idle_in_transaction_session_timeout")
            assert told.scalar() == "7s"
            zone = await conn.exec_driver_sql("SHOW timezone")
            assert zone.scalar() == "UTC"
        await engine.dispose()
        with psycopg.connect(pooled, prepare_threshold=None) as stranger:
            assert stranger.execute("SHOW idle_in_transaction_session_timeout").fetchone() == ("0",)


def _requests(busy: Traffic, count: int) -> list[bytes]:
    """So many deliveries: those of the traffic again and again, each time under other GUIDs."""
    repeated = [busy.deliveries[number % len(busy.deliveries)] for number in range(count)]
    return [
        generator.request(recording.sign(one, SECRET) | {"X-GitHub-Delivery": str(uuid4())}, one.body)
        for one in repeated
    ]


async def _post(port: int, requests: Sequence[bytes]) -> None:
    """Deliver, so many at one time; any other answer than 202 is an error."""
    waiting = iter(requests)

    async def go_on() -> None:
        for request in waiting:
            await posting.post(request)

    async with generator.posting(port) as posting:
        await asyncio.gather(*(go_on() for _ in range(AT_ONCE)))


async def _none_pending(connection: psycopg.Connection) -> bool:
    return not connection.execute("SELECT FROM webhook_deliveries WHERE status = 'pending' LIMIT 1").fetchall()


def _titles(connection: psycopg.Connection) -> dict[tuple[str, int], str]:
    titles = """SELECT r.github_id, i.number, i.title FROM github_issues i
                JOIN github_repositories r ON r.id = i.repository_id WHERE i.deleted_at IS NULL"""
    return {(github_id, number): title for github_id, number, title in connection.execute(titles)}
