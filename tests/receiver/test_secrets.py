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
