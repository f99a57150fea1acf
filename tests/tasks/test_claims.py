"""Claims: which task a pull request works on."""

import pytest

from ghsync.tasks import claims
from tests.tasks.world import World

pytestmark = pytest.mark.anyio


async def best(world: World, repository: str, number: int) -> tuple[str | None, str | None, str | None]:
    """The task, workflow and session of a pull request."""
    (row,) = await world.query(
        f"""SELECT task.task_id::text, task.workflow_id::text, task.session_id::text
            FROM (SELECT CAST(:repository AS uuid) AS repository_id, CAST(:number AS int) AS number) p
            LEFT JOIN LATERAL ({claims.BEST_TASK}) task ON true""",
        repository=repository,
        number=number,
    )
    return tuple(row)


async def test_the_surest_task_brings_its_workflow_and_its_newest_session(world: World) -> None:
    project = await world.project("acme")
    app = await world.repository("acme/app", project)
    task, other = await world.task(project), await world.task(project)
    workflow = await world.value(
        "INSERT INTO workflows (project_id, name, definition) VALUES (:project, 'w', '{}') RETURNING id::text",
        project=project,
    )
    await world.query(
        """WITH e AS (INSERT INTO workflow_executions (workflow_id) VALUES (:workflow) RETURNING id)
           UPDATE tasks SET workflow_execution_id = (SELECT id FROM e) WHERE id = :task""",
        workflow=workflow,
        task=task,
    )
    session = await world.value(
        """WITH s AS (
             INSERT INTO agent_sessions (session_id, agent_name, task_id, started_at)
             VALUES ('old', 'a', :task, '2025-01-01'), ('new', 'a', :task, '2025-01-02') RETURNING id, session_id)
           SELECT id::text FROM s WHERE session_id = 'new'""",
        task=task,
    )
    await world.says(app, "pull_request", 8, body=f"Task-ID: {task}", branch=f"task/{other}")
    assert await best(world, app, 8) == (task, workflow, session)


async def test_two_tasks_that_are_equally_sure_are_a_conflict(world: World) -> None:
    project = await world.project("acme")
    app = await world.repository("acme/app", project)
    one, two = await world.task(project), await world.task(project)
    await world.says(app, "pull_request", 8, body=f"Task-ID: {one}\nTask-ID: {two}")
    assert await best(world, app, 8) == (None, None, None)
    await world.link(two, app, "pull_request", 8)
    assert (await best(world, app, 8))[0] == two


async def test_a_mention_alone_claims_no_pull_request(world: World) -> None:
    project = await world.project("acme")
    app = await world.repository("acme/app", project)
    task = await world.task(project)
    await world.link(task, app, "issue", 5)
    await world.says(app, "pull_request", 8, body="See #5")
    assert await best(world, app, 8) == (None, None, None)
