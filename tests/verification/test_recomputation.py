"""Deriving pr_tracking anew changes what is wrong, and finds what is wrong and not about to be put right."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.database import transaction
from ghsync.mirror.keys import PullRequestKey
from ghsync.projector import linking
from ghsync.verification import recomputation
from tests.mirror import reports
from tests.stories import story
from tests.verification import mirrors

pytestmark = pytest.mark.anyio

WRONG = "UPDATE pr_tracking SET title = 'by hand' RETURNING repository_id::text, pr_number"


def look_away(done: int, total: int) -> None:
    """Watch nothing."""


async def test_a_rehearsal_finds_what_is_wrong_and_leaves_it(engine: AsyncEngine) -> None:
    await mirrors.tell(engine, story.NAMES[1:2])
    wrong = await reports.query(engine, WRONG)

    done = await recomputation.rehearse(engine, look_away)

    assert {finding.key["pr_number"] for finding in done.findings} == {number for _, number in wrong}
    assert (done.pull_requests, done.changed) == (len(wrong), len(wrong))
    assert await reports.query(engine, "SELECT DISTINCT title FROM pr_tracking") == [("by hand",)]


async def test_what_is_due_to_be_tracked_is_no_finding(engine: AsyncEngine) -> None:
    await mirrors.tell(engine, story.NAMES[1:2])
    wrong = await reports.query(engine, WRONG)
    async with transaction(engine) as conn:
        await linking.retrack(conn, [PullRequestKey(*row) for row in wrong])

    assert (await recomputation.rehearse(engine, look_away)).findings == []


async def test_what_was_derived_before_a_stop_stays(engine: AsyncEngine) -> None:
    await mirrors.tell(engine, story.NAMES[1:2])
    await reports.query(engine, WRONG)

    def stop(done: int, total: int) -> None:
        if done == total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await recomputation.recompute(engine, stop)
    assert await reports.query(engine, "SELECT FROM pr_tracking WHERE title = 'by hand'") == []
