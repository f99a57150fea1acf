"""Ids, node ids, commit hashes and delivery GUIDs, made from a seed: a script always gives the same ones."""

import base64
import hashlib
import uuid
from collections import Counter
from dataclasses import dataclass, field

import msgspec

from ghsync.simulator.clock import TICKS_PER_SECOND

# Magnitudes are those of present-day GitHub, so that a 32-bit column or a float shows its fault at once.
FIRST_ID = {
    "account": 181_000_000,
    "app": 1_190_000,
    "check_run": 61_000_000_000,
    "check_suite": 57_000_000_000,
    "comment": 3_690_000_000,
    "hook": 530_000_000,
    "installation": 98_000_000,
    "invitation": 64_000_000,
    "issue": 3_870_000_000,
    "issue_type": 24_000_000,
    "label": 9_440_000_000,
    "milestone": 14_200_000,
    "pull_request": 3_130_000_000,
    "release": 291_000_000,
    "repository": 1_090_000_000,
    "review": 3_560_000_000,
    "review_comment": 2_350_000_000,
    "review_thread": 1_640_000_000,
    "status": 41_300_000_000,
    "team": 15_300_000,
    "workflow": 214_000_000,
    "workflow_run": 21_900_000_000,
}
LARGEST_STEP = 997

GREGORIAN_TO_UNIX_TICKS = 12_219_292_800 * TICKS_PER_SECOND
"""Ticks from the start of the Gregorian calendar (the zero of a version-1 UUID) to 1970: RFC 9562, section 5.1."""


@dataclass
class Identities:
    """Hands out everything that identifies something, in the order in which it is asked."""

    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    latest: dict[str, int] = field(default_factory=dict)

    def next_id(self, kind: str) -> int:
        """The next numeric id of a kind: they grow, with gaps, as GitHub's do."""
        step = 1 + self._digits("id", kind) % LARGEST_STEP
        self.latest[kind] = self.latest.get(kind, FIRST_ID[kind]) + step
        return self.latest[kind]

    def next_sha(self) -> str:
        """The hash of the next git object, 40 hexadecimal digits."""
        return f"{self._digits('sha'):064x}"[:40]

    def next_guid(self, ticks: int) -> str:
        """The version-1 UUID of the next delivery, carrying a time in ticks of 100 ns since 1970."""
        digits = self._digits("guid")
        return guid_at(ticks, clock_sequence=digits % 2**14, node=(digits >> 14) % 2**48)

    def hookshot(self) -> str:
        """The seven digits of the revision in the delivery's User-Agent."""
        return hashlib.sha256(f"{self.seed}:hookshot".encode()).hexdigest()[:7]

    def _digits(self, *scope: str) -> int:
        name = ":".join(scope)
        self.counts[name] += 1
        return int(hashlib.sha256(f"{self.seed}:{name}:{self.counts[name]}".encode()).hexdigest(), 16)


def guid_at(ticks: int, *, clock_sequence: int, node: int) -> str:
    """The version-1 UUID of an instant given in ticks of 100 ns since 1970."""
    time = ticks + GREGORIAN_TO_UNIX_TICKS
    return str(
        uuid.UUID(
            fields=(
                time & 0xFFFF_FFFF,
                time >> 32 & 0xFFFF,
                time >> 48 & 0x0FFF | 0x1000,
                clock_sequence >> 8 & 0x3F | 0x80,
                clock_sequence & 0xFF,
                node,
            )
        )
    )


def guid_ticks(guid: str) -> int:
    """The instant inside a version-1 UUID, in ticks of 100 ns since 1970."""
    return uuid.UUID(guid).time - GREGORIAN_TO_UNIX_TICKS


def node_id(prefix: str, *numbers: int | str) -> str:
    """A global node id: GitHub's are a prefix and the MessagePack of a zero and what names the node."""
    packed = msgspec.msgpack.encode([0, *numbers])
    return f"{prefix}_{base64.urlsafe_b64encode(packed).decode().rstrip('=')}"


def legacy_node_id(kind: str, number: int) -> str:
    """A node id in the older form, which installations still carry."""
    return base64.b64encode(f"{len(kind):03}:{kind}{number}".encode()).decode()
