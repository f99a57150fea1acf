"""What every table has: comments, indexed foreign keys, and all that the seeds ask for."""

import importlib
import pkgutil
import re
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

# An index is not needed beside another that begins with its columns. The planner, while a table is small, may even
# take it, and read all of a repository for one row.
INDEXES_THAT_ANOTHER_STANDS_FOR = """
    WITH indexes AS (
        SELECT indexrelid AS id, indrelid AS of, indisunique AS key, indimmediate AS immediate,
               pg_get_expr(indpred, indrelid, true) AS condition, ARRAY(
            SELECT (pg_get_indexdef(indexrelid, place, true), indclass[place - 1], indoption[place - 1])::text
            FROM generate_series(1, indnkeyatts) AS place) AS columns
        FROM pg_index JOIN pg_class ON pg_class.oid = indrelid AND relnamespace = 'public'::regnamespace
    )
    SELECT a.id::regclass::text, b.id::regclass::text
    FROM indexes a JOIN indexes b ON b.of = a.of AND b.id <> a.id
    WHERE a.columns = b.columns[:cardinality(a.columns)] AND a.condition IS NOT DISTINCT FROM b.condition
      AND (NOT a.key OR a.columns = b.columns)
      AND b.immediate  -- a deferrable key proves nothing to the planner
      AND a.id::regclass::text <> ALL (%s)"""

PARTITION = re.compile(r"_(default|y\d{4}m\d\d)(\.|$)")


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
    facts = {name: facts[name] for name in facts if not PARTITION.search(name)}  # they are as what they are part of
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


def test_no_index_is_there_twice_but_where_the_seeds_ask_for_it(connection: psycopg.Connection) -> None:
    asked = [index.partition(" ")[0] for index in seeds.INDEXES]
    assert connection.execute(INDEXES_THAT_ANOTHER_STANDS_FOR, [asked]).fetchall() == []


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
