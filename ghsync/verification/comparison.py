"""The first check: the live mirror against the one that replaying the inbox gives, noun by noun, in SQL.

The live mirror also has what the API told, which no delivery repeats. So column groups are judged one by one. Where a
group's version is the same on both sides, so must be its columns. Where the live one is newer, the API has to be the
reason, and nothing can be said of it; where it is older, or the row is missing, the mirror lost a delivery. What the
API may have changed without leaving a version is not judged either: the change feed knows it (see `told`).
"""

from collections.abc import Iterator
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.mirror import guard, installation, issue, pull_request, repository
from ghsync.mirror.noun import Group, Noun
from ghsync.verification import natural
from ghsync.verification.finding import MOST, Discrepancy, RowCounts
from ghsync.verification.snapshot import ARRIVED, COMPLETE_SINCE, COPY

# Groups that the API, or a row of another noun that it told, may write while the row says nothing of it.
_AMENDED = {
    installation.noun: {installation.ACCOUNT.name},
    repository.noun: {repository.ACCESS.name},
    pull_request.noun: {pull_request.COMMENTS.name},
}

_SINCE = sa.text(f"SELECT moment FROM {COMPLETE_SINCE}")

_HOOKS_ALONE = "l.verified_at IS NULL AND l.observed_by <> 'api' AND l.observed_at > :since"


async def since(conn: AsyncConnection) -> datetime:
    """From when on the inbox is known to be complete."""
    found: datetime = (await conn.execute(_SINCE)).scalar_one()
    return found


async def compare(conn: AsyncConnection, noun: Noun, complete_since: datetime) -> tuple[RowCounts, list[Discrepancy]]:
    """Compare a noun's rows, in a session that sees the shadow."""
    values = {"since": complete_since}
    judged = (await conn.execute(_judged(noun), values)).one()
    found = [
        Discrepancy("replay", noun.name, row.key, row.problem, row.name, row.live, row.replayed)
        for row in await conn.execute(_differences(noun), values | {"most": MOST})
    ]
    return RowCounts(judged.rows, judged.unjudged), found


def _sides(noun: Noun) -> str:
    same_key = " AND ".join(f"l.{name} = s.{name}" for name in noun.key)
    return f"{COPY}{noun.name} l FULL JOIN ({natural.rows(noun)}) s ON {same_key}"


def _judged(noun: Noun) -> sa.TextClause:
    absent = f"s.{noun.key[0]} IS NULL AND NOT ({_HOOKS_ALONE})"
    newer = " OR ".join(_explained(noun, group) for group in noun.all_groups)
    return sa.text(f"""
SELECT count(l.{noun.key[0]}) AS rows,
       count(*) FILTER (WHERE l.{noun.key[0]} IS NOT NULL AND ({absent} OR {newer})) AS unjudged
FROM {_sides(noun)}
""")


def _differences(noun: Noun) -> sa.TextClause:
    """Of rows that are there on both sides the columns that are wrong, of others the row as such."""
    first = noun.key[0]
    names = [name for name in natural.columns(noun) if name not in noun.key]
    live, replayed = (", ".join(f"{side}.{name}" for name in names) for side in ("l", "s"))
    checks = ",\n    ".join(
        f"('{name}', {wrong}, to_jsonb(l.{name}), to_jsonb(s.{name}))" for name, wrong in _checks(noun)
    )
    return sa.text(f"""
SELECT {_key(noun)} AS key, 'differs' AS problem, c.name, c.live, c.replayed
FROM {_sides(noun)}
CROSS JOIN LATERAL (VALUES
    {checks}
) AS c(name, wrong, live, replayed)
WHERE l.{first} = s.{first} AND ROW({live}) IS DISTINCT FROM ROW({replayed}) AND c.wrong
UNION ALL
SELECT {_key(noun)}, CASE WHEN l.{first} IS NULL THEN 'missing' ELSE 'surplus' END, NULL, NULL, NULL
FROM {_sides(noun)}
WHERE l.{first} IS NULL OR (s.{first} IS NULL AND {_HOOKS_ALONE})
LIMIT :most
""")


def _key(noun: Noun) -> str:
    parts = []
    for name in noun.key:
        value = f"coalesce(l.{name}, s.{name})"
        if name == "repository_id":
            names = ", ".join(
                f"(SELECT r.tracked_name FROM {table} r WHERE r.github_id = {value})"
                for table in (f"{COPY}{repository.noun.name}", repository.noun.name)
            )
            parts.append(f"'repository', coalesce({names})")
        else:
            parts.append(f"'{name}', {value}")
    return f"json_build_object({', '.join(parts)})"


def _checks(noun: Noun) -> Iterator[tuple[str, str]]:
    """Each column that is judged, and when it is wrong."""
    for group in noun.all_groups:
        settled = f"NOT ({_explained(noun, group)}) AND NOT ({_tie(group)})"
        for name in (*group.columns, group.updated_at, group.observed_at):
            if name in natural.columns(noun):
                excuses = "".join(f" AND NOT ({excuse})" for excuse in _excuses(noun, name))
                yield name, f"(l.{name} IS DISTINCT FROM s.{name} AND {settled}{excuses})"
    same = _same(noun.all_groups[0])
    for name in noun.sticky:
        # Of an API response only what it brought is left; one that was buried may have got a value with that.
        lost = f"l.{name} IS NULL AND s.{name} IS NOT NULL"
        if name in noun.posthumous:
            lost += " AND l.deleted_at IS NOT NULL"
        made = f"l.{name} IS DISTINCT FROM s.{name} AND {_HOOKS_ALONE} AND l.deleted_at IS NULL AND {same}"
        yield name, f"({lost} OR ({made}))"
    for name in noun.final:
        yield name, f"((s.{name} AND NOT l.{name}) OR (l.{name} AND NOT s.{name} AND {_HOOKS_ALONE}))"
    # A deletion stays until the API sees the thing alive after it; what the API found gone, no delivery repeats.
    buried = (
        "s.deleted_at > coalesce(l.deleted_at, '-infinity') AND s.deleted_at >= coalesce(l.verified_at, '-infinity')"
    )
    yield "deleted_at", f"coalesce({buried}, false)"
    if noun is repository.noun:
        yield "tracked_name", f"(l.tracked_name <> s.tracked_name AND {same} AND NOT ({_contested()}))"


def _same(group: Group) -> str:
    return f"{guard.version('l', group)} = {guard.version('s', group)}"


def _explained(noun: Noun, group: Group) -> str:
    """True where the live report is newer than any delivery's, for a reason."""
    observed_at = f"l.{group.observed_at}"
    if group.name == "core":
        reason = "l.observed_by = 'api'"
    elif group.name in _AMENDED.get(noun, ()):
        reason = "true"
    else:
        reason = f"coalesce(l.verified_at >= {observed_at}, false)"
    newer = f"{guard.version('l', group)} > {guard.version('s', group)}"
    return f"({newer} AND ({reason} OR {observed_at} <= :since))"


def _tie(group: Group) -> str:
    """True where several deliveries arrived at the very moment of the report: the later one was written, or another."""
    return f"{_same(group)} AND 1 < (SELECT count(*) FROM {ARRIVED} a WHERE a.received_at = l.{group.observed_at})"


def _excuses(noun: Noun, name: str) -> Iterator[str]:
    """What may be another than replay gives although its report is the same."""
    if name in noun.settled:
        flag, _ = noun.settled[name]
        yield f"l.{flag} IS DISTINCT FROM s.{flag}"
    if noun in (issue.noun, pull_request.noun) and name in ("labels", "milestone"):
        shown = "array_remove(ARRAY[l.milestone ->> 'id', s.milestone ->> 'id'], NULL)"
        if name == "labels":
            shown = "ARRAY(SELECT label ->> 'id' FROM jsonb_array_elements(l.labels || s.labels) AS label)"
        # Overlaid with what the repository learned later, and the API may have told that.
        yield f"""EXISTS (
          SELECT FROM {COPY}github_{name.removesuffix("s")}s fact
          WHERE fact.repository_id = l.repository_id AND fact.github_id = ANY({shown})
            AND (fact.verified_at IS NOT NULL OR fact.deleted_at IS NOT NULL OR fact.observed_at <= :since))"""


def _contested() -> str:
    """True where repositories were seen under one name: whose it is depends on what was observed last."""
    return " OR ".join(
        f"EXISTS (SELECT FROM {table} o WHERE lower(o.full_name) = lower(l.full_name) AND o.github_id <> l.github_id)"
        for table in (f"{COPY}{repository.noun.name}", repository.noun.name)
    )
