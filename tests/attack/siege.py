"""A receiver under attack, and signed deliveries that arrive beside it."""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

import psutil
import psycopg

from ghsync.inbox import recording
from tests import traffic
from tests.attack import attacks
from tests.benchmarks import generator
from tests.benchmarks.generator import Generator
from tests.service import SECRET, Receiver

MIB = 1024 * 1024
A_SECOND = 100
START_SECONDS = 15.0  # for an attacker's interpreter


@dataclass(frozen=True, slots=True)
class Siege:
    """What became of signed deliveries during an attack, in seconds, and of the attack."""

    name: str
    waits: list[float]
    lost: int
    peak_bytes: int
    answers: dict[str, int]

    @property
    def p50(self) -> float:
        """The median wait for an acknowledgement."""
        return statistics.median(self.waits)

    @property
    def p99(self) -> float:
        """All but one of a hundred waited no longer."""
        return statistics.quantiles(self.waits, n=100)[98]


async def besiege(
    receiver: Receiver,
    connection: psycopg.Connection,
    names: Sequence[str],
    seconds: float,
    *,
    name: str = "",
    nice: int = 0,
) -> Siege:
    """Attack in all these ways at once, and deliver beside it; without names, only deliver.

    An attacker has a machine of its own; here it shares the receiver's, and with nice = 19 it gives way to it.
    """
    attackers = await _start(receiver.port, names, seconds, nice)
    watching = asyncio.create_task(_peak(receiver.pid))
    async with generator.posting(receiver.port) as posting:
        guids, waits = await _deliver(posting, seconds)
    watching.cancel()
    answers = json.loads((await attackers.communicate())[0]) if attackers else {}
    stored = connection.execute("SELECT count(*) FROM webhook_deliveries WHERE guid = ANY(%s)", [guids]).fetchone()
    lost = len(guids) - (stored or (0,))[0]
    peak = await asyncio.gather(watching, return_exceptions=True)
    assert isinstance(peak[0], int)
    return Siege(name or ", ".join(names), sorted(waits), lost, peak[0], answers)


async def _start(port: int, names: Sequence[str], seconds: float, nice: int) -> asyncio.subprocess.Process | None:
    if not names:
        return None
    process = await asyncio.create_subprocess_exec(
        "nice", "-n", str(nice), sys.executable, "-m", "tests.attack.attacks", str(port), str(seconds + 1), *names,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    async with asyncio.timeout(START_SECONDS):
        await process.stdout.readline()
    return process


async def _deliver(posting: Generator, seconds: float) -> tuple[list[str], list[float]]:
    """Deliver at a steady rate; every one has to be acknowledged. Answers their GUIDs and waits."""
    recorded = traffic.busy(1).deliveries[0]
    guids = [str(uuid4()) for _ in range(int(A_SECOND * seconds))]
    started, under_way = time.perf_counter(), []
    for place, guid in enumerate(guids):
        await asyncio.sleep(max(0.0, started + place / A_SECOND - time.perf_counter()))
        headers = recording.sign(recorded, SECRET) | {"X-GitHub-Delivery": guid}
        under_way.append(asyncio.create_task(_timed(posting, generator.request(headers, recorded.body))))
    return guids, await asyncio.gather(*under_way)


async def _timed(posting: Generator, request: bytes) -> float:
    started = time.perf_counter()
    await posting.post(request)
    return time.perf_counter() - started


async def _peak(pid: int) -> int:
    """The most that the process has resident until this is cancelled, in bytes."""
    process, peak = psutil.Process(pid), 0
    try:
        while True:
            peak = max(peak, process.memory_info().rss)
            await asyncio.sleep(0.05)
    except asyncio.CancelledError:
        return peak


ALL = tuple(attacks.ATTACKS)
