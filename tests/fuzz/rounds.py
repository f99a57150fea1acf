"""A round of fuzzing: each example is a few odd requests with a good one amid, and what has to be true afterwards."""

import itertools
import json
import socket
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import psycopg
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.conformance.deliveries import about, encode, issue, repository
from tests.fuzz.requests import JSON, Odd, guid, requests, signature
from tests.service import Receiver

ANSWERED_SECONDS = 10.0  # as long as GitHub waits
DONE_SECONDS = 30.0
LOOK_SECONDS = 0.002

# As the README lists them, without those for what does not happen here: no place, no memory, no database, no patience.
DOCUMENTED = {202, 400, 401, 413, 415, 431}
FAILED = ("Unexpected", "The database refused")  # what is wrong with a payload is found before PostgreSQL is asked
EXPECTED = {"parked", "refused a delivery"}  # in the log
ENDED = {"processed", "ignored", "parked"}

HARBOUR = repository(
    id=6_002_003_004_005, name="harbour", full_name="safe/harbour",
    owner={"id": 6_002_003_004_006, "login": "safe", "type": "Organization"},
)  # fmt: skip

# Nobody is told to wait, and what fails is parked at once.
SETTINGS = {"stranger_requests_a_second": 100_000, "max_attempts": 1}

NUMBERS = itertools.count(1)

STORED = "SELECT id FROM webhook_deliveries WHERE guid = %s AND body = %s"


@dataclass
class Target:
    """A running `ghsync serve`, its database, and what it was sent."""

    receiver: Receiver
    connection: psycopg.Connection[Any]
    log: Path
    answers: Counter[int] = field(default_factory=Counter)
    endings: Counter[str] = field(default_factory=Counter)
    longest_answer: float = 0.0
    longest_work: float = 0.0
    _read_bytes: int = 0
    _socket: socket.socket | None = None

    def send(self, data: bytes) -> tuple[int, bytes]:
        """Send a request; answers status and body of what came back in time."""
        began = time.monotonic()
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self.receiver.port), ANSWERED_SECONDS)
        self._socket.sendall(data)
        answer = HTTPResponse(self._socket, method="POST")
        answer.begin()
        body = answer.read()
        if answer.will_close:
            self.hang_up()
        self.longest_answer = max(self.longest_answer, time.monotonic() - began)
        self.answers[answer.status] += 1
        return answer.status, body

    def hang_up(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def __str__(self) -> str:
        counted = ", ".join(
            f"{count:,} x {what}" for what, count in [*sorted(self.answers.items()), *sorted(self.endings.items())]
        )
        return f"{counted}; longest answer {self.longest_answer:.2f} s, longest work {self.longest_work:.2f} s"

    def troubles(self) -> list[str]:
        """What it has logged since the last look, but for what odd deliveries are said to be."""
        with self.log.open("rb") as log:
            log.seek(self._read_bytes)
            lines = log.read().decode().splitlines()
            self._read_bytes = log.tell()
        entries = [json.loads(line) for line in lines if line.startswith("{")]
        return [str(each) for each in entries if each["level"] != "info" and each["event"] not in EXPECTED]

    def rows(self, statement: str, *values: object) -> list[Any]:
        """What a statement answers."""
        return self.connection.execute(statement, values or None).fetchall()


def _ticks() -> int:
    return time.time_ns() // 100 + 0x01B21DD213814000


def _good(number: int) -> Odd:
    body = encode(about(issue=issue(number, id=6_100_000_000_000 + number, title=f"Safe {number}"), repository=HARBOUR))
    head = (
        (b"Content-Type", JSON), (b"X-GitHub-Event", b"issues"), (b"X-GitHub-Delivery", b"GUID"),
        (b"X-Hub-Signature-256", signature(body)),
    )  # fmt: skip
    return Odd("issues", head, body)


def example(target: Target, odd: Sequence[Odd]) -> None:
    """Send them with a good one in the middle, and see that all is as it has to be."""
    good = next(NUMBERS)
    middle = len(odd) // 2
    taken = [_deliver(target, each) for each in (*odd[:middle], _good(good), *odd[middle:])]
    assert taken[middle], "The good delivery was refused."
    _work_ends(target)
    stored = list(itertools.chain(*taken))
    for status, error in target.rows("SELECT status, last_error FROM webhook_deliveries WHERE id = ANY(%s)", stored):
        assert status in ENDED, f"It ended as {status}: {error}"
        assert not (error or "").startswith(FAILED), error
        target.endings[status] += 1
    (found,) = target.rows(
        "SELECT i.title, i.state FROM github_issues i JOIN github_repositories r ON r.id = i.repository_id"
        " WHERE r.full_name = 'safe/harbour' AND r.deleted_at IS NULL AND i.number = %s",
        good,
    )
    assert found == (f"Safe {good}", "open")
    troubles = target.troubles()
    assert not troubles, troubles
    assert target.receiver.running


def _deliver(target: Target, odd: Odd) -> list[int]:
    """The row that has it, byte for byte; where it was refused nobody has, and where it came before another has."""
    one = guid(next(NUMBERS), _ticks())
    try:
        status, answer = target.send(odd.written(one))
    except BaseException:
        target.hang_up()
        raise
    assert status in DOCUMENTED, (status, answer)
    told = json.loads(answer)
    if status != 202:
        assert told["error"]
        assert target.rows("SELECT FROM webhook_deliveries WHERE guid LIKE %s", f"%{one}%") == []
        return []
    if told["status"] == "duplicate":
        assert target.rows("SELECT FROM webhook_deliveries WHERE guid = %s", told["delivery"])
        return []
    found = target.rows(STORED, told["delivery"], odd.body)
    assert found, "It is not in the inbox as it was sent."
    return [key for (key,) in found]


def _work_ends(target: Target) -> None:
    began = time.monotonic()
    while target.rows("SELECT FROM webhook_deliveries WHERE status = 'pending' LIMIT 1"):
        assert time.monotonic() - began < DONE_SECONDS, "Deliveries are still pending."
        assert target.receiver.running
        time.sleep(LOOK_SECONDS)
    target.longest_work = max(target.longest_work, time.monotonic() - began)


def run(target: Target, number: int, examples: int) -> None:
    """So many examples of a seed; raises what the smallest that Hypothesis finds has shown."""

    @seed(number)
    @settings(
        max_examples=examples, database=None, deadline=None, phases=[Phase.generate, Phase.shrink], print_blob=False,
        suppress_health_check=list(HealthCheck), report_multiple_bugs=False,
    )  # fmt: skip
    @given(st.lists(requests(), min_size=1, max_size=6))
    def fuzz(odd: list[Odd]) -> None:
        example(target, odd)

    try:
        fuzz()
    finally:
        target.hang_up()


def readable(target: Target) -> None:
    """Every view can still be read, to the last column of each row."""
    for (view,) in target.rows("SELECT viewname FROM pg_views WHERE schemaname = 'public' ORDER BY 1"):
        target.rows(f"SELECT md5(string_agg(v::text, '')) FROM {view} v")
