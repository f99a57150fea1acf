"""Small payloads with everything that identifies their nouns; what a test wants to be odd, it replaces."""

import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ghsync.inbox.recording import RecordedDelivery
from tests.receiver import hook

Json = dict[str, Any]

REPOSITORY_ID = 1_296_269
TIME = "2026-05-04T03:02:01Z"


def repository(**fields: Any) -> Json:
    """A ``repository`` object."""
    owner = {"id": 583_231, "login": "octo-org", "type": "Organization"}
    return {"id": REPOSITORY_ID, "name": "odd", "full_name": "octo-org/odd", "owner": owner, "private": False} | fields


def issue(number: int, **fields: Any) -> Json:
    """An ``issue`` object."""
    return {
        "id": 4_000_000_000 + number,
        "number": number,
        "title": "It rains",
        "state": "open",
        "updated_at": TIME,
    } | fields


def pull_request(number: int, **fields: Any) -> Json:
    """A ``pull_request`` object."""
    head = {"ref": "change", "sha": "a" * 40, "repo": {"id": REPOSITORY_ID}}
    base = {"ref": "main", "sha": "b" * 40, "repo": {"id": REPOSITORY_ID}}
    return issue(number) | {"head": head, "base": base, "draft": False} | fields


def about(**fields: Any) -> Json:
    """A whole payload."""
    return {"action": "edited", "repository": repository()} | fields


def encode(payload: Mapping[str, Any]) -> bytes:
    """The payload in ASCII, so that halves of surrogate pairs and NUL are escaped as JSON has them."""
    return json.dumps(payload).encode()


def recorded(event: str, body: bytes, **headers: str) -> RecordedDelivery:
    """A delivery that happened just now; ``headers`` are named like ``x_github_event``."""
    sent = hook.headers(body, event=event, x_github_delivery=str(uuid.uuid1()), **headers)
    return RecordedDelivery(
        {name: value for name, value in sent.items() if name != "x-hub-signature-256"}, body, Path()
    )


def made(event: str, payload: Mapping[str, Any]) -> RecordedDelivery:
    """A delivery of a payload."""
    return recorded(event, encode(payload))
