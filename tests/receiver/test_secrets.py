"""Secrets: a repository's own is found, remembered for seconds, and a forged claim costs next to nothing."""

import asyncio
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import database
from ghsync.encryption import Encryption
from ghsync.errors import DatabaseUnavailable, NotConfigured
from ghsync.processes import Process
from ghsync.receiver import secrets
from ghsync.receiver.secrets import Candidates, Secrets

pytestmark = pytest.mark.anyio

SHARED = [SecretStr("new"), SecretStr("old"), SecretStr("")]
ENCRYPTION = Encryption([SecretStr(Fernet.generate_key().decode())])

Connection = psycopg.Connection[Any]


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def known(engine: AsyncEngine, clock: Clock) -> Secrets:
    return Secrets(SHARED, engine, ENCRYPTION, clock=clock)


@pytest.fixture
def lookups(engine: AsyncEngine) -> Iterator[list[str]]:
    """The statements that were sent."""
    sent: list[str] = []
    sa.event.listen(engine.sync_engine, "before_cursor_execute", lambda *args: sent.append(args[2]))
    return sent


def add_repository(connection: Connection, github_id: str, webhook_secret: str | None) -> None:
    connection.execute(
        """
        WITH organization AS (
            INSERT INTO organizations (name, slug) VALUES (%(id)s, %(id)s) RETURNING id
        ), project AS (
            INSERT INTO projects (organization_id, name, slug) SELECT id, %(id)s, %(id)s FROM organization RETURNING id
        )
        INSERT INTO github_repositories (
            project_id, github_id, owner, name, full_name, tracked_name, webhook_secret,
            observed_at, observed_by, sync_source
        )
        SELECT id, %(id)s, 'octocat', %(id)s, 'octocat/' || %(id)s, 'octocat/' || %(id)s, %(secret)s,
            now(), 'api', 'backfill'
        FROM project
        """,
        {"id": github_id, "secret": webhook_secret},
    )


@pytest.mark.slow
async def test_an_app_s_hook_has_the_shared_secrets_and_no_lookup(known: Secrets, lookups: list[str]) -> None:
    assert await known.candidates("integration:1") == Candidates((b"new", b"old"))
    assert lookups == []


async def test_a_repository_s_own_secret_is_tried_first(known: Secrets, connection: Connection) -> None:
    add_repository(connection, "1296269", ENCRYPTION.encrypt("its own"))
    assert await known.candidates("repository:1296269") == Candidates((b"its own", b"new", b"old"))


@pytest.mark.parametrize("stored", [None, "", ENCRYPTION.encrypt("")], ids=["none", "empty", "nothing, encrypted"])
async def test_an_empty_secret_is_no_secret(known: Secrets, connection: Connection, stored: str | None) -> None:
    add_repository(connection, "1296269", stored)
    assert await known.candidates("repository:1296269") == Candidates((b"new", b"old"))


@pytest.mark.parametrize("forged", ["abc", "", "1'", "\N{SUPERSCRIPT TWO}"])
async def test_an_id_that_is_none_is_not_looked_up(known: Secrets, lookups: list[str], forged: str) -> None:
    assert await known.candidates(f"repository:{forged}") == Candidates((b"new", b"old"))
    assert lookups == []


async def test_a_forged_id_is_looked_up_once(known: Secrets, lookups: list[str]) -> None:
    await asyncio.gather(*(known.candidates("repository:404") for _ in range(50)))
    assert lookups.count("".join(lookups[-1:])) == 1


async def test_a_new_secret_is_found_when_the_old_one_is_forgotten(
    known: Secrets, connection: Connection, clock: Clock
) -> None:
    await known.candidates("repository:1296269")
    add_repository(connection, "1296269", ENCRYPTION.encrypt("its own"))
    assert await known.candidates("repository:1296269") == Candidates((b"new", b"old"))
    clock.now += secrets.REMEMBERED_SECONDS
    assert await known.candidates("repository:1296269") == Candidates((b"its own", b"new", b"old"))


async def test_the_memory_is_bounded(known: Secrets, monkeypatch: pytest.MonkeyPatch, lookups: list[str]) -> None:
    monkeypatch.setattr(secrets, "REMEMBERED_REPOSITORIES", 2)
    for github_id in (1, 2, 3, 3, 2, 1):
        await known.candidates(f"repository:{github_id}")
    assert len([statement for statement in lookups if "webhook_secret" in statement]) == 4


async def test_a_database_that_is_down_leaves_the_shared_secrets_and_a_doubt() -> None:
    engine = database.create_engine("postgresql://127.0.0.1:1/nowhere")
    found = await Secrets(SHARED, engine, ENCRYPTION).candidates("repository:1296269")
    assert found.secrets == (b"new", b"old")
    assert isinstance(found.unknown, DatabaseUnavailable)


async def test_a_secret_that_cannot_be_decrypted_leaves_a_doubt(engine: AsyncEngine, connection: Connection) -> None:
    add_repository(connection, "1296269", ENCRYPTION.encrypt("its own"))
    found = await Secrets(SHARED, engine, Encryption([])).candidates("repository:1296269")
    assert found.secrets == (b"new", b"old")
    assert isinstance(found.unknown, NotConfigured)


def add_secret(connection: Connection, hook_target: str, secret: str, accepted_for: str | None = None) -> None:
    connection.execute(
        "INSERT INTO sync_secrets (hook_target, secret, proved_at, accepted_until)"
        " VALUES (%s, %s, now(), now() + %s::interval)",
        (hook_target, ENCRYPTION.encrypt(secret), accepted_for),
    )


@pytest.fixture
def of_apps(connection: Connection) -> None:
    """An App's secret, with one that it replaced and one that is over; and another App's."""
    add_secret(connection, "integration:1", "over", "-1 second")
    add_secret(connection, "integration:1", "replaced", "1 hour")
    add_secret(connection, "integration:1", "the app's")
    add_secret(connection, "integration:2", "another's")


async def test_an_app_s_secrets_in_the_database_count_beside_the_shared_ones(
    known: Secrets, of_apps: None, lookups: list[str]
) -> None:
    await known.begin()
    lookups.clear()
    assert await known.candidates("integration:1") == Candidates((b"the app's", b"replaced", b"new", b"old"))
    assert await known.candidates("integration:3") == Candidates((b"new", b"old"))
    assert lookups == []


@pytest.mark.parametrize("target", ["unnamed", "hook:7"])
async def test_what_names_no_app_may_be_signed_with_any_app_s(known: Secrets, of_apps: None, target: str) -> None:
    await known.begin()
    found = await known.candidates(target)
    assert sorted(found.secrets) == [b"another's", b"new", b"old", b"replaced", b"the app's"]


async def test_what_was_read_last_counts_while_the_database_is_away(
    engine: AsyncEngine, of_apps: None, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Secrets(SHARED, engine, ENCRYPTION, clock=clock)
    await known.begin()
    monkeypatch.setattr(known, "_engine", database.create_engine("postgresql://127.0.0.1:1/nowhere"))
    await known._read()
    assert (await known.candidates("integration:2")).unknown is None
    clock.now += secrets.DOUBTED_SECONDS + 1
    found = await known.candidates("integration:2")
    assert found.secrets == (b"another's", b"new", b"old")
    assert isinstance(found.unknown, DatabaseUnavailable)


async def test_an_app_s_secret_that_cannot_be_decrypted_leaves_a_doubt(engine: AsyncEngine, of_apps: None) -> None:
    known = Secrets(SHARED, engine, Encryption([]))
    await known.begin()
    found = await known.candidates("integration:1")
    assert found.secrets == (b"new", b"old")
    assert isinstance(found.unknown, NotConfigured)


async def test_a_process_that_accepts_them_says_so_and_one_that_cannot_does_not(
    engine: AsyncEngine, connection: Connection
) -> None:
    able, unable = Process("serve"), Process("serve")
    add_secret(connection, "integration:1", "the app's")
    await Secrets(SHARED, engine, ENCRYPTION, process=able).begin()
    await Secrets(SHARED, engine, Encryption([]), process=unable).begin()
    told = dict(connection.execute("SELECT id::text, secrets_read_at IS NOT NULL FROM sync_processes").fetchall())
    assert told == {able.id: True, unable.id: False}


async def test_what_a_repository_s_own_secret_replaced_counts_for_a_while(
    known: Secrets, connection: Connection, clock: Clock
) -> None:
    add_repository(connection, "1296269", ENCRYPTION.encrypt("its own"))
    add_secret(connection, "repository:1296269", "replaced", "1 hour")
    add_secret(connection, "repository:1296269", "over", "-1 second")
    assert await known.candidates("repository:1296269") == Candidates((b"its own", b"replaced", b"new", b"old"))
