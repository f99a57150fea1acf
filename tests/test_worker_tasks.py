"""The worker and tasks: what other programs write is linked and tracked, and what fails is parked."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import jobs, log
from ghsync.database import transaction
from ghsync.errors import DatabaseUnavailable
from ghsync.projector import linking
from ghsync.worker import ISOLATED
from tests.mirror.reports import query, until_blocked
from tests.test_worker import POISON, STATUSES, arrive, delivery, pull_request, running, until, worker

pytestmark = pytest.mark.anyio

TASK = """INSERT INTO tasks (project_id, title, github_issue_number, github_pr_number)
          SELECT project_id, :title, :issue, :pull FROM github_repositories"""
DIE = (
    """CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$""",
    "CREATE TRIGGER die BEFORE UPDATE ON pr_tracking FOR EACH ROW EXECUTE FUNCTION die()",
)
TRACKED = """SELECT p.pr_number, t.title FROM pr_tracking p LEFT JOIN tasks t ON t.id = p.task_id ORDER BY 1"""
WAITING = "SELECT key, attempts, last_error, parked_at IS NOT NULL FROM sync_jobs WHERE kind = 'link_task' ORDER BY key"


@pytest.fixture(autouse=True)
def silent() -> Iterator[None]:
    """Failures are meant here, and need not be told."""
    log.configure("console", "critical")
    yield
    log.configure("console", "error")


MOVE = """WITH elsewhere AS (INSERT INTO projects (organization_id, name, slug)
                             SELECT organization_id, 'Elsewhere', 'elsewhere' FROM projects RETURNING id)
          UPDATE github_repositories SET project_id = (SELECT id FROM elsewhere)"""


async def linking_fails(engine: AsyncEngine) -> None:
    """The number 13 cannot be linked."""
    await query(engine, POISON[0].replace("NEW.title", "NEW.number"))
    await query(
        engine,
        """CREATE TRIGGER refuse BEFORE INSERT ON task_github_links
           FOR EACH ROW WHEN (NEW.number = 13) EXECUTE FUNCTION refuse()""",
    )


async def due_at_once(engine: AsyncEngine) -> None:
    """What was postponed need not be waited for."""
    await query(engine, "UPDATE sync_jobs SET due_at = now()")


async def test_a_pull_request_that_lost_its_link_is_tracked_after_a_crash(engine: AsyncEngine) -> None:
    await arrive(engine, pull_request("a", 8), pull_request("b", 9))
    await worker(engine).drain()
    await query(engine, TASK, title="retry", issue=None, pull=8)
    await worker(engine).drain()
    assert await query(engine, TRACKED) == [(8, "retry"), (9, None)]

    for statement in DIE:
        await query(engine, statement)
    await query(engine, "UPDATE tasks SET github_pr_number = 9")
    with pytest.raises(DatabaseUnavailable):
        await worker(engine).drain()
    await query(engine, "DROP TRIGGER die ON pr_tracking")
    await worker(engine).drain()
    assert await query(engine, TRACKED) == [(8, None), (9, "retry")]


async def test_a_job_has_its_turn_while_a_batch_is_always_pending(engine: AsyncEngine) -> None:
    await arrive(engine, pull_request("a", 8))
    await worker(engine).drain()
    await arrive(engine, *(delivery(f"guid-{number}", "issue", number) for number in (21, 22, 23)))
    busy = worker(engine, batch_size=1)
    for title, left in (("one", 2), ("two", 1), ("three", 0)):
        await query(engine, "DELETE FROM tasks")
        await query(engine, TASK, title=title, issue=None, pull=8)
        await busy._turn()
        assert await query(engine, TRACKED) == [(8, title)]
        assert await query(engine, "SELECT count(*) FROM webhook_deliveries WHERE status = 'pending'") == [(left,)]


async def test_jobs_that_another_worker_is_doing_are_left_to_it(engine: AsyncEngine) -> None:
    await arrive(engine, pull_request("a", 8))
    await worker(engine).drain()
    await query(engine, TASK, title="retry", issue=None, pull=8)
    async with transaction(engine) as conn:
        assert await jobs.take_turn(conn, linking.LINK)
        assert await worker(engine)._turn() == 0
        assert await query(engine, TRACKED) == [(8, None)]
    assert await worker(engine)._turn() == 2
    assert await query(engine, TRACKED) == [(8, "retry")]


async def test_a_task_that_cannot_be_linked_is_parked_and_holds_up_no_other(engine: AsyncEngine) -> None:
    await arrive(engine, delivery("a", "one", 1))
    await worker(engine).drain()
    await linking_fails(engine)
    for number in (11, 12, 13, 14, 15):
        await query(engine, TASK, title=f"task {number}", issue=number, pull=None)
    ((poison,),) = await query(engine, "SELECT id::text FROM tasks WHERE github_issue_number = 13")
    for attempt in (1, 2, 3):
        await worker(engine, max_attempts=3).drain()
        assert await query(engine, "SELECT number FROM task_github_links ORDER BY 1") == [(11,), (12,), (14,), (15,)]
        assert await query(engine, WAITING) == [(poison, attempt, "no room for 13", attempt == 3)]
        await due_at_once(engine)
    await worker(engine, max_attempts=3).drain()
    assert await query(engine, WAITING) == [(poison, 3, "no room for 13", True)]


@pytest.mark.parametrize("change", ["github_issue_number = 14", "github_issue_number = NULL", "title = 'Another'"])
async def test_a_parked_task_is_linked_again_when_it_changes(engine: AsyncEngine, change: str) -> None:
    await arrive(engine, delivery("a", "one", 1))
    await worker(engine).drain()
    await linking_fails(engine)
    await query(engine, TASK, title="task", issue=13, pull=None)
    await worker(engine, max_attempts=1).drain()
    await query(engine, "DROP TRIGGER refuse ON task_github_links")
    await worker(engine).drain()
    assert await query(engine, "SELECT parked_at IS NOT NULL FROM sync_jobs") == [(True,)]
    await query(engine, f"UPDATE tasks SET {change}")
    await worker(engine).drain()
    assert await query(engine, WAITING) == []
    linked = "SELECT (SELECT number FROM task_github_links) IS NOT DISTINCT FROM github_issue_number FROM tasks"
    assert await query(engine, linked) == [(True,)]


SESSION = """INSERT INTO agent_sessions (session_id, agent_name, task_id, started_at)
             SELECT :name, 'ada', id, :began FROM tasks"""
EXECUTION = """WITH w AS (INSERT INTO workflows (project_id, name, definition)
                          SELECT project_id, :name, '{}' FROM tasks RETURNING id),
                    e AS (INSERT INTO workflow_executions (workflow_id) SELECT id FROM w RETURNING id)
               UPDATE tasks SET workflow_execution_id = (SELECT id FROM e)"""
AGAIN = """UPDATE workflow_executions
           SET workflow_id = (SELECT id FROM workflows WHERE name = 'first') WHERE id = (
             SELECT workflow_execution_id FROM tasks)"""
OF_TASK = """SELECT s.session_id, w.name FROM pr_tracking p LEFT JOIN agent_sessions s ON s.id = p.created_by_session_id
             LEFT JOIN workflows w ON w.id = p.workflow_id"""


@pytest.mark.slow
async def test_tracking_follows_the_workflow_and_the_session_of_a_linked_task(engine: AsyncEngine) -> None:
    async def tracked_after(statement: str, **values: Any) -> tuple[Any, ...]:
        await query(engine, statement, **values)
        await worker(engine).drain()
        ((session, workflow),) = await query(engine, OF_TASK)
        return session, workflow

    await arrive(engine, pull_request("a", 8))
    await worker(engine).drain()
    assert await tracked_after(TASK, title="retry", issue=None, pull=8) == (None, None)
    assert await tracked_after(SESSION, name="early", began=datetime(2026, 1, 1, tzinfo=UTC)) == ("early", None)
    assert await tracked_after(SESSION, name="late", began=datetime(2026, 1, 2, tzinfo=UTC)) == ("late", None)
    assert await tracked_after(EXECUTION, name="first") == ("late", "first")
    assert await tracked_after(EXECUTION, name="second") == ("late", "second")
    assert await tracked_after(AGAIN) == ("late", "first")
    assert await tracked_after("UPDATE agent_sessions SET started_at = '2025-12-31' WHERE session_id = 'late'") == (
        "early", "first",
    )  # fmt: skip
    assert await tracked_after("DELETE FROM agent_sessions WHERE session_id = 'early'") == ("late", "first")
    assert await tracked_after("UPDATE agent_sessions SET task_id = NULL") == (None, "first")
    assert await tracked_after("UPDATE tasks SET workflow_execution_id = NULL") == (None, None)


async def test_a_worker_survives_a_task_that_cannot_be_linked(engine: AsyncEngine, database_url: str) -> None:
    await arrive(engine, delivery("a", "one", 1))
    await worker(engine).drain()
    await query(engine, POISON[0].replace("NEW.title", "NEW.number"))
    await query(
        engine, "CREATE TRIGGER refuse BEFORE INSERT ON task_github_links FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    async with running(worker(engine), database_url):
        await query(
            engine,
            """INSERT INTO tasks (project_id, title, github_issue_number)
               SELECT project_id, 'A task', 1 FROM github_repositories""",
        )
        await until(engine, "SELECT attempts, last_error FROM sync_jobs", [(1, "no room for 1")])
        await arrive(engine, delivery("b", "two", 2))
        await until(engine, STATUSES, [("a", "processed"), ("b", "processed")])


@pytest.mark.slow
async def test_jobs_that_a_stranger_holds_up_wait_and_the_rest_is_done(
    engine: AsyncEngine, patient: AsyncEngine
) -> None:
    """However many they are, only so many are waited for; and it is no failure of theirs."""
    await arrive(engine, pull_request("a", 8))
    await worker(engine).drain()
    for number in range(40):
        await query(engine, TASK, title="free" if number == 20 else "held", issue=number + 1, pull=None)
    working = worker(patient, max_attempts=1)
    async with engine.connect() as conn:
        await conn.execute(sa.text("SELECT FROM tasks WHERE title = 'held' FOR UPDATE"))
        await working.drain()
        assert working._isolated <= ISOLATED + 6  # halves of halves, each given up at its first failure
        assert {parked for *_, parked in await query(engine, WAITING)} == {False}
        await conn.rollback()
    await due_at_once(engine)
    await working.drain()
    assert await query(engine, WAITING) == []
    assert await query(engine, "SELECT count(*) FROM task_github_links") == [(40,)]


async def test_a_repository_that_is_moved_while_a_task_is_linked_is_seen_where_it_went(engine: AsyncEngine) -> None:
    await arrive(engine, pull_request("a", 8))
    await worker(engine).drain()
    await query(engine, TASK, title="retry", issue=None, pull=8)
    ((task,),) = await query(engine, "SELECT id::text FROM tasks")
    async with transaction(engine) as conn:
        await conn.execute(sa.text(MOVE))
        await linking.relink(conn, [task], "a repository changed its project")
        working = asyncio.create_task(worker(engine).drain())
        await until_blocked(engine)
    await working
    assert await query(engine, "SELECT number FROM task_github_links") == []
    assert await query(engine, TRACKED) == [(8, None)]
    assert await query(engine, WAITING) == []
