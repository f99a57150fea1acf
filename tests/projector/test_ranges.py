"""What no column can hold is found before SQL: no batch fails, and so none is halved, whatever payloads hold (I8)."""

import asyncio
import copy
import itertools
import json
import random
import string
from collections.abc import Iterator
from typing import Any, get_args

import msgspec
import pytest
from sqlalchemy import event as events_of
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.inbox.delivery import Delivery
from ghsync.inbox.recorder import Recorder
from ghsync.projector import events
from ghsync.salvage import alternatives, is_list
from ghsync.worker import Worker
from tests.mirror.reports import query
from tests.projector.test_events import DELIVERIES, fixture, read

pytestmark = pytest.mark.anyio

Json = dict[str, Any]
Path = tuple[str | int, ...]

LONG = "".join(random.Random(9).choices(string.ascii_letters, k=9_000))  # longer than an index takes, if it is no key
EXTREMES = [
    2**31 - 1, 2**31, 2**63 - 1, 10**300, "x" * 100 + "/" + "y" * 100, LONG, "\0\ud800",
    "9999-12-31T23:59:59Z", {"id": 10**300, "number": 2**31 - 1, "name": "x", "login": "x"},
]  # fmt: skip
ENVELOPE = ("repository", "installation", "organization")
GONE = ("deleted", "transferred")
ENDINGS = "SELECT status, count(*) FROM webhook_deliveries GROUP BY status ORDER BY status"
UNEXPLAINED = """
SELECT event, last_error FROM webhook_deliveries
WHERE status = 'parked' AND NOT last_error LIKE ANY (ARRAY['The payload cannot be used: %', 'Object missing %'])
"""


def paths(kind: Any, before: Path = ()) -> Iterator[Path]:
    """All places of a payload that are read."""
    for one in alternatives(kind):
        if isinstance(one, type) and issubclass(one, msgspec.Struct):
            for part in msgspec.structs.fields(one):
                yield (*before, part.encode_name)
                yield from paths(part.type, (*before, part.encode_name))
        elif is_list(one):
            yield (*before, 0)
            yield from paths(get_args(one)[0], (*before, 0))


def put(value: Any, path: Path, inside: Any) -> Any:
    """What is ``inside``, with a value at a path; what is missing on the way is made."""
    if not path:
        return value
    step, *rest = path
    if isinstance(step, int):
        return [put(value, tuple(rest), inside[0] if isinstance(inside, list) and inside else {})]
    within = inside if isinstance(inside, dict) else {}
    return within | {step: put(value, tuple(rest), within.get(step))}


def of_its_own(payload: Json, number: int) -> Json:
    """The same of another repository and installation, so that none takes the place of another."""
    owner = {"id": 90_000_000 + number, "login": f"owner-{number}", "type": "Organization"}
    placed = copy.deepcopy(payload)
    for name in ("repository", "installation"):
        if name in placed:
            placed[name]["id"] = 80_000_000 + number
    if "repository" in placed:
        placed["repository"] |= {"name": "r", "full_name": f"owner-{number}/r", "owner": owner}
    return placed


def places() -> Iterator[tuple[str, Json, Path]]:
    """Each place that is read once, with a payload that has it; what is gone is written in other ways."""
    kinds = {(one.event, one.payload.get("action") in GONE): one for one in DELIVERIES if one.event in events.EVENTS}
    seen = set()
    for (event, gone), one in kinds.items():
        decoded, payload = events.EVENTS[event].decoder.type, one.payload
        parts = {part.encode_name: part.type for part in msgspec.structs.fields(decoded)}
        for path in paths(decoded):
            place = (parts[str(path[0])], path, gone and path[0] not in ENVELOPE)
            if place not in seen:
                seen.add(place)
                yield event, payload, path


def extremes() -> Iterator[tuple[str, Json]]:
    """Every value at every place, as far as its type lets it through."""
    for number, ((event, recorded, path), value) in enumerate(itertools.product(places(), EXTREMES)):
        payload = put(value, path, of_its_own(recorded, number))
        _, verdict = read(event, payload)
        if verdict.status == "processed" and not verdict.unreadable:
            yield event, payload


def good(number: int) -> tuple[str, Json]:
    """An issue that nothing is wrong with."""
    event, payload = fixture("issues/opened")
    payload["issue"] |= {"number": number, "id": 70_000_000 + number, "title": f"good {number}"}
    return event, payload


def poison(name: str, path: str, value: Any) -> tuple[str, Json]:
    """A recorded delivery with a value that no column can hold."""
    event, payload = fixture(name)
    return event, put(value, tuple(path.split(".")), payload)


async def arrive(engine: AsyncEngine, arriving: list[tuple[str, Json]]) -> None:
    """Let deliveries arrive, all at once."""
    recorder, headers = Recorder(engine, 50), {"content-type": "application/json"}
    await asyncio.gather(*(
        recorder.record(Delivery("integration:1", f"guid-{place}", event, None, None, None, headers, body))
        for place, (event, payload) in enumerate(arriving) if (body := json.dumps(payload).encode())
    ))  # fmt: skip


async def drain(engine: AsyncEngine) -> tuple[int, int]:
    """Project what has arrived; answers how many deliveries that were, and how many transactions failed."""
    failed = []

    def note(connection: Any) -> None:
        failed.append(connection)

    events_of.listen(engine.sync_engine, "rollback", note)
    try:
        return await Worker(engine, batch_size=500, poll_seconds=60, max_attempts=1).drain(), len(failed)
    finally:
        events_of.remove(engine.sync_engine, "rollback", note)


@pytest.mark.slow
async def test_whatever_a_payload_holds_in_whatever_place_no_batch_fails(engine: AsyncEngine) -> None:
    arriving = list(extremes())
    await arrive(engine, arriving)
    assert await drain(engine) == (len(arriving), 0)
    assert await query(engine, ENDINGS) == [("processed", len(arriving))]


# Most of these failed in SQL before their types had ranges.
POISONS = [
    ("issues/opened", "repository.id", 10**300), ("issues/opened", "installation.id", 10**300),
    ("issues/opened", "repository.full_name", "x" * 150 + "/r"), ("issues/opened", "repository.owner.id", 10**300),
    ("issues/opened", "issue.comments", 2**31), ("issues/opened", "issue.number", 2**31),
    ("issues/opened", "issue.closed_at", "294277-01-01T00:00:00Z"), ("issues/opened", "issue.title", "\0\ud800"),
    ("issues/transferred", "changes.new_issue.number", 2**31 - 1), ("member/added", "member.id", 10**300),
    ("installation/created", "installation.account.id", 10**300), ("label/created", "label.id", -(10**300)),
]  # fmt: skip


@pytest.mark.parametrize("every", [50, 2])
async def test_of_five_hundred_with_poisons_none_is_halved_out_and_the_good_are_all_there(
    engine: AsyncEngine, every: int
) -> None:
    arriving = [good(number) for number in range(1, 501)]
    arriving[::every] = [poison(*POISONS[place % len(POISONS)]) for place in range(500 // every)]
    await arrive(engine, arriving)
    assert await drain(engine) == (500, 0)
    kept = {number for (number,) in await query(engine, "SELECT number FROM github_issues WHERE title LIKE 'good %'")}
    assert kept == {number for number in range(1, 501) if (number - 1) % every}
    assert await query(engine, UNEXPLAINED) == []
