"""Rows of a database as COPY has them, to be put back later, there or into another copy of it."""

import psycopg

NOT_KEPT = ("sync_budgets", "sync_tokens")
"""Of another GitHub, which has given other tokens and counted other requests."""

_TABLES = """
SELECT quote_ident(relname) FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'alembic_version' AND relname <> ALL(%s)
"""
_SEQUENCES = """
SELECT format('%%I.%%I', schemaname, sequencename), last_value FROM pg_sequences WHERE last_value IS NOT NULL
"""


class Rows:
    """All that a database holds now, but for what another GitHub would not know."""

    def __init__(self, connection: psycopg.Connection) -> None:
        found = connection.execute(_TABLES, [list(NOT_KEPT)]).fetchall()
        self._tables = {table: copied(connection, table) for (table,) in found}
        self._sequences = connection.execute(_SEQUENCES).fetchall()

    def put_back(self, connection: psycopg.Connection) -> None:
        """Let these tables hold that and nothing else."""
        with connection.transaction():
            connection.execute("SET LOCAL session_replication_role = replica")
            for table, rows in self._tables.items():
                connection.execute(f"DELETE FROM {table}".encode())
                fill(connection, table, rows)
            for sequence, last in self._sequences:
                connection.execute("SELECT setval(%s::regclass, %s)", [sequence, last])


def copied(connection: psycopg.Connection, table: str) -> bytes:
    """The rows of a table."""
    with connection.cursor().copy(f"COPY {table} TO STDOUT".encode()) as rows:
        return b"".join(rows)


def fill(connection: psycopg.Connection, table: str, rows: bytes) -> None:
    """Put such rows into a table."""
    if rows:
        with connection.cursor().copy(f"COPY {table} FROM STDIN".encode()) as copy:
            copy.write(rows)
