"""The order guard, as SQL: which report of a column group is taken (promises I4, I5 and I11).

The version of a report is the pair (updated_at, observed_at); GitHub's updated_at has one second, observed_at breaks
its ties. A missing updated_at is older than any, or for some nouns the second of the observation; one that cannot be
is the second of the observation too. Versions order hooks. The API was asked at a moment that we know, and so in the
end it is right whatever the row says of itself. See ARCHITECTURE: Order.
"""

from collections.abc import Iterable

from ghsync.mirror.noun import BOOKKEEPING, CLOCKS_DIFFER_BY, TOLD_WITHIN, Group, Noun

CONFIRMED_FOR = "1 hour"
"""How long a row counts as confirmed by the API before it is worth a write to say so again."""

CLOCKS_AGREE_WITHIN = "1 minute"
"""How far GitHub's clock, which sets updated_at, and ours, which times API answers, may be apart."""

REPLICAS_LAG = "1 minute"
"""For how long after a change the API may still answer what was before it: that answer is not taken."""

ANSWERS_LAST = "1 hour"
"""For how long an answer may be on its way into the mirror. What a row says was observed later than that after the
question cannot have been, nor what is to be observed yet."""


def last_moment(asked_at: str) -> str:
    """The last moment, in SQL, at which anything can have been observed when an answer to a question is written."""
    apart = f"interval '{CLOCKS_DIFFER_BY}'"
    return f"least({asked_at} + interval '{ANSWERS_LAST}', greatest({asked_at}, now()) + {apart})"


def version(row: str, group: Group) -> str:
    """The version of ``group`` in the row named ``row``, as a comparable SQL row."""
    changed_at, observed_at = f"{row}.{group.updated_at}", f"{row}.{group.observed_at}"
    if not group.dated:
        return f"('-infinity'::timestamptz, coalesce({observed_at}, '-infinity'))"
    second = f"date_trunc('second', {observed_at})"
    undated = f"{second}, " if group.undated == "as_asked" else ""
    # Where nothing was observed, the comparison is null: then the time stands.
    possible = f"CASE WHEN {impossible(row, group)} THEN {second} ELSE {changed_at} END"
    return f"(coalesce({possible}, {undated}'-infinity'), coalesce({observed_at}, '-infinity'))"


def impossible(row: str, group: Group) -> str:
    """True where a row says that it was changed when GitHub's clock cannot have been there yet."""
    apart = f"interval '{CLOCKS_DIFFER_BY.total_seconds():.0f} seconds'"
    return f"{row}.{group.updated_at} > {row}.{group.observed_at} + {apart}"


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


def overrules(group: Group, incoming: str = "excluded", stored: str = "t", *, insists: bool = False) -> str:
    """True where the API was asked so much later than the row was observed that no replica can have lagged (I11).

    An answer that ``insists`` overrules whatever was observed before the question. A row that claims to be observed
    long after it says what cannot be, and is overruled too.
    """
    return f"({incoming}.observed_by = 'api' AND {asked_after(group, incoming, stored, insists=insists)})"


def asked_after(group: Group, incoming: str, stored: str, *, insists: bool = False) -> str:
    """The same of an ``incoming`` row that is known to be the API's."""
    asked_at, observed_at = f"{incoming}.{group.observed_at}", f"{stored}.{group.observed_at}"
    after = observed_at if insists else f"{observed_at} + interval '{REPLICAS_LAG}'"
    long_after = f"{observed_at} > {last_moment(asked_at)}"
    return f"coalesce({asked_at} > {after} OR {long_after}, {asked_at} IS NOT NULL)"


def taken(group: Group, incoming: str = "excluded", stored: str = "t", *, insists: bool = False) -> str:
    """True where the row becomes what ``incoming`` reports of the group."""
    return f"({newer(group, incoming, stored)} OR {overrules(group, incoming, stored, insists=insists)})"


def tombstone(*rows: str, alive: Iterable[str] = ("verified_at",)) -> str:
    """deleted_at by these rows together: the latest deletion, unless the thing was seen ``alive`` after it."""
    deleted = f"greatest({', '.join(f'{row}.deleted_at' for row in rows)})"
    return f"CASE WHEN {deleted} >= {_seen(rows, alive)} THEN {deleted} END"


def lifted(noun: Noun, incoming: str = "excluded", stored: str = "t") -> str:
    """deleted_at of the stored row after ``incoming``; a deletion long after the API was asked cannot have been."""
    alone, both = tombstone(incoming, alive=noun.alive), tombstone(stored, incoming, alive=noun.alive)
    ahead = f"{stored}.deleted_at > {last_moment(f'{incoming}.verified_at')}"
    return f"CASE WHEN {ahead} THEN {alone} ELSE {both} END"


def _seen(rows: Iterable[str], alive: Iterable[str]) -> str:
    times = ", ".join(f"{row}.{name}" for row in rows for name in alive)
    return f"coalesce(greatest({times}), '-infinity')"


def confirmed_at(incoming: str = "excluded", stored: str = "t") -> str:
    """verified_at of the stored row after ``incoming``; it was not confirmed long after the API was asked."""
    return (
        f"CASE WHEN {_confirmed_ahead(incoming, stored)} THEN {incoming}.verified_at "
        f"ELSE greatest({stored}.verified_at, {incoming}.verified_at) END"
    )


def _confirmed_ahead(incoming: str, stored: str) -> str:
    return f"{stored}.verified_at > {last_moment(f'{incoming}.verified_at')}"


def buries(noun: Noun, incoming: str, stored: str) -> str:
    """True where the API has found ``incoming`` gone, and nobody has seen it alive since."""
    seen_at, gone_at = _seen((stored,), noun.alive), f"{incoming}.deleted_at"
    ahead = last_moment(gone_at)
    return (
        f"({stored}.deleted_at IS NULL OR {stored}.deleted_at > {ahead}) "
        f"AND ({gone_at} >= {seen_at} OR {seen_at} > {ahead})"
    )


def latest(name: str, incoming: str = "excluded", stored: str = "t") -> str:
    """The later of two times; one that lies long after a question to the API is not believed."""
    ahead = f"{stored}.{name} > {last_moment(f'{incoming}.observed_at')}"
    return (
        f"CASE WHEN {incoming}.observed_by = 'api' AND {ahead} THEN {incoming}.{name} "
        f"ELSE greatest({stored}.{name}, {incoming}.{name}) END"
    )


def final(noun: Noun, name: str, incoming: str = "excluded", stored: str = "t", *, insists: bool = False) -> str:
    """What a boolean becomes that stays true: unless the API overrules it, or the one that it is bound to is false."""
    if name in noun.bound:
        flag = final(noun, noun.bound[name], incoming, stored, insists=insists)
        return f"({flag} AND ({incoming}.{name} OR coalesce({stored}.{name}, false)))"
    overruled = overrules(noun.core_group, incoming, stored, insists=insists)
    return f"({incoming}.{name} OR (coalesce({stored}.{name}, false) AND NOT {overruled}))"


def concerns(noun: Noun, incoming: str = "excluded", stored: str = "t", *, insists: bool = False) -> str:
    """True where the incoming row changes anything of the stored one, or confirms it for the first time in a while."""
    confirmed = _confirmed(incoming, stored)
    core = taken(noun.core_group, incoming, stored, insists=insists)
    reasons = []
    for group in noun.all_groups:
        told = taken(group, incoming, stored, insists=insists)
        reasons.append(f"({told} AND NOT ({confirmed} AND {_same(group, incoming, stored)}))")
    reasons.append(f"{stored}.deleted_at IS DISTINCT FROM {lifted(noun, incoming, stored)}")
    reasons.append(f"{incoming}.verified_at > coalesce({stored}.verified_at + interval '{CONFIRMED_FOR}', '-infinity')")
    reasons.append(_confirmed_ahead(incoming, stored))
    living = f"({lifted(noun, incoming, stored)}) IS NULL"
    for name in noun.sticky:
        gone = f" AND NOT {living}" if name in noun.posthumous else ""
        reasons.append(f"({stored}.{name} IS NULL AND {incoming}.{name} IS NOT NULL{gone})")
        reasons.append(f"({core} AND {incoming}.{name} <> {stored}.{name})")
    reasons += [f"({stored}.{name} IS NOT NULL AND {living})" for name in noun.posthumous]
    reasons += [f"{stored}.{name} IS DISTINCT FROM {latest(name, incoming, stored)}" for name in noun.latest]
    for name, flag in noun.bound.items():
        if name not in noun.final:
            reasons.append(
                f"({stored}.{name} IS NOT NULL AND NOT {final(noun, flag, incoming, stored, insists=insists)})"
            )
    for name in noun.final:
        reasons.append(f"{stored}.{name} IS DISTINCT FROM {final(noun, name, incoming, stored, insists=insists)}")
    return "\n   OR ".join(reasons)


def _confirmed(incoming: str, stored: str) -> str:
    """True where the API speaks of a row that it has confirmed before, later than the row's last second could change.

    Then the stored version cannot be taken by another payload of that second, and need not be moved on (I9).
    """
    return (
        f"'api' = ALL (ARRAY[{incoming}.observed_by, {stored}.observed_by]) "
        f"AND {stored}.observed_at > coalesce({stored}.updated_at + interval '{CLOCKS_AGREE_WITHIN}', '-infinity') "
        f"AND {stored}.observed_at <= {last_moment(f'{incoming}.observed_at')}"
    )


def _same(group: Group, incoming: str, stored: str) -> str:
    names = [name for name in group.columns if name not in BOOKKEEPING]
    rows = (", ".join(f"{row}.{name}" for name in names) for row in (incoming, stored))
    same = "ROW({}) IS NOT DISTINCT FROM ROW({})".format(*rows)
    if group.name == "core" and not group.dated:
        same = f"({same} AND {stored}.updated_at IS NULL)"
    elif group.name == "core":  # a door that does not say when it changed contradicts none that does
        same = f"({same} AND coalesce({incoming}.updated_at = {stored}.updated_at, {incoming}.updated_at IS NULL))"
    return same


def unordered(noun: Noun, incoming: str, stored: str) -> str:
    """True where two hook payloads tie on updated_at, differ, and no GUID that can be of both says which is newer."""
    differs = " OR ".join(f"{incoming}.{name} IS DISTINCT FROM {stored}.{name}" for name in noun.core)
    doubt = f"'arrival' IN ({incoming}.observed_by, {stored}.observed_by)"
    tie = ""
    if noun.dated:
        times = f"{incoming}.observed_at, {stored}.observed_at"
        doubt = f"({doubt} OR greatest({times}) - least({times}) > interval '{TOLD_WITHIN}')"
        tie = f"{incoming}.updated_at IS NOT DISTINCT FROM {stored}.updated_at AND "
    return f"{tie}{doubt} AND 'api' NOT IN ({incoming}.observed_by, {stored}.observed_by) AND ({differs})"


def doubtful(noun: Noun, incoming: str, stored: str) -> str:
    """True where an answer that insists is by GitHub's own time older than what a replica may not have known yet."""
    group = noun.core_group
    return f"({taken(group, incoming, stored, insists=True)} AND NOT {taken(group, incoming, stored)})"
