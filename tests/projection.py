"""Deliveries through the gate, as a worker takes them, in a test's own transaction."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.inbox.queue import ClaimedDelivery, Verdict
from ghsync.projector import project as gate
from ghsync.projector.batch import Batch


async def project(conn: AsyncConnection, deliveries: Sequence[ClaimedDelivery]) -> list[Verdict]:
    """Read and write them as one batch."""
    batch = Batch()
    verdicts = [gate.read(delivery, batch) for delivery in deliveries]
    await gate.write(conn, batch)
    return verdicts
