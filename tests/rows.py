"""All rows of a database, to be put back into another that is empty."""

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
    """What a database holds now."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._tables = {table: _copied(connection, table) for (table,) in connection.execute(_TABLES, [list(NOT_KEPT)])}
        self._sequences = connection.execute(_SEQUENCES).fetchall()

    def put_back(self, connection: psycopg.Connection) -> None:
        """Let a database hold that and nothing else."""
        with connection.transaction():
            connection.execute("SET LOCAL session_replication_role = replica")
            for table, rows in self._tables.items():
                connection.execute(f"DELETE FROM {table}".encode())
                if rows:
                    with connection.cursor().copy(f"COPY {table} FROM STDIN".encode()) as copy:
                        copy.write(rows)
            for sequence, last in self._sequences:
                connection.execute("SELECT setval(%s::regclass, %s)", [sequence, last])


def _copied(connection: psycopg.Connection, table: str) -> bytes:
    with connection.cursor().copy(f"COPY {table} TO STDOUT".encode()) as rows:
        return b"".join(rows)
