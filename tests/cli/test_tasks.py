"""`ghsync tasks`, as people and scripts run it."""

import asyncio
import json
from typing import Any

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from typer.testing import CliRunner, Result

from ghsync.__main__ import app
from ghsync.database import transaction
from ghsync.mirror import locking
from ghsync.tasks import links
from ghsync.tasks.item import Item
from tests.mirror.reports import until_blocked

TASK = "0f8fad5b-d9cb-469f-a165-70867728950e"
TWIN = "0f8fad5b-7425-40de-944b-e07fc1f90ae7"

SEED = """
WITH o AS (INSERT INTO organizations (name, slug) VALUES ('Acme', 'acme') RETURNING id),
p AS (INSERT INTO projects (organization_id, name, slug) SELECT id, 'Rocket', 'rocket' FROM o RETURNING id),
r AS (
  INSERT INTO github_repositories (project_id, github_id, owner, name, full_name, tracked_name,
                                   observed_at, observed_by, sync_source)
  SELECT id, '1', 'acme', 'rocket', 'acme/rocket', 'acme/rocket', now(), 'api', 'backfill' FROM p RETURNING id),
a AS (INSERT INTO github_repository_aliases (repository_id, full_name, first_observed_at)
      SELECT id, 'acme/rocket', now() FROM r),
q AS (
  INSERT INTO github_pull_requests (repository_id, github_id, number, title, state,
                                    observed_at, observed_by, sync_source)
  SELECT id, '8', 8, 'A pull request', 'open', now(), 'api', 'backfill' FROM r)
INSERT INTO tasks (id, project_id, title) SELECT CAST(unnest(%s::text[]) AS uuid), id, 'A task' FROM p
"""

Connection = psycopg.Connection[Any]


@pytest.fixture
def database(connection: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Connection:
    """A project with a repository, a pull request and two tasks."""
    connection.execute(SEED, [[TASK, TWIN]])
    monkeypatch.setenv("GHSYNC_DATABASE_URL", database_url)
    return connection


def call(*arguments: str) -> Result:
    """Run `ghsync tasks`."""
    return CliRunner().invoke(app, ["tasks", *arguments])


def listed(*arguments: str) -> list[dict[str, Any]]:
    """What `ghsync tasks list --json` prints."""
    found: list[dict[str, Any]] = json.loads(call("list", "--json", *arguments).stdout)
    return found


def test_a_task_is_linked_shown_and_unlinked(database: Connection) -> None:
    assert call("link", "0f8fad5b-d", "acme/rocket#8").stdout == f"Linked task {TASK} to acme/rocket#8.\n"
    assert listed()[-1]["id"] == TASK
    assert [row["pull_request"] for row in listed() if row["id"] == TASK] == ["acme/rocket#8"]
    tracked = database.execute("SELECT task_id::text FROM pr_tracking").fetchall()
    assert tracked == [(TASK,)]

    assert call("unlink", TASK, "https://github.com/acme/rocket/pull/8").exit_code == 0
    assert {row["pull_request"] for row in listed()} == {None}
    acts = database.execute("SELECT action, resource_id::text FROM audit_logs ORDER BY created_at").fetchall()
    assert acts == [("task.linked", TASK), ("task.unlinked", TASK)]


def test_a_task_is_created_with_a_link(database: Connection) -> None:
    done = call("create", "Retry twice", "--project", "rocket", "--link", "ACME/rocket#5", "--issue", "--json")
    (created,) = json.loads(done.stdout)
    (row,) = [row for row in listed("--project", "acme/rocket") if row["id"] == created["id"]]
    assert row == {
        "id": created["id"],
        "title": "Retry twice",
        "status": "pending",
        "project": "acme/rocket",
        "issue": "acme/rocket#5",
        "pull_request": None,
    }


def test_the_id_of_a_created_task_is_printed_alone(database: Connection) -> None:
    done = call("create", "Retry twice", "--project", "rocket")
    assert len(done.stdout.strip()) == len(TASK)


def test_lists_are_filtered(database: Connection) -> None:
    assert len(listed("--status", "pending")) == 2
    assert len(listed("--limit", "1")) == 1
    assert listed("--status", "completed") == []
    assert call("list", "--status", "completed").stdout == "There are no such tasks.\n"


def test_a_table_is_for_people(database: Connection) -> None:
    call("link", TASK, "acme/rocket#8")
    shown = call("list").stdout
    assert "pull request" in shown
    assert "acme/rocket#8" in shown


def test_suggestions_say_what_to_do(database: Connection) -> None:
    assert "There is nothing to decide." in call("suggest").output
    call("link", TASK, "acme/rocket#8")
    call("link", TWIN, "acme/rocket#8")
    (conflict,) = json.loads(call("suggest", "--json").stdout)
    assert conflict["kind"] == "conflict"
    assert conflict["tasks"] == [TWIN, TASK]
    assert "ghsync tasks link TASK acme/rocket#8" in conflict["advice"]


@pytest.mark.parametrize(
    ("arguments", "exit_code", "sentence"),
    [
        (["link", "0f8fad5b", "acme/rocket#8"], 1, "Several tasks' ids begin with 0f8fad5b"),
        (["link", "abcd1234", "acme/rocket#8"], 1, "No task's id begins with abcd1234"),
        (["link", "a task", "acme/rocket#8"], 1, "a task is no task's id"),
        (["link", TASK, "acme/lunar#8"], 1, "No repository acme/lunar is mirrored"),
        (["link", TASK, "acme/rocket#9"], 1, "acme/rocket#9 is not mirrored yet: say --issue or --pull"),
        (["link", TASK, "rocket 9"], 2, "neither OWNER/REPO#NUMBER nor"),
        (["unlink", TASK, "acme/rocket#8"], 1, "has no link to that pull request"),
        (["create", "Retry", "--project", "lunar"], 1, "There is no project lunar"),
        (["create", "Retry\nonce", "--project", "rocket"], 2, "The title has to be one line"),
        (["create", "r" * 501, "--project", "rocket"], 1, "value too long for type character varying(500)"),
        (["create", "Retry", "--project", "rocket", "--priority", "99999999999"], 1, "integer out of range"),
        (["list", "--status", "soon"], 2, "'soon' is none of"),
    ],
)
def test_an_error_is_a_sentence_that_says_what_to_do(
    database: Connection, arguments: list[str], exit_code: int, sentence: str
) -> None:
    done = call(*arguments)
    assert done.exit_code == exit_code
    assert sentence in " ".join(done.output.replace("│", " ").split())


@pytest.mark.parametrize(
    ("site", "exit_code"),
    [
        ("https://github.com", 0),
        ("HTTPS://WWW.GitHub.com:443", 0),
        ("https://redirect.github.com", 0),
        ("https://gitlab.example.com", 1),
        ("https://github.com.example.com", 1),
        ("https://github.com@example.com", 1),
        ("https://github.com:8443", 1),
    ],
)
def test_a_url_of_another_host_is_linked_to_nothing_of_ours(database: Connection, site: str, exit_code: int) -> None:
    database.execute("UPDATE github_repositories SET html_url = 'https://github.com/acme/rocket'")
    done = call("link", TASK, f"{site}/acme/rocket/pull/8")
    assert done.exit_code == exit_code
    assert database.execute("SELECT count(*)::int FROM task_github_links").fetchone() == (1 - exit_code,)
    assert (f"acme/rocket is mirrored from github.com, not from {site}/." in done.output) is bool(exit_code)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "command",
    [
        ("link", TASK, "acme/rocket#8"),
        ("unlink", TWIN, "acme/rocket#8"),
        ("create", "Retry twice", "--project", "rocket", "--link", "acme/rocket#8"),
    ],
    ids=lambda command: command[0],
)
async def test_what_a_person_links_and_a_batch_never_wait_in_a_circle(
    database: Connection, engine: AsyncEngine, command: tuple[str, ...]
) -> None:
    """A batch locks its repositories, then the derivation of links."""
    await asyncio.to_thread(call, "link", TWIN, "acme/rocket#8")
    row = database.execute("SELECT id::text FROM github_repositories").fetchone()
    assert row is not None
    async with transaction(engine) as conn:
        await locking.lock(conn, row)
        linking = asyncio.create_task(asyncio.to_thread(call, *command))
        await until_blocked(engine)
        await links.derive(conn, [Item(row[0], "pull_request", 8)], [TWIN])
    assert (await linking).exit_code == 0
    assert database.execute("SELECT kind FROM sync_jobs WHERE kind <> 'link_task'").fetchall() == []
