"""Which rights are needed is told by name, granted by the printed SQL, and found missing one by one."""

from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from ghsync import migrate, rights
from ghsync.errors import DatabaseRefused
from ghsync.rights import MAINTAIN, Right
from tests import postgres, roles

# Functions of triggers are called by PostgreSQL, which asks nobody for a right; nor does it for a partition.
THINGS = """
SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, oid::regclass::text
FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S')
  AND NOT relispartition
UNION ALL
SELECT 'FUNCTION', replace(oid::regprocedure::text, ',', ', ') FROM pg_proc
WHERE pronamespace = 'public'::regnamespace AND prorettype <> 'trigger'::regtype
"""
NEEDED = [Right(right.kind, right.name, (each,)) for right in rights.needed() for each in right.privileges]
KNOWN = {False: [right for right in NEEDED if right.privileges != (MAINTAIN,)], True: NEEDED}
"""What a server knows, by whether it is a PostgreSQL 17 or newer."""


@pytest.fixture(scope="module")
def url(server_url: str, template: str) -> Iterator[str]:
    """One migrated database for all: what these tests revoke they roll back."""
    with postgres.database(server_url, template=template) as url:
        yield url


@pytest.fixture(scope="module")
def service_url(url: str) -> Iterator[str]:
    """The same for a role that owns nothing."""
    with roles.service(url) as service_url:
        yield service_url


@pytest.fixture(scope="module")
def service(service_url: str) -> str:
    """Its name."""
    with psycopg.connect(service_url) as connection:
        return connection.info.user


@pytest.fixture(scope="module")
def administrator(url: str) -> Iterator[sa.Connection]:
    """A superuser's connection."""
    engine = migrate.engine(url)
    with engine.connect() as connection:
        yield connection


@pytest.fixture
def transaction(administrator: sa.Connection) -> Iterator[sa.Connection]:
    """Its transaction, which is rolled back."""
    with administrator.begin() as transaction:
        yield administrator
        transaction.rollback()


def test_every_table_view_sequence_and_function_is_named(url: str) -> None:
    with psycopg.connect(url) as connection:
        there = {(kind, name.replace("timestamp with time zone", "timestamptz")) for kind, name in
                 connection.execute(THINGS)}  # fmt: skip
    assert {(right.kind, right.name) for right in rights.needed()} == there


def test_a_role_from_the_printed_sql_lacks_nothing_and_owns_nothing(service_url: str) -> None:
    with migrate.engine(service_url).connect() as connection:
        lack = rights.lacking(connection)
    assert lack
    assert (lack.rights, lack.tables.owned) == ([], False)
    rights.check(service_url)


@pytest.mark.parametrize("right", NEEDED, ids=str)
def test_each_right_that_is_missing_is_told_by_name(transaction: sa.Connection, service: str, right: Right) -> None:
    revoke(transaction, right, service)
    lack = as_role(transaction, service)

    assert lack.rights == [right] if right in known(transaction) else not lack.rights
    assert lack.to_work == [one for one in lack.rights if one.privileges != (MAINTAIN,)]
    if lack.rights:
        assert lack.sentence.startswith(f'The role "{service}" lacks {right}: let an administrator run the SQL that `')


def test_all_that_is_missing_is_told_at_once_and_of_much_how_much(transaction: sa.Connection, service: str) -> None:
    for right in NEEDED:
        if right in known(transaction):
            revoke(transaction, right, service)
    run(transaction, "REVOKE USAGE ON SCHEMA public FROM PUBLIC, {}", service)
    lack = as_role(transaction, service)

    wanted = [right for right in rights.needed() if right.privileges != (MAINTAIN,)]
    assert [(right.kind, right.name) for right in lack.to_work] == [
        ("SCHEMA", "public"), *((right.kind, right.name) for right in wanted)
    ]  # fmt: skip
    assert "lacks USAGE on schema public; SELECT on alembic_version; " in lack.sentence
    assert f"; and {len(lack.rights) - 5} more: let" in lack.sentence


def test_the_command_that_mends_it_names_both_roles_and_the_schema(transaction: sa.Connection, service: str) -> None:
    revoke(transaction, Right("TABLE", "tasks", ("DELETE",)), service)
    run(transaction, "ALTER SCHEMA public RENAME TO {}", "the mirror")
    run(transaction, "SET LOCAL search_path = {}", "the mirror")
    lack = as_role(transaction, service)

    assert lack.sentence.endswith(
        f"`ghsync grants --owner {lack.tables.owner} --service '{service}' --schema 'the mirror'` prints."
    )


def test_a_database_without_tables_has_none_to_ask_for(empty_database_url: str) -> None:
    with migrate.engine(empty_database_url).connect() as connection:
        assert rights.lacking(connection) is None
    rights.check(empty_database_url)


def test_what_serve_and_work_lack_is_an_error_of_one_sentence(url: str, service_url: str, service: str) -> None:
    name = sql.Identifier(service).as_string()
    postgres.execute(url, f"REVOKE INSERT ON pr_tracking FROM {name}")
    with pytest.raises(DatabaseRefused, match=r"lacks INSERT on pr_tracking: let"):
        rights.check(service_url)
    postgres.execute(url, f"GRANT INSERT ON pr_tracking TO {name}")
    rights.check(service_url)


def revoke(connection: sa.Connection, right: Right, role: str) -> None:
    """Take a right away, from everybody where everybody has it."""
    if right in known(connection):
        run(connection, f"REVOKE {', '.join(right.privileges)} ON {right.kind} {right.name} FROM PUBLIC, {{}}", role)


def known(connection: sa.Connection) -> list[Right]:
    """The rights that this server knows."""
    return KNOWN[bool(connection.scalar(sa.text("SELECT current_setting('server_version_num')::int >= 170000")))]


def as_role(connection: sa.Connection, role: str) -> rights.MissingRight:
    """What a role lacks, asked by itself."""
    run(connection, "SET LOCAL ROLE {}", role)
    lack = rights.lacking(connection)
    assert lack
    return lack


def run(connection: sa.Connection, statement: str, name: str) -> None:
    connection.exec_driver_sql(sql.SQL(statement).format(sql.Identifier(name)).as_string())
