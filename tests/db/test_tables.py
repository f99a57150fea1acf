"""What every table has: comments, indexed foreign keys, and all that the seeds ask for."""

import importlib
import pkgutil
from collections.abc import Iterator

import psycopg
import pytest

import ghsync
from ghsync import schema
from tests import postgres
from tests.db import catalog, seeds

FOREIGN_KEYS_WITHOUT_INDEX = """
    SELECT o.conrelid::regclass || '.' || o.conname
    FROM pg_constraint o
    WHERE o.contype = 'f' AND NOT EXISTS (
        SELECT FROM pg_index x
        WHERE x.indrelid = o.conrelid
          AND x.indpred IS NULL
          AND (x.indkey::int2[])[0:cardinality(o.conkey) - 1] @> o.conkey
    )"""

INDEXES_THAT_ANOTHER_STANDS_FOR = """
    SELECT a.indexrelid::regclass::text, b.indexrelid::regclass::text
    FROM pg_index a
    JOIN pg_index b ON b.indrelid = a.indrelid AND b.indexrelid > a.indexrelid
    WHERE (a.indkey::text, a.indclass::text, a.indoption::text, pg_get_expr(a.indpred, a.indrelid, true),
           pg_get_expr(a.indexprs, a.indrelid, true))
          IS NOT DISTINCT FROM
          (b.indkey::text, b.indclass::text, b.indoption::text, pg_get_expr(b.indpred, b.indrelid, true),
           pg_get_expr(b.indexprs, b.indrelid, true))
      AND a.indimmediate = b.indimmediate  -- a deferrable key proves nothing to the planner
      AND a.indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)"""


@pytest.fixture(scope="module")
def url(server_url: str, template: str) -> Iterator[str]:
    """One migrated database for all: these tests only read."""
    with postgres.database(server_url, template=template) as url:
        yield url


@pytest.fixture(scope="module")
def connection(url: str) -> Iterator[psycopg.Connection]:
    """A connection to it."""
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def test_every_table_column_and_function_has_a_comment(url: str) -> None:
    commented = ("relation", "column", "function")
    facts = {name: facts for name, facts in catalog.read(url).items() if name.startswith(commented)}
    assert [name for name, (kind, *_, comment) in facts.items() if not comment and kind != "S"] == []


def test_alembics_table_has_comments_too(connection: psycopg.Connection) -> None:
    comments = "SELECT obj_description('alembic_version'::regclass), col_description('alembic_version'::regclass, 1)"
    assert None not in (connection.execute(comments).fetchone() or [None])


def test_every_foreign_key_has_an_index(connection: psycopg.Connection) -> None:
    assert connection.execute(FOREIGN_KEYS_WITHOUT_INDEX).fetchall() == []


def test_every_generated_column_is_stored(connection: psycopg.Connection) -> None:
    # PostgreSQL 15 to 17 have no others, and 18 makes others where nothing is said.
    others = "SELECT attrelid::regclass || '.' || attname FROM pg_attribute WHERE attgenerated NOT IN ('', 's')"
    assert connection.execute(others).fetchall() == []


def test_no_index_is_there_twice(connection: psycopg.Connection) -> None:
    assert connection.execute(INDEXES_THAT_ANOTHER_STANDS_FOR).fetchall() == []


def test_the_declared_schema_is_complete() -> None:
    known = set(schema.metadata.tables)
    for module in pkgutil.walk_packages(ghsync.__path__, "ghsync."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    assert set(schema.metadata.tables) == known


@pytest.mark.parametrize("table", seeds.COLUMNS)
def test_a_seed_table_has_the_seeds_columns(connection: psycopg.Connection, table: str) -> None:
    actual = {column.split()[0]: column for column in seeds.described(connection, table)}
    expected = {column.split()[0]: column for column in seeds.COLUMNS[table]}
    assert {name: actual.get(name) for name in expected} == expected


@pytest.mark.parametrize("index", seeds.INDEXES)
def test_a_seed_index_is_there(connection: psycopg.Connection, index: str) -> None:
    name, _, definition = index.partition(" ")
    found = connection.execute("SELECT indexdef FROM pg_indexes WHERE indexname = %s", [name]).fetchone()
    assert found is not None
    assert definition in found[0]
