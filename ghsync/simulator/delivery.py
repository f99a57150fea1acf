"""One webhook delivery as it leaves GitHub, and its signature.

https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass

SIGNATURE_HEADERS = ("X-Hub-Signature", "X-Hub-Signature-256")


@dataclass(frozen=True)
class Delivery:
    """An event on its way to a hook: the exact bytes, and the headers without a signature."""

    event: str
    guid: str
    body: bytes
    headers: Mapping[str, str]

    def signed(self, secret: str) -> dict[str, str]:
        """The headers as they go over the wire to a hook with this secret."""
        return {**self.headers, **signatures(secret, self.body)}


def headers(event: str, guid: str, *, hook_id: int, app_id: int, hookshot: str) -> dict[str, str]:
    """The headers of a delivery to an App's hook."""
    return {
        "Accept": "*/*",
        "Content-Type": "application/json",
        "User-Agent": f"GitHub-Hookshot/{hookshot}",
        "X-GitHub-Delivery": guid,
        "X-GitHub-Event": event,
        "X-GitHub-Hook-ID": str(hook_id),
        "X-GitHub-Hook-Installation-Target-ID": str(app_id),
        "X-GitHub-Hook-Installation-Target-Type": "integration",
    }


def signatures(secret: str, body: bytes) -> dict[str, str]:
    """Both signature headers; GitHub still sends the older one beside the one to be verified."""
    return {
        "X-Hub-Signature": "sha1=" + hmac.new(secret.encode(), body, "sha1").hexdigest(),
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, "sha256").hexdigest(),
    }
