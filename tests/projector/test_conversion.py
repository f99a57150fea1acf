"""An issue that was made a pull request is an issue no more, whatever comes first."""

from typing import Any

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.mirror.reports import at
from tests.projector.test_accounts import ADA, APP, Delivery, heard, outcomes, tell

pytestmark = pytest.mark.anyio

LIVING = """
SELECT 'issue', number FROM github_issues WHERE deleted_at IS NULL
UNION ALL SELECT 'pull request', number FROM github_pull_requests WHERE deleted_at IS NULL ORDER BY 1, 2
"""
TOMBSTONES = "SELECT number, title, deleted_at FROM github_issues ORDER BY number"


def told(seconds: float, noun: str, action: str, number: int = 7, **fields: Any) -> Delivery:
    """A delivery about an issue or a pull request."""
    payload = {
        "id": number + (100 if noun == "issue" else 200), "number": number, "title": "Lamp", "state": "open",
        "user": ADA, "created_at": at(0).isoformat(), "updated_at": at(seconds).isoformat(), **fields,
    }  # fmt: skip
    event = "issues" if noun == "issue" else noun
    return heard(seconds, event, action=action, repository=APP, **{noun: payload})


STORY = [
    told(1, "issue", "opened"),
    told(2, "issue", "labeled", title="Lamp that turns"),
    told(3, "pull_request", "opened"),
    told(4, "issue", "opened", number=8),
]


@pytest.mark.slow
async def test_it_lives_as_a_pull_request_alone_in_whatever_order(engine: AsyncEngine) -> None:
    assert await outcomes(engine, STORY, LIVING) == [[("issue", 8), ("pull request", 7)]]


@pytest.mark.slow
async def test_its_tombstone_is_the_same_in_whatever_order(engine: AsyncEngine) -> None:
    ((buried, living),) = await outcomes(engine, STORY, TOMBSTONES)
    assert (buried[:2], living[:2]) == ((7, "Lamp that turns"), (8, "Lamp"))
    assert buried[2] is not None
    assert living[2] is None


async def test_a_late_payload_of_it_asks_for_no_task(engine: AsyncEngine, connection: psycopg.Connection) -> None:
    await tell(engine, [told(3, "pull_request", "opened")])
    connection.execute("""UPDATE projects SET settings = '{"tasks": {"create_from_label": "todo"}}'""")
    label = {"id": 5, "name": "todo", "color": "ffffff"}
    await tell(engine, [told(2, "issue", "labeled", labels=[label]), told(4, "issue", "labeled", 8, labels=[label])])
    assert connection.execute("SELECT count(*) FROM tasks").fetchone() == (1,)
