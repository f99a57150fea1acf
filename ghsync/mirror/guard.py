"""The order guard, as SQL: which report of a column group is newer (promises I4 and I5).

The version of a report is the pair (updated_at, observed_at); GitHub's updated_at has one second, observed_at breaks
its ties. A missing updated_at is older than any, or for some nouns the second of the observation. See ARCHITECTURE:
Order.
"""

from ghsync.mirror.noun import BOOKKEEPING, Group, Noun

CONFIRMED_FOR = "1 hour"
"""How long a row counts as confirmed by the API before it is worth a write to say so again."""

CLOCKS_AGREE_WITHIN = "1 minute"
"""How far GitHub's clock, which sets updated_at, and ours, which times API answers, may be apart."""


def version(row: str, group: Group) -> str:
    """The version of ``group`` in the row named ``row``, as a comparable SQL row."""
    undated = f"date_trunc('second', {row}.{group.observed_at}), " if group.undated == "as_asked" else ""
    return (
        f"(coalesce({row}.{group.updated_at}, {undated}'-infinity'), coalesce({row}.{group.observed_at}, '-infinity'))"
    )


def newer(group: Group, incoming: str = "excluded", stored: str = "t") -> str:
    """True where ``incoming`` reports the group and is not older than ``stored``.

    An answer of the API that dates the thing is newer than an earlier one that could not, and was as new as its
    question.
    """
    test = f"{version(incoming, group)} >= {version(stored, group)}"
    if group.undated == "as_asked":
        test = f"({test} OR ({_dates(group, incoming, stored)}))"
    return test if group.name == "core" else f"({incoming}.{group.observed_at} IS NOT NULL AND {test})"


def _dates(group: Group, incoming: str, stored: str) -> str:
    """True where the API speaks of a row to which it gave no time, later than it did so."""
    return (
        f"{stored}.{group.updated_at} IS NULL AND 'api' = ALL (ARRAY[{incoming}.observed_by, {stored}.observed_by]) "
        f"AND {incoming}.{group.observed_at} >= {stored}.{group.observed_at}"
    )


def tombstone(*rows: str) -> str:
    """deleted_at by these rows together: the latest deletion, unless the API saw the thing alive after it."""
    deleted = f"greatest({', '.join(f'{row}.deleted_at' for row in rows)})"
    verified = f"greatest({', '.join(f'{row}.verified_at' for row in rows)})"
    return f"CASE WHEN {deleted} >= coalesce({verified}, '-infinity') THEN {deleted} END"


def buries(incoming: str, stored: str) -> str:
    """True where ``incoming`` was seen to be gone, and the API has not seen it alive since."""
    return f"{stored}.deleted_at IS NULL AND {incoming}.deleted_at >= coalesce({stored}.verified_at, '-infinity')"


def concerns(noun: Noun, incoming: str = "excluded", stored: str = "t") -> str:
    """True where the incoming row changes anything of the stored one, or confirms it for the first time in a while."""
    confirmed = _confirmed(incoming, stored)
    reasons = [
        f"({newer(group, incoming, stored)} AND NOT ({confirmed} AND {_same(group, incoming, stored)}))"
        for group in noun.all_groups
    ]
    reasons.append(f"{stored}.deleted_at IS DISTINCT FROM {tombstone(stored, incoming)}")
    reasons.append(f"{incoming}.verified_at > coalesce({stored}.verified_at + interval '{CONFIRMED_FOR}', '-infinity')")
    reasons += [f"({stored}.{name} IS NULL AND {incoming}.{name} IS NOT NULL)" for name in noun.sticky]
    reasons += [f"({incoming}.{name} AND NOT {stored}.{name})" for name in noun.final]
    return "\n   OR ".join(reasons)


def _confirmed(incoming: str, stored: str) -> str:
    """True where the API speaks of a row that it has confirmed before, later than the row's last second could change.

    Then the stored version cannot be taken by another payload of that second, and need not be moved on (I9).
    """
    return (
        f"'api' = ALL (ARRAY[{incoming}.observed_by, {stored}.observed_by]) "
        f"AND {stored}.observed_at > coalesce({stored}.updated_at + interval '{CLOCKS_AGREE_WITHIN}', '-infinity')"
    )


def _same(group: Group, incoming: str, stored: str) -> str:
    names = [name for name in group.columns if name not in BOOKKEEPING]
    rows = (", ".join(f"{row}.{name}" for name in names) for row in (incoming, stored))
    return "ROW({}) IS NOT DISTINCT FROM ROW({})".format(*rows)


def unordered(noun: Noun, incoming: str, stored: str) -> str:
    """True where two hook payloads tie on updated_at, differ, and no GUID says which is newer."""
    differs = " OR ".join(f"{incoming}.{name} IS DISTINCT FROM {stored}.{name}" for name in noun.core)
    return (
        f"{incoming}.updated_at IS NOT DISTINCT FROM {stored}.updated_at "
        f"AND 'arrival' IN ({incoming}.observed_by, {stored}.observed_by) "
        f"AND 'api' NOT IN ({incoming}.observed_by, {stored}.observed_by) AND ({differs})"
    )
