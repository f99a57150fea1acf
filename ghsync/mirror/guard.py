"""The order guard, as SQL: which report of a column group is newer (promises I4 and I5).

The version of a report is the pair (updated_at, observed_at); GitHub's updated_at has one second, observed_at breaks
its ties. A missing updated_at is older than any. See ARCHITECTURE: Order.
"""

from ghsync.mirror.noun import Group, Noun


def version(row: str, group: Group) -> str:
    """The version of ``group`` in the row named ``row``, as a comparable SQL row."""
    return f"(coalesce({row}.{group.updated_at}, '-infinity'), coalesce({row}.{group.observed_at}, '-infinity'))"


def newer(group: Group, incoming: str = "excluded", stored: str = "t") -> str:
    """True where ``incoming`` reports the group and is not older than ``stored``."""
    test = f"{version(incoming, group)} >= {version(stored, group)}"
    return test if group.name == "core" else f"({incoming}.{group.observed_at} IS NOT NULL AND {test})"


def tombstone(*rows: str) -> str:
    """deleted_at by these rows together: the latest deletion, unless the API saw the thing alive after it."""
    deleted = f"greatest({', '.join(f'{row}.deleted_at' for row in rows)})"
    verified = f"greatest({', '.join(f'{row}.verified_at' for row in rows)})"
    return f"CASE WHEN {deleted} >= coalesce({verified}, '-infinity') THEN {deleted} END"


def concerns(noun: Noun, incoming: str = "excluded", stored: str = "t") -> str:
    """True where the incoming row changes anything of the stored one."""
    reasons = [newer(group, incoming, stored) for group in noun.all_groups]
    reasons.append(f"{stored}.deleted_at IS DISTINCT FROM {tombstone(stored, incoming)}")
    reasons.append(f"{incoming}.verified_at > coalesce({stored}.verified_at, '-infinity')")
    reasons += [f"({stored}.{name} IS NULL AND {incoming}.{name} IS NOT NULL)" for name in noun.sticky]
    reasons += [f"({incoming}.{name} AND NOT {stored}.{name})" for name in noun.final]
    return "\n   OR ".join(reasons)


def unordered(noun: Noun, incoming: str, stored: str) -> str:
    """True where two hook payloads tie on updated_at, differ, and no GUID says which is newer."""
    differs = " OR ".join(f"{incoming}.{name} IS DISTINCT FROM {stored}.{name}" for name in noun.core)
    return (
        f"{incoming}.updated_at IS NOT DISTINCT FROM {stored}.updated_at "
        f"AND 'arrival' IN ({incoming}.observed_by, {stored}.observed_by) "
        f"AND 'api' NOT IN ({incoming}.observed_by, {stored}.observed_by) AND ({differs})"
    )
