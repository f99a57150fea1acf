"""The spool: what PostgreSQL cannot commit now is kept on the disk, and is in the inbox once, in order, afterwards."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs
from structlog.typing import EventDict

from ghsync import log
from ghsync.errors import DatabaseUnavailable, NotConfigured
from ghsync.inbox import journal, spool
from ghsync.inbox.delivery import Delivery
from ghsync.inbox.recorder import Recorder
from ghsync.inbox.spool import Spool
from tests import service
from tests.inbox.test_journal import files_of_at_most, written
from tests.inbox.test_recorder import DELIVERY, Connection, numbered, rows, until_blocked
from tests.relay import Relay

pytestmark = pytest.mark.anyio

ROOM_BYTES = 100 * 1024 * 1024
TIMEOUT_SECONDS = 0.3
PATIENCE_SECONDS = 5.0  # a commit takes no longer, even beside other tests


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask more often whether PostgreSQL is back, and look for what others have left."""
    monkeypatch.setattr(spool, "PROBE_SECONDS", 0.02)
    monkeypatch.setattr(spool, "ADOPT_SECONDS", 0.05)


@pytest.fixture
def talkative() -> Iterator[None]:
    """Let more than trouble be told."""
    log.configure("console", "info")
    yield
    log.configure("console", "error")


@asynccontextmanager
async def spooling(
    engine: AsyncEngine, folder: Path, size_bytes: int = ROOM_BYTES, *, timeout_seconds: float = TIMEOUT_SECONDS
) -> AsyncIterator[Spool]:
    """A spool at work, as in a process that begins and ends."""
    one = Spool(Recorder(engine, timeout_seconds), folder, size_bytes)
    running = asyncio.create_task(one.run())
    try:
        yield one
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await one.close()


def left(folder: Path) -> list[Path]:
    """What has to enter the inbox yet."""
    return list(folder.glob(f"*{journal.SUFFIX}"))


def give_back(folder: Path) -> None:
    """Have what was put aside tried once more."""
    (aside,) = folder.glob(f"*{journal.ASIDE}")
    aside.rename(aside.with_name(aside.name.removesuffix(journal.ASIDE)))


def damage(path: Path) -> None:
    """Change a few bytes of the second record."""
    path.write_bytes(path.read_bytes().replace(b'"guid-1"', b'"guid-9"'))


async def until_empty(folder: Path) -> None:
    async def nothing_is_left() -> bool:
        return not left(folder)

    await service.until(nothing_is_left, "all that was spooled is in the inbox")


async def until_over(one: Spool, folder: Path) -> None:
    """Wait until nothing is left, and whatever comes next goes to PostgreSQL: that is found out after the last file."""
    await until_empty(folder)

    async def is_over() -> bool:
        return not one._spooling.is_set()

    await service.until(is_over, "deliveries go to PostgreSQL again")


async def record(one: Spool, deliveries: list[Delivery]) -> list[str]:
    return await asyncio.gather(*map(one.record, deliveries))


def guids(connection: Connection) -> list[str]:
    return [row["guid"] for row in rows(connection)]


def gauge(name: str) -> float | None:
    return REGISTRY.get_sample_value(f"ghsync_spooled_{name}")


async def test_while_postgresql_commits_nothing_is_spooled(
    engine: AsyncEngine, connection: Connection, tmp_path: Path
) -> None:
    async with spooling(engine, tmp_path) as one:
        assert await record(one, [*numbered(3), DELIVERY, DELIVERY]) == ["queued"] * 4 + ["duplicate"]
    assert journal.used_bytes(tmp_path) == 0
    assert len(rows(connection)) == 4


async def test_what_postgresql_does_not_take_is_spooled_and_enters_in_order_when_it_is_back(
    door: Relay, engine_behind_door: AsyncEngine, connection: Connection, tmp_path: Path
) -> None:
    before, during, after = numbered(100)[:10], numbered(100)[10:90], numbered(100)[90:]
    async with spooling(engine_behind_door, tmp_path, timeout_seconds=PATIENCE_SECONDS) as one:
        assert await record(one, before) == ["queued"] * 10
        await door.shut()
        assert await record(one, during) == ["spooled"] * 80
        assert (one.count, gauge("deliveries")) == (80, 80)
        assert gauge("bytes") == journal.used_bytes(tmp_path) > 80 * 100
        await door.open()
        assert set(await record(one, after)) <= {"spooled", "queued"}
        await until_empty(tmp_path)
        assert (one.count, gauge("deliveries"), gauge("bytes")) == (0, 0, 0)
        assert await one.record(DELIVERY) in ("spooled", "queued")  # on a busy machine a commit may take too long
        await until_empty(tmp_path)
    assert guids(connection) == [delivery.guid for delivery in [*before, *during, *after, DELIVERY]]


async def test_a_spooled_delivery_is_as_it_was_and_has_the_time_of_its_arrival(
    door: Relay, engine_behind_door: AsyncEngine, connection: Connection, tmp_path: Path
) -> None:
    ignored = replace(DELIVERY, guid="ignored", ignored=True, body=bytes(range(256)))
    async with spooling(engine_behind_door, tmp_path) as one:
        await door.shut()
        began = datetime.now(UTC)
        await record(one, [DELIVERY, ignored])
        arrived = datetime.now(UTC)
        await door.open()
        await until_empty(tmp_path)
    first, second = rows(connection)
    assert (first["body"], first["headers"], first["status"]) == (DELIVERY.body, DELIVERY.headers, "pending")
    assert (second["body"], second["status"]) == (ignored.body, "ignored")
    assert all(began <= row["received_at"] <= arrived for row in (first, second))


async def test_a_database_that_hangs_costs_those_who_wait_once_and_nobody_after_them(
    door: Relay, engine_behind_door: AsyncEngine, connection: Connection, tmp_path: Path
) -> None:
    first, *waiting = numbered(20)
    later = [replace(one, guid=f"later {one.guid}") for one in waiting]
    async with spooling(engine_behind_door, tmp_path) as one:
        assert await one.record(DELIVERY) == "queued"
        door.freeze()
        early = asyncio.create_task(one.record(first))
        await asyncio.sleep(TIMEOUT_SECONDS / 2)
        late = [asyncio.create_task(one.record(delivery)) for delivery in waiting]
        assert await early == "spooled"
        async with asyncio.timeout(TIMEOUT_SECONDS / 2):  # they came after it, and are told with it
            assert await asyncio.gather(*late) == ["spooled"] * 19
        async with asyncio.timeout(TIMEOUT_SECONDS / 2):
            assert await record(one, later) == ["spooled"] * 19
        door.thaw()
        await until_empty(tmp_path)
    assert guids(connection) == [delivery.guid for delivery in [DELIVERY, first, *waiting, *later]]


async def test_what_was_committed_although_nobody_heard_of_it_is_one_row(
    engine: AsyncEngine, connection: Connection, tmp_path: Path
) -> None:
    async with spooling(engine, tmp_path) as one:
        with connection.transaction():
            connection.execute("LOCK TABLE webhook_deliveries")
            waiting = asyncio.create_task(record(one, numbered(5)))
            await until_blocked(connection)
            assert await waiting == ["spooled"] * 5
        await until_empty(tmp_path)
        assert await record(one, numbered(5)) == ["duplicate"] * 5
    assert guids(connection) == [delivery.guid for delivery in numbered(5)]


async def test_what_a_process_left_is_brought_in_by_the_next_one(
    engine: AsyncEngine, connection: Connection, tmp_path: Path
) -> None:
    deliveries = numbered(1000)
    for start in range(0, 1000, 250):
        written(tmp_path, *deliveries[start : start + 250])
    async with spooling(engine, tmp_path):
        await until_empty(tmp_path)
    assert guids(connection) == [delivery.guid for delivery in deliveries]


async def test_what_a_process_leaves_is_noticed_by_one_that_goes_on(
    engine: AsyncEngine, connection: Connection, tmp_path: Path
) -> None:
    async with spooling(engine, tmp_path) as one:
        assert await one.record(DELIVERY) == "queued"
        held = journal.create(tmp_path)
        held.append([journal.line(delivery) for delivery in numbered(3)])
        assert await one.record(DELIVERY) == "duplicate"
        assert held.path.exists()
        held.close()
        await until_empty(tmp_path)
    assert guids(connection) == [DELIVERY.guid, *(delivery.guid for delivery in numbered(3))]


async def test_processes_that_share_a_folder_bring_everything_in_once(
    door: Relay, engine_behind_door: AsyncEngine, connection: Connection, tmp_path: Path
) -> None:
    deliveries = numbered(300)
    async with (
        spooling(engine_behind_door, tmp_path) as first,
        spooling(engine_behind_door, tmp_path) as second,
    ):
        await door.shut()
        outcomes = await asyncio.gather(record(first, deliveries[:200]), record(second, deliveries[100:]))
        assert outcomes == [["spooled"] * 200] * 2
        await door.open()
        await until_empty(tmp_path)
    assert sorted(guids(connection)) == sorted(delivery.guid for delivery in deliveries)


async def test_what_was_brought_in_in_part_is_brought_in_once_more_and_harms_nothing(
    engine: AsyncEngine, connection: Connection, tmp_path: Path
) -> None:
    deliveries = numbered(50)
    recorder = Recorder(engine, 5)
    await asyncio.gather(*map(recorder.record, deliveries[:30]))
    connection.execute("UPDATE webhook_deliveries SET status = 'processed', processed_at = now()")
    written(tmp_path, *deliveries)
    async with spooling(engine, tmp_path):
        await until_empty(tmp_path)
    assert guids(connection) == [delivery.guid for delivery in deliveries]
    assert [row["status"] for row in rows(connection)] == ["processed"] * 30 + ["pending"] * 20


async def test_a_delivery_that_postgresql_refuses_is_put_aside_and_the_rest_enters(
    door: Relay, engine_behind_door: AsyncEngine, connection: Connection, tmp_path: Path
) -> None:
    deliveries = numbered(9)
    for place in (0, 4):
        deliveries[place] = replace(deliveries[place], event="nul \0")
    async with spooling(engine_behind_door, tmp_path) as one:
        await door.shut()
        assert await record(one, deliveries) == ["spooled"] * 9
        with capture_logs() as logs:
            await door.open()
            await until_over(one, tmp_path)
            assert await one.record(DELIVERY) == "queued"
    assert guids(connection) == [deliveries[place].guid for place in (1, 2, 3, 5, 6, 7, 8)] + [DELIVERY.guid]
    (told,) = [entry for entry in logs if "refused" in entry]
    assert (told["refused"], told["damaged"], told["log_level"]) == (2, 0, "error")

    connection.execute("DELETE FROM webhook_deliveries")
    give_back(tmp_path)
    async with spooling(engine_behind_door, tmp_path):
        await until_empty(tmp_path)
    assert len(rows(connection)) == 7


async def test_a_damaged_record_is_put_aside_and_the_rest_enters(
    engine: AsyncEngine, connection: Connection, tmp_path: Path
) -> None:
    path = written(tmp_path, *numbered(3))
    damage(path)
    with capture_logs() as logs:
        async with spooling(engine, tmp_path):
            await until_empty(tmp_path)
    assert guids(connection) == ["guid-0", "guid-2"]
    (told,) = [entry for entry in logs if "damaged" in entry]
    assert (told["refused"], told["damaged"], told["file"]) == (0, 1, f"{path}{journal.ASIDE}")
    assert journal.used_bytes(tmp_path) == path.with_name(path.name + journal.ASIDE).stat().st_size


async def test_when_the_spool_is_full_the_database_is_waited_for_as_without_it(
    door: Relay, engine_behind_door: AsyncEngine, connection: Connection, tmp_path: Path
) -> None:
    room = len(journal.line(replace(DELIVERY, guid="guid-0", received_at=datetime.now(UTC)))) + 100
    async with spooling(engine_behind_door, tmp_path, room) as one:
        await door.shut()
        with capture_logs() as logs:
            assert await one.record(numbered(1)[0]) == "spooled"
            outcomes = await asyncio.gather(*map(one.record, numbered(5)), return_exceptions=True)
            assert {type(outcome) for outcome in outcomes} == {DatabaseUnavailable}
        (told,) = [entry["error"] for entry in logs if entry["event"] == "a delivery could not be spooled"]
        assert told == f"{tmp_path} is full: GHSYNC_SPOOL_BYTES sets the limit."
        assert not one.has_room
        await door.open()
        await service.until(lambda: _has_room(one), "there is room again")
        assert await record(one, numbered(5)) == ["duplicate"] + ["queued"] * 4


async def _has_room(one: Spool) -> bool:
    return one.has_room


async def test_what_was_put_aside_counts_as_spooled_bytes(
    door: Relay, engine_behind_door: AsyncEngine, tmp_path: Path
) -> None:
    (tmp_path / f"1{journal.SUFFIX}{journal.ASIDE}").write_bytes(bytes(1000))
    await door.shut()
    async with spooling(engine_behind_door, tmp_path, 1100) as one:
        with pytest.raises(DatabaseUnavailable):
            await one.record(DELIVERY)


async def test_a_disk_that_is_full_is_told_once_and_used_again_when_it_has_room(
    door: Relay, engine_behind_door: AsyncEngine, connection: Connection, tmp_path: Path
) -> None:
    async with spooling(engine_behind_door, tmp_path) as one:
        await door.shut()
        assert await one.record(DELIVERY) == "spooled"
        with capture_logs() as logs, files_of_at_most(100):
            outcomes = await asyncio.gather(*map(one.record, numbered(20)), return_exceptions=True)
            assert {type(outcome) for outcome in outcomes} == {DatabaseUnavailable}
        assert not one.has_room
        (told,) = [entry["error"] for entry in logs if entry["event"] == "a delivery could not be spooled"]
        assert told == f"{tmp_path} cannot be written (File too large)."
        assert await record(one, numbered(20)) == ["spooled"] * 20
        await door.open()
        await until_empty(tmp_path)
    assert guids(connection) == [DELIVERY.guid, *(delivery.guid for delivery in numbered(20))]


async def test_who_goes_away_while_the_disk_works_does_not_stop_the_others(
    door: Relay, engine_behind_door: AsyncEngine, connection: Connection, tmp_path: Path
) -> None:
    async with spooling(engine_behind_door, tmp_path) as one:
        await door.shut()
        assert await one.record(DELIVERY) == "spooled"
        gone, *staying = [asyncio.create_task(one.record(delivery)) for delivery in numbered(3)]
        await asyncio.sleep(0)
        gone.cancel()
        assert await asyncio.gather(*staying) == ["spooled"] * 2
        assert gone.cancelled()
        await door.open()
        await until_empty(tmp_path)
    assert len(rows(connection)) == 4


async def test_a_spool_that_ends_leaves_what_it_has_to_the_next_one(
    door: Relay, engine_behind_door: AsyncEngine, connection: Connection, tmp_path: Path
) -> None:
    await door.shut()
    async with spooling(engine_behind_door, tmp_path) as one:
        assert await record(one, numbered(500)) == ["spooled"] * 500
    assert journal.used_bytes(tmp_path) > 500 * 100
    await door.open()
    async with spooling(engine_behind_door, tmp_path):
        await until_empty(tmp_path)
    assert guids(connection) == [delivery.guid for delivery in numbered(500)]


async def test_a_file_that_was_taken_away_is_written_to_no_more(
    door: Relay, engine_behind_door: AsyncEngine, connection: Connection, tmp_path: Path
) -> None:
    """What is in it is gone, and what comes after is in another one."""
    await door.shut()
    async with spooling(engine_behind_door, tmp_path) as one:
        assert await record(one, numbered(2)) == ["spooled"] * 2
        for path in left(tmp_path):
            path.unlink()
        later = numbered(5)[2:]
        assert await record(one, later) == ["spooled"] * 3
        assert b"".join(path.read_bytes() for path in left(tmp_path)).count(b"\n") == 3
        await door.open()
        await until_empty(tmp_path)
    assert set(guids(connection)) >= {delivery.guid for delivery in later}


@pytest.mark.usefixtures("talkative")
async def test_beginning_and_end_are_told_with_a_count(
    door: Relay, engine_behind_door: AsyncEngine, tmp_path: Path
) -> None:
    with capture_logs() as logs:
        async with spooling(engine_behind_door, tmp_path) as one:
            await door.shut()
            await record(one, numbered(40))
            await door.open()
            await service.until(lambda: _over(logs), "the end is told")
    told = [entry for entry in logs if "spooled" in entry["event"]]
    assert [entry["event"] for entry in told] == [
        "PostgreSQL cannot commit: deliveries are spooled",
        "all that was spooled is in the inbox",
    ]
    assert told[1]["deliveries"] == 40


async def _over(logs: list[EventDict]) -> bool:
    return any("deliveries" in entry and entry["log_level"] == "info" for entry in logs)


def test_a_folder_that_cannot_be_written_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotConfigured) as told:
        spool.check(tmp_path / "file" / "spool")
    assert str(told.value) == f"GHSYNC_SPOOL_DIR: {tmp_path / 'file' / 'spool'} cannot be written (Not a directory)."
    spool.check(tmp_path / "spool")
    assert os.listdir(tmp_path / "spool") == []
