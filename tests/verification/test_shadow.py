"""The shadow stands beside the live mirror and in nobody's way."""

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.database import transaction
from ghsync.mirror import pull_request
from ghsync.projector import project
from ghsync.projector.batch import Batch
from ghsync.verification import shadow
from tests.mirror import reports
from tests.mirror.reports import APP, at, hook

pytestmark = pytest.mark.anyio


def linking() -> Batch:
    """A batch that meets a repository, and derives links: it takes every lock that there is."""
    batch = reports.in_app()
    payload = pull_request.Payload(id=9, number=9, body="Closes #1", updated_at=at(1))
    batch.add(pull_request.noun, APP.id, pull_request.row(payload, hook(1)))
    return batch


@pytest.mark.slow
async def test_a_batch_in_the_shadow_writes_nothing_live_and_holds_up_no_live_one(
    database_url: str, engine: AsyncEngine
) -> None:
    with shadow.standing(database_url):
        beside = shadow.create_engine(database_url)
        async with transaction(beside) as conn:
            await project.write(conn, linking())
            assert await reports.query(engine, "SELECT FROM github_repositories") == []
            async with asyncio.timeout(30):
                await reports.write(engine, linking())
        await beside.dispose()
    assert await reports.query(engine, "SELECT number FROM github_pull_requests") == [(9,)]
