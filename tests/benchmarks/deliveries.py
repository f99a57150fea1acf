"""An inbox full of a busy organization's deliveries."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.inbox import queue
from ghsync.inbox.delivery import Delivery
from ghsync.inbox.queue import ClaimedDelivery
from ghsync.inbox.recorder import Recorder
from ghsync.inbox.recording import RecordedDelivery
from ghsync.projector.events import HANDLED
from ghsync.receiver import envelope

AT_ONCE = 500

T = TypeVar("T")


async def fill(engine: AsyncEngine, sent: Sequence[RecordedDelivery]) -> list[ClaimedDelivery]:
    """Put deliveries into the inbox; answers them as a worker will see them."""
    recorder = Recorder(engine, timeout_seconds=60)
    for part in parts(sent, AT_ONCE):
        await asyncio.gather(*(recorder.record(opened(recorded)) for recorded in part))
    async with engine.begin() as conn:
        await conn.execute(sa.text("ANALYZE"))
    async with engine.connect() as conn:
        return await queue.claim(conn, len(sent), max_bytes=1 << 40)


def opened(recorded: RecordedDelivery) -> Delivery:
    """A delivery as the receiver hands it on once it is verified."""
    address = envelope.address({name.lower(): value for name, value in recorded.headers.items()})
    return envelope.opened(address, recorded.body, handled=HANDLED)


def parts(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """``items`` in parts of ``size``."""
    return (items[start : start + size] for start in range(0, len(items), size))
