"""What the mirror must show of a simulated GitHub, field by field, and where it shows something else.

The truth is read off the world itself, not through ghsync's own reading of payloads.
"""

from collections.abc import Iterator, Set
from typing import Any

import psycopg

from ghsync.simulator.world import World
from tests.truth import checks, conversations, reviews, verdicts
from tests.truth.difference import Difference, by_row
from tests.truth.values import Key, Row, Rows, Tables, visible

__all__ = ["KEYS", "TABLES", "Difference", "agreeing", "by_row", "compare", "differences", "gone", "of", "visible"]

Connection = psycopg.Connection[Any]

KEYS = {
    "github_repositories": "t.github_id",
    "github_labels": "r.github_id, t.github_id",
    "github_milestones": "r.github_id, t.github_id",
    "github_releases": "r.github_id, t.github_id",
    "github_issues": "r.github_id, t.number",
    "github_pull_requests": "r.github_id, t.number",
    "github_comments": "r.github_id, t.kind, t.github_id",
    "github_reviews": "r.github_id, t.github_id",
    "github_review_threads": "r.github_id, t.node_id",
    "github_check_suites": "r.github_id, t.github_id",
    "github_workflow_runs": "r.github_id, t.github_id",
    "github_check_runs": "r.github_id, t.github_id",
    "github_commit_statuses": "r.github_id, t.github_id",
}
TABLES = (*KEYS, verdicts.TABLE)


def of(world: World) -> Tables:
    """All that is there and that the App may see, by table and key."""
    found: Tables = {table: {} for table in TABLES}
    for repository in world.repositories.values():
        if visible(world, repository):
            for part in (
                conversations.of(world, repository),
                reviews.of(repository),
                checks.of(repository),
                verdicts.of(world, repository),
            ):
                for table, rows in part.items():
                    found[table] |= rows
    return found


def differences(world: World, connection: Connection) -> list[Difference]:
    """Every field that is not as GitHub has it, every row too many, and every one that is missing."""
    return compare(of(world), world, connection)


def compare(expected: Tables, world: World, connection: Connection) -> list[Difference]:
    """Where these tables of the mirror are not as expected."""
    ever = checks.ever(world)
    return [
        difference
        for table, rows in expected.items()
        for difference in _differences(table, rows, _found(connection, table, rows), ever.get(table, frozenset()))
    ]


def agreeing(world: World, connection: Connection) -> int:
    """How many pull requests stand as the mirror says."""
    expected = of(world)[verdicts.TABLE]
    found = verdicts.mirrored(connection, expected)
    return sum(
        not list(_differences(verdicts.TABLE, {key: row}, {key: found[key]})) if key in found else False
        for key, row in expected.items()
    )


def gone(connection: Connection, table: str) -> set[Key]:
    """The keys of a table's tombstones."""
    statement = f"SELECT {KEYS[table]} FROM {_from(table)} WHERE t.deleted_at IS NOT NULL"
    return {tuple(row) for row in connection.execute(statement)}


def _differences(table: str, expected: Rows, found: Rows, besides: Set[Key] = frozenset()) -> Iterator[Difference]:
    """Where rows are not as expected; those ``besides`` may be there as they like."""
    for key in sorted(expected.keys() - found.keys(), key=str):
        yield Difference(table, key, "is missing")
    for key in sorted(found.keys() - expected.keys() - besides, key=str):
        yield Difference(table, key, "is not there any more")
    for key in sorted(expected.keys() & found.keys(), key=str):
        for name, value in expected[key].items():
            mirrored = _comparable(table, name, found[key][name])
            if mirrored != _comparable(table, name, value):
                yield Difference(table, key, f"{name}: mirrored {mirrored!r}, true {value!r}")


def _comparable(table: str, name: str, value: Any) -> Any:
    """A value without what hooks and an API that is served on the loopback may tell differently, or not at all."""
    if isinstance(value, dict) and "parent_issue_url" in value:
        return {**value, "parent_issue_url": "/repos/" + value["parent_issue_url"].partition("/repos/")[2]}
    if table in ("github_check_runs", "github_check_suites") and name == "status" and value in checks.UNTOLD:
        return "not completed"
    return value


def _found(connection: Connection, table: str, expected: Rows) -> Rows:
    if table == verdicts.TABLE:
        return verdicts.mirrored(connection, expected)
    return dict(_mirrored(connection, table))


def _mirrored(connection: Connection, table: str) -> Iterator[tuple[Key, Row]]:
    keys = KEYS[table]
    count = keys.count(",") + 1
    hidden = "" if table == "github_repositories" else "AND r.deleted_at IS NULL AND r.removed_at IS NULL"
    removed = "AND t.removed_at IS NULL" if table == "github_repositories" else ""
    if table == "github_releases":  # no reading shows drafts, so what is stored of them may be old
        hidden += " AND NOT t.draft"
    if table == "github_comments":  # what is below a tombstone is gone with it
        hidden += """ AND NOT EXISTS (
            SELECT FROM github_issues p
            WHERE p.repository_id = t.repository_id AND p.number = t.number AND p.deleted_at IS NOT NULL)"""
    installed = "AND i.suspended_at IS NULL AND i.deleted_at IS NULL"
    owner = "t" if table == "github_repositories" else "r"
    cursor = connection.execute(
        f"SELECT {keys}, t.* FROM {_from(table)} LEFT JOIN github_installations i ON i.id = {owner}.installation_id "
        f"WHERE t.deleted_at IS NULL {hidden} {removed} {installed}"
    )
    names = [column.name for column in cursor.description or ()][count:]
    for row in cursor:
        yield tuple(row[:count]), dict(zip(names, row[count:], strict=True))


def _from(table: str) -> str:
    return f"{table} t" + (
        "" if table == "github_repositories" else " JOIN github_repositories r ON r.id = t.repository_id"
    )
