import psycopg
import pytest
from pydantic import SecretStr

from ghsync.encryption import Encryption
from tests.cli.conftest import FIRST_STORY, KEY, Ghsync

NAME = "tarnfield/stationd"
AUDIT = "SELECT action, entity_name, old_values, new_values FROM audit_logs"


@pytest.fixture
def project(told: Ghsync, connection: psycopg.Connection) -> str:
    """The id of a project that no repository belongs to."""
    row = connection.execute(
        "INSERT INTO projects (organization_id, name, slug) "
        "SELECT id, 'Ops', 'ops' FROM organizations RETURNING id::text"
    ).fetchone()
    assert row is not None
    return str(row[0])


def project_of(connection: psycopg.Connection, name: str) -> str:
    row = connection.execute("SELECT project_id::text FROM github_repositories WHERE full_name = %s", [name]).fetchone()
    assert row is not None
    return str(row[0])


def secret_of(connection: psycopg.Connection) -> str | None:
    row = connection.execute("SELECT webhook_secret FROM github_repositories WHERE full_name = %s", [NAME]).fetchone()
    assert row is not None
    return row[0] and Encryption([SecretStr(KEY)]).decrypt(row[0])


def test_repositories_are_listed_with_their_projects(told: Ghsync) -> None:
    found = {row["repository"]: row for row in told("repos", "list", "--json").json}

    assert set(found) == {"tarnfield/field-notes", "tarnfield/gauge-drivers", NAME}
    assert found[NAME]["project"] == "stationd"
    assert found[NAME]["state"] == "synced"
    assert max(map(len, told("repos", "list").stdout.splitlines())) <= 80


@pytest.mark.parametrize("called", ["ops", "tarnfield/ops", "{id}"])
def test_a_repository_moves_to_another_project(
    told: Ghsync, connection: psycopg.Connection, project: str, called: str
) -> None:
    before = project_of(connection, NAME)

    result = told("repos", "assign", NAME, "--project", called.format(id=project))
    assert result.stdout == "tarnfield/stationd is now in tarnfield/ops.\n"
    assert project_of(connection, NAME) == project
    assert connection.execute(AUDIT).fetchall() == [
        ("repository.assigned", NAME, {"project_id": before}, {"project_id": project})
    ]


def test_a_move_to_where_it_is_changes_nothing(told: Ghsync, connection: psycopg.Connection) -> None:
    assert "already" in told("repos", "assign", NAME, "--project", "stationd").text
    assert connection.execute(AUDIT).fetchall() == []


def test_a_slug_that_two_organizations_use_is_ambiguous(
    told: Ghsync, connection: psycopg.Connection, project: str
) -> None:
    connection.execute("""
        WITH other AS (INSERT INTO organizations (name, slug) VALUES ('Other', 'other') RETURNING id)
        INSERT INTO projects (organization_id, name, slug) SELECT id, 'Ops', 'ops' FROM other""")

    result = told("repos", "assign", NAME, "--project", "ops")
    assert result.exit_code == 1
    assert "name one of other/ops, tarnfield/ops" in result.text


@pytest.mark.parametrize(
    ("repository", "project", "complaint"),
    [
        ("tarnfield/unknown", "stationd", "No repository tarnfield/unknown is mirrored"),
        (NAME, "unknown", "There is no project unknown"),
    ],
)
def test_unknown_names_are_told_as_a_sentence(told: Ghsync, repository: str, project: str, complaint: str) -> None:
    result = told("repos", "assign", repository, "--project", project)

    assert result.exit_code == 1
    assert complaint in result.text


@pytest.mark.parametrize("name", ["stationd", "a/b/c", "/b", "a/"])
def test_a_name_without_its_owner_is_a_usage_error(ghsync: Ghsync, name: str) -> None:
    assert ghsync("repos", "aliases", name).exit_code == 2


def test_a_repository_is_found_under_its_old_names(told: Ghsync, connection: psycopg.Connection) -> None:
    connection.execute(
        "INSERT INTO github_repository_aliases (repository_id, full_name, first_observed_at) "
        "SELECT id, 'tarnfield/old-name', '2020-01-01' FROM github_repositories WHERE full_name = %s",
        [NAME],
    )

    found = told("repos", "aliases", "Tarnfield/Old-Name", "--json").json
    assert [(row["name"], row["current"]) for row in found] == [("tarnfield/old-name", False), (NAME, True)]
    assert "2020-01-01 00:00:00Z" in told("repos", "aliases", NAME).text


def test_a_secret_is_stored_encrypted_and_cleared(told: Ghsync, connection: psycopg.Connection) -> None:
    stored = told("repos", "secret", NAME, stdin="hush hush\n")
    secret = secret_of(connection)
    cleared = told("repos", "secret", NAME, "--clear")

    assert stored.exit_code == cleared.exit_code == 0
    assert secret == "hush hush"
    assert secret_of(connection) is None
    assert "hush" not in stored.text
    assert [row[0] for row in connection.execute(AUDIT)] == ["repository.secret_set", "repository.secret_cleared"]


def test_without_a_key_no_secret_is_asked_for(told: Ghsync) -> None:
    result = told("repos", "secret", NAME, stdin="", GHSYNC_ENCRYPTION_KEYS="")

    assert result.exit_code == 3
    assert "GHSYNC_ENCRYPTION_KEYS" in result.text


def test_an_empty_secret_is_a_usage_error(told: Ghsync, connection: psycopg.Connection) -> None:
    assert told("repos", "secret", NAME, stdin="\n").exit_code == 2
    assert secret_of(connection) is None


def numbered_task(connection: psycopg.Connection, slug: str) -> None:
    """A task with the number of an issue, which another program writes into a project."""
    connection.execute(
        "INSERT INTO tasks (project_id, title, github_issue_number) SELECT id, slug, 1 FROM projects WHERE slug = %s",
        [slug],
    )


def linked(told: Ghsync, connection: psycopg.Connection) -> list[tuple[str, int, str | None]]:
    """Every task, its number, and the repository that the number is linked to, once the worker is through."""
    assert told("replay", FIRST_STORY, "--process").exit_code == 0
    return connection.execute("""
        SELECT t.title, t.github_issue_number, r.full_name FROM tasks t
        LEFT JOIN task_github_links l ON l.task_id = t.id LEFT JOIN github_repositories r ON r.id = l.repository_id
        ORDER BY t.title""").fetchall()


def test_numbers_of_tasks_follow_a_repository_to_another_project(
    told: Ghsync, connection: psycopg.Connection, project: str
) -> None:
    numbered_task(connection, "ops")
    numbered_task(connection, "stationd")
    assert linked(told, connection) == [("ops", 1, None), ("stationd", 1, NAME)]

    assert told("repos", "assign", NAME, "--project", "ops").exit_code == 0
    assert linked(told, connection) == [("ops", 1, NAME), ("stationd", 1, None)]

    assert told("repos", "assign", NAME, "--project", "stationd").exit_code == 0
    assert linked(told, connection) == [("ops", 1, None), ("stationd", 1, NAME)]


def test_a_branch_with_the_beginning_of_an_id_means_the_task_of_the_repositorys_new_project(
    told: Ghsync, connection: psycopg.Connection, project: str
) -> None:
    for number, slug in enumerate(("ops", "stationd")):
        connection.execute(
            "INSERT INTO tasks (id, project_id, title) SELECT CAST(%s AS uuid), id, slug FROM projects WHERE slug = %s",
            [f"0f8fad5b-0000-0000-0000-00000000000{number}", slug],
        )
    connection.execute(
        """INSERT INTO github_mentions (repository_id, kind, number, source, task, observed_at)
           SELECT id, 'pull_request', 8, 'branch', '0f8fad5b', now() FROM github_repositories WHERE full_name = %s""",
        [NAME],
    )
    assert linked(told, connection) == [("ops", None, None), ("stationd", None, NAME)]

    assert told("repos", "assign", NAME, "--project", "ops").exit_code == 0
    assert linked(told, connection) == [("ops", None, NAME), ("stationd", None, None)]


def test_what_a_secret_replaces_counts_for_a_while(told: Ghsync, connection: psycopg.Connection) -> None:
    told("repos", "secret", NAME, stdin="one\n")
    told("repos", "secret", NAME, stdin="two\n")
    result = told("repos", "secret", NAME, "--grace", "2h", stdin="three\n")

    assert "The one before counts until 20" in result.text
    kept = connection.execute("""
        SELECT s.secret, extract(epoch FROM s.accepted_until - s.created_at)::int FROM sync_secrets s
        JOIN github_repositories r ON s.hook_target = 'repository:' || r.github_id
        WHERE r.full_name = 'tarnfield/stationd' ORDER BY s.created_at""").fetchall()
    encryption = Encryption([SecretStr(KEY)])
    assert [(encryption.decrypt(token), seconds) for token, seconds in kept] == [("one", 3600), ("two", 7200)]
    assert secret_of(connection) == "three"


@pytest.mark.parametrize("how", [("--clear",), ("--grace", "0")])
def test_a_secret_goes_at_once_where_that_is_asked(
    told: Ghsync, connection: psycopg.Connection, how: tuple[str, ...]
) -> None:
    told("repos", "secret", NAME, stdin="one\n")
    told("repos", "secret", NAME, *how, stdin="two\n")
    assert connection.execute("SELECT FROM sync_secrets").fetchall() == []


@pytest.mark.parametrize("grace", ["soon", "-1h", "99999999999d"])
def test_a_grace_that_is_no_time_is_a_usage_error(ghsync: Ghsync, grace: str) -> None:
    assert ghsync("repos", "secret", NAME, "--grace", grace, stdin="one\n").exit_code == 2
