"""Every event that ghsync handles, in every shape that GitHub's schema of it allows, is projected as it says."""

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.database import transaction
from ghsync.mirror import review
from ghsync.projector import events
from ghsync.projector.batch import Batch
from tests import projection
from tests.generated import making, schemas, told
from tests.generated.expectations import EXPECTED, Expected
from tests.generated.making import Maker
from tests.projector.test_events import claimed, read

Json = dict[str, Any]

RANDOM = settings(
    max_examples=40, derandomize=True, deadline=None, database=None, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
WRITTEN_AT_ONCE = 60


def made(event: str, action: str, choose: making.Choose, serial: int = 1) -> Json:
    """A payload of this event and action."""
    maker = Maker(choose, serial, {"$.action": action} if action else {"$.ref": "refs/heads/main"})
    payload: Json = maker.make(schemas.actions(event)[action], events.EVENTS[event].decoder.type, "$")
    return payload | ({"action": action} if action else {})


def each(event: str) -> Iterator[Json]:
    """Payloads of all actions, each with one thing that is otherwise than in the plainest."""
    seen: set[tuple[str, int, int]] = set()
    serials = count(1)
    for action in schemas.actions(event):
        yield from making.variants(lambda choose, action=action: made(event, action, choose, next(serials)), seen)


def identified(event: str, payload: Json) -> bool:
    """Whether the payload tells what it is about."""
    shown = [(one, one.shown(payload)) for one in EXPECTED.get(event, [])]
    return all(part is not None and one.known(part) for one, part in shown)


def check(event: str, payload: Json) -> None:
    """The payload is projected, and each row says what the payload says."""
    batch, verdict = read(event, json.dumps(payload).encode())
    assert (verdict.status, identified(event, payload)) in {("processed", True), ("parked", False)}, verdict
    if verdict.status == "processed":
        for expected in EXPECTED.get(event, []):
            compare(batch, expected, payload)
        compare_repository(batch, payload)


def compare(batch: Batch, expected: Expected, payload: Json) -> None:
    shown = expected.shown(payload)
    assert shown is not None
    rows = list(batch.rows.get(expected.noun, {}).values())
    if not rows:  # what is said of a pull request as an issue is no issue, and what is not submitted no review
        assert "pull_request" in shown or (expected.noun is review.noun and told.lower(shown["state"]) == "pending")
        return
    (row,) = rows
    assert {name: row[name] for name in expected.columns} == {
        name: column.of(shown) for name, column in expected.columns.items()
    }


def compare_repository(batch: Batch, payload: Json) -> None:
    shown = payload.get("repository")
    row = batch.repositories.get(str(shown["id"])) if shown else None
    if shown and row:
        assert {name: row[name] for name in told.REPOSITORY} == {
            name: column.of(shown) for name, column in told.REPOSITORY.items()
        }


@pytest.mark.slow
@pytest.mark.parametrize("event", sorted(events.EVENTS))
def test_every_single_choice_of_the_schema_is_projected_as_it_says(event: str) -> None:
    for payload in each(event):
        check(event, payload)


@pytest.mark.slow
@pytest.mark.parametrize("event", sorted(events.EVENTS))
def test_choices_in_any_combination_are_projected_as_they_say(event: str) -> None:
    @RANDOM
    @given(st.data())
    def run(data: st.DataObject) -> None:
        def choose(_: str, options: int) -> int:
            return data.draw(st.integers(0, options - 1))

        action = data.draw(st.sampled_from(sorted(schemas.actions(event))))
        check(event, made(event, action, choose))

    run()


@pytest.mark.slow
@pytest.mark.anyio
@pytest.mark.parametrize("event", sorted(events.EVENTS))
async def test_postgresql_takes_what_the_schema_allows_in_one_batch(engine: AsyncEngine, event: str) -> None:
    every = list(each(event))
    some = every[:: max(1, len(every) // WRITTEN_AT_ONCE)]
    deliveries = [claimed(event, json.dumps(payload).encode()) for payload in some]
    async with transaction(engine) as conn:
        verdicts = await projection.project(conn, deliveries)
    assert {verdict.status for verdict in verdicts} <= {"processed", "parked"}
    assert len([verdict for verdict in verdicts if verdict.status == "processed"]) > len(some) * 0.9
