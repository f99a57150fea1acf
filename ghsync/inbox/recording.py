"""Recorded deliveries: files that the tests and `ghsync replay` replay, and `ghsync record` writes.

A delivery is two files: ``NAME.json``, whose bytes are the body's, and ``NAME.headers.json``, the headers that GitHub
sent. Signatures are never among them; whoever replays signs (fixtures/README.md).
"""

import hmac
import json
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote_plus

import msgspec

from ghsync import payload
from ghsync.errors import MalformedPayload, MalformedRequest, UnreadableFixture, UnsupportedContentType
from ghsync.inbox import scrubbing
from ghsync.inbox.delivery import HEADERS, Delivery

BODY, HEAD = ".json", ".headers.json"
NOT_DELIVERIES = frozenset({"story.json", "expected.json"})
RECEIVED_AT = "X-Ghsync-Received-At"
SIGNATURE = "X-Hub-Signature-256"

# Version-1 UUIDs count 100 ns since the Gregorian calendar began: RFC 9562, section 5.1.
_EPOCH = datetime(1582, 10, 15, tzinfo=UTC)
_TICKS_PER_MICROSECOND = 10


@dataclass(frozen=True, slots=True)
class RecordedDelivery:
    """A delivery as it was recorded: headers without a signature, and the bytes of the body."""

    headers: dict[str, str]
    body: bytes
    path: Path

    def header(self, name: str) -> str | None:
        """A header's value; case does not matter."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), None)

    @property
    def event(self) -> str:
        """X-GitHub-Event."""
        return self.header("X-GitHub-Event") or ""

    @property
    def guid(self) -> str:
        """X-GitHub-Delivery."""
        return self.header("X-GitHub-Delivery") or ""

    @property
    def sent_at(self) -> datetime | None:
        """The time inside a version-1 GUID, None for another GUID."""
        guid = _version_1(self.guid)
        return _EPOCH + timedelta(microseconds=guid.time // _TICKS_PER_MICROSECOND) if guid else None

    @property
    def received_at(self) -> datetime | None:
        """When it arrived where it was recorded, if that was written down."""
        value = self.header(RECEIVED_AT)
        return datetime.fromisoformat(value) if value else None

    @property
    def sent_headers(self) -> dict[str, str]:
        """The headers as GitHub sent them."""
        return {name: value for name, value in self.headers.items() if name.lower() != RECEIVED_AT.lower()}


def read(path: Path) -> list[RecordedDelivery]:
    """The deliveries of a file or, sorted by name, of a folder and all folders in it.

    Raises `UnreadableFixture` rather than leave one out.
    """
    if not path.exists():
        raise UnreadableFixture(f"There is no {path}.")
    try:
        found = [_read(body) for body in _bodies(path)]
    except OSError as error:
        raise UnreadableFixture(f"{error.filename or path} cannot be read: {error.strerror}.") from error
    if not found:
        raise UnreadableFixture(f"{path} holds no recorded deliveries: NAME{BODY} beside NAME{HEAD}.")
    return found


def _bodies(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path if path.suffix != BODY else path.with_name(_stem(path) + BODY)
        return
    names = {path.with_name(_stem(path)) for path in path.rglob(f"*{BODY}") if path.name not in NOT_DELIVERIES}
    for name in sorted(names):
        yield name.with_name(name.name + BODY)


def _stem(path: Path) -> str:
    return path.name.removesuffix(HEAD) if path.name.endswith(HEAD) else path.name.removesuffix(BODY)


def _read(body: Path) -> RecordedDelivery:
    path = body.with_name(_stem(body) + HEAD)
    if not path.exists():
        raise UnreadableFixture(f"{body} is not a recorded delivery: it has no {path.name} beside it.")
    try:
        headers = msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except msgspec.MsgspecError as error:
        raise UnreadableFixture(f"{path} is not a JSON object of headers: {error}.") from None
    recorded = RecordedDelivery(headers, body.read_bytes(), body)
    if not (recorded.event and recorded.guid):
        raise UnreadableFixture(f"{path} lacks X-GitHub-Event or X-GitHub-Delivery.")
    try:
        received_at = recorded.received_at
    except ValueError:
        raise UnreadableFixture(f"{path} has no ISO 8601 time in {RECEIVED_AT}.") from None
    if received_at and received_at.tzinfo is None:
        raise UnreadableFixture(f"{path} has a time without its offset from UTC in {RECEIVED_AT}.")
    return recorded


def of(delivery: Delivery) -> RecordedDelivery:
    """A delivery from the inbox as `write` will record it; it has no path yet."""
    headers = {name: delivery.headers[name.lower()] for name in HEADERS if name.lower() in delivery.headers}
    if delivery.received_at:
        headers[RECEIVED_AT] = delivery.received_at.astimezone(UTC).isoformat()
    return RecordedDelivery(headers, delivery.body, Path())


def write(directory: Path, recorded: RecordedDelivery | Delivery) -> Path:
    """Write both files and answer where the body is: ``<event>/<action or event>[.<start of the GUID>].json``.

    A delivery that was written there before is written over; it never takes another one's place.
    """
    if isinstance(recorded, Delivery):
        recorded = of(recorded)
    name = next(name for name in _names(directory, recorded) if _is_free(name, recorded))
    name.parent.mkdir(parents=True, exist_ok=True)
    body = name.with_name(name.name + BODY)
    body.write_bytes(recorded.body)
    text = json.dumps(recorded.headers, ensure_ascii=False, indent=2) + "\n"
    name.with_name(name.name + HEAD).write_text(text, encoding="utf-8", newline="\n")
    return body


def _names(directory: Path, recorded: RecordedDelivery) -> Iterator[Path]:
    event, guid = _safe(recorded.event), _safe(recorded.guid)
    plain = directory / event / (_safe(_action(recorded)) or event)
    yield plain
    yield plain.with_name(f"{plain.name}.{guid[:8]}")
    yield plain.with_name(f"{plain.name}.{guid}")
    for number in range(2, 1_000_000):  # one event is told to every hook under the same GUID
        yield plain.with_name(f"{plain.name}.{guid}.{number}")


def _is_free(name: Path, recorded: RecordedDelivery) -> bool:
    path = name.with_name(name.name + HEAD)
    if not path.exists():
        return True
    there = _read(path)
    identity = ("X-GitHub-Delivery", *(name for name in HEADERS if "-Hook-" in name))
    return all(there.header(header) == recorded.header(header) for header in identity)


def _action(recorded: RecordedDelivery) -> str:
    action = _decoded(recorded).get("action")
    return action if isinstance(action, str) else ""


def _safe(text: str) -> str:
    """A part of a file's name; a delivery says what it likes."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", text)[:100]


def _decoded(recorded: RecordedDelivery) -> dict[str, object]:
    try:
        text = payload.json_bytes(recorded.header("Content-Type") or payload.JSON, recorded.body)
        return payload.decode(_OBJECT, text)
    except (MalformedPayload, MalformedRequest, UnsupportedContentType):
        return {}


_OBJECT: msgspec.json.Decoder[dict[str, object]] = msgspec.json.Decoder(dict[str, object])


def sign(recorded: RecordedDelivery, secret: str) -> dict[str, str]:
    """The headers as they go over the wire to a hook with this secret."""
    digest = hmac.new(secret.encode(), recorded.body, "sha256").hexdigest()
    return {**recorded.sent_headers, SIGNATURE: f"sha256={digest}"}


def shift(recorded: Iterable[RecordedDelivery], to: datetime) -> list[RecordedDelivery]:
    """Move the times of deliveries, all by as much, so that the last one lies at ``to``.

    What moves are version-1 GUIDs and times of arrival. Order and distances stay, and so do a GUID's clock sequence and
    node; GUIDs of other versions carry no time. For whoever replays old deliveries as if they came now, because the
    time in a GUID is believed only near the time of arrival (ARCHITECTURE: Order).
    """
    deliveries = list(recorded)
    times = [time for each in deliveries if (time := each.sent_at or each.received_at)]
    if not times:
        return deliveries
    by = to - max(times)
    return [replace(each, headers=_moved(each, by)) for each in deliveries]


def _moved(recorded: RecordedDelivery, by: timedelta) -> dict[str, str]:
    moved = {"x-github-delivery": _moved_guid(recorded.guid, by)}
    if recorded.received_at:
        moved[RECEIVED_AT.lower()] = (recorded.received_at + by).isoformat()
    return {name: moved.get(name.lower(), value) for name, value in recorded.headers.items()}


def _moved_guid(text: str, by: timedelta) -> str:
    guid = _version_1(text)
    if guid is None:
        return text
    time = guid.time + by // timedelta(microseconds=1) * _TICKS_PER_MICROSECOND
    high = time >> 48 & 0x0FFF | 0x1000
    fields = (time & 0xFFFF_FFFF, time >> 32 & 0xFFFF, high, guid.clock_seq_hi_variant, guid.clock_seq_low, guid.node)
    return str(uuid.UUID(fields=fields))


def _version_1(text: str) -> uuid.UUID | None:
    try:
        guid = uuid.UUID(text)
    except ValueError:
        return None
    return guid if guid.version == 1 else None


def scrub(recorded: RecordedDelivery, key: bytes = scrubbing.KEY) -> RecordedDelivery:
    """The same delivery with nothing in it that names a person or quotes one; what stays, `scrubbing` tells.

    Pseudonyms are the same wherever ``key`` is; the default key is of this process and of no other.
    """
    content_type = recorded.header("Content-Type") or payload.JSON
    try:
        text = payload.json_bytes(content_type, recorded.body)
        scrubbed = scrubbing.scrub(payload.decode(_OBJECT, text), key)
    except (MalformedPayload, MalformedRequest, UnsupportedContentType) as error:
        raise UnreadableFixture(f"Delivery {recorded.guid} cannot be scrubbed: {error}") from error
    return replace(recorded, body=_encoded(scrubbed, content_type))


def _encoded(content: Mapping[str, object], content_type: str) -> bytes:
    body = msgspec.json.encode(content)
    return b"payload=" + quote_plus(body).encode() if payload.media_type(content_type) == payload.FORM else body
