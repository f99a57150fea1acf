"""What may be done to the mirror by hand: any column of any row set to anything, and rows removed."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from hypothesis import strategies as st

from ghsync.mirror import nouns, pull_request
from ghsync.mirror.noun import OBSERVED_BY, SOURCES, Noun
from ghsync.verification import natural

NOUNS = [noun for noun in nouns.NOUNS if noun.name != "github_branches"]  # GitHub tells of pushes to hooks alone
KEYS = {noun.name: noun.key for noun in NOUNS} | {"pr_tracking": ("repository_id", "pr_number")}

UNTOLD: dict[str, set[str]] = {
    # What people decide, or what is kept since it was known.
    "github_repositories": {"project_id", "webhook_id", "webhook_secret", "permissions", "metadata"},
    # Of one that is closed GitHub does not say whether it could be merged.
    "github_pull_requests": {"head_repository_id", "merged_into_default", *pull_request.MERGEABILITY.columns},
    "github_check_suites": {"head_branch"},
    "github_workflow_runs": {"head_branch", "run_attempt", "pull_requests"},
    "github_review_threads": {"updated_at"},
    "github_comments": {"comments_count"},
    # Of an alert in code only the default branch is listed.
    "github_security_alerts": {"state", "ref", "commit_sha", "pull_request_number", "closed_at"},
}
"""Columns of which an answer of the API may say nothing."""

FOREIGN = {
    "pr_tracking": {"repository_id", "pr_number"},
    "github_installations": {"github_id"},
    "github_repositories": {"github_id"},
    "github_reviews": {"github_id"},
    "github_review_threads": {"node_id"},
    "github_check_suites": {"github_id"},
    "github_check_runs": {"github_id"},
    "github_workflow_runs": {"github_id"},
    "github_commit_statuses": {"github_id"},
}
"""Under an id that GitHub never gave a row is one too many and not a wrong one: no reading tells of it."""

BOOKKEEPING = {"synced_at", "sync_source", "observed_at", "observed_by", "verified_at", "heard_at", "alive_at"}
"""When and how a row was written, which the next reading changes, and when hooks were heard, of which none tells."""

_VALUES = {
    "timestamp with time zone": (
        "'2999-01-01'", "'0001-01-01'", "now() - interval '3 days'", "now() - interval '1 minute'",
        "now() + interval '30 minutes'", "NULL",
    ),
    "integer": ("77", "-1", "NULL"),
    "boolean": ("true", "false", "NULL"),
    "jsonb": (
        "'[]'", "'{}'", """'[{"id": 1, "login": "nobody"}]'""", """'[1, null, [2], {"id": [3]}]'""",
        """'{"id": [1], "number": "x", "title": {}}'""", "'\"a text\"'", "NULL",
    ),
    "uuid": ("NULL", "(SELECT id FROM github_repositories ORDER BY id LIMIT 1)"),
}  # fmt: skip
_WORDS = ("'something else'", "''", "'77'", "NULL", *(f"'{word}'" for word in (*OBSERVED_BY, *SOURCES)))

_COLUMNS = """
SELECT attname, format_type(atttypid, NULL) FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attname <> 'id'
ORDER BY attnum
"""


@dataclass(frozen=True)
class Damage:
    """One row that is removed, or one column of it that is set to something; numbers beyond the last begin anew."""

    table: str
    row: int
    column: int
    value: int
    removed: bool


damages = st.lists(
    st.builds(
        Damage,
        st.sampled_from(list(KEYS)),
        st.integers(0, 30),
        st.integers(0, 50),
        st.integers(0, 10),
        st.sampled_from([True, *[False] * 9]),
    ),
    min_size=5,
    max_size=40,
)


def do(connection: psycopg.Connection, damage: Damage) -> None:
    """Do it, unless there is no such row or the database refuses it."""
    table = damage.table
    place = f"{damage.row} % greatest(1, (SELECT count(*) FROM {table}))"
    row = f"SELECT id FROM {table} ORDER BY {', '.join(KEYS[table])} OFFSET {place} LIMIT 1"
    act = f"DELETE FROM {table}" if damage.removed else f"UPDATE {table} SET {_setting(connection, damage)}"
    with suppress(psycopg.errors.IntegrityError, psycopg.errors.DataError):
        connection.execute(f"{act} WHERE id = ({row})".encode())


def _setting(connection: psycopg.Connection, damage: Damage) -> str:
    untold = UNTOLD.get(damage.table, set()) | FOREIGN.get(damage.table, set())
    columns = [each for each in connection.execute(_COLUMNS, [damage.table]) if each[0] not in untold]
    name, kind = columns[damage.column % len(columns)]
    values = _VALUES.get(kind, _WORDS)
    return f"{name} = {values[damage.value % len(values)]}"


def differences(right: dict[str, list[Any]], now: dict[str, list[Any]]) -> list[str]:
    """The rows of which there is one too many, or one too few."""
    return [
        f"{table} {problem}: {row}"
        for table in right
        for problem, some, others in (("lacks", right[table], now[table]), ("has", now[table], right[table]))
        for row in some
        if row not in others
    ]


def shown(connection: psycopg.Connection) -> dict[str, list[Any]]:
    """Every row that is not gone, as its readers see it, with GitHub's ids instead of ours."""
    found = {noun.name: _shown(connection, noun) for noun in NOUNS}
    tracked = connection.execute(
        """SELECT to_jsonb(t) - '{id,repository_id,pull_request_id,metadata}'::text[]
           FROM pr_tracking t JOIN github_pull_requests p ON p.id = t.pull_request_id AND p.deleted_at IS NULL
           ORDER BY 1"""
    )
    return found | {"pr_tracking": [row for (row,) in tracked]}


def _shown(connection: psycopg.Connection, noun: Noun) -> list[Any]:
    versions = {name for group in noun.groups for name in (group.updated_at, group.observed_at)}
    left_out = sorted(BOOKKEEPING | versions | UNTOLD.get(noun.name, set()))
    rows = connection.execute(
        f"SELECT to_jsonb(t) - %s::text[] FROM ({natural.rows(noun)}) t WHERE deleted_at IS NULL ORDER BY 1".encode(),
        [left_out],
    )
    return [row for (row,) in rows]
