"""`grant`: roles of PostgreSQL are let in, listed and sent away."""

from collections.abc import Iterator

import psycopg
import pytest

from tests import postgres, roles
from tests.cli.conftest import Ghsync


@pytest.fixture
def role(connection: psycopg.Connection, database_url: str) -> Iterator[str]:
    """A role that logs in, and may do nothing."""
    name = roles.named("reader")
    connection.execute(f'CREATE ROLE "{name}" LOGIN'.encode())
    yield name
    roles.forget(database_url, name)


@pytest.fixture
def mona(told: Ghsync, connection: psycopg.Connection) -> None:
    """A member of the organization that the first story is of."""
    connection.execute("INSERT INTO users (email, name, github_login) VALUES ('mona@acme.example', 'Mona', 'mona')")
    connection.execute("""
        INSERT INTO organization_members (organization_id, user_id)
        SELECT p.organization_id, u.id FROM users u, projects p JOIN github_issues i ON true
        JOIN github_repositories r ON r.id = i.repository_id AND r.project_id = p.id
        WHERE u.github_login = 'mona' LIMIT 1""")


def titles(database_url: str, role: str) -> list[str]:
    with psycopg.connect(postgres.as_role(database_url, role)) as reader:
        return [title for (title,) in reader.execute("SELECT title FROM github_issues").fetchall()]


@pytest.mark.usefixtures("mona")
def test_a_role_is_let_in_listed_and_sent_away(told: Ghsync, database_url: str, role: str) -> None:
    assert told("grant", "list").stdout == "No role is let in yet: `ghsync grant reader`.\n"
    assert told("grant", "reader", role, "--user", "MONA").stdout == f"{role} reads as mona.\n"
    assert len(titles(database_url, role)) == 1
    (listed,) = told("grant", "list", "--json").json
    assert (listed["role"], listed["sees"], listed["writes"], listed["exists"]) == (role, "mona", False, True)

    assert told("grant", "writer", role, "--user", "mona").stdout == f"{role} reads and writes as mona.\n"
    assert told("grant", "list", "--json").json[0]["writes"] is True
    assert told("grant", "reader", role, "--everything").stdout == f"{role} reads all that is to be seen.\n"
    (listed,) = told("grant", "list", "--json").json
    assert (listed["sees"], listed["writes"]) == ("everything", False)

    assert told("grant", "revoke", role).stdout == f"{role} sees nothing any more.\n"
    assert titles(database_url, role) == []
    again = told("grant", "revoke", role)
    assert (again.exit_code, again.stderr) == (
        1, f'The role "{role}" is no reader: `ghsync grant list` shows which there are.\n',
    )  # fmt: skip


def test_each_of_it_is_in_the_audit_log(ghsync: Ghsync, connection: psycopg.Connection, role: str) -> None:
    ghsync("grant", "reader", role, "--everything")
    ghsync("grant", "revoke", role)
    acts = "SELECT action, entity_name, new_values FROM audit_logs ORDER BY created_at"
    assert connection.execute(acts).fetchall() == [
        ("reader.admitted", role, {"sees": "everything", "writes": False}),
        ("reader.dismissed", role, None),
    ]


@pytest.mark.parametrize("given", [[], ["--user", "mona", "--everything"]])
def test_whose_eyes_it_has_has_to_be_said_once(ghsync: Ghsync, role: str, given: list[str]) -> None:
    result = ghsync("grant", "reader", role, *given)
    assert result.exit_code == 2
    assert "Give --user LOGIN, or --everything." in result.text


def test_a_service_that_owns_nothing_lets_nobody_in_and_says_who_does(
    ghsync: Ghsync, database_url: str, role: str
) -> None:
    with roles.service(database_url) as service_url:
        result = ghsync("grant", "reader", role, "--everything", GHSYNC_DATABASE_URL=service_url)
    assert result.exit_code == 1
    assert result.stderr == (
        f'This role may not put "{role}" into ghsync_read: let the owner of the tables or a superuser run this '
        "command.\n"
    )
