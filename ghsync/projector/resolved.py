"""A batch under our ids: once its repositories are locked and written, all else is known by these alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ghsync.mirror import installation
from ghsync.mirror.keys import GitHubId, RepositoryId
from ghsync.mirror.noun import Noun, Row
from ghsync.projector.batch import REPOSITORY, Batch

Key = tuple[Any, ...]
"""A row's, as it is stored."""

RowKey = tuple[Noun, Key]
"""A row, by its noun and its key."""


@dataclass(frozen=True, slots=True)
class ResolvedBatch:
    """What a batch tells of what lives in ``repositories``: rows by noun and key, and of which not all is settled.

    Of ``unordered`` rows two payloads of the batch tie and differ, of ``incomplete`` ones a part could not be read.
    """

    repositories: frozenset[RepositoryId]
    rows: Mapping[Noun, Mapping[Key, Row]]
    counters: list[Row]
    gone: Mapping[Noun, list[Row]]
    unordered: frozenset[RowKey]
    incomplete: frozenset[RowKey]
    insists: bool

    def of(self, noun: Noun) -> Mapping[Key, Row]:
        """The rows of a noun by their keys."""
        return self.rows.get(noun, {})

    def rows_of(self, noun: Noun) -> list[Row]:
        """The rows of a noun, in the order in which they came."""
        return list(self.of(noun).values())


def resolve(batch: Batch, ids: Mapping[GitHubId, RepositoryId]) -> ResolvedBatch:
    """The batch, when the repositories in it have these ids of ours by GitHub's."""
    return ResolvedBatch(
        frozenset(ids.values()),
        {
            noun: {(ids[key[0]], *key[1:]): _row(row, ids) for key, row in rows.items()}
            for noun, rows in batch.rows.items()
        },
        [_row(row, ids) for row in batch.counters.values()],
        {noun: [_row(row, ids) for row in rows] for noun, rows in batch.gone.items()},
        frozenset(_keys(batch.unordered, ids)),
        frozenset(_keys(batch.incomplete, ids)),
        batch.insists,
    )


def _row(row: Row, ids: Mapping[GitHubId, RepositoryId]) -> Row:
    return {"repository_id": ids[row[REPOSITORY]], **{name: row[name] for name in row if name != REPOSITORY}}


def _keys(keys: Iterable[RowKey], ids: Mapping[GitHubId, RepositoryId]) -> Iterable[RowKey]:
    """The same under our ids; an installation is in no repository."""
    return ((noun, key if noun is installation.noun else (ids[key[0]], *key[1:])) for noun, key in keys)
