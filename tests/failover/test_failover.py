"""A primary that dies or hangs under load: its standby is promoted, and nothing that was answered 202 is lost (I1)."""

import asyncio
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from ghsync import locks
from ghsync.inbox.recording import RecordedDelivery
from tests import service, traffic
from tests.chaos import mirror
from tests.chaos.delivery import Sender
from tests.debian import Node
from tests.failover.pair import DATABASE, Pair
from tests.service import Receiver

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

COUNT = 2_000
ANSWERED_WITHIN_SECONDS = 10  # GitHub waits no longer
READING = {"token": "ghp_none", "api_url": "http://127.0.0.1:1"}  # so that a process leads
LOOKED_RARELY = {"poll_seconds": 600}  # what is projected is heard of


@pytest.mark.parametrize(("how", "within_seconds"), [(signal.SIGKILL, 20), (signal.SIGSTOP, 40)], ids=["dies", "hangs"])
@pytest.mark.parametrize("two_urls", [False, True], ids=["one URL", "two URLs"])
async def test_after_a_primary_that_dies_or_hangs_the_standby_has_all_that_was_answered_202(
    pair: Pair, tmp_path: Path, how: signal.Signals, within_seconds: float, *, two_urls: bool
) -> None:
    happened = traffic.busy(COUNT)
    settings = READING | LOOKED_RARELY | ({"direct_database_url": pair.url} if two_urls else {})
    async with service.serving(pair.url, tmp_path / "log", **settings) as receiver:
        sender = Sender([receiver])
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(sender.insist(happened.deliveries))
            await sender.reached(202, COUNT // 3)
            began = time.monotonic()
            pair.primary.signal(how)
            await sender.reached(503, 1)
            accepted = sender.accepted()
            await asyncio.to_thread(pair.standby.promote)
            with service.connect(pair.standby.url(DATABASE)) as connection:
                mirror.keeps(connection, accepted)
            promoted = time.monotonic() - began
            await sender.reached(202, len(accepted) + 1)
            again = time.monotonic() - began
        with service.connect(pair.standby.url(DATABASE)) as connection:
            await service.drained(connection)
            done = time.monotonic() - began
            await service.until(lambda: _leads(connection), "a process leads")
            mirror.keeps(connection, happened.deliveries)
            mirror.is_done(connection)
            mirror.is_told_once(connection)
            mirror.shows(connection, happened)
        told = f"promoted after {promoted:.1f} s, 202 again after {again:.1f} s, all projected after {done:.1f} s"
        sys.stderr.write(f"{told}\n")
        assert again < within_seconds, told
        assert max(answer.seconds for answer in sender.answers) < ANSWERED_WITHIN_SECONDS


async def _leads(connection: psycopg.Connection) -> bool:
    leading = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = %s"
    return bool(connection.execute(leading, [locks.LEADER & 0xFFFF_FFFF]).fetchall())


async def test_what_the_standby_has_not_got_is_not_answered_202_however_often_it_is_sent(
    pair: Pair, tmp_path: Path
) -> None:
    (delivery,) = traffic.busy(1).deliveries[-1:]
    async with service.serving(pair.url, tmp_path / "log", commit_timeout_seconds=1) as receiver:
        with _stopped(pair.standby):
            statuses = [(await service.post(receiver.client, delivery)).status_code for _ in range(4)]
        assert statuses == [503] * 4
        assert (await service.post(receiver.client, delivery)).json()["status"] == "duplicate"


async def test_a_commit_that_somebody_cancels_while_it_waits_for_the_standby_is_not_answered_202(
    pair: Pair, tmp_path: Path
) -> None:
    (delivery,) = traffic.busy(1).deliveries[-1:]
    async with service.serving(pair.url, tmp_path / "log", command="serve --no-worker") as receiver:
        with _stopped(pair.standby), service.connect(pair.primary.url(DATABASE)) as connection:
            answer = asyncio.create_task(service.post(receiver.client, delivery))
            await service.until(lambda: _cancelled(connection), "the commit waits, and is cancelled")
            assert (await answer).status_code == 503


async def test_a_primary_that_comes_back_as_a_stray_commits_nothing_by_itself(pair: Pair, tmp_path: Path) -> None:
    one, other = traffic.busy(2).deliveries[-2:]
    await asyncio.to_thread(pair.primary.kill)
    await asyncio.to_thread(pair.standby.promote)
    await asyncio.to_thread(pair.primary.start)
    async with service.serving(pair.url, tmp_path / "log", commit_timeout_seconds=1) as receiver:
        assert [(await service.post(receiver.client, each)).status_code for each in (one, other, one)] == [503] * 3
        await asyncio.to_thread(pair.primary.kill)  # so that it is fenced
        await service.until(lambda: _accepted(receiver, one), "the other one is found")
        with service.connect(pair.standby.url(DATABASE)) as connection:
            mirror.keeps(connection, [one])


async def _accepted(receiver: Receiver, delivery: RecordedDelivery) -> bool:
    return (await service.post(receiver.client, delivery)).status_code == 202


async def _cancelled(connection: psycopg.Connection) -> bool:
    waiting = "query LIKE '%INSERT INTO webhook_deliveries%' AND wait_event = 'SyncRep'"
    return bool(connection.execute(f"SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE {waiting}").fetchall())


@contextmanager
def _stopped(node: Node) -> Iterator[None]:
    node.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        node.signal(signal.SIGCONT)
