"""One webhook delivery, verified, on its way into the inbox."""

from dataclasses import dataclass
from datetime import datetime

UNTOLD = frozenset({"ping"})
"""Events that say nothing of what is mirrored, whatever they carry: at the door and in a replay."""

UNNAMED = "unnamed"
"""The target of a delivery that names no hook: what stands before the receiver dropped the headers."""


HEADERS = (
    "Accept",
    "Content-Type",
    "User-Agent",
    "X-GitHub-Delivery",
    "X-GitHub-Enterprise-Host",
    "X-GitHub-Enterprise-Version",
    "X-GitHub-Event",
    "X-GitHub-Hook-ID",
    "X-GitHub-Hook-Installation-Target-ID",
    "X-GitHub-Hook-Installation-Target-Type",
)
"""What is kept of a request's head, as GitHub spells it. The signature is checked, and goes with the rest: that is the
deployment's, with hosts, proxies, cookies and credentials.

https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers
"""

KEPT_HEADERS = frozenset(name.lower() for name in HEADERS)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What GitHub sent: the signed bytes, and what the inbox is searched by.

    ``hook_target`` and ``guid`` together are its key: two hooks that hear of one event are told the same GUID.
    https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers
    """

    hook_target: str
    guid: str
    event: str
    action: str | None
    repository: str | None
    installation_id: str | None
    headers: dict[str, str]  # of `HEADERS`, with names in lower case
    body: bytes
    ignored: bool = False
    received_at: datetime | None = None  # None: when it is written
    sync_source: str = "webhook"

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the same delivery when it comes again."""
        return self.hook_target, self.guid
