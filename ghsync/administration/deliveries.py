"""Deliveries: read again, set aside, or given up."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync import audit, wording
from ghsync.actor import Actor
from ghsync.errors import Permanent
from ghsync.inbox import queue
from ghsync.inbox.table import table
from ghsync.reports import deliveries
from ghsync.reports.deliveries import DeliveryFilter, DeliveryStatus

AUDITED_IDS = 100  # more are told by how they were chosen

_PARK = sa.text("""
UPDATE webhook_deliveries SET status = 'parked', processed_at = now(), last_error = :why
WHERE id = :id AND status = 'pending'
""")

# What was wrong with it stays readable, after why it does not matter.
_DISMISS = sa.text("""
UPDATE webhook_deliveries
SET status = 'ignored', dismissed_at = now(), last_error = :why || coalesce(E'\\n' || last_error, '')
WHERE id = ANY(:ids) AND status = 'parked'
""")


_WITHOUT_PAYLOAD = sa.text("SELECT id FROM webhook_deliveries WHERE id = ANY(:ids) AND body IS NULL")


class RequeueCounts(NamedTuple):
    """How many deliveries are in the queue again, waited in it already, and have no payload any more."""

    queued: int
    waiting: int
    aged: int


async def replay(conn: AsyncConnection, named: Sequence[str], *, actor: Actor) -> RequeueCounts:
    """Queue deliveries again that are named by number or GUID. Raises `NotFound`."""
    return await _requeue(conn, [(await deliveries.find(conn, one))["id"] for one in named], {}, actor)


async def replay_all(conn: AsyncConnection, chosen: DeliveryFilter, *, actor: Actor) -> RequeueCounts:
    """Queue all again that a filter finds, and that do not wait. Raises `Permanent` for one that finds all, or none."""
    if not (chosen.status or chosen.event or chosen.repository):
        raise Permanent("Say which deliveries: by their state, event or repository.")
    if chosen.status == DeliveryStatus.pending:
        raise Permanent("Deliveries that are pending wait in the queue already.")
    found = [table.c.status != DeliveryStatus.pending, *await deliveries.conditions(conn, chosen)]
    ids = list(await conn.scalars(sa.select(table.c.id).where(*found).order_by(table.c.id)))
    asked = {"status": chosen.status, "event": chosen.event, "repository": chosen.repository}
    since = {"since": chosen.since.isoformat()} if chosen.since else {}
    return await _requeue(conn, ids, {name: value for name, value in asked.items() if value} | since, actor)


async def park(conn: AsyncConnection, named: str, reason: str, *, actor: Actor) -> int:
    """Take one that waits out of the queue; answers its number. Raises `Permanent` for one that does not wait."""
    _require(reason)
    found = await deliveries.find(conn, named)
    done = await conn.execute(_PARK, {"id": found["id"], "why": f"Parked by {actor}: {reason}"})
    if not done.rowcount:
        raise Permanent(f"Delivery {found['id']} is {found['status']}: only one that waits can be parked.")
    await _write_down(conn, "delivery.parked", [found["id"]], {"reason": reason}, actor)
    return int(found["id"])


async def dismiss(conn: AsyncConnection, named: Sequence[str], reason: str, *, actor: Actor) -> int:
    """Have parked ones count as ignored; answers how many. Raises `Permanent` where one is not parked."""
    _require(reason)
    found = {one["id"]: one for one in [await deliveries.find(conn, each) for each in named]}
    for one in found.values():
        if one["status"] != DeliveryStatus.parked:
            raise Permanent(f"Delivery {one['id']} is {one['status']}: only one that is parked can be dismissed.")
    done = await conn.execute(_DISMISS, {"ids": list(found), "why": f"Dismissed by {actor}: {reason}"})
    await _write_down(conn, "delivery.dismissed", list(found), {"reason": reason}, actor)
    return done.rowcount


def _require(reason: str) -> None:
    if not reason.strip():
        raise Permanent("The reason is empty: say why, for whoever looks at it later.")


async def _requeue(conn: AsyncConnection, ids: Sequence[int], chosen: Mapping[str, Any], actor: Actor) -> RequeueCounts:
    aged = len(list(await conn.scalars(_WITHOUT_PAYLOAD, {"ids": list(ids)})))
    queued = await queue.requeue(conn, ids)
    if queued:
        await _write_down(conn, "delivery.replayed", ids, {**chosen, "count": queued}, actor)
    return RequeueCounts(queued, len(set(ids)) - queued - aged, aged)


async def _write_down(
    conn: AsyncConnection, action: str, ids: Sequence[int], values: Mapping[str, Any], actor: Actor
) -> None:
    """One act is one row, however many deliveries it was done to."""
    listed = {"ids": list(ids)} if len(ids) <= AUDITED_IDS else {}
    name = f"delivery {ids[0]}" if len(ids) == 1 else wording.deliveries(len(ids))
    await audit.record(
        conn,
        action=action,
        resource_type="webhook_delivery",
        entity_name=name,
        new_values={**values, **listed},
        actor=actor,
    )
