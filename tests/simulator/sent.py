"""Deliveries as tests look at them."""

import json
from dataclasses import dataclass
from typing import Any

from ghsync.simulator.delivery import Delivery


@dataclass(frozen=True)
class Sent:
    """The name of an event with its action, and its payload."""

    name: str
    payload: dict[str, Any]


def read(delivery: Delivery) -> Sent:
    """Read a delivery's body."""
    payload = json.loads(delivery.body)
    action = payload.get("action")
    return Sent(f"{delivery.event}.{action}" if action else delivery.event, payload)


def names(deliveries: list[Sent]) -> list[str]:
    """The names of events, in order."""
    return [each.name for each in deliveries]
