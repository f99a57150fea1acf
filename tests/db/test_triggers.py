"""What the database itself sees to: no cycles of tasks, no task that is never linked, no setting without effect."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from psycopg.errors import CheckViolation

WAITING_FOR_THE_LOCK = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = %s"
DATABASE = "SELECT oid FROM pg_database WHERE datname = current_database()"
DEPEND = "INSERT INTO task_dependencies (task_id, depends_on_task_id) VALUES (%s, %s)"

Connection = psycopg.Connection[Any]


def value(connection: Connection, query: str, *parameters: Any) -> Any:
    """The one value that a query gives."""
    row = connection.execute(query, parameters).fetchone()
    assert row is not None
    return row[0]


@pytest.fixture
def project(connection: Connection) -> Any:
    """A project to have tasks in."""
    organization = value(connection, "INSERT INTO organizations (name, slug) VALUES ('Acme', 'acme') RETURNING id")
    insert = "INSERT INTO projects (organization_id, name, slug) VALUES (%s, 'Rocket', 'rocket') RETURNING id"
    return value(connection, insert, organization)


@pytest.fixture
def tasks(connection: Connection, project: Any) -> list[Any]:
    """Three tasks, created with a title alone."""
    insert = "INSERT INTO tasks (project_id, title) SELECT %s, n::text FROM generate_series(1, 3) n RETURNING id"
    return [row[0] for row in connection.execute(insert, [project])]


@pytest.fixture
def repository(connection: Connection, project: Any) -> Any:
    """A repository of the project."""
    insert = """
        INSERT INTO github_repositories (project_id, github_id, owner, name, full_name, tracked_name,
                                         observed_at, observed_by, sync_source)
        VALUES (%s, '1', 'acme', 'rocket', 'acme/rocket', 'acme/rocket', now(), 'api', 'backfill') RETURNING id"""
    return value(connection, insert, project)


def test_a_task_cannot_wait_for_itself(connection: Connection, tasks: list[Any]) -> None:
    with pytest.raises(CheckViolation, match="would close a cycle"):
        connection.execute(DEPEND, [tasks[0], tasks[0]])


def test_a_task_cannot_wait_for_one_that_waits_for_it(connection: Connection, tasks: list[Any]) -> None:
    first, second, third = tasks
    connection.execute(DEPEND, [first, second])
    connection.execute(DEPEND, [second, third])
    with pytest.raises(CheckViolation) as refused:
        connection.execute(DEPEND, [third, first])
    assert refused.value.diag.message_primary == (
        f"task {third} cannot depend on task {first}, because that would close a cycle"
    )
    assert refused.value.diag.constraint_name == "task_dependencies_refuse_cycle"


def test_a_cycle_within_one_statement_is_refused(connection: Connection, tasks: list[Any]) -> None:
    first, second, _ = tasks
    with pytest.raises(CheckViolation):
        connection.execute(f"{DEPEND}, (%s, %s)", [first, second, second, first])


def test_an_update_cannot_close_a_cycle(connection: Connection, tasks: list[Any]) -> None:
    first, second, third = tasks
    connection.execute(DEPEND, [first, second])
    connection.execute(DEPEND, [second, third])
    with pytest.raises(CheckViolation):
        connection.execute("UPDATE task_dependencies SET depends_on_task_id = %s WHERE task_id = %s", [first, second])


def test_two_ways_to_one_task_are_no_cycle(connection: Connection, tasks: list[Any]) -> None:
    first, second, third = tasks
    for pair in ([first, second], [second, third], [first, third]):
        connection.execute(DEPEND, pair)
    assert value(connection, "SELECT count(*) FROM task_dependencies") == 3


def test_two_transactions_cannot_close_a_cycle_between_them(
    connection: Connection, database_url: str, tasks: list[Any]
) -> None:
    first, second, _ = tasks
    database = value(connection, DATABASE)
    with psycopg.connect(database_url) as one, psycopg.connect(database_url) as other, ThreadPoolExecutor() as pool:
        one.execute(DEPEND, [first, second])
        waiting = pool.submit(other.execute, DEPEND, [second, first])
        while not connection.execute(WAITING_FOR_THE_LOCK, [database]).fetchone():
            assert not waiting.done()
        one.commit()
        with pytest.raises(CheckViolation):
            waiting.result()


def test_a_new_task_is_due_for_linking(connection: Connection, tasks: list[Any]) -> None:
    due = connection.execute("SELECT key FROM sync_jobs WHERE kind = 'link_task'").fetchall()
    assert sorted(key for (key,) in due) == sorted(map(str, tasks))


def test_whoever_waits_for_jobs_is_told(connection: Connection, project: Any) -> None:
    connection.execute("LISTEN ghsync_jobs")
    connection.execute("INSERT INTO tasks (project_id, title) VALUES (%s, 'Launch')", [project])
    assert [told.channel for told in connection.notifies(timeout=5, stop_after=1)] == ["ghsync_jobs"]


@pytest.mark.parametrize(
    ("change", "due"),
    [
        ("github_issue_number = 7", True),
        ("github_pr_number = 7", True),
        ("github_pr_number = 8", False),  # has a link
        ("github_issue_number = 8", True),  # that link is to a pull request
        ("github_pr_number = NULL", False),
        ("title = 'Land'", False),
    ],
)
def test_a_number_without_a_link_is_due_for_linking(
    connection: Connection, tasks: list[Any], repository: Any, change: str, due: bool
) -> None:
    connection.execute(
        "INSERT INTO task_github_links (task_id, repository_id, kind, number, source, confidence)"
        " VALUES (%s, %s, 'pull_request', 8, 'manual', 1)",
        [tasks[0], repository],
    )
    connection.execute("DELETE FROM sync_jobs")
    connection.execute(f"UPDATE tasks SET {change} WHERE id = %s", [tasks[0]])
    assert connection.execute("SELECT key FROM sync_jobs").fetchall() == [(str(tasks[0]),)] * due


def test_a_task_that_waits_to_be_linked_becomes_due_at_once(connection: Connection, tasks: list[Any]) -> None:
    connection.execute("UPDATE sync_jobs SET due_at = now() + interval '1 hour'")
    connection.execute("UPDATE tasks SET github_issue_number = 7 WHERE id = %s", [tasks[0]])
    assert value(connection, "SELECT key FROM sync_jobs WHERE due_at <= now()") == str(tasks[0])


SETTINGS = "UPDATE projects SET settings = %s::jsonb"


@pytest.mark.parametrize(
    "settings",
    [
        "{}",
        "null",
        "[]",
        '{"anything": {"else": 1}}',
        '{"tasks": {}}',
        '{"tasks": {"create_from_label": "agent"}}',
        '{"tasks": {"when_opened": "in_review", "when_merged": "completed", "when_closed": "cancelled"}}',
    ],
)
def test_settings_about_tasks_that_are_understood_are_taken(
    connection: Connection, project: Any, settings: str
) -> None:
    connection.execute(SETTINGS, [settings])


ALL_KEYS = "create_from_label, when_opened, when_merged and when_closed"


@pytest.mark.parametrize(
    ("tasks", "wrong"),
    [
        ("null", f"tasks is null, but an object is allowed, with the keys {ALL_KEYS}"),
        ('["agent"]', f'tasks is ["agent"], but an object is allowed, with the keys {ALL_KEYS}'),
        ('{"when_reopened": "in_review"}', f"tasks.when_reopened is not known, but {ALL_KEYS} are allowed"),
        ('{"when_opened": "completed"}', 'tasks.when_opened is "completed", but only "in_review" is allowed'),
        ('{"when_merged": true}', 'tasks.when_merged is true, but only "completed" is allowed'),
        ('{"when_closed": null}', 'tasks.when_closed is null, but only "cancelled" is allowed'),
        (
            '{"create_from_label": " "}',
            'tasks.create_from_label is " ", but the name of a label is allowed, a text that is not empty',
        ),
        (
            '{"create_from_label": ["agent"]}',
            'tasks.create_from_label is ["agent"], but the name of a label is allowed, a text that is not empty',
        ),
    ],
)
def test_settings_about_tasks_that_are_not_understood_are_refused(
    connection: Connection, project: Any, tasks: str, wrong: str
) -> None:
    with pytest.raises(CheckViolation) as refused:
        connection.execute(SETTINGS, [f'{{"tasks": {tasks}}}'])
    assert refused.value.diag.message_primary == f"projects.settings: {wrong}."
    assert refused.value.diag.constraint_name == "projects_refuse_task_settings"


def test_a_new_project_is_held_to_the_same(connection: Connection, project: Any) -> None:
    insert = """INSERT INTO projects (organization_id, name, slug, settings)
                SELECT organization_id, 'Other', 'other', '{"tasks": {"label": "agent"}}' FROM projects"""
    with pytest.raises(CheckViolation, match=r"tasks\.label is not known"):
        connection.execute(insert)


def test_other_settings_about_tasks_make_them_due(connection: Connection, project: Any) -> None:
    due = "SELECT kind, key FROM sync_jobs"
    connection.execute(SETTINGS, ['{"colour": "green"}'])
    assert connection.execute(due).fetchall() == []
    connection.execute(SETTINGS, ['{"tasks": {"when_opened": "in_review"}}'])
    assert connection.execute(due).fetchall() == [("apply_task_settings", str(project))]


def test_a_repository_that_moves_makes_what_its_new_project_asks_for_due(
    connection: Connection, project: Any, repository: Any
) -> None:
    insert = """INSERT INTO projects (organization_id, name, slug) SELECT organization_id, 'Other', 'other'
                FROM projects RETURNING id"""
    other = value(connection, insert)
    connection.execute("UPDATE github_repositories SET project_id = %s", [other])
    assert connection.execute("SELECT kind, key FROM sync_jobs").fetchall() == [("apply_task_settings", str(other))]
