"""Databases for tests: a server, and copies of a migrated template."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest

from ghsync import embedded

MEMORY = Path("/dev/shm")  # noqa: S108 (the directory made in it is private)
MEMORY_BYTES = 2 * 1024**3

# What autovacuum analyzes is planned anew by every connection, and such a copy is no use to the next test.
CARELESS = {"fsync": "off", "full_page_writes": "off", "max_wal_size": "4GB", "autovacuum": "off"}


@contextmanager
def server() -> Iterator[str]:
    """The server that GHSYNC_TEST_DATABASE_URL names, else an embedded one that may lose everything."""
    given = os.environ.get("GHSYNC_TEST_DATABASE_URL")
    if given:
        yield given
        return
    with (
        tempfile.TemporaryDirectory(prefix="ghsync-tests-", dir=_memory()) as directory,
        embedded.running(Path(directory)) as url,
    ):
        settings = (f"ALTER SYSTEM SET {name} = '{value}'" for name, value in CARELESS.items())
        execute(url, *settings, "SELECT pg_reload_conf()")
        yield url


def _memory() -> Path | None:
    """A directory in memory, where a database is copied in 20 ms and not in 200, if there is one with room."""
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_BYTES
    return MEMORY if roomy else None


@contextmanager
def database(server_url: str, *, template: str = "template0") -> Iterator[str]:
    """A new database for as long as the block lasts; ``template`` names the one it is a copy of."""
    url = create(server_url, template)
    try:
        yield url
    finally:
        drop(url, server_url)


def create(server_url: str, template: str) -> str:
    """Make a copy of another database; answers its URL."""
    name = f"ghsync_test_{uuid4().hex}"
    execute(server_url, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    return named(server_url, name)


def drop(url: str, server_url: str) -> None:
    """Remove a database, whoever is connected to it."""
    execute(server_url, f"DROP DATABASE {name_of(url)} WITH (FORCE)")


def named(url: str, name: str) -> str:
    """The URL of another database of the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def name_of(url: str) -> str:
    """The database's name in a URL."""
    return urlsplit(url).path.removeprefix("/")


def with_options(url: str, **settings: str) -> str:
    """The same URL with options that set these in each session."""
    parts = urlsplit(url)
    options = quote(" ".join(f"-c {name}={value}" for name, value in settings.items()))
    return urlunsplit(parts._replace(query="&".join(filter(None, [parts.query, f"options={options}"]))))


def as_role(url: str, role: str) -> str:
    """The URL of the same database for another role."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{quote(role)}@{parts.netloc.rpartition('@')[2]}"))


def execute(url: str, *statements: str) -> None:
    """Run statements, each in a transaction of its own."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def heard(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The statements that `ghsync.database.fetch` sends from now on."""
    sent: list[bytes] = []
    execute = psycopg.AsyncRawCursor.execute

    async def hear(self: Any, sql: bytes, *arguments: Any, **options: Any) -> Any:
        sent.append(sql)
        return await execute(self, sql, *arguments, **options)

    monkeypatch.setattr(psycopg.AsyncRawCursor, "execute", hear)
    return sent
