"""What a webhook request says: verified first, then read (promise I2). No I/O here.

https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from ghsync import payload
from ghsync.errors import MalformedRequest, UnsupportedContentType
from ghsync.inbox.delivery import KEPT_HEADERS, UNNAMED, UNTOLD, Delivery
from ghsync.receiver import signature

NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")
GUID = re.compile(r"[!-~]{1,128}")

Unexpected = list[Any] | str | int | float | bool | None


class Repository(msgspec.Struct):
    """What is read of a ``repository`` object here; any type goes, for the shape of a payload refuses nothing."""

    id: Any = None
    full_name: Any = None


class Installation(msgspec.Struct):
    """What is read of an ``installation`` object here."""

    id: Any = None


class Summary(msgspec.Struct):
    """What the inbox is searched by; the rest of the payload is checked for syntax and skipped."""

    action: Any = None
    repository: Repository | Unexpected = None
    installation: Installation | Unexpected = None


SUMMARY = msgspec.json.Decoder(Summary)


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the headers say before the body is read."""

    hook_target: str
    guid: str
    event: str
    content_type: str
    headers: dict[str, str]


def headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers as text that PostgreSQL can hold, names in lower case, values of one name joined by commas.

    https://www.rfc-editor.org/rfc/rfc9110#section-5.3
    """
    joined: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = _text(raw_name).lower(), _text(raw_value)
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def address(headers: Mapping[str, str]) -> Envelope:
    """Read the headers; raises `MalformedRequest` or `UnsupportedContentType`."""
    content_type = headers.get("content-type")
    if content_type is None:
        raise UnsupportedContentType(f"Content-Type is missing: it must be {payload.JSON} or {payload.FORM}.")
    payload.media_type(content_type)
    return Envelope(
        hook_target=_hook_target(headers),
        guid=_header(headers, "X-GitHub-Delivery", GUID),
        event=_header(headers, "X-GitHub-Event", NAME),
        content_type=content_type,
        headers=dict(headers),
    )


def read(envelope: Envelope, body: bytes, secrets: Iterable[bytes], *, handled: frozenset[str]) -> Delivery:
    """Verify the body, and only then read it; raises `SignatureMismatch` or `MalformedRequest`."""
    signature.verify(body, envelope.headers.get(signature.HEADER), secrets)
    return opened(envelope, body, handled=handled)


def opened(envelope: Envelope, body: bytes, *, handled: frozenset[str]) -> Delivery:
    """Read a body that is trusted already; ``handled`` are the events that have an effect of their own."""
    summary = payload.decode(SUMMARY, payload.json_bytes(envelope.content_type, body))
    repository = _repository(summary)
    return Delivery(
        hook_target=envelope.hook_target,
        guid=envelope.guid,
        event=envelope.event,
        action=_storable(summary.action),
        repository=repository,
        installation_id=_installation_id(summary),
        headers={name: value for name, value in envelope.headers.items() if name in KEPT_HEADERS},
        body=body,
        ignored=envelope.event in UNTOLD or (envelope.event not in handled and repository is None),
    )


def _repository(summary: Summary) -> str | None:
    repository = summary.repository
    if isinstance(repository, Repository) and _id(repository.id):
        return _storable(repository.full_name)
    return None


def _installation_id(summary: Summary) -> str | None:
    installation = summary.installation
    return _id(installation.id) if isinstance(installation, Installation) else None


def _hook_target(headers: Mapping[str, str]) -> str:
    """Who was hooked. GitHub always says; what stands before us may have dropped the headers, some or all."""
    if "x-github-hook-installation-target-type" in headers and "x-github-hook-installation-target-id" in headers:
        kind = _header(headers, "X-GitHub-Hook-Installation-Target-Type", NAME)
        return f"{kind}:{_header(headers, 'X-GitHub-Hook-Installation-Target-ID', NAME)}"
    return f"hook:{_header(headers, 'X-GitHub-Hook-ID', NAME)}" if "x-github-hook-id" in headers else UNNAMED


def _header(headers: Mapping[str, str], name: str, pattern: re.Pattern[str]) -> str:
    value = headers.get(name.lower())
    if value is None:
        raise MalformedRequest(f"{name} is missing: only GitHub's webhooks are answered here.")
    if not pattern.fullmatch(value):
        raise MalformedRequest(f"{name} is malformed.")
    return value


def _text(raw: bytes) -> str:
    return raw.decode("latin-1").replace("\0", payload.REPLACEMENT)


def _storable(value: object) -> str | None:
    return value.replace("\0", payload.REPLACEMENT) if isinstance(value, str) else None


def _id(value: object) -> str | None:
    return str(value) if type(value) is int else None
