"""Requests of webhooks whose heads are odd too, written byte for byte; mostly signed as they should be."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote_from_bytes
from uuid import UUID

from hypothesis import strategies as st

from tests.fuzz import payloads
from tests.fuzz.payloads import Sample
from tests.service import SECRET, WEBHOOK

Header = tuple[bytes, bytes]


@dataclass(frozen=True)
class Odd:
    """A request as it is drawn; ``GUID`` in its head is replaced by one that nobody has used when it is sent."""

    event: str
    head: tuple[Header, ...]
    body: bytes
    chunked: bool = False

    def __repr__(self) -> str:
        shown = self.body if len(self.body) < 4000 else self.body[:2000] + b" ... " + self.body[-500:]
        return f"Odd(chunked={self.chunked}, {b', '.join(b': '.join(each) for each in self.head)!r}, {shown!r})"

    def written(self, guid: str) -> bytes:
        """What goes over the wire."""
        head = b"".join(name + b": " + value.replace(b"GUID", guid.encode()) + b"\r\n" for name, value in self.head)
        begin = b"POST " + WEBHOOK.encode() + b" HTTP/1.1\r\nHost: ghsync\r\n" + head
        if self.chunked:
            middle = len(self.body) // 2
            parts = b"".join(
                b"%x\r\n%b\r\n" % (len(part), part) for part in (self.body[:middle], self.body[middle:]) if part
            )
            return begin + b"Transfer-Encoding: chunked\r\n\r\n" + parts + b"0\r\n\r\n"
        return begin + b"Content-Length: %d\r\n\r\n" % len(self.body) + self.body


def guid(number: int, ticks: int) -> str:
    """A GUID as GitHub's are: version 1, with the time in it."""
    return str(UUID(fields=(ticks & 0xFFFFFFFF, ticks >> 32 & 0xFFFF, ticks >> 48 & 0x0FFF | 0x1000, 0x80, 0, number)))


def form(body: bytes) -> bytes:
    """The body as a form has it."""
    return b"payload=" + quote_from_bytes(body, safe="").encode()


def signature(body: bytes, algorithm: str = "sha256", secret: str = SECRET) -> bytes:
    return f"{algorithm}={hmac.new(secret.encode(), body, algorithm).hexdigest()}".encode()


JSON, FORM = b"application/json", b"application/x-www-form-urlencoded"

# fmt: off
CONTENT_TYPES = (
    b"application/json; charset=utf-8", b"APPLICATION/JSON", b"application/json;", b"text/json", b"", b"a",
    b"application/json, text/html", b"\xff\xfe",
)
EVENTS = (
    b"issues", b"pull_request", b"push", b"ping", b"made_up", b"", b"ISSUES", b"is sues", b"e" * 100, b"e" * 101,
    b"\xe4", b"../x", b"installation", b"repository",
)
# Of long ago and of times that are to come, of none, and what is no GUID; "x" may have come before.
GUIDS = (
    b"GUID", b"00000000-0000-1000-8000-GUID", b"ffffffff-ffff-1fff-bfff-GUID", b"x", b"GUID" * 3, b"GUID GUID", b"",
    b"GUID\xff", b"'GUID--", b"{GUID}", b"GUID" * 20,
)
TARGETS = (b"integration", b"repository", b"organization", b"business", b"marketplace_listing", b"", b"a:b", b"\xff")
TARGET_IDS = (b"1", b"0", b"-1", b"9" * 30, b"", b"abc", b"1:2")
# fmt: on


@st.composite
def signatures(draw: st.DrawFn, body: bytes) -> tuple[Header, ...]:
    """Right ones, most of the time."""
    name, right = b"X-Hub-Signature-256", signature(body)
    odd = (
        (), ((name, b""),), ((name, right.upper()),), ((name, right[:-1]),), ((name, right), (name, right)),
        ((name, b"sha256="),), ((name, signature(body, secret="guess")),),
        ((b"X-Hub-Signature", signature(body, "sha1")),), ((name, b"sha256=" + b"\xff" * 64),),
        ((name, b" " + right + b" "),),
    )  # fmt: skip
    right_one = ((name, right),)
    return draw(st.sampled_from((right_one,) * 9 * len(odd) + odd))


def mostly(usual: bytes, odd: Sequence[bytes], times: int = 29) -> st.SearchStrategy[bytes]:
    """The usual, so many times as often as something odd."""
    return st.sampled_from((usual,) * times * len(odd) + tuple(odd))


@st.composite
def requests(draw: st.DrawFn) -> Odd:
    """A request about a real payload, of which much may be odd."""
    sample: Sample = draw(st.sampled_from(payloads.samples()))
    body = draw(payloads.mutated(sample))
    usual = JSON
    if draw(st.integers(0, 7)) == 7:
        usual, body = FORM, form(body)
        body = draw(
            st.sampled_from(
                (
                    body,
                    body,
                    body + b"&payload=%7B%7D",
                    b"a=b&" + body,
                    body.replace(b"%", b"%%", 3),
                    body.replace(b"payload", b"PAYLOAD"),
                )
            )
        )
    head = [
        (b"Content-Type", draw(mostly(usual, CONTENT_TYPES))),
        (b"X-GitHub-Event", draw(mostly(draw(mostly(sample.event.encode(), payloads.events(), 9)), EVENTS))),
        (b"X-GitHub-Delivery", draw(mostly(b"GUID", GUIDS))),
        (b"X-GitHub-Hook-ID", draw(mostly(b"1", TARGET_IDS))),
        (b"X-GitHub-Hook-Installation-Target-Type", draw(mostly(b"integration", TARGETS))),
        (b"X-GitHub-Hook-Installation-Target-ID", draw(mostly(b"1", TARGET_IDS))),
        *draw(signatures(body)),
    ]
    change = draw(st.integers(0, 20))
    if change == 0:
        del head[draw(st.integers(0, len(head) - 1))]
    elif change == 1:
        head.append(head[draw(st.integers(0, len(head) - 1))])
    elif change == 2:
        head = [(name.upper(), value) for name, value in reversed(head)]
    elif change == 3:
        head.append((b"X-Odd", b"\xff" * 5000))
    return Odd(sample.event, tuple(head), body, draw(st.booleans()))
