"""Three hosts and one PostgreSQL, each in a network of its own, one of them cut off from it (E1, I1)."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ghsync import migrate
from tests import debian, postgres, service, traffic
from tests.chaos import mirror
from tests.chaos.delivery import Sender
from tests.hosts import network
from tests.hosts.network import BACK, Host, Network
from tests.service import Receiver

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

COUNT = 900
OTHERS_GO_ON_WITHIN_SECONDS = 25.0
ANSWERED_WITHIN_SECONDS = 10.0
SETTINGS = {
    "token": "ghp_none", "api_url": "http://127.0.0.1:1",  # so that they lead
    "network_seconds": 5, "idle_seconds": 5, "lock_seconds": 4, "log_level": "info",
}  # fmt: skip

LEADERS = "SELECT pid FROM sync_processes WHERE leading_since IS NOT NULL"


@contextmanager
def server(host: Host) -> Iterator[str]:
    """A PostgreSQL 15 on a host; answers its database's URL."""
    with debian.folder() as folder, debian.node(folder, "postgres") as node:
        node.create()
        node.set(listen_addresses="*")
        with (node.data / "pg_hba.conf").open("a") as access:
            access.write(f"host all all {BACK}.0.0/16 trust\n")
        user = ["setpriv", f"--reuid={debian.USER}", f"--regid={debian.USER}", "--clear-groups"]
        options = f"-p {node.port} -k {folder}"
        start = [debian.PROGRAMS / "pg_ctl", "-D", node.data, "start", "-w", "-l", folder / "log", "-o", options]
        subprocess.run([*host.words, *user, *start], check=True, cwd=folder, stdout=subprocess.DEVNULL)
        url = f"postgresql://postgres@{host.back}:{node.port}"
        postgres.execute(f"{url}/postgres", "CREATE DATABASE ghsync")
        migrate.upgrade(f"{url}/ghsync")
        yield f"{url}/ghsync"


@asynccontextmanager
async def three(joined: Network, url: str, folder: Path) -> AsyncIterator[list[tuple[Host, Receiver]]]:
    """`serve` on three hosts, and `work` beside the last."""
    async with AsyncExitStack() as stack:
        found = []
        for place in range(3):
            host, port = joined.join(), service.free_port()
            log = folder / f"serve{place}.log"
            serving = service.serving(
                url, log, before=host.words, at=host.front, host=host.front, operations_port=port, **SETTINGS
            )
            found.append((host, await stack.enter_async_context(serving)))
        await stack.enter_async_context(service.working(url, folder / "work.log", before=host.words, **SETTINGS))
        yield found


WAYS: dict[str, tuple[Callable[[Host], None], Callable[[Host], None]]] = {
    "pulled": (Host.unplug, Host.plug),
    "silent": (Host.swallow, Host.pass_on),
}


@pytest.mark.parametrize(("cut", "mend"), WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("leads", [True, False], ids=["leader", "other"])
async def test_a_host_that_is_cut_off_is_replaced_and_nothing_that_was_answered_202_is_lost(
    tmp_path: Path, cut: Callable[[Host], None], mend: Callable[[Host], None], *, leads: bool
) -> None:
    happened = traffic.busy(COUNT)
    with network.standing() as joined, server(joined.join()) as url, service.connect(url) as connection:
        async with three(joined, url, tmp_path) as hosts:
            await service.until(lambda: _is_led(connection), "somebody leads")
            first = _leader(connection)
            host, lost = next(each for each in hosts if (each[1].pid == first) is leads)
            senders = [Sender([receiver]) for _, receiver in hosts]
            (cut_off,) = (sender for sender in senders if sender.receivers == [lost])
            others = [sender for sender in senders if sender is not cut_off]
            async with asyncio.TaskGroup() as tasks:
                for place, sender in enumerate(senders):
                    tasks.create_task(sender.insist(happened.deliveries[place::3]))
                await cut_off.reached(202, COUNT // 12)
                cut(host)
                began = time.monotonic()
                await cut_off.reached(503, 1)
                refused = time.monotonic() - began
                taken = len(cut_off.accepted())
                await service.until(lambda: _is_not_ready(lost), "/readyz says so")
                await service.until(lambda: _is_led_by_another(connection, lost.pid), "another leads")
                led = time.monotonic() - began
                for sender in others:
                    await sender.reached(202, COUNT // 4)
                await service.until(lambda: _projected(connection, others), "the others go on")
                went_on = time.monotonic() - began
                assert len(cut_off.accepted()) == taken
                mend(host)
                mended = time.monotonic()
            await service.drained(connection)
            done = time.monotonic() - mended
            await service.until(lost.ready, "it is ready again")
            assert await _is_led_by_another(connection, lost.pid)
            mirror.keeps(connection, happened.deliveries)
            mirror.is_told_once(connection)
            mirror.shows(connection, happened)
        told = (
            f"503 after {refused:.1f} s, another led after {led:.1f} s, the others had projected all of theirs after "
            f"{went_on:.1f} s; all was projected {done:.1f} s after the cable was mended"
        )
        sys.stderr.write(f"{told}\n")
        assert max(answer.seconds for sender in senders for answer in sender.answers) < ANSWERED_WITHIN_SECONDS, told
        assert max(led, went_on) < OTHERS_GO_ON_WITHIN_SECONDS, told


def _leader(connection: psycopg.Connection[Any]) -> int:
    ((pid,),) = connection.execute(LEADERS).fetchall()
    return int(pid)


async def _is_led(connection: psycopg.Connection[Any]) -> bool:
    return len(connection.execute(LEADERS).fetchall()) == 1


async def _is_led_by_another(connection: psycopg.Connection[Any], pid: int) -> bool:
    return connection.execute(LEADERS).fetchall() not in ([], [(pid,)])


async def _is_not_ready(receiver: Receiver) -> bool:
    answer = await receiver.operations.get("/readyz")
    return answer.status_code == 503 and "The database does not answer." in answer.json()["reasons"]


async def _projected(connection: psycopg.Connection[Any], senders: list[Sender]) -> bool:
    accepted = [delivery.guid for sender in senders for delivery in sender.accepted()]
    pending = "SELECT FROM webhook_deliveries WHERE status = 'pending' AND guid = ANY(%s)"
    return not connection.execute(pending, [accepted]).fetchall()
