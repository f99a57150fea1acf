"""Every recorded delivery of this repository is accepted and ends as its event says."""

from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from ghsync.inbox import recording
from ghsync.projector.events import HANDLED
from tests.conformance.assembly import assembled
from tests.receiver.hook import SECRET

pytestmark = pytest.mark.anyio

DELIVERIES = Path(__file__).parents[2] / "fixtures/deliveries"
STATUS = {True: "processed", False: "ignored"}


@pytest.mark.slow
async def test_every_recorded_delivery_is_accepted_and_ends_as_its_event_says(database_url: str) -> None:
    deliveries = recording.shift(recording.read(DELIVERIES), to=datetime.now(UTC))
    async with assembled(database_url) as assembly:
        answers = [await assembly.post(each.body, recording.sign(each, SECRET)) for each in deliveries]
        await assembly.worker.drain()
    assert {answer.status_code for answer in answers} == {202}
    with psycopg.connect(database_url) as connection:
        found: dict[str, str] = dict(connection.execute("SELECT guid, status FROM webhook_deliveries").fetchall())
    assert found == {each.guid: STATUS[each.event in HANDLED] for each in deliveries}
