"""What goes wrong when it is told to: by chance, the same for the same seed, or planned for requests to come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Literal, TypeVar

ApiFault = Literal["failure", "bad_gateway", "secondary", "slow", "stale", "short_listing", "malformed"]
"""What may happen to a request.

- failure, bad_gateway: it is answered with 500 or 502
- secondary: GitHub wants to be left alone, by whoever has asked, for `retry_after_seconds`
- slow: the answer takes `slow_seconds`, really
- stale: the answer is one that was given to the same request `stale_seconds` ago or earlier, if there is one
- short_listing: the page says that it is the last
- malformed: the answer breaks off, and is no JSON
"""

HookFault = Literal["lost", "dropped", "failed", "doubled", "delayed", "cut"]
"""What may happen to a delivery.

- lost: it is never sent, and the log does not know it
- dropped: it is never sent; the log says so, but not among the failures
- failed: it does not get through, and is a failure in the log
- doubled: it is sent twice under the same GUID
- delayed: it is sent `delay_seconds` later
- cut: the connection breaks in the middle of its body
"""

Fault = TypeVar("Fault", bound=str)


@dataclass
class Planned:
    """A fault for the next requests with a text in them, such as `GET /app/hook` or `&page=2`."""

    fault: ApiFault
    within: str
    times: int


@dataclass
class Faults:
    """The switches, all off at first. A chance is between 0 and 1, for each request or each delivery."""

    seed: int = 1
    api: Mapping[ApiFault, float] = field(default_factory=dict)
    hook: Mapping[HookFault, float] = field(default_factory=dict)
    slow_seconds: float = 1
    stale_seconds: float = 0
    retry_after_seconds: int = 60
    limited_status: Literal[403, 429] = 403
    reorder_seconds: float = 0
    delay_seconds: float = 60
    blocked: set[int] = field(default_factory=set)
    """Repositories that are answered with 451, by id."""
    planned: list[Planned] = field(default_factory=list)
    planned_hook: dict[str, HookFault] = field(default_factory=dict)
    """What happens to deliveries to come, by GUID, before chance is asked."""
    _of_requests: Random = field(init=False, repr=False)
    _of_deliveries: Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._of_requests = Random(f"{self.seed}:requests")
        self._of_deliveries = Random(f"{self.seed}:deliveries")

    def plan(self, fault: ApiFault, within: str = "", *, times: int = 1) -> None:
        """Let the next requests with this text in their method and address fail so, before chance is asked."""
        self.planned.append(Planned(fault, within, times))

    def of_request(self, request: str) -> ApiFault | None:
        """What happens to a request, given its method and its address."""
        for planned in self.planned:
            if planned.times and planned.within in request:
                planned.times -= 1
                return planned.fault
        return _drawn(self._of_requests, self.api)

    def of_delivery(self, guid: str) -> HookFault | None:
        """What happens to a delivery."""
        return self.planned_hook.pop(guid, None) or _drawn(self._of_deliveries, self.hook)

    def jitter_seconds(self) -> float:
        """How much later than it should a delivery is sent, so that it may come after later ones."""
        return self._of_deliveries.uniform(0, self.reorder_seconds) if self.reorder_seconds else 0.0


def _drawn(random: Random, chances: Mapping[Fault, float]) -> Fault | None:
    if not chances:
        return None
    place = random.random()
    for fault, chance in chances.items():
        if place < chance:
            return fault
        place -= chance
    return None
