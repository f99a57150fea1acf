"""What must be true of the database whatever happened to the processes that wrote it."""

from collections.abc import Iterable
from typing import Any

import psycopg

from ghsync.inbox.recording import RecordedDelivery
from tests.traffic import Rows, Traffic

Connection = psycopg.Connection[Any]

HIGHEST = 2**31 - 1
"""No issue or pull request has a number as high as that."""

ISSUES = """
SELECT r.github_id, t.number, t.title, t.body, t.state, t.comments_count, t.updated_at,
       ARRAY(SELECT label ->> 'name' FROM jsonb_array_elements(t.labels) AS label) AS labels
FROM github_issues t JOIN github_repositories r ON r.id = t.repository_id WHERE t.number < %s
"""

PULL_REQUESTS = """
SELECT r.github_id, t.number, t.title, t.body, t.state, t.merged, t.draft, t.head_sha,
       ARRAY(SELECT label ->> 'name' FROM jsonb_array_elements(t.labels) AS label) AS labels
FROM github_pull_requests t JOIN github_repositories r ON r.id = t.repository_id WHERE t.number < %s
"""

# The tables whose every change is told in the feed, and what of them is no news there.
TOLD = (
    "github_repositories", "github_issues", "github_pull_requests", "github_labels", "github_comments", "pr_tracking",
)  # fmt: skip

# updated_at is told with other changes, never for its own sake.
FEED = """
SELECT seq, entity_id::text, operation, old_values - 'updated_at', new_values - 'updated_at'
FROM change_events WHERE entity_type = %s ORDER BY seq
"""

NAMES_TOLD = """
SELECT entity_id::text, array_agg(DISTINCT name)
FROM change_events, jsonb_object_keys(new_values - 'updated_at') AS name WHERE entity_type = %s GROUP BY entity_id
"""


def shows(connection: Connection, traffic: Traffic, *, below: int = HIGHEST) -> None:
    """The rows with lower numbers than that are what GitHub would answer now."""
    assert _rows(connection, ISSUES, below) == traffic.issues()
    assert _rows(connection, PULL_REQUESTS, below) == traffic.pull_requests()


def _rows(connection: Connection, query: str, below: int) -> Rows:
    cursor = connection.execute(query, [below])
    names = [column.name for column in cursor.description or ()][2:]
    return {(row[0], row[1]): dict(zip(names, row[2:], strict=True)) for row in cursor}


def keeps(connection: Connection, answered: Iterable[RecordedDelivery]) -> None:
    """Every delivery that was answered 202 is in the inbox, once, with its bytes (I1, I3)."""
    stored = connection.execute("SELECT guid, body FROM webhook_deliveries").fetchall()
    bodies = dict(stored)
    assert len(stored) == len(bodies)
    assert [delivery.guid for delivery in answered if bodies.get(delivery.guid) != delivery.body] == []


def is_done(connection: Connection) -> None:
    """Every delivery had its effect, and none failed even once."""
    query = """
        SELECT guid, status, attempts, last_error FROM webhook_deliveries
        WHERE status NOT IN ('processed', 'ignored') OR attempts > 0"""
    assert connection.execute(query).fetchall() == []


def is_told_once(connection: Connection) -> None:
    """The feed has no gap, and told from its start it is the mirror: no change is missing, none is told twice."""
    positions = [seq for (seq,) in connection.execute("SELECT seq FROM change_events ORDER BY seq")]
    assert positions == list(range(1, len(positions) + 1))
    for table in TOLD:
        assert _rows_of(connection, table) == _retold(connection, table)


def _retold(connection: Connection, table: str) -> dict[str, dict[str, Any]]:
    """The rows that the feed tells of; each change starts from what the ones before it left."""
    rows: dict[str, dict[str, Any]] = {}
    for seq, entity, operation, old, new in connection.execute(FEED, [table]):
        before = rows.setdefault(entity, {})
        assert (operation == "insert") == (not before), f"{table} {entity} is inserted twice or never, at {seq}"
        assert old is None or {name: before.get(name) for name in old} == old, f"a change is told twice at {seq}"
        assert old is None or {name for name in new if old[name] != new[name]} == set(new), f"no change at {seq}"
        before |= new
    return rows


def _rows_of(connection: Connection, table: str) -> dict[str, dict[str, Any]]:
    """The stored rows with the columns that the feed knows, null where it never told of one."""
    told: dict[str, list[str]] = dict(connection.execute(NAMES_TOLD, [table]).fetchall())
    return {
        entity: {name: value for name, value in row.items() if name in told.get(entity, ())}
        for entity, row in connection.execute(f"SELECT id::text, to_jsonb(t) FROM {table} t")
    }
