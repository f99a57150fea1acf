import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ghsync.receiver import signature
from tests.cli.conftest import FIRST_STORY, SECRET, Ghsync
from tests.fixtures.recorded import FIXTURES

COUNT = "SELECT count(*), count(*) FILTER (WHERE status = 'pending') FROM webhook_deliveries"


def test_a_story_goes_into_the_inbox_and_waits_there(ghsync: Ghsync, connection: psycopg.Connection) -> None:
    result = ghsync("replay", FIRST_STORY)

    assert "Replayed 24 deliveries: 24 queued." in result.text
    assert "--process" in result.text
    assert connection.execute(COUNT).fetchone() == (24, 24)


def test_the_same_story_again_is_only_duplicates(ghsync: Ghsync) -> None:
    ghsync("replay", FIRST_STORY)

    assert ghsync("replay", FIRST_STORY, "--json").json == {"queued": 0, "duplicate": 24, "ignored": 0, "failed": 0}


def test_replayed_deliveries_are_projected_on_request(told: Ghsync, connection: psycopg.Connection) -> None:
    titles = connection.execute("SELECT title, state FROM github_issues").fetchall()

    assert connection.execute(COUNT).fetchone() == (24, 0)
    assert titles == [("Rain gauge counts twice on gusty nights", "closed")]


def test_as_of_now_the_guids_of_a_replay_are_believed(told: Ghsync, connection: psycopg.Connection) -> None:
    row = connection.execute("SELECT observed_by, now() - observed_at < '1 min' FROM github_issues").fetchone()

    assert row == ("guid", True)


def test_what_a_replay_wrote_says_that_it_was_a_replay(told: Ghsync, connection: psycopg.Connection) -> None:
    assert connection.execute("SELECT sync_source FROM github_issues").fetchall() == [("replay",)]
    assert connection.execute("SELECT DISTINCT sync_source FROM change_events").fetchall() == [("replay",)]


def test_deliveries_without_a_recorded_arrival_arrive_one_after_another(
    ghsync: Ghsync, connection: psycopg.Connection
) -> None:
    ghsync("replay", FIRST_STORY)

    distinct = connection.execute("SELECT count(DISTINCT received_at) FROM webhook_deliveries").fetchone()
    assert distinct == (24,)


def test_old_guids_are_warned_of(ghsync: Ghsync) -> None:
    assert "their order is that of arrival" in ghsync("replay", FIRST_STORY).stderr
    assert "their order is that of arrival" not in ghsync("replay", FIRST_STORY, "--as-of-now").stderr


def test_recorded_deliveries_arrive_when_they_did_and_in_that_order(
    told: Ghsync, connection: psycopg.Connection, tmp_path: Path
) -> None:
    query = "SELECT guid, received_at FROM webhook_deliveries ORDER BY id"
    before = connection.execute(query).fetchall()
    told("record", tmp_path / "recorded")
    connection.execute("TRUNCATE webhook_deliveries")

    assert told("replay", tmp_path / "recorded").exit_code == 0
    assert connection.execute(query).fetchall() == before


def test_a_path_that_holds_nothing_is_told_as_a_sentence(ghsync: Ghsync, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    for path in (tmp_path / "missing", tmp_path / "empty", FIXTURES / "README.md"):
        result = ghsync("replay", path)
        assert result.exit_code == 1
        assert len(result.stderr.splitlines()) == 1


def test_without_a_secret_nothing_can_be_sent(ghsync: Ghsync) -> None:
    result = ghsync("replay", FIRST_STORY, "--to", "http://127.0.0.1:1", GHSYNC_WEBHOOK_SECRETS="")

    assert result.exit_code == 3
    assert "GHSYNC_WEBHOOK_SECRETS" in result.text


@pytest.mark.parametrize("address", ["nowhere", "ftp://host", "http://"])
def test_an_address_that_is_none_is_a_usage_error(ghsync: Ghsync, address: str) -> None:
    assert ghsync("replay", FIRST_STORY, "--to", address).exit_code == 2


def test_a_receiver_that_does_not_run_is_told_as_a_sentence(ghsync: Ghsync) -> None:
    result = ghsync("replay", FIRST_STORY, "--to", "http://127.0.0.1:1")

    assert result.exit_code == 1
    assert "does `ghsync serve` run there?" in result.text
    assert "Traceback" not in result.text


class Receiver(ThreadingHTTPServer):
    """Answers as it is told, and remembers what it was sent."""

    daemon_threads = True

    def __init__(self, answers: list[tuple[int, str]]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = answers
        self.requests: list[tuple[str, dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        status, answer = self.server.answers.pop(0) if len(self.server.answers) > 1 else self.server.answers[0]
        self.send_response(status)
        self.send_header("Retry-After", "0")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *arguments: Any) -> None:
        pass


@contextmanager
def receiving(*answers: tuple[int, str]) -> Iterator[Receiver]:
    receiver = Receiver(list(answers))
    thread = threading.Thread(target=receiver.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.shutdown()
        thread.join()
        receiver.server_close()


def test_over_http_every_delivery_is_signed(ghsync: Ghsync) -> None:
    with receiving((202, '{"status": "queued"}')) as receiver:
        result = ghsync("replay", FIRST_STORY, "--to", receiver.url, "--json")

    assert result.json["queued"] == len(receiver.requests) == 24
    for path, headers, body in receiver.requests:
        assert path == "/webhooks/github"
        assert "x-ghsync-received-at" not in headers
        signature.verify(body, headers[signature.HEADER], [SECRET.encode()])


def test_a_receiver_that_asks_to_wait_is_asked_again(ghsync: Ghsync) -> None:
    with receiving((503, "{}"), (202, '{"status": "queued"}')) as receiver:
        result = ghsync("replay", FIRST_STORY, "--to", receiver.url, "--json")

    assert result.json["queued"] == 24
    assert len(receiver.requests) == 25


def test_a_refused_delivery_is_counted_and_fails_the_command(ghsync: Ghsync) -> None:
    with receiving((401, '{"detail": "Not signed."}'), (202, '{"status": "queued"}')) as receiver:
        result = ghsync("replay", FIRST_STORY, "--to", receiver.url, "--secret-file", "-", stdin="other\n")

    assert result.exit_code == 1
    assert "23 queued, 1 failed" in result.text
    assert "was answered 401: Not signed." in result.text
    _, headers, body = receiver.requests[0]
    signature.verify(body, headers[signature.HEADER], [b"other"])


def test_over_http_guids_can_be_moved_to_now(ghsync: Ghsync) -> None:
    with receiving((202, '{"status": "queued"}')) as receiver:
        ghsync("replay", FIRST_STORY, "--to", receiver.url, "--as-of-now")

    sent = max(_time(headers["x-github-delivery"]) for _, headers, _ in receiver.requests)
    assert abs(datetime.now(UTC) - sent) < timedelta(minutes=1)


def _time(guid: str) -> datetime:
    return datetime(1582, 10, 15, tzinfo=UTC) + timedelta(microseconds=uuid.UUID(guid).time // 10)
