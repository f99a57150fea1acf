"""Who is erased is named nowhere any more, and nobody else is touched."""

import re
from typing import Any

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.actor import Actor
from ghsync.administration import erasure
from ghsync.administration.erasure import Erased
from ghsync.database import transaction
from ghsync.errors import Permanent
from tests.test_purge import everything
from tests.verification import mirrors
from tests.verification.mirrors import tell

pytestmark = pytest.mark.anyio

Connection = psycopg.Connection[Any]

STORY = ("08-reviews-and-threads",)

# As GitHub's people do: they mention each other, sign off, and are members.
SAID = """
UPDATE github_comments
SET body = body || E'\\n@LOGIN, and https://github.com/LOGIN, 7+LOGIN@users.noreply.github.com. @LOGIN-x'
WHERE id IN (SELECT id FROM github_comments ORDER BY id LIMIT 3);
UPDATE change_events SET new_values = new_values || '{"body": "see\\n@LOGIN"}'
WHERE seq IN (SELECT seq FROM change_events WHERE new_values IS NOT NULL ORDER BY seq LIMIT 2);
INSERT INTO audit_logs (action, resource_type, actor_name, user_id, ip_address, user_agent, entity_name, new_values)
SELECT 'task.linked', 'task', 'LOGIN', u.id, '192.0.2.7', 'curl', 'LOGIN', '{"by": "LOGIN"}'
FROM users u WHERE u.github_id = 'NUMBER';
"""
USER = """
INSERT INTO users (email, name, github_id, github_login)
VALUES ('NUMBER@users.noreply.github.com', 'LOGIN', 'NUMBER', 'LOGIN') ON CONFLICT (github_id) DO NOTHING
"""


@pytest.fixture
async def mirror(engine: AsyncEngine, connection: Connection) -> Connection:
    """A mirror of one story, and of the payloads that told it: each has people of its own, with the same names."""
    await tell(engine, STORY)
    return connection


def busiest(connection: Connection) -> tuple[str, str]:
    """Who has said most and owns nothing: the id at GitHub, and the login."""
    found = connection.execute("""
        SELECT c.author_id, c.author FROM github_comments c
        WHERE NOT EXISTS (SELECT FROM github_repositories r WHERE r.owner_id = c.author_id)
          AND 1 = (SELECT count(DISTINCT o.author_id) FROM github_comments o WHERE o.author = c.author)
        GROUP BY 1, 2 ORDER BY count(*) DESC, 2 LIMIT 1""").fetchone()
    assert found
    return found[0], found[1]


def names(github_id: str, login: str) -> re.Pattern[str]:
    """What would tell who it was: the login as a word, or the id."""
    return re.compile(rf"(?<![\w-]){re.escape(login)}(?![\w-])|(?<![\w.-]){github_id}(?![\w-])", re.IGNORECASE)


async def erase(engine: AsyncEngine, who: str, *, rehearsed: bool = False) -> Erased:
    async with transaction(engine) as conn:
        person = await erasure.find(conn, who)
    return await erasure.erase(engine, person, rehearsed=rehearsed, actor=Actor("an operator"))


def named(connection: Connection, pattern: re.Pattern[str]) -> dict[str, list[str]]:
    """Where somebody is named, by table."""
    found = {table: [row for row in rows if pattern.search(row)] for table, rows in everything(connection).items()}
    return {table: rows for table, rows in found.items() if rows}


async def test_nothing_names_them_any_more(engine: AsyncEngine, mirror: Connection) -> None:
    github_id, login = busiest(mirror)
    for statement in (USER, SAID):
        mirror.execute(statement.replace("LOGIN", login).replace("NUMBER", github_id).encode())
    pattern = names(github_id, login)
    assert {"github_comments", "change_events", "audit_logs", "webhook_deliveries", "users", "pr_tracking"} <= named(
        mirror, pattern
    ).keys()
    erased = await erase(engine, login)
    assert named(mirror, pattern) == {}
    assert erased.payloads > 0
    assert {"github_comments", "change_events", "audit_logs", "users"} <= erased.rows.keys()
    assert len(named(mirror, re.compile(re.escape(erased.pseudonym)))) > 4
    (body,) = mirror.execute("SELECT body FROM github_comments WHERE body LIKE '%%-x' LIMIT 1").fetchone() or ()
    assert body.endswith(f"@{login}-x")  # is somebody else
    (act,) = mirror.execute("SELECT entity_name, actor_name FROM audit_logs WHERE action = 'person.erased'").fetchall()
    assert act == (erased.pseudonym, "an operator")
    (log,) = mirror.execute(
        "SELECT actor_name, user_id, ip_address, user_agent, new_values FROM audit_logs WHERE action = 'task.linked'"
    ).fetchall()
    assert log == (erased.pseudonym, None, None, None, {"by": erased.pseudonym})


async def test_nobody_else_is_touched(engine: AsyncEngine, mirror: Connection) -> None:
    github_id, login = busiest(mirror)
    pattern = names(github_id, login)
    before = everything(mirror)
    await erase(engine, login)
    after = everything(mirror)
    for table, rows in before.items():
        assert {row for row in rows if not pattern.search(row)} <= after[table], table


async def test_what_would_be_done_is_counted_and_not_done(engine: AsyncEngine, mirror: Connection) -> None:
    _, login = busiest(mirror)
    before = everything(mirror)
    counted = await erase(engine, login, rehearsed=True)
    assert everything(mirror) == before
    done = await erase(engine, login)
    assert (counted.rows, counted.payloads) == (done.rows, done.payloads)
    again = await erase(engine, login, rehearsed=True)
    assert (again.rows, again.payloads, again.waiting) == ({}, 0, 0)


async def test_a_user_is_gone_with_keys_and_memberships(engine: AsyncEngine, mirror: Connection) -> None:
    github_id, login = busiest(mirror)
    mirror.execute(USER.replace("LOGIN", login).replace("NUMBER", github_id).encode())
    mirror.execute("""
        INSERT INTO organizations (name, slug) VALUES ('Acme', 'acme');
        INSERT INTO organization_members (organization_id, user_id) SELECT o.id, u.id FROM organizations o, users u
        WHERE o.slug = 'acme'""")
    mirror.execute("INSERT INTO api_keys (user_id, name, key_hash) SELECT id, 'k', id::text FROM users")
    erased = await erase(engine, login)
    (user,) = mirror.execute(
        "SELECT name, github_login, github_id, email, deleted_at IS NOT NULL FROM users WHERE name LIKE 'erased-%'"
    ).fetchall()
    assert user == (erased.pseudonym, None, None, f"{erased.pseudonym}@users.noreply.invalid", True)
    for table in ("api_keys", "organization_members"):
        left = f"SELECT count(*) FROM {table} t JOIN users u ON u.id = t.user_id WHERE u.deleted_at IS NOT NULL"
        assert mirror.execute(left.encode()).fetchone() == (0,)


async def test_an_address_or_an_id_names_them_too(engine: AsyncEngine, mirror: Connection) -> None:
    github_id, login = busiest(mirror)
    await erase(engine, github_id)
    assert named(mirror, names(github_id, login)) == {}
    mirror.execute("INSERT INTO users (email, name) VALUES ('mona@acme.example', 'Mona Lisa')")
    erased = await erase(engine, "mona@acme.example")
    assert erased.rows == {"users": 1}
    assert mirror.execute("SELECT count(*) FROM users WHERE email = 'mona@acme.example'").fetchone() == (0,)


async def test_what_waits_keeps_its_payload_and_is_told(engine: AsyncEngine, mirror: Connection) -> None:
    github_id, login = busiest(mirror)
    mirror.execute(
        "UPDATE webhook_deliveries SET status = 'pending', processed_at = NULL WHERE id = (SELECT min(id) FROM "
        "webhook_deliveries WHERE position(convert_to(%s, 'UTF8') IN body) > 0)",
        [f'"{login}"'],
    )
    erased = await erase(engine, login)
    assert erased.waiting == 1
    assert named(mirror, names(github_id, login)).keys() == {"webhook_deliveries"}


async def test_who_owns_what_is_mirrored_is_not_erased(engine: AsyncEngine, mirror: Connection) -> None:
    github_id, login = busiest(mirror)
    mirror.execute("UPDATE github_repositories SET owner_id = %s", [github_id])
    with pytest.raises(Permanent, match="which is mirrored: take the App out of that account"):
        await erase(engine, login)


async def test_a_login_of_two_people_names_neither(engine: AsyncEngine, mirror: Connection) -> None:
    github_id, login = busiest(mirror)
    mirror.execute(
        "UPDATE github_comments SET author_id = '5' "
        "WHERE id = (SELECT id FROM github_comments WHERE author_id = %s ORDER BY id LIMIT 1)",
        [github_id],
    )
    with pytest.raises(Permanent, match="was the login of several people"):
        await erase(engine, login)
    await erase(engine, github_id)
    assert mirror.execute("SELECT author FROM github_comments WHERE author_id = '5'").fetchall() == [(login,)]


async def test_archived_months_of_the_audit_log_are_looked_through(engine: AsyncEngine, mirror: Connection) -> None:
    _, login = busiest(mirror)
    mirror.execute("CREATE SCHEMA archive")
    mirror.execute("CREATE TABLE archive.audit_logs_y2024m01 (LIKE audit_logs)")
    mirror.execute(
        "INSERT INTO archive.audit_logs_y2024m01 (id, action, resource_type, actor_name, created_at, action_category, "
        "actor_type) VALUES (gen_random_uuid(), 'a', 'b', %s, now(), 'data', 'user')",
        [login],
    )
    erased = await erase(engine, login)
    assert mirror.execute("SELECT actor_name FROM archive.audit_logs_y2024m01").fetchall() == [(erased.pseudonym,)]


@pytest.mark.slow
def test_what_is_left_is_verified(connection: Connection, database_url: str) -> None:
    mirrors.at_work(database_url, lambda engine: tell(engine, STORY))
    _, login = busiest(connection)
    mirrors.at_work(database_url, lambda engine: erase(engine, login))
    assert mirrors.verify(database_url).findings == []
