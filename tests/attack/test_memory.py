"""Large bodies of strangers, all at once: memory stays within its bound, and deliveries go on to be taken."""

import asyncio
from collections import Counter
from pathlib import Path

import httpx
import pytest

from tests import service, traffic

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

MIB = 1024 * 1024
BODY = b"{" + b" " * (25 * MIB - 2) + b"}"
STRANGERS = 20
FOR_BODIES = 128 * MIB  # GHSYNC_BODY_MEMORY_BYTES
BESIDE = 40 * MIB
"""What buffers of connections and the allocator take beside that."""


def highest(pid: int) -> int:
    """The most memory that a process has had, in bytes: https://www.kernel.org/doc/html/latest/filesystems/proc.html"""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


async def shout(receiver: service.Receiver) -> int | None:
    headers = {
        "Content-Type": "application/json", "X-GitHub-Event": "issues", "X-GitHub-Delivery": "large",
        "X-Hub-Signature-256": "sha256=" + "0" * 64,
    }  # fmt: skip
    async with receiver.connection() as client:
        try:
            return (await client.post(service.WEBHOOK, content=BODY, headers=headers)).status_code
        except httpx.TransportError:
            return None


async def test_twenty_wrong_bodies_of_25_mib_at_once_keep_memory_within_its_bound(
    database_url: str, tmp_path: Path
) -> None:
    small = traffic.busy(20).deliveries
    async with service.serving(database_url, tmp_path / "log", anew=True, command="serve --no-worker") as receiver:
        assert (await service.post(receiver.client, small[0])).status_code == 202
        before = highest(receiver.pid)
        shouting = [asyncio.create_task(shout(receiver)) for _ in range(STRANGERS)]
        for delivery in small[1:]:
            assert (await service.post(receiver.client, delivery)).status_code == 202
        answers = Counter(await asyncio.gather(*shouting))
        taken = highest(receiver.pid) - before
    assert answers.keys() <= {401, 503, None}, answers
    assert answers[401] >= 1  # what there was room for was read and found wrong
    assert taken < FOR_BODIES + BESIDE, f"{taken / MIB:.0f} MiB"
