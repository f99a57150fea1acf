"""The first check for members, who are no noun: those whom GitHub told of, against what a replay gives.

Rows that people made, and those of projects that people gave to other repositories, are theirs and are left alone.
"""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.verification.finding import MOST, Discrepancy
from ghsync.verification.shadow import SCHEMA
from ghsync.verification.snapshot import COPY

_TABLES = {
    "organization_members": ("organizations", "organization", "parent.github_account_id", "true"),
    "project_members": (
        "projects", "repository", "parent.github_repo_id",
        """EXISTS (SELECT FROM github_repositories r
                   WHERE r.github_id = parent.github_repo_id AND r.project_id = parent.id)""",
    ),
}  # fmt: skip
_COLUMNS = ("role", "removed_at", "role_observed_at", "observed_at")
_NOTED = (*_COLUMNS, "confirmed_at")


async def take(conn: AsyncConnection) -> None:
    """Copy the live rows, and the places that they may be of, in the transaction of the snapshot."""
    for table, (parent, _, natural, own) in _TABLES.items():
        copy = f"CREATE UNLOGGED TABLE {SCHEMA}.{COPY}{table}"
        await conn.execute(sa.text(f"{copy} AS {_rows(table)}"))
        await conn.execute(sa.text(f"{copy}_places AS SELECT {natural} AS place FROM {parent} parent WHERE {own}"))


async def compare(conn: AsyncConnection, complete_since: datetime) -> list[Discrepancy]:
    """Compare all rows, in a session that sees the shadow."""
    values = {"since": complete_since, "most": MOST}
    return [
        Discrepancy("replay", table, row.key, row.problem, row.name, row.live, row.replayed)
        for table in _TABLES
        for row in await conn.execute(_differences(table), values)
    ]


def _rows(table: str) -> str:
    parent, _, natural, own = _TABLES[table]
    return f"""
SELECT {natural} AS place, u.github_id AS person, m.source, {", ".join(f"m.{name}" for name in _NOTED)}
FROM {table} m JOIN {parent} parent ON parent.id = m.{parent[:-1]}_id JOIN users u ON u.id = m.user_id
WHERE {natural} IS NOT NULL AND u.github_id IS NOT NULL AND {own}"""


def _differences(table: str) -> sa.TextClause:
    place = _TABLES[table][1]
    checks = ", ".join(f"('{name}', to_jsonb(l.{name}), to_jsonb(s.{name}))" for name in _COLUMNS)
    # What is older than the inbox no delivery repeats, nor what the API told last; that may be the role alone.
    unrepeated = "<= greatest(:since, l.confirmed_at)"
    return sa.text(f"""
SELECT json_build_object('{place}', coalesce(l.place, s.place), 'user', coalesce(l.person, s.person)) AS key,
       CASE WHEN l.place IS NULL THEN 'missing' WHEN s.place IS NULL THEN 'surplus' ELSE 'differs' END AS problem,
       c.name, c.live, c.replayed
FROM {COPY}{table} l FULL JOIN ({_rows(table)}) s ON l.place = s.place AND l.person = s.person
LEFT JOIN LATERAL (VALUES {checks}) AS c(name, live, replayed) ON l.place = s.place
WHERE (l.place IS NULL AND s.place IN (SELECT place FROM {COPY}{table}_places))
   OR (l.source = 'github' AND NOT l.observed_at {unrepeated} AND (c.name IS NULL OR c.live IS DISTINCT FROM c.replayed)
       AND NOT (coalesce(c.name, '') LIKE 'role%' AND coalesce(l.role_observed_at {unrepeated}, false)))
LIMIT :most
""")
