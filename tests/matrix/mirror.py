"""The mirror between two cells: as it was after a complete reading, but stale."""

from collections.abc import Mapping
from dataclasses import dataclass

import psycopg

STALE: Mapping[str, str] = {
    "github_installations": "app_slug",
    "github_repositories": "description",
    "github_labels": "description",
    "github_milestones": "description",
    "github_releases": "body",
    "github_issues": "title",
    "github_pull_requests": "title",
    "github_comments": "body",
    "github_reviews": "body",
    "github_review_threads": "path",
    "github_check_runs": "html_url",
    "github_check_suites": "app_slug",
    "github_workflow_runs": "name",
    "github_commit_statuses": "description",
    "github_security_alerts": "html_url",
}
"""What is made stale of each table: where it stays so, nothing was read."""

FORGOTTEN = (
    "change_events",
    "sync_budgets", "sync_etags", "sync_findings", "sync_jobs", "sync_omissions", "sync_runs", "sync_seen",
    "sync_tokens",
)  # fmt: skip

_TABLES = """
SELECT c.relname, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
  AND a.attgenerated = '' AND c.relname <> 'alembic_version'
GROUP BY c.relname ORDER BY c.relname
"""

_TIMES = """
SELECT table_name, string_agg(format('%%1$I = %%1$I - interval ''1 day''', column_name), ', ')
FROM information_schema.columns
WHERE table_schema = 'public' AND table_name = ANY(%s) AND column_name ~ '(observed|verified|synced)_at$'
GROUP BY table_name
"""

_MARKS = "UPDATE sync_marks SET issues_through = '2020-01-01Z', pull_requests_through = '2020-01-01Z'"

_THERE = "SELECT '{0}', {1} WHERE EXISTS (SELECT FROM {0} WHERE {2})"
_LOOK = " UNION ALL ".join([
    *(_THERE.format(table, True, f"{column} = '?'") for table, column in STALE.items()),
    *(_THERE.format(table, False, "deleted_at IS NOT NULL") for table in STALE),
    _THERE.format("github_repositories", False, "removed_at IS NOT NULL"),
])  # fmt: skip


@dataclass
class Stale:
    """A mirror that is put back at once."""

    connection: psycopg.Connection

    def make(self) -> None:
        """Make what is mirrored stale, forget how it was read, and keep that beside it."""
        self.connection.execute("SET session_replication_role = replica")
        for table in FORGOTTEN:
            self.connection.execute(f"DELETE FROM {table}")
        for table, times in self.connection.execute(_TIMES, [list(STALE)]).fetchall():
            self.connection.execute(f"UPDATE {table} SET {STALE[table]} = '?', {times}")
        self.connection.execute(_MARKS)
        self.connection.execute("CREATE SCHEMA kept")
        again = "".join(self._keep(table, columns) for table, columns in self.connection.execute(_TABLES).fetchall())
        self.connection.execute(f"CREATE PROCEDURE kept.restore() BEGIN ATOMIC {again} END")

    def restore(self) -> None:
        """Let nothing have been read."""
        self.connection.execute("CALL kept.restore()")

    def look(self) -> tuple[frozenset[str], ...]:
        """The tables that are stale still, and those in which something is said to be gone, or hidden."""
        found = self.connection.execute(_LOOK).fetchall()
        return tuple(frozenset(table for table, stale in found if stale is wanted) for wanted in (True, False))

    def one(self, query: str) -> str:
        """The first value of the first row; nothing where there is no row."""
        row = self.connection.execute(query).fetchone()
        return str(row[0]) if row and row[0] is not None else ""

    def _keep(self, table: str, columns: str) -> str:
        """Keep a table; answers what makes it so again."""
        self.connection.execute(f"CREATE TABLE kept.{table} AS SELECT {columns} FROM {table}")
        filled = f"INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM kept.{table};"
        return f"DELETE FROM {table};{filled if self.one(f'SELECT true FROM {table} LIMIT 1') else ''}"
