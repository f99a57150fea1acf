"""`keys`: made, shown once, listed and ended."""

import psycopg
import pytest

from ghsync import keys
from tests.cli.conftest import Ghsync


@pytest.fixture(autouse=True)
def mona(connection: psycopg.Connection) -> None:
    connection.execute("INSERT INTO users (email, name, github_login) VALUES ('mona@acme.example', 'Mona', 'mona')")


def test_the_command_makes_lists_and_ends_keys(ghsync: Ghsync) -> None:
    made = ghsync("keys", "create", "grafana", "--user", "mona", "--scope", "operate", "--days", "7")
    assert keys.FORM.fullmatch(made.stdout.strip())
    assert made.stderr.startswith("mona may operate with it, until ")
    assert made.stderr.endswith("It is not shown again.\n")
    (listed,) = ghsync("keys", "list", "--json").json
    assert (listed["name"], listed["user"], listed["scope"], listed["state"]) == ("grafana", "mona", "operate", "valid")
    assert ghsync("keys", "revoke", "grafana").stdout == "Revoked grafana.\n"
    assert ghsync("keys", "list", "--json").json[0]["state"] == "revoked"
    forever = ghsync("keys", "create", "another", "--user", "mona", "--forever", "--json").json
    assert forever["expires_at"] is None
    unknown = ghsync("keys", "create", "third", "--user", "nobody")
    assert (unknown.exit_code, unknown.stdout) == (1, "")
    assert unknown.stderr.startswith("No user has the login, address or id nobody")
