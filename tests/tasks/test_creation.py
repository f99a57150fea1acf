"""Issues ask for tasks with a label, where their project's settings say which one."""

import asyncio
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.database import transaction
from ghsync.mirror import issue, label
from ghsync.mirror.issue import Destination, DestinationRepository, Payload, Transfer
from ghsync.mirror.label import Payload as Label
from ghsync.projector import linking, project
from tests.mirror.reports import APP, api, at, hook, in_app, query, until_blocked, write
from tests.tasks.scene import AGENT, LIB, TASK, Scene, reports_issue, reports_pull

pytestmark = pytest.mark.anyio

CRASH = ("Crash at start", "It crashes.", 5)
BUG = Label(id=4, name="bug")
LINKS = """SELECT r.full_name, l.number, l.source FROM task_github_links l
           JOIN github_repositories r ON r.id = l.repository_id ORDER BY 1, 2, 3"""


@pytest.fixture
async def scene(engine: AsyncEngine) -> Scene:
    """A project in which the label `agent` asks for a task."""
    scene = Scene(engine)
    await scene.begin(create_from_label="agent")
    return scene


async def test_an_issue_with_the_label_gets_a_task(scene: Scene) -> None:
    await write(scene.engine, reports_issue(1))
    assert await scene.tasks() == [CRASH]
    assert await query(scene.engine, "SELECT source, confidence::float, evidence FROM task_github_links") == [
        ("label", 0.99, "label agent")
    ]
    assert await query(scene.engine, "SELECT action, entity_name, actor_type FROM audit_logs") == [
        ("task.created", "acme/app#5", "system")
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"labels": []},
        {"labels": [BUG]},
        {"labels": [Label(id=3, name="agents")]},
        {"state": "closed"},
        {"deleted": True},
        {"body": f"Task-ID: {TASK}"},
    ],
    ids=str,
)
async def test_no_other_issue_does(scene: Scene, fields: dict[str, Any]) -> None:
    await scene.issue(**fields)
    assert await scene.tasks() == []


async def test_without_a_setting_no_label_asks_for_anything(scene: Scene) -> None:
    await scene.ask()
    await scene.issue()
    assert await scene.tasks() == []


@pytest.mark.parametrize("name", ["agent", "Agent", "AGENT"])
async def test_the_case_of_a_label_does_not_matter(scene: Scene, name: str) -> None:
    await scene.ask(create_from_label="aGent")
    await scene.issue(labels=[BUG, Label(id=3, name=name)])
    assert await scene.tasks() == [CRASH]


@pytest.mark.parametrize(
    "before", [{"labels": []}, {"state": "closed"}, {"deleted": True}], ids=["label", "state", "tombstone"]
)
async def test_the_label_may_come_later(scene: Scene, before: dict[str, Any]) -> None:
    await scene.issue(**before)
    later = in_app()
    row = issue.row(Payload(id=1005, number=5, title=CRASH[0], body=CRASH[1], labels=[AGENT], updated_at=at(2)), api(3))
    later.add(issue.noun, APP.id, row)
    await write(scene.engine, later)
    assert await scene.tasks() == [CRASH]


async def test_a_label_may_get_the_name(scene: Scene) -> None:
    await scene.issue(labels=[Label(id=3, name="robot")])
    assert await scene.tasks() == []
    renamed = in_app()
    renamed.add(label.noun, APP.id, label.row(AGENT, hook(9)))
    await write(scene.engine, renamed)
    assert await scene.tasks() == [CRASH]


async def test_an_issue_gets_one_task_however_often_it_is_told(scene: Scene) -> None:
    await write(scene.engine, reports_issue(1), reports_issue(1), reports_issue(2, labels=[BUG, AGENT]))
    await scene.issue(labels=[])
    await scene.issue()
    await scene.issue(state="closed")
    await scene.issue()
    assert await scene.tasks() == [CRASH]


async def test_a_task_that_somebody_deleted_does_not_come_back(scene: Scene) -> None:
    await scene.issue()
    await query(scene.engine, "DELETE FROM tasks")
    await scene.issue(labels=[])
    await scene.issue()
    await scene.ask(create_from_label="Agent")
    assert await scene.tasks() == []


async def test_an_issue_that_has_a_task_needs_no_other(scene: Scene) -> None:
    await scene.task(issue=5)
    await scene.issue()
    assert await query(scene.engine, "SELECT id::text FROM tasks") == [(TASK,)]


async def test_a_number_that_was_written_a_moment_ago_counts(scene: Scene) -> None:
    await query(
        scene.engine,
        "INSERT INTO tasks (id, project_id, github_issue_number) SELECT :id, project_id, 5 FROM github_repositories",
        id=TASK,
    )
    await write(scene.engine, reports_issue(1))
    assert await query(scene.engine, "SELECT id::text FROM tasks") == [(TASK,)]
    assert await query(scene.engine, LINKS) == [("acme/app", 5, "external")]


async def test_another_number_that_a_program_writes_is_where_the_task_belongs(scene: Scene) -> None:
    await scene.issue()
    await query(scene.engine, "UPDATE tasks SET github_issue_number = 6")
    await scene.rest()
    await scene.issue()
    assert await query(scene.engine, LINKS) == [("acme/app", 6, "external")]
    assert await scene.tasks() == [("Crash at start", "It crashes.", 6)]


async def test_switched_on_it_acts_on_the_issues_that_are_there(scene: Scene) -> None:
    await scene.ask()
    await write(scene.engine, reports_issue(1), reports_issue(2, number=6, title="Old", state="closed"))
    await scene.ask(create_from_label="agent")
    assert await scene.tasks() == [CRASH]


async def test_a_repository_that_moves_into_the_project_brings_its_issues(scene: Scene) -> None:
    await write(scene.engine, reports_issue(1, home=LIB))
    assert await scene.tasks() == []
    await query(
        scene.engine,
        """UPDATE github_repositories SET project_id = (SELECT project_id FROM github_repositories
           WHERE github_id = '1') WHERE github_id = '2'""",
    )
    await scene.rest()
    assert await scene.tasks() == [CRASH]
    assert await query(scene.engine, LINKS) == [("acme/lib", 5, "label")]


def transferred(seconds: float) -> Any:
    """A batch in which acme/app#5 becomes acme/lib#50."""
    batch = in_app()
    payload = Payload(id=1005, number=5, title=CRASH[0], labels=[AGENT], updated_at=at(seconds))
    transfer = Transfer(Destination(2050, 50), DestinationRepository(LIB.id))
    batch.add(issue.noun, APP.id, issue.row(payload, hook(seconds), deleted=True, transfer=transfer))
    return batch


async def test_a_transferred_issue_keeps_its_task(scene: Scene) -> None:
    await query(scene.engine, "UPDATE projects SET settings = '{}'")
    await write(scene.engine, reports_issue(0, home=LIB, number=1, labels=[]))
    await query(scene.engine, """UPDATE projects SET settings = '{"tasks": {"create_from_label": "agent"}}'""")
    await scene.issue()
    await write(scene.engine, transferred(2), reports_issue(3, home=LIB, number=50))
    await scene.rest()
    assert await query(scene.engine, LINKS) == [("acme/lib", 50, "label")]
    assert await scene.tasks() == [("Crash at start", "It crashes.", 50)]


async def test_what_became_of_an_issue_whose_task_was_deleted_gets_none_either(scene: Scene) -> None:
    await scene.issue()
    await query(scene.engine, "DELETE FROM tasks")
    await write(scene.engine, transferred(2), reports_issue(3, home=LIB, number=50, labels=[]))
    await query(scene.engine, """UPDATE projects SET settings = '{"tasks": {"create_from_label": "agent"}}'""")
    await write(scene.engine, reports_issue(4, home=LIB, number=50))
    await scene.rest()
    assert await scene.tasks() == []


# What follows


async def test_a_pull_request_that_closes_the_issue_moves_the_task_in_the_same_transaction(scene: Scene) -> None:
    await scene.ask(create_from_label="agent", when_opened="in_review")
    await write(scene.engine, reports_pull(7, "open", 1, body="Closes #5"), reports_issue(2))
    assert await query(scene.engine, "SELECT status, github_issue_number, github_pr_number FROM tasks") == [
        ("in_review", 5, 7)
    ]


async def test_an_agent_that_works_on_the_task_shows_in_tracking(scene: Scene) -> None:
    await scene.issue()
    await query(
        scene.engine,
        """WITH w AS (INSERT INTO workflows (project_id, name) SELECT project_id, 'fix' FROM tasks RETURNING id),
                e AS (INSERT INTO workflow_executions (workflow_id) SELECT id FROM w RETURNING id)
           UPDATE tasks SET workflow_execution_id = (SELECT id FROM e)""",
    )
    await scene.pull("open", body="Closes #5")
    await query(
        scene.engine,
        "INSERT INTO agent_sessions (session_id, agent_name, task_id) SELECT 'session-1', 'Coder', id FROM tasks",
    )
    await scene.rest()
    tracked = """SELECT p.pr_number, t.title, s.session_id, w.name
                 FROM pr_tracking p JOIN tasks t ON t.id = p.task_id
                 JOIN agent_sessions s ON s.id = p.created_by_session_id JOIN workflows w ON w.id = p.workflow_id"""
    assert await query(scene.engine, tracked) == [(7, "Crash at start", "session-1", "fix")]


async def test_settings_that_are_switched_on_wait_for_a_batch_that_did_not_see_them(scene: Scene) -> None:
    await scene.ask()
    async with transaction(scene.engine) as conn:
        await project.write(conn, reports_issue(1))
        settings = """UPDATE projects SET settings = '{"tasks": {"create_from_label": "agent"}}'"""
        await query(scene.engine, settings)
        applied = asyncio.create_task(scene.rest())
        await until_blocked(scene.engine)
    await applied
    assert await scene.tasks() == [CRASH]


async def test_settings_that_ask_for_nothing_new_make_nothing_due(scene: Scene) -> None:
    await query(scene.engine, """UPDATE projects SET settings = settings || '{"colour": "green"}'""")
    assert await query(scene.engine, "SELECT FROM sync_jobs WHERE kind = :kind", kind=linking.SETTINGS) == []
