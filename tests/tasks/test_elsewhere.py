"""Links that a batch makes in repositories that it has not locked are tracked under their own locks, afterwards."""

import asyncio

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import jobs
from ghsync.database import transaction
from ghsync.mirror import issue, pull_request, repository
from ghsync.mirror.pull_request import Branch, Payload
from ghsync.projector import project as gate
from ghsync.projector.batch import Batch
from tests.mirror.reports import ACME, APP, at, hook, query, until_blocked, write
from tests.test_worker import worker

pytestmark = pytest.mark.anyio

LIB = repository.Payload(id=2, name="lib", full_name="acme/lib", owner=ACME, updated_at=at(0))
TASK = "0f8fad5b-d9cb-469f-a165-70867728950e"
TRACKED = "SELECT pr_number, status, task_id::text FROM pr_tracking ORDER BY 1"
DUE = "SELECT split_part(key, '#', 2)::int FROM sync_jobs WHERE kind = 'track_pull_request'"
TOLD = "SELECT operation, new_values ->> 'task_id' FROM change_events WHERE entity_type = 'pr_tracking' ORDER BY seq"


def pull(seconds: float, home: repository.Payload = LIB, number: int = 8, *, draft: bool = False) -> Batch:
    """A pull request that closes the first repository's issue 5."""
    batch = Batch()
    batch.see(home, hook(0))
    payload = Payload(
        id=number * 10, number=number, title="Retry", draft=draft, body="Closes acme/app#5",
        head=Branch("topic", "head"), base=Branch("main", "base"), updated_at=at(seconds),
    )  # fmt: skip
    batch.add(pull_request.noun, home.id, pull_request.row(payload, hook(seconds)))
    return batch


def issue_of(seconds: float, body: str) -> Batch:
    """The issue that they close."""
    batch = Batch()
    batch.see(APP, hook(0))
    payload = issue.Payload(id=5, number=5, title="Flaky", body=body, updated_at=at(seconds))
    batch.add(issue.noun, APP.id, issue.row(payload, hook(seconds)))
    return batch


async def begin(engine: AsyncEngine, *batches: Batch) -> None:
    """Two repositories, what the batches tell of them, and a task that nothing is linked to."""
    app = Batch()
    app.see(APP, hook(0))
    await write(engine, app, *batches)
    await query(
        engine,
        """INSERT INTO tasks (id, project_id, title)
           SELECT CAST(:task AS uuid), project_id, 'A task' FROM github_repositories WHERE full_name = 'acme/app'""",
        task=TASK,
    )
    await worker(engine).drain()


async def test_a_link_never_brings_back_what_a_batch_elsewhere_has_just_changed(engine: AsyncEngine) -> None:
    await begin(engine, pull(1))
    async with transaction(engine) as conn:
        await gate.write(conn, pull(2, draft=True))
        linking = asyncio.create_task(write(engine, issue_of(3, f"Task-ID: {TASK}")))
        await until_blocked(engine)
    await linking
    await worker(engine).drain()
    assert await query(engine, TRACKED) == [(8, "draft", TASK)]


async def test_a_link_elsewhere_is_tracked_when_the_worker_comes_to_it_and_so_is_its_end(engine: AsyncEngine) -> None:
    await begin(engine, pull(1), pull(1, APP, 9))
    for seconds, body, task, was in ((2, f"Task-ID: {TASK}", TASK, None), (3, "Nothing", None, TASK)):
        await write(engine, issue_of(seconds, body))
        assert await query(engine, TRACKED) == [(8, "open", was), (9, "open", task)]
        assert await query(engine, DUE) == [(8,)]
        await worker(engine).drain()
        assert await query(engine, TRACKED) == [(8, "open", task), (9, "open", task)]
        assert await query(engine, DUE) == []


async def test_a_batch_that_tells_of_both_repositories_leaves_nothing_to_do(engine: AsyncEngine) -> None:
    await begin(engine, pull(1))
    both = issue_of(2, f"Task-ID: {TASK}")
    both.see(LIB, hook(2))
    await write(engine, both)
    assert await query(engine, TRACKED) == [(8, "open", TASK)]
    assert await query(engine, DUE) == []


async def test_the_feed_tells_of_what_is_tracked_elsewhere(engine: AsyncEngine) -> None:
    await begin(engine, pull(1))
    await write(engine, issue_of(2, f"Task-ID: {TASK}"))
    await worker(engine).drain()
    assert await query(engine, TOLD) == [("insert", None), ("update", TASK)]


async def test_whoever_tracks_is_told_that_something_elsewhere_is_due(engine: AsyncEngine, database_url: str) -> None:
    await begin(engine, pull(1))
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as listening:
        await listening.execute(f"LISTEN {jobs.CHANNEL}".encode())
        await write(engine, issue_of(2, f"Task-ID: {TASK}"))
        heard = [notice.channel async for notice in listening.notifies(timeout=5, stop_after=1)]
    assert heard == [jobs.CHANNEL]
