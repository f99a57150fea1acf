"""Check runs: what the Apps that check write into them orders nothing, and what is asked for again is not done."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.mirror import check_run, pull_request
from ghsync.mirror.noun import Origin
from ghsync.mirror.pull_request import Branch
from ghsync.projector.batch import Batch
from tests.mirror.reports import api, at, hook, in_app, query, write

pytestmark = pytest.mark.anyio

HEAD = "a" * 40
PULL = pull_request.Payload(
    id=70, number=7, title="Dry run", head=Branch("topic", HEAD), base=Branch("main", "b" * 40), updated_at=at(0)
)


def opened() -> Batch:
    """A batch with the pull request."""
    batch = in_app()
    batch.add(pull_request.noun, 1, pull_request.row(PULL, hook(0)))
    return batch


def says(origin: Origin, status: str, conclusion: str | None = None, completed_at: datetime | None = None) -> Batch:
    """A batch with one report of the check run."""
    payload = check_run.Payload(
        id=100, head_sha=HEAD, name="unit", app=check_run.App(1, "ci"), status=status, conclusion=conclusion,
        started_at=at(0), completed_at=completed_at,
    )  # fmt: skip
    batch = in_app()
    batch.add(check_run.noun, 1, check_run.row(payload, origin))
    return batch


async def found(engine: AsyncEngine) -> list[tuple[Any, ...]]:
    """What the run says, and what it comes to."""
    return await query(
        engine,
        "SELECT c.status, c.conclusion, t.ci_status FROM github_check_runs c, pr_tracking t",
    )


async def test_a_completed_run_that_begins_again_is_pending(engine: AsyncEngine) -> None:
    done, again = says(hook(5), "completed", "success", at(5)), says(hook(9), "in_progress")
    await write(engine, opened(), done, again, done)
    assert await found(engine) == [("in_progress", None, "pending")]


@pytest.mark.parametrize("completed_at", [at(-120), datetime(1, 1, 1, tzinfo=UTC), None], ids=str)
async def test_a_time_of_completion_orders_nothing(engine: AsyncEngine, completed_at: datetime | None) -> None:
    passed, failed = (
        says(hook(5), "completed", "success", at(4)),
        says(hook(9), "completed", "failure", completed_at),
    )
    await write(engine, opened(), failed, passed)
    assert await found(engine) == [("completed", "failure", "failure")]


async def test_a_run_that_is_asked_for_again_has_no_conclusion_though_its_payload_still_carries_one(
    engine: AsyncEngine,
) -> None:
    await write(
        engine, opened(), says(hook(5), "completed", "success", at(5)), says(hook(9), "queued", "success", at(5))
    )
    assert await found(engine) == [("queued", None, "pending")]


async def test_the_api_puts_a_run_right_that_was_dated_by_its_completion(engine: AsyncEngine) -> None:
    await write(engine, opened(), says(hook(5), "completed", "success", at(5)))
    await query(engine, "UPDATE github_check_runs SET updated_at = completed_at + interval '1 day'")
    await write(engine, says(api(9), "completed", "failure", at(4)))
    assert await found(engine) == [("completed", "failure", "failure")]
