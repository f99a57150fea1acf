"""Roles as an administrator makes them, from the SQL that `ghsync grants` prints."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
from psycopg import sql

from ghsync import rights
from tests import postgres

OWNER = "SELECT tableowner FROM pg_tables WHERE tablename = 'alembic_version'"


def named(kind: str) -> str:
    """A name that no other test has: roles belong to the whole server."""
    return f"ghsync {kind} {uuid4().hex}"


def grant(url: str, owner: str, service: str, schema: str = "public") -> None:
    """Run the printed SQL."""
    postgres.execute(url, rights.script(owner, service, schema))


@contextmanager
def service(url: str) -> Iterator[str]:
    """The URL of a migrated database for a role that owns nothing, for as long as the block lasts."""
    with psycopg.connect(url) as connection:
        found = connection.execute(OWNER).fetchone()
    assert found
    name = named("service")
    grant(url, found[0], name)
    try:
        yield postgres.as_role(url, name)
    finally:
        forget(url, name)


def forget(url: str, *names: str) -> None:
    """Remove roles one after the other, and all that they own or may do in a database."""
    for name in names:
        role = sql.Identifier(name).as_string()
        postgres.execute(url, f"DROP OWNED BY {role} CASCADE", f"DROP ROLE {role}")
