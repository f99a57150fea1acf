"""The list of nouns: all are on it, and have the tests of every noun; what no payload tells is none of the core's."""

import importlib
import pkgutil
from dataclasses import replace

import pytest

from ghsync import mirror, schema
from ghsync.mirror import installation, repository
from ghsync.mirror.noun import Noun
from ghsync.mirror.nouns import NOUNS, OF_COMMITS, OF_PULL_REQUESTS
from ghsync.projector.batch import Batch
from tests.mirror.reports import SUBJECTS, Report, Subject, at, hook


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


@pytest.mark.parametrize("subject", SUBJECTS, ids=str)
def test_a_payload_tells_the_whole_core(subject: Subject) -> None:
    """What no payload tells is none of the core's, and has to be said to be something else's."""
    batch = Batch()
    subject.add(batch, Report("x", at(1), hook(1)))
    above = {installation.noun: batch.installations, repository.noun: batch.repositories}
    (row,) = above.get(subject.noun, batch.rows.get(subject.noun, {})).values()

    assert set(subject.noun.core) <= row.keys()


def test_a_name_that_is_no_column_is_refused() -> None:
    with pytest.raises(ValueError, match="webhook_secrt"):
        replace(repository.noun, unmirrored=("webhook_secrt",))


def test_what_speaks_of_a_commit_or_a_pull_request_says_which() -> None:
    assert all("head_sha" in noun.columns for noun in OF_COMMITS)
    assert all(noun.belongs_to in noun.columns for noun in OF_PULL_REQUESTS)
