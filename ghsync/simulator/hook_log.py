"""The hook of the App, and the log of every attempt to deliver to it, which GitHub keeps for three days.

https://docs.github.com/en/rest/apps/webhooks
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ghsync.simulator.payload import Json

if TYPE_CHECKING:
    from ghsync.simulator.clock import Clock
    from ghsync.simulator.delivery import Delivery

KEPT = timedelta(days=3)
FIRST_ATTEMPT = 164_000_000_000_000
BETWEEN_ATTEMPTS = 1_009
HIDDEN = "********"
OUTCOMES = {"success": range(200, 400), "failure": range(400, 600)}
"""What the filter `status` finds; an attempt that got nowhere has the code 0 and is in neither."""


@dataclass
class Hook:
    """Where deliveries go, and how."""

    url: str
    secret: str
    content_type: str = "json"
    insecure_ssl: str = "0"

    def as_json(self) -> Json:
        """The hook's settings, of which the secret is not shown."""
        return {
            "content_type": self.content_type,
            "insecure_ssl": self.insecure_ssl,
            "secret": HIDDEN,
            "url": self.url,
        }


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended: GitHub's words for it, the code, and what the other side said."""

    status: str
    status_code: int
    seconds: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


@dataclass(frozen=True)
class Attempt:
    """One attempt at one delivery. Attempts at the same delivery share its GUID."""

    id: int
    delivery: Delivery
    delivered_at: datetime
    outcome: Outcome
    redelivery: bool
    url: str
    headers: Mapping[str, str]

    @property
    def payload(self) -> Any:
        """What was sent."""
        return json.loads(self.delivery.body)

    def as_item_json(self) -> Json:
        """The attempt as the list shows it: without what was sent."""
        payload = self.payload
        return {
            "id": self.id,
            "guid": self.delivery.guid,
            "delivered_at": self.delivered_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "redelivery": self.redelivery,
            "duration": round(self.outcome.seconds, 2),
            "status": self.outcome.status,
            "status_code": self.outcome.status_code,
            "event": self.delivery.event,
            "action": payload.get("action"),
            "installation_id": payload.get("installation", {}).get("id"),
            "repository_id": payload.get("repository", {}).get("id"),
            "throttled_at": None,
        }

    def as_json(self) -> Json:
        """The attempt with what was sent and what was answered."""
        return {
            **self.as_item_json(),
            "url": self.url,
            "request": {"headers": dict(self.headers), "payload": self.payload},
            "response": {"headers": dict(self.outcome.headers), "payload": self.outcome.body},
        }


@dataclass
class HookLog:
    """Every attempt, oldest first; and the deliveries that somebody wants attempted again."""

    clock: Clock
    attempts: list[Attempt] = field(default_factory=list)
    wanted_again: list[Delivery] = field(default_factory=list)

    def record(
        self, delivery: Delivery, outcome: Outcome, *, url: str, headers: Mapping[str, str], redelivery: bool
    ) -> Attempt:
        """Note how an attempt has ended."""
        number = FIRST_ATTEMPT + BETWEEN_ATTEMPTS * len(self.attempts)
        attempt = Attempt(number, delivery, self.clock.now(), outcome, redelivery, url, headers)
        self.attempts.append(attempt)
        return attempt

    def newest_first(self, status: str | None = None) -> Iterator[Attempt]:
        """What the log still shows, of one outcome or of any."""
        codes = None if status is None else OUTCOMES[status]
        for attempt in reversed(self.attempts):
            if self._is_kept(attempt) and (codes is None or attempt.outcome.status_code in codes):
                yield attempt

    def find(self, number: int) -> Attempt | None:
        """An attempt by its id, while the log has it."""
        place, rest = divmod(number - FIRST_ATTEMPT, BETWEEN_ATTEMPTS)
        if rest or not 0 <= place < len(self.attempts) or not self._is_kept(self.attempts[place]):
            return None
        return self.attempts[place]

    def redeliver(self, attempt: Attempt) -> None:
        """Have a delivery attempted once more."""
        self.wanted_again.append(attempt.delivery)

    def _is_kept(self, attempt: Attempt) -> bool:
        return self.clock.now() - attempt.delivered_at < KEPT
