"""The shadow: a second, empty mirror in a schema of its own, for as long as a verification takes.

Whoever works in it has its schema alone in the search path, so that no statement of the gate reaches the live mirror.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import database, locks, migrate
from ghsync.errors import NotConfigured, UnderWay
from ghsync.sessions import connection_arguments

SCHEMA = "ghsync_shadow"

_INBOX = "SELECT relid::text FROM pg_partition_tree(%s) WHERE isleaf"


@contextmanager
def standing(url: str) -> Iterator[None]:
    """The schema, with every table and no row, until the block ends, however it does.

    What a killed process left behind is dropped first. Raises `UnderWay` where another process has one standing.
    """
    with psycopg.connect(url, autocommit=True, **connection_arguments(url)) as connection:
        if not _locked(connection):
            raise UnderWay("The mirror is being verified already: one verification at a time has to do.")
        _create(connection)
        try:
            migrate.upgrade(url, search_path=SCHEMA)
            for (partition,) in connection.execute(_INBOX, [f"{SCHEMA}.webhook_deliveries"]).fetchall():
                connection.execute(f"ALTER TABLE {partition} SET UNLOGGED".encode())
            yield
        finally:
            _drop(connection)


def create_engine(url: str) -> AsyncEngine:
    """An engine whose sessions see the shadow and nothing else; nothing they write has to survive a crash."""
    return database.create_engine(url, search_path=SCHEMA, synchronous_commit="off")


def _locked(connection: psycopg.Connection) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", [locks.SHADOW]).fetchone()
    return bool(row and row[0])


def _create(connection: psycopg.Connection) -> None:
    try:
        _drop(connection)
        connection.execute(f"CREATE SCHEMA {SCHEMA}".encode())
    except psycopg.errors.InsufficientPrivilege as error:
        raise NotConfigured(
            "A verification makes a schema for itself, which this role may not: run it as the owner of the tables, "
            "with CREATE on the database, as `ghsync grants` prints it."
        ) from error


def _drop(connection: psycopg.Connection) -> None:
    connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE".encode())
