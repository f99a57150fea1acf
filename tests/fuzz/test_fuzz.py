"""Whatever is signed and odd, it is answered as documented, kept as it came, ended, and in nobody's way."""

import time
from pathlib import Path

import psycopg
import pytest

from tests import service
from tests.conformance import examples
from tests.conformance.deliveries import about, encode, issue, made, recorded
from tests.fuzz import payloads, rounds
from tests.fuzz.payloads import repeated
from tests.fuzz.rounds import Target

pytestmark = pytest.mark.anyio

EXAMPLES = 20  # `make fuzz` has as many as one wants
MANY = 300_000


async def test_odd_deliveries_are_answered_as_documented_kept_as_they_came_ended_and_harm_no_good_one(
    database_url: str, tmp_path: Path, connection: psycopg.Connection
) -> None:
    async with service.serving(database_url, tmp_path / "log", **rounds.SETTINGS) as receiver:
        target = Target(receiver, connection, tmp_path / "log")
        rounds.run(target, 1, EXAMPLES)
        rounds.readable(target)
    assert target.answers.keys() >= {202, 400, 401, 415}
    assert target.endings["processed"] > 1.5 * EXAMPLES  # beside the good ones


@pytest.mark.slow
async def test_what_takes_longer_to_decode_than_a_session_may_be_silent_keeps_nobody_waiting_and_ends(
    database_url: str, tmp_path: Path, connection: psycopg.Connection
) -> None:
    listed = about(action="added", installation={"id": 3}, repositories_added="MANY")
    many = repeated('{"id":77,"full_name":"a/b"}', MANY).encode()
    body = encode(listed).replace(b'"MANY"', many)
    async with service.serving(database_url, tmp_path / "log", **rounds.SETTINGS, idle_seconds=5) as receiver:
        target = Target(receiver, connection, tmp_path / "log")
        assert (await service.post(receiver.client, recorded("installation_repositories", body))).status_code == 202
        while target.rows("SELECT FROM webhook_deliveries WHERE status = 'pending'"):
            began = time.monotonic()
            answer = await service.post(receiver.client, made("issues", about(issue=issue(1))))
            assert (answer.status_code, time.monotonic() - began < 5) == (202, True)
        assert target.troubles() == []
    assert target.rows("SELECT status FROM webhook_deliveries WHERE event <> 'issues'") == [("processed",)]


@examples.needed
def test_what_octokit_publishes_is_among_the_payloads() -> None:
    assert {each.name for each in payloads.samples()} >= {each.name for each in examples.load()}
