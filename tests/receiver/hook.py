"""Webhook requests as GitHub makes them."""

import hmac
import json
from typing import Any
from uuid import uuid4

SECRET = "It's a Secret to Everybody"


def signature(body: bytes, secret: str = SECRET) -> str:
    """The value of X-Hub-Signature-256."""
    return "sha256=" + hmac.new(secret.encode(), body, "sha256").hexdigest()


def headers(body: bytes, *, secret: str = SECRET, event: str = "issues", **changed: str) -> dict[str, str]:
    """The headers of a signed request; ``changed`` are named like ``x_github_event``."""
    return {
        "content-type": "application/json",
        "user-agent": "GitHub-Hookshot/044aadd",
        "x-github-delivery": str(uuid4()),
        "x-github-event": event,
        "x-github-hook-id": "292430182",
        "x-github-hook-installation-target-id": "79929171",
        "x-github-hook-installation-target-type": "integration",
        "x-hub-signature-256": signature(body, secret),
    } | {name.replace("_", "-"): value for name, value in changed.items()}


def body(**fields: Any) -> bytes:
    """A payload of an issue event."""
    payload = {
        "action": "opened",
        "issue": {"id": 1, "number": 1, "title": "It rains"},
        "repository": {"id": 1296269, "full_name": "octocat/Hello-World"},
        "installation": {"id": 234},
    }
    return json.dumps(payload | fields).encode()
