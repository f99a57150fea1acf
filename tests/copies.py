"""Copies of a migrated database, each used by one test after another.

To make and drop a database of 700 files costs as much as most tests do, and so do connections that know none of its
definitions and have planned no statement yet. So what a test has written is taken out again, and the next test gets the
same copy with the same connections, unless more than rows was changed in it.
"""

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import psycopg

from tests import postgres, rows

MOST_TESTS = 100
"""After so many a copy is made anew: rows that are gone take room until they are vacuumed."""

# Who is connected still. It may take a moment until who has hung up is gone.
_STRANGERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid() AND pid <> ALL(%s)
"""
PATIENCE_SECONDS = 0.5

# What is still at work, or holds a lock: the copy is no use then.
_BUSY = """
SELECT
  EXISTS (SELECT FROM pg_stat_activity
          WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle')
  OR EXISTS (SELECT FROM pg_locks WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database())
             AND pid <> pg_backend_pid())
"""

# What definitions there are and when they were written last, and what ANALYZE has noted.
_DEFINITIONS = """
SELECT
  (SELECT array[count(*), sum(hashtext(xmin::text)), sum(reltuples)::bigint] FROM pg_class WHERE oid >= 16384)
  || (SELECT array[count(*), sum(hashtext(xmin::text))] FROM pg_attribute WHERE attrelid >= 16384)
  || (SELECT array[count(*), sum(hashtext(xmin::text))] FROM pg_constraint WHERE oid >= 16384)
  || (SELECT array[count(*), sum(hashtext(xmin::text))] FROM pg_trigger)
  || (SELECT array[count(*), sum(hashtext(xmin::text))] FROM pg_proc WHERE oid >= 16384)
  || (SELECT array[count(*), sum(hashtext(xmin::text))] FROM pg_type WHERE oid >= 16384)
  || (SELECT array[count(*), sum(hashtext(xmin::text))] FROM pg_namespace)
  || (SELECT array[count(*), sum(hashtext(xmin::text))] FROM pg_policy)
  || (SELECT array[count(*), sum(hashtext(xmin::text))] FROM pg_description WHERE objoid >= 16384)
  || (SELECT array[count(*)] FROM pg_statistic WHERE starelid >= 16384)
  || (SELECT array[count(*)] FROM pg_db_role_setting WHERE setdatabase <> 0)
  || (SELECT array[count(*)] FROM pg_largeobject_metadata)
"""

_WRITTEN = """
SELECT oid::regclass::text FROM pg_class
WHERE relkind = 'r' AND oid >= 16384 AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0
"""

_COUNTED = """
SELECT count(setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)) FROM pg_sequences
WHERE last_value IS NOT NULL
"""


class Copies:
    """Copies of a database that nobody is connected to."""

    def __init__(self, server_url: str, template: str) -> None:
        self._server_url = server_url
        self._template = template
        self._spare: _Copy | None = None
        self._is_lent = False
        self.kept: set[int] = set()
        """The processes of connections that go from one test to the next with their copy."""

    @contextmanager
    def lent(self) -> Iterator[str]:
        """A database like the template, for one test at a time."""
        assert not self._is_lent
        copy = self._spare or _Copy(postgres.create(self._server_url, self._template))
        self._spare, self._is_lent = None, True
        try:
            yield copy.url
        finally:
            self._is_lent = False
            if copy.cleaned(self.kept):
                self._spare = copy
            else:
                self._drop(copy)

    def close(self) -> None:
        """Remove the last copy."""
        if self._spare is not None:
            self._drop(self._spare)

    def _drop(self, copy: "_Copy") -> None:
        copy.close()
        postgres.drop(copy.url, self._server_url)


class _Copy:
    """One of them, and how it was before any test had it; a connection of its own knows the catalog by heart."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._tests = 0
        self._connection = psycopg.connect(url, autocommit=True, prepare_threshold=0)
        self._connection.execute("SET session_replication_role = replica")
        self._definitions = self._connection.execute(_DEFINITIONS).fetchone()
        self._rows = {table: rows.copied(self._connection, table) for table in self._written()}

    def cleaned(self, kept: Collection[int]) -> bool:
        """Take out what a test wrote; False where that cannot be, or too much was written before, or where others than
        those that are ``kept`` are connected: they might go on to write.
        """
        self._tests += 1
        if self._tests == MOST_TESTS:
            return False
        try:
            if not self._is_left_alone(kept):
                return False
            if self._connection.execute(_BUSY).fetchone() != (False,):
                return False
            if self._connection.execute(_DEFINITIONS).fetchone() != self._definitions:
                return False
            written = self._written()
            with self._connection.transaction():
                with self._connection.pipeline():
                    for table in written:
                        self._connection.execute(f"DELETE FROM {table}".encode())
                for table, before in self._rows.items():
                    rows.fill(self._connection, table, before)
                self._connection.execute(_COUNTED)
        except psycopg.Error:
            return False
        return True

    def _is_left_alone(self, kept: Collection[int]) -> bool:
        until = time.monotonic() + PATIENCE_SECONDS
        while self._connection.execute(_STRANGERS, [list(kept)]).fetchone() != (0,):
            if time.monotonic() > until:
                return False
            time.sleep(0.005)
        return True

    def close(self) -> None:
        """Let go of it."""
        self._connection.close()

    def _written(self) -> list[str]:
        return [table for (table,) in self._connection.execute(_WRITTEN).fetchall()]
