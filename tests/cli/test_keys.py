"""`keys`: made, shown once, listed and ended."""

import psycopg
import pytest

from ghsync import keys
from tests.cli.conftest import Ghsync


@pytest.fixture(autouse=True)
def mona(connection: psycopg.Connection) -> None:
    connection.execute("""
        INSERT INTO users (email, name, github_login) VALUES ('mona@acme.example', 'Mona', 'mona');
        INSERT INTO organizations (name, slug) VALUES ('Acme', 'acme');
        INSERT INTO organization_members (organization_id, user_id, role, source)
        SELECT o.id, u.id, 'member', 'local' FROM organizations o, users u""")


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


def test_the_command_shows_who_is_signed_in_and_signs_them_out(ghsync: Ghsync, connection: psycopg.Connection) -> None:
    assert ghsync("keys", "sessions").stdout == "Nobody is signed in.\n"
    ghsync("keys", "create", "laptop", "--user", "mona")
    connection.execute("""
        INSERT INTO sessions (user_id, token_hash, ip_address, user_agent, expires_at, api_key_id)
        SELECT user_id, 'h', '192.0.2.7', 'Firefox', now() + interval '1 hour', id FROM api_keys""")
    (listed,) = ghsync("keys", "sessions", "--json").json
    assert (listed["user"], listed["key"], listed["address"]) == ("mona", "laptop", "192.0.2.7")
    assert "token_hash" not in listed
    assert ghsync("keys", "sign-out", "mona").stdout == "Ended 1 session of mona.\n"
    assert ghsync("keys", "sessions", "--json").json == []
    assert ghsync("keys", "sign-out", "nobody").exit_code == 1
