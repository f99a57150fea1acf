"""`db/README.md` says what is."""

import re
import runpy
from pathlib import Path

import psycopg
import pytest

from ghsync import schema
from ghsync.mirror.noun import mirror_columns
from tests.db import seeds

DB = Path(__file__).parents[2] / "db"
README = (DB / "README.md").read_text()
ADDITION = re.compile(r"^\| `(?P<table>\w+)` \| (?P<columns>`\w+`(?:, `\w+`)*) \|", re.MULTILINE)

NEW_TABLES = re.compile(r"### Tables that no seed has\n(.*?)\n## ", re.DOTALL)
NEW_TABLE = re.compile(r"^\| `(\w+)` \| \S.* \|$", re.MULTILINE)


def added(table: str) -> set[str]:
    """The columns that the README says were added to a seed's table."""
    lists = [match["columns"] for match in ADDITION.finditer(README) if match["table"] == table]
    return {name.strip("`") for names in lists for name in names.split(", ")}


def test_the_generated_parts_are_as_the_schema_is(connection: psycopg.Connection) -> None:
    assert runpy.run_path(str(DB / "contract.py"))["written_into"](README, connection) == README, "run `make fix`"


@pytest.mark.parametrize("table", seeds.COLUMNS)
def test_every_addition_to_a_seed_is_listed_with_its_reason(table: str) -> None:
    declared = set(schema.metadata.tables[table].columns.keys())
    of_the_seed = {column.split()[0] for column in seeds.COLUMNS[table]}
    of_every_mirrored_row = {column.name for column in mirror_columns() if hasattr(column, "server_default")}
    assert declared - of_the_seed - added(table) <= of_every_mirrored_row
    assert added(table) <= declared - of_the_seed


def test_every_table_that_no_seed_has_is_listed_with_its_reason() -> None:
    (section,) = NEW_TABLES.findall(README)
    assert NEW_TABLE.findall(section) == sorted(schema.metadata.tables.keys() - seeds.COLUMNS.keys())
