"""The list of nouns: all are on it, all have the tests of every noun, and every column of a table is spoken of."""

import importlib
import pkgutil

import pytest

from ghsync import mirror, schema
from ghsync.mirror.noun import Noun
from ghsync.mirror.nouns import NOUNS, OF_COMMITS, OF_PULL_REQUESTS
from tests.mirror.reports import SUBJECTS

UNWRITTEN = {"id", "synced_at"}  # PostgreSQL's own


def test_every_noun_that_a_module_declares_is_listed() -> None:
    modules = [
        importlib.import_module(f"ghsync.mirror.{found.name}") for found in pkgutil.iter_modules(mirror.__path__)
    ]
    declared = {value for module in modules for value in vars(module).values() if isinstance(value, Noun)}

    assert declared == set(NOUNS)
    assert len({noun.word for noun in NOUNS}) == len(NOUNS)
    assert {noun.name for noun in NOUNS} <= set(schema.MIRRORED)


def test_every_noun_has_the_tests_that_all_have() -> None:
    assert {subject.noun for subject in SUBJECTS} == set(NOUNS)


@pytest.mark.parametrize("noun", NOUNS, ids=str)
def test_no_column_of_a_table_is_forgotten(noun: Noun) -> None:
    spoken_of = {*noun.columns, *noun.generated, *noun.posthumous, *noun.unmirrored}

    assert set(noun.table.c.keys()) - spoken_of == UNWRITTEN


def test_what_speaks_of_a_commit_or_a_pull_request_says_which() -> None:
    assert all("head_sha" in noun.columns for noun in OF_COMMITS)
    assert all(noun.belongs_to in noun.columns for noun in OF_PULL_REQUESTS)
